/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of the running board: power, console, commands. */
#include <jansson.h>

#include "kinds/test_run.h"
#include "machine/steps.h"

/* The verbs' own deadlines: a board emulated on a busy machine is not the one that failed. */
#define CONSOLE_S 900
#define COMMAND_S 600
#define AGENT_S 900
#define INSTALL_S 3600
#define REBOOT_S 1200
#define POWEROFF_S 600

/* -- power -- */

int test_start(struct test_run *r, const char *card, const struct test_step *s, struct err **err)
{
	struct board_power p = r->power;

	p.card = card;
	if (r->board.agent == BOARD_AGENT_NONE)
		p.media = NULL;
	if (s->clock)
		p.clock = strchr(s->clock, 'T')
				  ? s->clock
				  : arena_printf(r->a->arena, "%sT00:00:00", s->clock);
	if (s->record)
		p.record = r->record;
	return scene_power_on(r->scene, &p, s->link_up, err);
}

static int command(struct test_run *r, const char *script, bool background, unsigned *ret_job,
		   struct err **err)
{
	if (scene_wait_agent(r->scene, AGENT_S, err) < 0)
		return -1;
	return scene_start(r->scene, script, background, ret_job, err);
}

int test_power(struct test_run *r, const struct test_step *s, struct err **err)
{
	unsigned job;

	switch (s->power_word) {
	case POWER_ON:
		if (s->record && test_start_recording(r, err) < 0)
			return -1;
		return test_start(r, r->card, s, err);
	case POWER_CUT:
		return scene_cut(r->scene, err);
	case POWER_OFF:
		break;
	}
	if (command(r, "systemctl poweroff", true, &job, err) < 0)
		return -1;
	return scene_wait_off(r->scene, test_within(s, POWEROFF_S), err);
}

int test_network(struct test_run *r, const struct test_step *s, struct err **err)
{
	return scene_link(r->scene, s->link_up, err);
}

/* -- console -- */

struct hunt {
	regex_t regex;
	int64_t count; /* hits still to come */
};

static int match_regex(void *arg, const struct scene_line *line, struct err **err)
{
	struct hunt *h = arg;

	if (regexec(&h->regex, line->text, 0, NULL, 0) != 0)
		return 0;
	if (h->count > 1) {
		h->count--;
		return 0;
	}
	return 1;
}

static int hunt(struct test_run *r, const struct test_step *s, const char *text, bool background,
		struct err **err)
{
	struct hunt h = {.count = s->count};
	struct scene_want want = {
		.fn = match_regex, .arg = &h, .open = s->count < 2, .background = background};
	int rc;

	if (s->count > 1)
		want.what = arena_printf(r->a->arena, "no %lld lines like '%s'",
					 (long long)s->count, text);
	else
		want.what = arena_printf(r->a->arena, "no line like '%s'", text);
	if (test_regex(text, &h.regex, err) < 0)
		return -1;
	rc = scene_wait(r->scene, &want, test_within(s, CONSOLE_S), NULL, err);
	regfree(&h.regex);
	return rc;
}

int test_wait(struct test_run *r, const struct test_step *s, struct err **err)
{
	return hunt(r, s, s->wait, false, err);
}

static int look_back(struct test_run *r, const regex_t *regex, struct err **err)
{
	const struct scene_lines *lines = scene_lines(r->scene);

	for (size_t i = 0; i < lines->count; i++) {
		const struct scene_line *line = &lines->items[i];

		if (line->source == SCENE_CONSOLE && regexec(regex, line->text, 0, NULL, 0) == 0)
			return err_set(err, ERR_BUILD, "the console shows it after %.1f s: '%s'",
				       (double)line->ms / 1000, line->text);
	}
	return 0;
}

int test_refuse(struct test_run *r, const struct test_step *s, struct err **err)
{
	uint64_t ms = board_seconds(&r->board, (unsigned)s->hold) * 1000ull;
	regex_t regex;
	int rc = 0;

	if (test_regex(s->refuse, &regex, err) < 0)
		return -1;
	if (scene_is_on(r->scene))
		rc = scene_pass(r->scene, ms, err);
	if (rc == 0)
		rc = look_back(r, &regex, err);
	regfree(&regex);
	return rc;
}

