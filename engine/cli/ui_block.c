/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs of nodes in the log of a CI. The formats: "Workflow commands for GitHub Actions" (group,
 * endgroup) and "Custom collapsible sections" of GitLab CI (section_start, section_end).
 */
#include <time.h>

#include "cli/log_text.h"
#include "cli/paint.h"
#include "cli/ui.h"

#define BLOCK_LINES 1000
#define BLOCK_BYTES (256 * 1024)

static bool env_true(const char *name)
{
	const char *value = getenv(name);

	return value && *value && !str_eq(value, "false") && !str_eq(value, "0");
}

enum ci ui_ci(void)
{
	if (env_true("GITHUB_ACTIONS"))
		return CI_GITHUB;
	if (env_true("GITLAB_CI"))
		return CI_GITLAB;
	return env_true("CI") ? CI_OTHER : CI_NONE;
}

/* GitLab's names of sections have letters, digits, '_', '.' and '-'. */
static char *section_name(const char *node)
{
	char *name = xstrdup(node);

	for (char *p = name; *p; p++)
		if (*p == '/' || *p == '@')
			*p = '.';
	return name;
}

static void begin(enum ci ci, const struct event *ev)
{
	char *took cleanup_free = str_seconds(ev->seconds);
	char *section cleanup_free = section_name(ev->node->name);

	if (ci == CI_GITHUB)
		fputs("::group::", stderr);
	if (ci == CI_GITLAB)
		fprintf(stderr, "\033[0Ksection_start:%lld:%s[collapsed=true]\r\033[0K",
			(long long)time(NULL), section);
	fprintf(stderr, "log of %s, %s\n", ev->node->name, took);
}

static void end(enum ci ci, const struct event *ev)
{
	char *section cleanup_free = section_name(ev->node->name);

	if (ci == CI_GITHUB)
		fputs("::endgroup::\n", stderr);
	if (ci == CI_GITLAB)
		fprintf(stderr, "\033[0Ksection_end:%lld:%s\r\033[0K\n", (long long)time(NULL),
			section);
}

void ui_block(enum ci ci, const struct event *ev)
{
	struct log_tail tail cleanup_log_tail = LOG_TAIL_INIT;
	char *prefix cleanup_free = NULL;
	struct foreign told;

	if (ci == CI_NONE || !ev->log_path ||
	    !log_tail_read(&tail, ev->log_path, BLOCK_LINES, BLOCK_BYTES) || !tail.len)
		return;
	prefix = xasprintf("%s | ", ev->node->name);
	fflush(stderr);
	begin(ci, ev);
	told = foreign_begin(stderr);
	if (!tail.whole)
		fprintf(stderr, "%s[what comes before: orch log %s]\n", prefix, ev->node->name);
	log_print(stderr, prefix, tail.text, tail.len);
	foreign_end(&told);
	end(ci, ev);
}
