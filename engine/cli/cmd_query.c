/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch query: which of many releases have a package, or a vulnerability that became known, by their
 * bills of materials. Needs no project and no store.
 */
#include "cli/json.h"
#include "cli/session.h"
#include "cli/table.h"
#include "evidence/vulnerable.h"

struct query {
	const struct cli *cli;
	struct arena *arena;
	struct sbom_documents documents;
	struct table *table; /* or, with --json, */
	json_t *found;
	size_t count; /* of rows */
	size_t documents_hit;
};

static int read_documents(struct query *q, struct err **err)
{
	const struct strv *args = &q->cli->args;

	if (args->count == 2)
		return sbom_read_all(q->arena, ".", &q->documents, err);
	for (size_t i = 2; i < args->count; i++) {
		if (sbom_read_all(q->arena, args->items[i], &q->documents, err) < 0)
			return -1;
	}
	return 0;
}

static json_t *package_object(const struct sbom_document *d, const struct sbom_package *p)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "document",
			 json_text(d->path), "of", json_text(d->name), "of-version",
			 json_text(d->version), "package", json_text(p->name), "version",
			 json_text(p->version), "arch", json_text(p->arch), "source",
			 json_text(p->source), "source-version", json_text(p->source_version),
			 "distro", json_text(p->distro));
}

/* ---- contains ---- */

static void tell_package(struct query *q, const struct sbom_document *d,
			 const struct sbom_package *p)
{
	char *source cleanup_free = xasprintf("%s %s", p->source, p->source_version);

	q->count++;
	if (q->found)
		json_array_append_new(q->found, package_object(d, p));
	else
		table_row(q->table, p->name, p->version, p->arch ? p->arch : "", source, d->path);
}

static bool is_named(const struct sbom_package *p, const char *name, const char *version)
{
	bool own = str_eq(p->name, name), source = str_eq(p->source, name);

	if (!version)
		return own || source;
	return (own && str_eq(p->version, version)) ||
	       (source && str_eq(p->source_version, version));
}

static int contains(struct query *q, struct err **err)
{
	const char *text = q->cli->args.items[1], *equals = strchr(text, '=');
	const char *name =
		arena_strndup(q->arena, text, equals ? (size_t)(equals - text) : strlen(text));

	if (!*name || (equals && !equals[1]))
		return err_set(err, E_USAGE, "'%s' is not a package: PKG or PKG=VERSION", text);
	if (!q->found)
		q->table = table_new("PACKAGE", "VERSION", "ARCH", "SOURCE", "IN", NULL);
	for (size_t i = 0; i < q->documents.count; i++) {
		const struct sbom_document *d = &q->documents.items[i];
		size_t before = q->count;

		for (size_t k = 0; k < d->packages.count; k++) {
			if (is_named(&d->packages.items[k], name, equals ? equals + 1 : NULL))
				tell_package(q, d, &d->packages.items[k]);
		}
		q->documents_hit += q->count > before;
	}
	return 0;
}

/* ---- vulnerable ---- */

static const char *status_text(const struct vulnerable *v)
{
	switch (v->status) {
	case VULNERABLE_FIXED_LATER:
		return v->fixed;
	case VULNERABLE_OPEN:
		return "(no fix)";
	case VULNERABLE_UNDETERMINED:
		break;
	}
	return "(undetermined)";
}

static void tell_vulnerable(struct query *q, const struct sbom_document *d,
			    const struct vulnerable *v)
{
	const struct sbom_package *p = v->package;
	json_t *o;

	q->count++;
	if (!q->found) {
		table_row(q->table, v->id, p->name, p->source, p->source_version, status_text(v),
			  d->path);
		return;
	}
	o = package_object(d, p);
	json_object_set_new(o, "id", json_text(v->id));
	json_object_set_new(o, "fixed", json_text(v->fixed));
	json_object_set_new(o, "status",
			    json_string(v->status == VULNERABLE_FIXED_LATER ? "fixed-later"
					: v->status == VULNERABLE_OPEN      ? "open"
									    : "undetermined"));
	json_array_append_new(q->found, o);
}

static void match_document(struct query *q, struct vulnerability_list *l,
			   const struct sbom_document *d)
{
	struct vulnerables all = {0};

	for (size_t i = 0; i < d->packages.count; i++)
		vulnerability_list_match(l, &d->packages.items[i], &all);
	for (size_t i = 0; i < all.count; i++)
		tell_vulnerable(q, d, &all.items[i]);
	q->documents_hit += all.count > 0;
	vulnerables_clear(&all);
}

static int vulnerable(struct query *q, struct err **err)
{
	struct vulnerability_list list cleanup_vulnerability_list = {0};

	if (vulnerability_list_read(q->arena, q->cli->args.items[1], &list, err) < 0)
		return -1;
	if (!q->found)
		q->table = table_new("ID", "PACKAGE", "SOURCE", "VERSION", "FIXED IN", "IN", NULL);
	for (size_t i = 0; i < q->documents.count; i++)
		match_document(q, &list, &q->documents.items[i]);
	return 0;
}

/* ---- */

static int ask(struct query *q, struct err **err)
{
	const char *verb = q->cli->args.items[0];

	if (!str_eq(verb, "contains") && !str_eq(verb, "vulnerable"))
		return err_set(err, E_USAGE,
			       "'orch query' has no '%s'; it has contains and vulnerable", verb);
	if (read_documents(q, err) < 0)
		return -1;
	return str_eq(verb, "contains") ? contains(q, err) : vulnerable(q, err);
}

static void tell(struct query *q)
{
	if (q->found) {
		json_print(stdout,
			   json_pack("{s:i, s:b, s:I, s:O}", "v", 1, "ok", 1, "documents",
				     (json_int_t)q->documents.count, "found", q->found),
			   false);
		return;
	}
	table_print(q->table);
	printf("%s%zu found in %zu of %zu document%s\n", q->count ? "\n" : "", q->count,
	       q->documents_hit, q->documents.count, q->documents.count == 1 ? "" : "s");
}

int cmd_query(struct cli *c)
{
	struct arena *arena cleanup_arena = arena_new();
	struct query q = {.cli = c, .arena = arena, .found = c->json ? json_array() : NULL};
	struct session s = {.cli = c};
	struct err *err = NULL;
	int code = ask(&q, &err) < 0 ? cli_fail(&s, err) : 0;

	if (code == 0)
		tell(&q);
	if (code == 0 && c->exit_code && q.count)
		code = 3;
	sbom_documents_release(&q.documents);
	json_decref(q.found);
	return code;
}