int test_cut(struct test_run *r, const struct test_step *s, struct err **err)
{
	if (hunt(r, s, s->cut, true, err) < 0)
		return -1;
	if (s->after_ms && scene_pass(r->scene, s->after_ms, err) < 0)
		return -1;
	return scene_cut(r->scene, err);
}

/* -- the boot script's choice -- */

static bool copy_part(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = 0;
	return true;
}

int test_choice_parse(const char *line, struct test_choice *ret)
{
	const char *slot = strstr(line, "BOOT: slot "), *order, *left;
	size_t len;

	if (!slot)
		return 1;
	slot += strlen("BOOT: slot ");
	len = strcspn(slot, " ");
	order = str_skip(slot + len, " order <");
	left = order ? strstr(order, "> left ") : NULL;
	if (!left || !copy_part(ret->slot, sizeof(ret->slot), slot, len) ||
	    !copy_part(ret->order, sizeof(ret->order), order, (size_t)(left - order)))
		return 1;
	left += strlen("> left ");
	return copy_part(ret->left, sizeof(ret->left), left, strlen(left)) ? 0 : 1;
}

int test_choice_left(const struct test_choice *c, const char *name, unsigned long *ret)
{
	size_t len = strlen(name);

	for (const char *p = c->left; *p; p += strspn(p, " ")) {
		char *end;

		if (strncmp(p, name, len) == 0 && p[len] == '=') {
			*ret = strtoul(p + len + 1, &end, 16);
			return end == p + len + 1;
		}
		p += strcspn(p, " ");
	}
	return 1;
}

static int match_choice(void *arg, const struct scene_line *line, struct err **err)
{
	if (strstr(line->text, "BOOT: no slot left"))
		return err_set(err, ERR_BUILD, "the boot script found no slot with tries left");
	return test_choice_parse(line->text, arg) == 0;
}

int test_wait_choice(struct test_run *r, unsigned seconds, struct test_choice *ret,
		     struct err **err)
{
	struct scene_want want = {
		.fn = match_choice, .arg = ret, .what = "the boot script chose no slot"};

	return scene_wait(r->scene, &want, seconds, NULL, err);
}

static int check_choice(const struct test_step *s, const struct test_choice *c, struct err **err)
{
	if (s->slot && !str_eq(s->slot, c->slot))
		return err_set(err, ERR_BUILD,
			       "the boot script chose slot %s, not %s (order <%s>, left %s)",
			       c->slot, s->slot, c->order, c->left);
	for (size_t i = 0; i < s->left.count; i++) {
		const struct pair *p = LIST_AT(s->left, struct pair *, i);
		unsigned long n;

		if (test_choice_left(c, p->key, &n) || n != strtoul(p->value, NULL, 16))
			return err_set(err, ERR_BUILD, "slot %s has not %s tries left: '%s'",
				       p->key, p->value, c->left);
	}
	return 0;
}

int test_slot(struct test_run *r, const struct test_step *s, struct err **err)
{
	struct test_choice c = {0};

	if (test_wait_choice(r, test_within(s, CONSOLE_S), &c, err) < 0)
		return -1;
	return check_choice(s, &c, err);
}

int test_reboot(struct test_run *r, const struct test_step *s, struct err **err)
{
	struct test_choice c = {0};
	unsigned job;

	if (command(r, "systemctl reboot", true, &job, err) < 0)
		return -1;
	scene_skip(r->scene);
	scene_forget_agent(r->scene);
	if (test_wait_choice(r, test_within(s, REBOOT_S), &c, err) < 0)
		return -1;
	return check_choice(s, &c, err);
}

/* -- commands -- */

static bool status_fits(const struct test_step *s, int status)
{
	if (!s->status.count)
		return status == 0;
	for (size_t i = 0; i < s->status.count; i++) {
		const char *text = LIST_AT(s->status, const char *, i);

		if (str_eq(text, "any") || atoi(text) == status)
			return true;
	}
	return false;
}

