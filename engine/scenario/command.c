/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/command.h"

#include "scenario/console.h"

#define AGENT_S 900 /* until the guest takes commands */

static void check_statuses(const struct command *c, const struct yaml *map, struct err_list *errors)
{
	uint64_t n;

	for (size_t i = 0; i < c->status.count; i++) {
		const char *text = LIST_AT(c->status, const char *, i);

		if (!str_eq(text, "any") && (str_u64(text, &n) || n > 255))
			err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "status"),
				    "'status' is 0 to 255 or any, found '%s'", text);
	}
}

void command_check(const struct command *c, const struct yaml *map, struct err_list *errors)
{
	regex_check(map, "output", c->output, errors);
	regex_check(map, "not-output", c->not_output, errors);
	check_statuses(c, map, errors);
	if (c->background && (c->status.items || c->output || c->not_output))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "background"),
			    "nobody waits for a command in the background: 'status' and 'output' "
			    "say nothing");
}

int command_start(struct stage *s, const char *script, bool background, unsigned *ret_job,
		  struct err **err)
{
	if (scene_wait_agent(s->scene, AGENT_S, err) < 0)
		return -1;
	return scene_start(s->scene, script, background, ret_job, err);
}

static bool status_fits(const struct command *c, int status)
{
	if (!c->status.count)
		return status == 0;
	for (size_t i = 0; i < c->status.count; i++) {
		const char *text = LIST_AT(c->status, const char *, i);

		if (str_eq(text, "any") || atoi(text) == status)
			return true;
	}
	return false;
}

/* The first line of the job like TEXT, or NULL; *ret_last: the last one that says something. */
static const char *job_line(struct stage *s, unsigned job, const regex_t *regex,
			    const char **ret_last)
{
	const struct scene_lines *lines = scene_lines(s->scene);
	const char *hit = NULL;

	for (size_t i = 0; i < lines->count; i++) {
		const struct scene_line *line = &lines->items[i];

		if (line->source != SCENE_JOB || line->job != job)
			continue;
		if (*line->text)
			*ret_last = line->text;
		if (!hit && regex && regexec(regex, line->text, 0, NULL, 0) == 0)
			hit = line->text;
	}
	return hit;
}

static int check_output(struct stage *s, unsigned job, const char *text, bool wanted,
			struct err **err)
{
	const char *last = "", *hit;
	regex_t regex;

	if (!text)
		return 0;
	if (regex_compile(text, &regex, err) < 0)
		return -1;
	hit = job_line(s, job, &regex, &last);
	regfree(&regex);
	if (wanted && !hit)
		return err_set(err, E_SCENARIO_FAILED,
			       "the command printed no line like '%s'; its last one: '%s'", text,
			       last);
	if (!wanted && hit)
		return err_set(err, E_SCENARIO_FAILED, "the command printed '%s'", hit);
	return 0;
}

int command_run(struct stage *s, const struct command *c, const char *script, unsigned seconds,
		struct err **err)
{
	const char *last = "";
	unsigned job;
	int status;

	if (command_start(s, script, c->background, &job, err) < 0)
		return -1;
	if (c->background)
		return 0;
	if (scene_wait_job(s->scene, job, step_within(&c->head, seconds), &status, err) < 0)
		return -1;
	if (!status_fits(c, status)) {
		job_line(s, job, NULL, &last);
		return err_set(err, E_SCENARIO_FAILED, "the command ended with %d: '%s'", status,
			       last);
	}
	if (check_output(s, job, c->output, true, err) < 0)
		return -1;
	return check_output(s, job, c->not_output, false, err);
}

int command_lines(struct stage *s, const char *script, unsigned seconds, struct strv *ret,
		  struct err **err)
{
	const struct scene_lines *lines;
	unsigned job;
	int status;

	if (command_start(s, script, false, &job, err) < 0 ||
	    scene_wait_job(s->scene, job, seconds, &status, err) < 0)
		return -1;
	if (status)
		return err_set(err, E_SCENARIO_FAILED, "the command ended with %d", status);
	lines = scene_lines(s->scene);
	for (size_t i = 0; i < lines->count; i++) {
		if (lines->items[i].source == SCENE_JOB && lines->items[i].job == job)
			strv_push(ret, lines->items[i].text);
	}
	return 0;
}
