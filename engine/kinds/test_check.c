/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is wrong with a scenario can be said before anything runs; and each step's verb is settled.
 */
#include "kinds/test_opts.h"
#include "media/blklog.h"

static const char *const power_words[] = {"on", "off", "cut", NULL};
static const char *const switch_words[] = {"off", "on", NULL};
static const char *const half_words[] = {"first", "second", NULL};
static const char *const gpt_words[] = {"primary", "backup", NULL};
static const char *const choice_words[] = {"all", NULL};

/* -- words and numbers that are no enums, for an absent enum is its first word -- */

static int word_index(const char *text, const char *const *words)
{
	for (int i = 0; words[i]; i++) {
		if (str_eq(words[i], text))
			return i;
	}
	return -1;
}

/* The index of the word at KEY, or -1 after an error. */
static int check_word(const struct yaml *map, const char *key, const char *text,
		      const char *const *words, struct err_list *errors)
{
	int i = word_index(text, words);
	struct str all cleanup_str = STR_INIT;

	for (int w = 0; i < 0 && words[w]; w++)
		str_printf(&all, "%s%s", w ? ", " : "", words[w]);
	if (i < 0)
		err_list_at(errors, yaml_key_pos(map, key), "'%s' cannot be '%s' (one of: %s)", key,
			    text, all.buf);
	return i;
}

/* "0.5" as milliseconds. */
static int parse_ms(const char *text, unsigned *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (!*text || strspn(text, "0123456789.") != strlen(text) || *end || value > 86400)
		return 1;
	*ret = (unsigned)(value * 1000 + 0.5);
	return 0;
}

/* "1970-01-01" or "1970-01-01T12:00:00". */
static bool is_date(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t len = strlen(text);

	if (len != 10 && len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	}
	return true;
}

int test_regex(const char *text, regex_t *ret, struct err **err)
{
	char message[200];
	int rc = regcomp(ret, text, REG_EXTENDED);

	if (!rc)
		return 0;
	regerror(rc, ret, message, sizeof(message));
	return err_set(err, ERR_USER, "'%s' is not an extended regular expression: %s", text,
		       message);
}

static void check_regex(const struct yaml *map, const char *key, const char *text,
			struct err_list *errors)
{
	struct err *err cleanup_err = NULL;
	regex_t regex;

	if (!text)
		return;
	if (test_regex(text, &regex, &err) < 0)
		err_list_at(errors, yaml_key_pos(map, key), "%s", err->text);
	else
		regfree(&regex);
}

/* -- ranges -- */

void test_check_damage(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct test_damage *d = data;

	if (d->gpt)
		check_word(map, "gpt", d->gpt, gpt_words, errors);
	if (d->gpt && (d->partition || d->at || d->size))
		err_list_at(errors, map->pos, "'gpt' is a range of its own");
	if (!d->gpt && !d->partition && !d->size)
		err_list_at(errors, map->pos,
			    "say what is damaged: 'partition', 'gpt', or 'at' and 'size'");
}

#define LOST_MAX 1000 /* random subsets of a disk's */

void test_check_cuts(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct test_cuts *c = data;

	if (c->lost_writes < 1 || c->lost_writes > LOST_MAX)
		err_list_at(errors, yaml_key_pos(map, "lost-writes"),
			    "'lost-writes' is %lld: a number from 1 to %d is wanted, and of an SD "
			    "card to %d: every subset of so many writes is tried",
			    (long long)c->lost_writes, LOST_MAX, REPLAY_LOST_MAX);
}

void test_check_same(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct test_same *s = data;

	if (!s->partition && !s->size)
		err_list_at(errors, map->pos,
			    "say what is compared: 'partition', or 'at' and 'size'");
}

/* -- steps -- */

static bool is_given(const struct test_step *s, enum verb verb)
{
	switch (verb) {
	case VERB_POWER:
		return s->power;
	case VERB_WAIT:
		return s->wait;
	case VERB_REFUSE:
		return s->refuse;
	case VERB_RUN:
		return s->run;
	case VERB_INSTALL:
		return s->install;
	case VERB_REBOOT:
		return s->reboot;
	case VERB_SLOT:
		return s->slot && !s->reboot;
	case VERB_CUT:
		return s->cut;
	case VERB_ENVIRONMENT:
		return s->environment.items;
	case VERB_SET_ENVIRONMENT:
		return s->set_environment.items;
	case VERB_DAMAGE:
		return s->damage;
	case VERB_BOOT_HALF:
		return s->boot_half;
	case VERB_SAME:
		return s->same;
	case VERB_RAUC:
		return s->rauc.items;
	case VERB_NETWORK:
		return s->network && !s->power;
	case VERB_BOOT_CHOICE:
		return s->boot_choice;
	case VERB_POWER_CUTS:
		return s->power_cuts;
	}
	return false;
}