/* The first line of the job like TEXT, or NULL; *ret_last: the last one that says something. */
static const char *job_line(struct test_run *r, unsigned job, const regex_t *regex,
			    const char **ret_last)
{
	const struct scene_lines *lines = scene_lines(r->scene);
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

static int check_output(struct test_run *r, unsigned job, const char *text, bool wanted,
			struct err **err)
{
	const char *last = "", *hit;
	regex_t regex;

	if (!text)
		return 0;
	if (test_regex(text, &regex, err) < 0)
		return -1;
	hit = job_line(r, job, &regex, &last);
	regfree(&regex);
	if (wanted && !hit)
		return err_set(err, ERR_BUILD,
			       "the command printed no line like '%s'; its last one: '%s'", text,
			       last);
	if (!wanted && hit)
		return err_set(err, ERR_BUILD, "the command printed '%s'", hit);
	return 0;
}

static int run_command(struct test_run *r, const struct test_step *s, const char *script,
		       unsigned seconds, struct err **err)
{
	const char *last = "";
	unsigned job;
	int status;

	if (command(r, script, s->background, &job, err) < 0)
		return -1;
	if (s->background)
		return 0;
	if (scene_wait_job(r->scene, job, test_within(s, seconds), &status, err) < 0)
		return -1;
	if (!status_fits(s, status)) {
		job_line(r, job, NULL, &last);
		return err_set(err, ERR_BUILD, "the command ended with %d: '%s'", status, last);
	}
	if (check_output(r, job, s->output, true, err) < 0)
		return -1;
	return check_output(r, job, s->not_output, false, err);
}

int test_run_script(struct test_run *r, const struct test_step *s, struct err **err)
{
	struct str line cleanup_str = STR_INIT;

	if (s->run->script)
		return run_command(r, s, s->run->script, COMMAND_S, err);
	steps_quote_argv((const char *const *)s->run->argv.items, s->run->argv.count, &line);
	return run_command(r, s, line.buf, COMMAND_S, err);
}

int test_install(struct test_run *r, const struct test_step *s, struct err **err)
{
	const char *argv[] = {"rauc", "install", test_media_path(r, s->install)};
	struct str line cleanup_str = STR_INIT;

	steps_quote_argv(argv, array_len(argv), &line);
	return run_command(r, s, line.buf, INSTALL_S, err);
}

/* -- rauc status -- */

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

const char *test_rauc_value(const json_t *root, const char *key)
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

static int check_rauc(const struct test_step *s, const json_t *root, struct err **err)
{
	for (size_t i = 0; i < s->rauc.count; i++) {
		const struct pair *p = LIST_AT(s->rauc, struct pair *, i);
		const char *is = test_rauc_value(root, p->key);

		if (!is || !str_eq(is, p->value))
			return err_set(err, ERR_BUILD, "rauc says '%s' for '%s', not '%s'",
				       is ? is : "nothing", p->key, p->value);
	}
	return 0;
}

int test_rauc(struct test_run *r, const struct test_step *s, struct err **err)
{
	const struct scene_lines *lines;
	json_t *root = NULL;
	unsigned job;
	int status, rc;

	if (command(r, "rauc status --detailed --output-format=json", false, &job, err) < 0 ||
	    scene_wait_job(r->scene, job, test_within(s, COMMAND_S), &status, err) < 0)
		return -1;
	lines = scene_lines(r->scene);
	for (size_t i = 0; i < lines->count && !root; i++) {
		const struct scene_line *line = &lines->items[i];

		if (line->source == SCENE_JOB && line->job == job && *line->text == '{')
			root = json_loads(line->text, 0, NULL);
	}
	if (status || !root)
		rc = err_set(err, ERR_BUILD, "'rauc status' ended with %d and said nothing of use",
			     status);
	else
		rc = check_rauc(s, root, err);
	json_decref(root);
	return rc;
}
