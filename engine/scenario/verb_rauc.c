/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rauc: what the guest's RAUC says of the slots. */
#include <jansson.h>

#include "scenario/command.h"
#include "scenario/rauc_status.h"

struct rauc {
	struct step_head head;
	struct list wanted; /* of struct pair * */
};

static const struct option options[] = {
	{"rauc", OPT_DICT, offsetof(struct rauc, wanted),
	 .help = "What `rauc status` says: booted, primary, and good or bad for a slot's name.",
	 .example = "{booted: A, primary: A, B: bad}"},
	STEP_NAME(struct rauc),
	STEP_WITHIN(struct rauc, 600),
};

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct rauc *r = data;

	for (size_t i = 0; i < r->wanted.count; i++) {
		const struct pair *p = LIST_AT(r->wanted, struct pair *, i);

		if (!str_eq(p->key, "booted") && !str_eq(p->key, "primary") &&
		    !str_eq(p->value, "good") && !str_eq(p->value, "bad"))
			err_list_at(errors, E_INVALID_VALUE, p->pos,
				    "slot '%s' is good or bad, found '%s'", p->key, p->value);
	}
}

static const struct schema schema = SCHEMA(struct rauc, options, .check = check);

static const json_t *slot_with(const json_t *root, const char *key, const char *value)
{
	const json_t *slots = json_object_get(root, "slots"), *entry, *slot;
	const char *name;
	size_t i;

	json_array_foreach(slots, i, entry)
	{
		json_object_foreach((json_t *)entry, name, slot)
		{
			const char *has =
				key ? json_string_value(json_object_get(slot, key)) : name;

			if (has && str_eq(has, value))
				return slot;
		}
	}
	return NULL;
}

const char *rauc_status_value(const json_t *root, const char *key)
{
	const char *name;

	if (str_eq(key, "booted"))
		return json_string_value(json_object_get(root, "booted"));
	if (!str_eq(key, "primary"))
		return json_string_value(
			json_object_get(slot_with(root, "bootname", key), "boot_status"));
	name = json_string_value(json_object_get(root, "boot_primary"));
	if (!name)
		return NULL;
	return json_string_value(json_object_get(slot_with(root, NULL, name), "bootname"));
}

static int judge(const struct rauc *r, const json_t *root, struct err **err)
{
	for (size_t i = 0; i < r->wanted.count; i++) {
		const struct pair *p = LIST_AT(r->wanted, struct pair *, i);
		const char *is = rauc_status_value(root, p->key);

		if (!is || !str_eq(is, p->value))
			return err_set(err, E_SCENARIO_FAILED, "rauc says '%s' for '%s', not '%s'",
				       is ? is : "nothing", p->key, p->value);
	}
	return 0;
}

/* The first line of JSON that the job printed; NULL: none. */
static json_t *job_json(struct stage *s, unsigned job)
{
	const struct scene_lines *lines = scene_lines(s->scene);
	json_t *root = NULL;

	for (size_t i = 0; i < lines->count && !root; i++) {
		const struct scene_line *line = &lines->items[i];

		if (line->source == SCENE_JOB && line->job == job && *line->text == '{')
			root = json_loads(line->text, 0, NULL);
	}
	return root;
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct rauc *r = opts;
	json_t *root;
	unsigned job;
	int status, rc;

	if (command_start(s, "rauc status --detailed --output-format=json", false, &job, err) < 0 ||
	    scene_wait_job(s->scene, job, step_within(&r->head, COMMAND_S), &status, err) < 0)
		return -1;
	root = job_json(s, job);
	if (status || !root)
		rc = err_set(err, E_SCENARIO_FAILED,
			     "'rauc status' ended with %d and said nothing of use", status);
	else
		rc = judge(r, root, err);
	json_decref(root);
	return rc;
}

const struct verb verb_rauc = {
	.form = {"rauc", &schema},
	.traits = STEP_NEEDS_ON | STEP_NEEDS_AGENT,
	.run = run,
};
