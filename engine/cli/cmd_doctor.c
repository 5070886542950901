/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch doctor: what this machine can do. Exit 7 when something is missing that kinds need. */
#include "cli/doctor_pools.h"
#include "cli/doctor_remote.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"
#include "machine/host.h"

static const char *const levels[] = {
	[FINDING_OK] = "ok",
	[FINDING_SLOW] = "slow",
	[FINDING_MISSING] = "missing",
};

static void print_finding(const struct cli *c, const struct finding *f, int width)
{
	const struct paint *p = paint_for(c, stdout);
	const char *color = f->level == FINDING_OK     ? p->green
			    : f->level == FINDING_SLOW ? p->yellow
						       : p->red;

	printf("%s%-7s%s %-*s ", color, levels[f->level], p->off, width, f->what);
	print_lines(stdout, "", f->text, strlen(f->text));
	if (f->fix) {
		fputs("        -> ", stdout);
		print_lines(stdout, "", f->fix, strlen(f->fix));
	}
}

/* In columns that the longest name fits. */
static void print_all(const struct cli *c, const struct findings *found)
{
	size_t width = 0;

	for (size_t i = 0; i < found->count; i++)
		if (strlen(found->items[i].what) > width)
			width = strlen(found->items[i].what);
	for (size_t i = 0; i < found->count; i++)
		print_finding(c, &found->items[i], (int)width);
}

static void print_json(const struct findings *found, size_t missing)
{
	json_t *list = json_array();

	for (size_t i = 0; i < found->count; i++) {
		const struct finding *f = &found->items[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:o, s:o}", "level", levels[f->level],
						"what", json_text(f->what), "text",
						json_text(f->text), "fix", json_text(f->fix)));
	}
	json_print(stdout, json_pack("{s:i, s:b, s:o}", "v", 1, "ok", !missing, "findings", list),
		   false);
}

int cmd_doctor(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct host_query query = {0};
	struct findings found = {0};
	size_t missing = 0;
	int code = session_open_store(&s, c);

	if (code)
		return code;
	query.cache_dir = store_subdir(s.store, "machine");
	query.store_dir = store_dir(s.store);
	host_probe(s.arena, &query, &found);
	doctor_remote(&s, &found);
	doctor_pools(&s, &found);
	for (size_t i = 0; i < found.count; i++)
		missing += found.items[i].level == FINDING_MISSING;
	if (c->json)
		print_json(&found, missing);
	else
		print_all(c, &found);
	findings_clear(&found);
	return missing ? err_exit_code(ERR_ENV) : 0;
}
