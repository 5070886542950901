/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a scenario leaves: the console, a verdict without times, and a report for those who read
 * JUnit's.
 */
#include "base/file.h"
#include "base/utf8.h"
#include "kinds/test/test_run.h"
#include "kinds/verdict.h"

#define LOG_MAX (64u << 20) /* of console output that is kept */
#define TEST_VERDICT_VERSION 1

static const struct formed *step_at(const struct test_run *r, size_t i)
{
	return LIST_AT(r->o->steps, struct formed *, i);
}

void test_plain_append(struct str *ret, const char *text)
{
	struct utf8 u = utf8_start(text, strlen(text));

	while (utf8_next(&u)) {
		if (u.bad || (utf8_is_control(u.code) && u.code != '\n' && u.code != '\t'))
			str_append_char(ret, '?');
		else
			str_append_len(ret, u.at, (size_t)(u.next - u.at));
	}
}

const char *test_plain(struct arena *arena, const char *text)
{
	struct str s cleanup_str = STR_INIT;

	test_plain_append(&s, text);
	return arena_strndup(arena, s.buf, s.len);
}

void test_console_line(void *arg, enum scene_source source, const char *line)
{
	struct str plain cleanup_str = STR_INIT;
	struct test_run *r = arg;

	if (r->written > LOG_MAX)
		return;
	r->written += strlen(line) + 1;
	if (r->written > LOG_MAX)
		line = "(the rest is left out)";
	action_log(r->a, "%s", line);
	test_plain_append(&plain, line); /* commands in the guest print what they like */
	fprintf(r->console, "%s\n", plain.buf);
	fflush(r->console);
}

static const char *title_of(const struct test_run *r, size_t i)
{
	return test_plain(r->a->arena, step_title(r->a->arena, step_at(r, i)));
}

/* Who says so: no emulator of ours, and what nobody looked at. */
static void add_remote(const struct test_run *r, json_t *root)
{
	json_t *unseen = json_array();

	for (size_t i = 0; i < r->o->steps.count; i++)
		if (r->results[i].unseen)
			json_array_append_new(unseen, json_integer((json_int_t)i + 1));
	json_object_set_new(
		root, "board",
		json_pack("{s:s, s:s}", "machine", REMOTE_BOARD, "name", r->board.name));
	json_object_set_new(root, "unseen", unseen);
}

static int write_verdict(struct test_run *r, const char *failure, struct err **err)
{
	json_t *root = json_object(), *steps = json_array();

	for (size_t i = 0; i < r->o->steps.count; i++)
		json_array_append_new(steps, json_string(title_of(r, i)));
	json_object_set_new(root, "v", json_integer(TEST_VERDICT_VERSION));
	json_object_set_new(root, "scenario", json_string(r->a->node));
	json_object_set_new(root, "pass", json_boolean(!failure));
	if (failure) {
		json_object_set_new(root, "failed_step", json_integer((json_int_t)r->failed));
		json_object_set_new(root, "message", json_string(failure));
	}
	json_object_set_new(root, "steps", steps);
	if (r->stage.remote)
		add_remote(r, root);
	return verdict_write(r->a, root, err);
}

static void xml(struct str *s, const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if (c == '&')
			str_append(s, "&amp;");
		else if (c == '<')
			str_append(s, "&lt;");
		else if (c == '>')
			str_append(s, "&gt;");
		else if (c == '"')
			str_append(s, "&quot;");
		else
			str_append_char(s, c);
	}
}

static void junit_case(struct test_run *r, size_t i, const char *failure, struct str *s)
{
	const struct step_result *result = &r->results[i];

	str_printf(s, "  <testcase classname=\"");
	xml(s, r->a->node);
	str_printf(s, "\" name=\"%zu ", i + 1);
	xml(s, title_of(r, i));
	str_printf(s, "\" time=\"%.3f\"", result->seconds);
	if (failure && i + 1 == r->failed) {
		str_append(s, ">\n    <failure message=\"");
		xml(s, failure);
		str_append(s, "\"/>\n  </testcase>\n");
	} else if (!result->done || result->unseen) {
		str_append(s, ">\n    <skipped/>\n  </testcase>\n");
	} else {
		str_append(s, "/>\n");
	}
}

static int write_junit(struct test_run *r, const char *failure, struct err **err)
{
	struct str s cleanup_str = STR_INIT;
	double seconds = 0;
	size_t skipped = 0;

	for (size_t i = 0; i < r->o->steps.count; i++) {
		seconds += r->results[i].seconds;
		skipped += !r->results[i].done && i + 1 != r->failed;
	}
	str_append(&s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"");
	xml(&s, r->a->node);
	str_printf(&s,
		   "\" tests=\"%zu\" failures=\"%d\" errors=\"0\" skipped=\"%zu\" time=\"%.3f\">\n",
		   r->o->steps.count, failure != NULL, skipped, seconds);
	for (size_t i = 0; i < r->o->steps.count; i++)
		junit_case(r, i, failure, &s);
	str_append(&s, "</testsuite>\n");
	return file_write(action_output(r->a, "junit.xml"), s.buf, s.len, 0644, false, err);
}

int test_report(struct test_run *r, const char *failure, struct err **err)
{
	if (failure)
		failure = test_plain(r->a->arena, failure);
	if (write_verdict(r, failure, err) < 0)
		return -1;
	return write_junit(r, failure, err);
}