bool test_needs_agent(const struct test_step *s)
{
	return s->verb == VERB_RUN || s->verb == VERB_INSTALL || s->verb == VERB_REBOOT ||
	       s->verb == VERB_RAUC || (s->verb == VERB_POWER && s->power_word == POWER_OFF);
}

#define V(name) (1u << VERB_##name)
/* Which verbs a modifier belongs to. */
static const struct {
	const char *key;
	unsigned verbs;
} modifiers[] = {
	{"clock", V(POWER)},
	{"record", V(POWER)},
	{"network", V(POWER) | V(NETWORK)},
	{"count", V(WAIT)},
	{"for", V(REFUSE)},
	{"status", V(RUN) | V(INSTALL)},
	{"output", V(RUN) | V(INSTALL)},
	{"not-output", V(RUN) | V(INSTALL)},
	{"background", V(RUN) | V(INSTALL)},
	{"slot", V(REBOOT) | V(SLOT)},
	{"left", V(REBOOT) | V(SLOT)},
	{"after", V(CUT)},
	{"copies", V(ENVIRONMENT)},
	{"within", ~(V(REFUSE) | V(ENVIRONMENT) | V(SET_ENVIRONMENT) | V(DAMAGE) | V(BOOT_HALF) |
		     V(SAME) | V(NETWORK))},
};

static void check_modifiers(const struct test_step *s, const struct yaml *map,
			    struct err_list *errors)
{
	for (size_t i = 0; i < array_len(modifiers); i++) {
		const struct yaml *value = yaml_get(map, modifiers[i].key);

		if (value && !(modifiers[i].verbs & (1u << s->verb)))
			err_list_at(errors, value->pos, "'%s' does not go with '%s'",
				    modifiers[i].key, verb_words[s->verb]);
	}
}

static void check_power(struct test_step *s, const struct yaml *map, struct err_list *errors)
{
	int word = check_word(map, "power", s->power, power_words, errors);

	if (word < 0)
		return;
	s->power_word = (enum power)word;
	if (word != POWER_ON && (s->clock || s->network || s->record))
		err_list_at(errors, map->pos,
			    "'clock', 'network' and 'record' go with `power: on` only");
	if (s->clock && !is_date(s->clock))
		err_list_at(errors, yaml_key_pos(map, "clock"),
			    "'clock' is a date like 1970-01-01 or 1970-01-01T12:00:00, found '%s'",
			    s->clock);
}

static void check_statuses(const struct test_step *s, const struct yaml *map,
			   struct err_list *errors)
{
	uint64_t n;

	for (size_t i = 0; i < s->status.count; i++) {
		const char *text = LIST_AT(s->status, const char *, i);

		if (!str_eq(text, "any") && (str_u64(text, &n) || n > 255))
			err_list_at(errors, yaml_key_pos(map, "status"),
				    "'status' is 0 to 255 or any, found '%s'", text);
	}
	if (s->background && (s->status.items || s->output || s->not_output))
		err_list_at(errors, yaml_key_pos(map, "background"),
			    "nobody waits for a command in the background: 'status' and 'output' "
			    "say nothing");
}

static void check_left(const struct test_step *s, struct err_list *errors)
{
	for (size_t i = 0; i < s->left.count; i++) {
		const struct pair *p = LIST_AT(s->left, struct pair *, i);

		if (!*p->value || strspn(p->value, "0123456789abcdef") != strlen(p->value))
			err_list_at(errors, p->pos,
				    "tries left are a hexadecimal number, found '%s'", p->value);
	}
}

static void check_rauc(const struct test_step *s, struct err_list *errors)
{
	for (size_t i = 0; i < s->rauc.count; i++) {
		const struct pair *p = LIST_AT(s->rauc, struct pair *, i);

		if (!str_eq(p->key, "booted") && !str_eq(p->key, "primary") &&
		    !str_eq(p->value, "good") && !str_eq(p->value, "bad"))
			err_list_at(errors, p->pos, "slot '%s' is good or bad, found '%s'", p->key,
				    p->value);
	}
}

/* Variables are "NAME=VALUE" with a NUL behind it. */
static void check_variables(const struct list *l, struct err_list *errors)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct pair *p = LIST_AT(*l, struct pair *, i);

		if (!*p->key || strpbrk(p->key, "= \n"))
			err_list_at(errors, p->pos, "'%s' is not a variable name", p->key);
	}
}

