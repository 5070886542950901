/* SPDX-License-Identifier: GPL-3.0-or-later */
/* environment, set-environment: the boot loader's variables on the card. */
#include "scenario/card.h"
#include "scenario/verb.h"

enum copies { COPIES_ANY, COPIES_BOTH, COPIES_ONE, COPIES_NONE };
static const char *const copies_words[] = {"any", "both", "one", "none", NULL};

struct environment {
	struct step_head head;
	struct list variables; /* of struct pair * */
	int copies;            /* enum copies; of `environment` alone */
};

#define AT(field) offsetof(struct environment, field)
static const struct option options[] = {
	{"environment", OPT_DICT, AT(variables),
	 .help = "What the boot loader keeps on the card, by its own names (U-Boot: its "
		 "environment); an empty value: not set. Power is off.",
	 .example = "{BOOT_ORDER: A B, BOOT_A_LEFT: \"3\"}"},
	STEP_NAME(struct environment),
	{"copies", OPT_ENUM, AT(copies), .words = copies_words,
	 .help = "How many of its two copies are valid."},
};
static const struct option set_options[] = {
	{"set-environment", OPT_DICT, AT(variables),
	 .help = "Changes what the boot loader keeps on the card, in all copies; an empty value "
		 "removes a variable. Power is off."},
	STEP_NAME(struct environment),
};
#undef AT

/* Variables are "NAME=VALUE" with a NUL after it. */
static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct environment *e = data;

	for (size_t i = 0; i < e->variables.count; i++) {
		const struct pair *p = LIST_AT(e->variables, struct pair *, i);

		if (!*p->key || strpbrk(p->key, "= \n"))
			err_list_at(errors, E_INVALID_NAME, p->pos, "'%s' is not a variable name",
				    p->key);
	}
}

static const struct schema schema = SCHEMA(struct environment, options, .check = check);
static const struct schema set_schema = SCHEMA(struct environment, set_options, .check = check);

static int check_copies(const struct environment *wanted, unsigned valid, struct err **err)
{
	static const unsigned numbers[] = {[COPIES_BOTH] = 2, [COPIES_ONE] = 1, [COPIES_NONE] = 0};

	if (wanted->copies == COPIES_ANY || numbers[wanted->copies] == valid)
		return 0;
	return err_set(err, E_SCENARIO_FAILED, "%u of the environment's copies %s valid, not %u",
		       valid, valid == 1 ? "is" : "are", numbers[wanted->copies]);
}

static int differs(const struct pair *wanted, const char *is, bool valid, struct err **err)
{
	const char *mark = is ? "'" : "", *wanted_mark = *wanted->value ? "'" : "";

	return err_set(err, E_SCENARIO_FAILED, "%s is %s%s%s, not %s%s%s%s", wanted->key, mark,
		       is ? is : "not set", mark, *wanted->value ? wanted_mark : "unset",
		       wanted->value, wanted_mark,
		       valid ? "" : " (no copy of the environment is valid)");
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct environment *wanted = opts;
	struct boot_vars v cleanup_boot_vars = {0};

	if (card_read_vars(s, &v, err) < 0 || check_copies(wanted, v.valid, err) < 0)
		return -1;
	for (size_t i = 0; i < wanted->variables.count; i++) {
		const struct pair *p = LIST_AT(wanted->variables, struct pair *, i);
		const char *is = strv_get(&v.vars, p->key);

		if (!str_eq(is ? is : "", p->value))
			return differs(p, is, v.valid, err);
	}
	return 0;
}

static int set(struct stage *s, const void *opts, struct err **err)
{
	const struct environment *wanted = opts;
	struct boot_vars v cleanup_boot_vars = {0};

	if (card_read_vars(s, &v, err) < 0)
		return -1;
	for (size_t i = 0; i < wanted->variables.count; i++) {
		const struct pair *p = LIST_AT(wanted->variables, struct pair *, i);

		strv_set(&v.vars, p->key, p->value);
	}
	return card_write_vars(s, &v, err);
}

const struct verb verb_environment = {
	.form = {"environment", &schema},
	.traits = STEP_NEEDS_DEVICE | STEP_NEEDS_CHOOSER | STEP_NEEDS_OFF | STEP_READS_CARD,
	.run = run,
};

const struct verb verb_set_environment = {
	.form = {"set-environment", &set_schema},
	.traits = STEP_NEEDS_DEVICE | STEP_NEEDS_CHOOSER | STEP_NEEDS_OFF | STEP_CHANGES_CARD,
	.run = set,
};
