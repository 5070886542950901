/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/report.h"

#include "base/file.h"
#include "cli/log_text.h"
#include "cli/paint.h"

#define TAIL_BYTES (32 * 1024)

void report_log_tail(const struct outcome *o, size_t lines, struct str *to)
{
	struct log_tail tail cleanup_log_tail = LOG_TAIL_INIT;
	const char *end;

	if (!o->log_path || !log_tail_read(&tail, o->log_path, lines, TAIL_BYTES))
		return;
	end = tail.text + tail.len;
	for (const char *p = tail.text; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		log_line(to, p, (size_t)((nl ? nl : end) - p));
		str_append_char(to, '\n');
		p = nl ? nl + 1 : end;
	}
}

/* The page of a job is a help: what hinders it is said, and no more. */
static void add_to_job(const struct cli *c, const struct str *text)
{
	struct err *err cleanup_err = NULL;

	if (c->step_summary >= 0 &&
	    fd_write_all(c->step_summary, "$GITHUB_STEP_SUMMARY", text->buf, text->len, &err) < 0)
		print_aside(err->text);
}

int report_write(const struct report *r, struct err **err)
{
	struct str summary cleanup_str = STR_INIT, junit cleanup_str = STR_INIT;
	const struct cli *c = r->cli;

	if (c->summary || c->step_summary >= 0)
		report_summary(r, &summary);
	if (summary.len)
		add_to_job(c, &summary);
	if (c->summary && result_write_text(c->summary, &summary, err) < 0)
		return -1;
	if (!c->junit)
		return 0;
	report_junit(r, &junit);
	return result_write_text(c->junit, &junit, err);
}