void test_check_step(void *data, const struct yaml *map, struct err_list *errors)
{
	struct test_step *s = data;
	size_t verbs = 0;
	struct str found cleanup_str = STR_INIT;

	for (int v = 0; v < VERB_COUNT; v++) {
		if (!is_given(s, (enum verb)v))
			continue;
		s->verb = (enum verb)v;
		str_printf(&found, "%s'%s'", verbs++ ? ", " : "", verb_words[v]);
	}
	if (verbs != 1) {
		err_list_at(errors, map->pos, "a step has exactly one verb, this one has %s",
			    verbs ? found.buf : "none");
		return;
	}
	check_modifiers(s, map, errors);
	if (s->power)
		check_power(s, map, errors);
	if (s->network)
		s->link_up = check_word(map, "network", s->network, switch_words, errors) != 0;
	else
		s->link_up = true;
	if (s->boot_half)
		check_word(map, "boot-half", s->boot_half, half_words, errors);
	if (s->boot_choice)
		check_word(map, "boot-choice", s->boot_choice, choice_words, errors);
	if (s->after && parse_ms(s->after, &s->after_ms))
		err_list_at(errors, yaml_key_pos(map, "after"),
			    "'after' is a number of seconds like 0.5, found '%s'", s->after);
	check_regex(map, "wait", s->wait, errors);
	check_regex(map, "refuse", s->refuse, errors);
	check_regex(map, "cut", s->cut, errors);
	check_regex(map, "output", s->output, errors);
	check_regex(map, "not-output", s->not_output, errors);
	check_statuses(s, map, errors);
	check_left(s, errors);
	check_rauc(s, errors);
	check_variables(&s->environment, errors);
	check_variables(&s->set_environment, errors);
}

/* -- the whole -- */

static bool has_slot(const struct test_opts *o, const char *name)
{
	if (!o->slots.count)
		return str_eq(name, "A") || str_eq(name, "B");
	for (size_t i = 0; i < o->slots.count; i++) {
		if (str_eq(LIST_AT(o->slots, struct pair *, i)->key, name))
			return true;
	}
	return false;
}

static void check_slot(const struct test_opts *o, const char *name, struct pos pos,
		       struct err_list *errors)
{
	if (!has_slot(o, name))
		err_list_at(errors, pos, "there is no slot '%s': 'slots' names them", name);
}

/* Whether the power is on before each step, as far as the verbs tell. */
static void check_order(const struct test_opts *o, struct err_list *errors)
{
	bool on = false, recorded = false;

	for (size_t i = 0; i < o->steps.count; i++) {
		const struct test_step *s = LIST_AT(o->steps, struct test_step *, i);
		bool starts = s->verb == VERB_POWER && s->power_word == POWER_ON;
		bool host = s->verb == VERB_ENVIRONMENT || s->verb == VERB_SET_ENVIRONMENT ||
			    s->verb == VERB_DAMAGE || s->verb == VERB_BOOT_HALF ||
			    s->verb == VERB_SAME || s->verb == VERB_BOOT_CHOICE ||
			    s->verb == VERB_POWER_CUTS;
		const char *word = verb_words[s->verb];

		if ((host || starts) && on)
			err_list_at(errors, s->pos,
				    "'%s' needs the power off: `power: cut` or `off` before it",
				    word);
		if (!host && !starts && s->verb != VERB_REFUSE && !on)
			err_list_at(errors, s->pos,
				    "'%s' needs the power on: `power: on` before it", word);
		if (s->verb == VERB_POWER_CUTS && !recorded)
			err_list_at(errors, s->pos,
				    "'power-cuts' needs a power-on with `record: true`");
		if (starts)
			recorded |= s->record;
		if (s->verb == VERB_POWER)
			on = starts;
		if (s->verb == VERB_CUT)
			on = false;
	}
}

static void check_environment(const struct test_env *e, const struct yaml *map,
			      struct err_list *errors)
{
	struct pos pos = yaml_key_pos(map, "environment");
	uint64_t a, b;

	if (e->at.count != 2) {
		err_list_at(errors, pos, "the environment has two copies: 'at' names both");
		return;
	}
	a = LIST_AT(e->at, uint64_t, 0);
	b = LIST_AT(e->at, uint64_t, 1);
	if (a < b + e->size && b < a + e->size)
		err_list_at(errors, pos, "the two copies of the environment overlap");
	if (e->size < 512 || e->size > 1 << 20)
		err_list_at(errors, pos, "an environment has 512 bytes to 1M");
}

void test_check_all(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct test_opts *o = data;

	if (o->card_size & (o->card_size - 1) || o->card_size < 1 << 20)
		err_list_at(errors, yaml_key_pos(map, "card-size"),
			    "the size of a card is a power of two, like 4G");
	if (o->environment)
		check_environment(o->environment, map, errors);
	if (!o->steps.count)
		err_list_at(errors, yaml_key_pos(map, "steps"), "a test needs at least one step");
	for (size_t i = 0; i < o->never.count; i++) {
		if (!*LIST_AT(o->never, const char *, i))
			err_list_at(errors, yaml_key_pos(map, "never"),
				    "'never' has an empty text");
	}
	for (size_t i = 0; i < o->steps.count; i++) {
		const struct test_step *s = LIST_AT(o->steps, struct test_step *, i);

		if (s->slot)
			check_slot(o, s->slot, s->pos, errors);
		for (size_t k = 0; k < s->left.count; k++) {
			const struct pair *p = LIST_AT(s->left, struct pair *, k);

			check_slot(o, p->key, p->pos, errors);
		}
	}
	check_order(o, errors);
}
