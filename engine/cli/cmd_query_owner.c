/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch query owner: where a path of a result comes from (evidence/owner.h). Nothing is built. */
#include "base/path.h"
#include "base/tmp.h"
#include "cli/as_owner.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/query.h"
#include "evidence/owner.h"

#define PACKAGES_SHOWN 3

static const char *origin_text(struct arena *arena, const struct owner *o)
{
	switch (o->origin) {
	case OWNER_FILE:
		return arena_printf(arena, "the project's %s", o->from);
	case OWNER_PACKAGE:
		break;
	case OWNER_SCRIPTS:
		return "dpkg and the scripts of packages, as they were configured";
	case OWNER_STEPS:
		return o->from ? arena_printf(arena, "what the recipe says by %s", o->from)
			       : "what the node makes";
	case OWNER_FETCHED:
		return o->from;
	case OWNER_EMPTY:
		return "the device: the partition is made empty";
	}
	return "a package";
}

static void print_packages(const struct bill_packages *all)
{
	size_t shown = all->count > PACKAGES_SHOWN + 1 ? PACKAGES_SHOWN : all->count;

	for (size_t i = 0; i < shown; i++) {
		const struct bill_package *p = &all->items[i];

		printf("  of package %s %s %s, built from source package %s %s\n", p->name,
		       p->version, p->arch, p->source, p->source_version);
	}
	if (shown < all->count)
		printf("  and of %zu other packages\n", all->count - shown);
}

static void print_text(struct arena *arena, const struct owner *o)
{
	printf("/%s%s%s%s%s\n", o->path, o->part ? " in " : "", o->part ? o->part : "",
	       o->type ? ": " : "", o->type ? o->type : "");
	print_packages(&o->packages);
	if (!o->packages.count || o->origin != OWNER_PACKAGE)
		printf("  %sput there by %s\n", o->packages.count ? "as it is, " : "",
		       origin_text(arena, o));
	for (size_t i = 0; i < o->way.count; i++) {
		const struct owner_step *s = &o->way.items[i];

		printf("  %s:%u: %s\n", s->pos.file, s->pos.line, s->text);
	}
}

static json_t *package_object(const struct bill_package *p)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "package", json_text(p->name), "version",
			 json_text(p->version), "arch", json_text(p->arch), "source",
			 json_text(p->source), "source-version", json_text(p->source_version));
}

static json_t *step_object(const struct owner_step *s)
{
	return json_pack("{s:o, s:o, s:i, s:o}", "node", json_text(s->node->name), "recipe",
			 json_text(s->pos.file), "line", (int)s->pos.line, "text",
			 json_text(s->text));
}

static void print_json(const struct node *n, const struct owner *o)
{
	json_t *packages = json_array(), *way = json_array(), *needs = json_array();
	char *path cleanup_free = xasprintf("/%s", o->path);

	for (size_t i = 0; i < o->packages.count; i++)
		json_array_append_new(packages, package_object(&o->packages.items[i]));
	for (size_t i = 0; i < o->way.count; i++)
		json_array_append_new(way, step_object(&o->way.items[i]));
	for (size_t i = 0; i < o->needs.count; i++)
		json_array_append_new(needs, json_text(o->needs.items[i]));
	json_print(stdout,
		   json_pack("{s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "v", 1,
			     "ok", 1, "node", json_text(n->name), "part", json_text(o->part),
			     "path", json_text(path), "type", json_text(o->type), "packages",
			     packages, "needs", needs, "origin", owner_origin_word(o->origin),
			     "from", json_text(o->from), "way", way),
		   false);
}

static int find(struct session *s, const struct node *n, const char *scratch, struct err **err)
{
	const struct owner_place place = {store_dir(s->store), scratch};
	struct owner o cleanup_owner = {.arena = s->arena};
	struct plan_nodes plan = {0};
	int rc = plan_make(s->graph, s->store, &s->tools, &plan, err);

	plan_release(&plan);
	if (rc < 0 || owner_find(&o, &place, n, s->cli->args.items[2], err) < 0)
		return -1;
	if (s->cli->json)
		print_json(n, &o);
	else
		print_text(s->arena, &o);
	return 0;
}

static int find_in_scratch(struct session *s, const struct node *n, struct err **err)
{
	struct err *ignored cleanup_err = NULL;
	char *scratch cleanup_free = NULL;
	int rc = tmp_dir(store_subdir(s->store, "tmp"), "owner", &scratch, err);

	if (rc == 0)
		rc = find(s, n, scratch, err);
	if (scratch && path_remove(scratch, &ignored) < 0)
		print_aside(ignored->text);
	return rc;
}

int cmd_query_owner(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct strv target = {.items = &c->args.items[1], .count = 1};
	struct err *err = NULL;
	struct node *n;
	int code;

	if (query_check(c, "owner", 3, "NODE PATH", &err) < 0 || act_as_owner(c, &err) < 0)
		return cli_fail(&s, err);
	code = session_open(&s, c, SESSION_STORE, &target);
	if (code == 0)
		code = session_note_missing(&s, SESSION_NOTE_KEYS_AND_LOCKS);
	if (code)
		return code;
	n = session_node(&s, c->args.items[1], &err);
	return !n || find_in_scratch(&s, n, &err) < 0 ? cli_fail(&s, err) : 0;
}
