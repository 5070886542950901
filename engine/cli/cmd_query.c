/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch query: which of many releases have a package, or a vulnerability that became known, by their
 * bills of materials. Needs no project; of one it takes its locks and its own statements.
 */
#include "base/path.h"
#include "cli/as_owner.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/query.h"
#include "cli/table.h"
#include "evidence/locked.h"
#include "evidence/vex.h"
#include "media/deb/deb.h"

#define SHOWN 8 /* packages of a document; programs get all */

/* What nobody can say, for one reason. */
struct unsettled {
	const char *why; /* for programs */
	size_t count;
	struct strs names; /* of the document that is looked at: "openssl" */
	struct str text;   /* of those before it, a line each */
};

struct query {
	struct cli *cli;
	struct arena *arena;
	const char *name, *version; /* contains: what is asked for; VERSION may be NULL */
	struct vulnerability_list list;
	struct vex vex;
	struct locked locked;
	size_t said_not_affected, said_fixed;
	/* Packages of a release that is not known; vulnerabilities in versions not Debian's. */
	struct unsettled releases, versions;
	struct table *table; /* or, with --json, */
	json_t *found, *not_settled;
	struct err_list unread; /* what cannot be looked at */
	size_t count;           /* of rows */
	size_t documents, documents_hit;
};

/* FN for each document that is meant. */
static int each_document(struct query *q, sbom_document_fn *fn, struct err **err)
{
	const struct strv *args = &q->cli->args;

	if (args->count == 2)
		return sbom_each(".", fn, q, &q->unread, err);
	for (size_t i = 2; i < args->count; i++) {
		if (sbom_each(args->items[i], fn, q, &q->unread, err) < 0)
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

static int look_for_package(void *arg, const struct sbom_document *d, struct err **err)
{
	struct query *q = arg;
	size_t before = q->count;

	for (size_t i = 0; i < d->packages.count; i++) {
		if (is_named(&d->packages.items[i], q->name, q->version))
			tell_package(q, d, &d->packages.items[i]);
	}
	q->documents++;
	q->documents_hit += q->count > before;
	return 0;
}

static int contains(struct query *q, struct err **err)
{
	const char *text = q->cli->args.items[1], *equals = strchr(text, '=');

	q->name = arena_strndup(q->arena, text, equals ? (size_t)(equals - text) : strlen(text));
	q->version = equals ? equals + 1 : NULL;
	if (!*q->name || (equals && !*q->version))
		return err_set(err, E_USAGE, "'%s' is not a package: PKG or PKG=VERSION", text);
	if (!q->found)
		q->table = table_new("PACKAGE", "VERSION", "ARCH", "SOURCE", "IN", NULL);
	return each_document(q, look_for_package, err);
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
	case VULNERABLE_NOT_COMPARED: /* is no row */
		break;
	}
	return "(undetermined)";
}

static const char *status_word(const struct vulnerable *v)
{
	return v->status == VULNERABLE_FIXED_LATER ? "fixed-later"
	       : v->status == VULNERABLE_OPEN      ? "open"
						   : "undetermined";
}

/* What the project's makers say of it. */
static const char *vex_text(const struct vex_statement *s)
{
	switch (s ? s->status : VEX_NONE) {
	case VEX_NONE:
		break;
	case VEX_AFFECTED:
		return "affected";
	case VEX_NOT_AFFECTED:
		return "not affected, no reason given";
	case VEX_FIXED:
		return "fixed";
	case VEX_UNDER_INVESTIGATION:
		return "under investigation";
	}
	return "";
}

static const char *lock_text(struct arena *arena, const struct vulnerable *v, const char *locked)
{
	if (!locked)
		return "";
	return arena_printf(arena, "%s%s", locked,
			    !v->fixed                                    ? ""
			    : deb_version_compare(locked, v->fixed) >= 0 ? " (has it)"
									 : " (has it not)");
}

static void tell_object(struct query *q, const struct sbom_document *d, const struct vulnerable *v,
			const struct vex_statement *said, const char *locked)
{
	json_t *o = package_object(d, v->package);

	json_object_set_new(o, "id", json_text(v->id));
	json_object_set_new(o, "fixed", json_text(v->fixed));
	json_object_set_new(o, "status", json_string(status_word(v)));
	json_object_set_new(o, "vex", said ? json_text(vex_text(said)) : json_null());
	json_object_set_new(o, "locked", json_text(locked));
	json_object_set_new(o, "lock-has-fix",
			    locked && v->fixed
				    ? json_boolean(deb_version_compare(locked, v->fixed) >= 0)
				    : json_null());
	json_array_append_new(q->found, o);
}

static void tell_vulnerable(struct query *q, const struct sbom_document *d,
			    const struct vulnerable *v, const struct vex_statement *said)
{
	const struct sbom_package *p = v->package;
	const char *locked = locked_version(&q->locked, p->distro, p->source);

	q->count++;
	if (q->found)
		tell_object(q, d, v, said, locked);
	else
		table_row(q->table, v->id, p->name, p->source, p->source_version, status_text(v),
			  lock_text(q->arena, v, locked), vex_text(said), d->path);
}

/* ID: the vulnerability that it is about, or NULL: all that the list has of P. */
static void add_unsettled(struct query *q, struct unsettled *u, const struct sbom_document *d,
			  const struct sbom_package *p, const char *id)
{
	u->count++;
	if (q->not_settled) {
		json_t *o = package_object(d, p);

		json_object_set_new(o, "id", json_text(id));
		json_object_set_new(o, "why", json_string(u->why));
		json_array_append_new(q->not_settled, o);
	} else {
		strs_push(&u->names, id ? arena_printf(q->arena, "%s (%s)", id, p->name)
					: arena_strdup(q->arena, p->name));
	}
}

static void end_unsettled(struct unsettled *u, const struct sbom_document *d)
{
	if (u->names.count)
		str_printf(&u->text, "  %s: ", d->path);
	for (size_t i = 0; i < u->names.count && i < SHOWN; i++)
		str_printf(&u->text, "%s%s", i ? ", " : "", u->names.items[i]);
	if (u->names.count > SHOWN)
		str_printf(&u->text, " and %zu more (--json)", u->names.count - SHOWN);
	if (u->names.count)
		str_append_char(&u->text, '\n');
	strs_clear(&u->names);
}

static void weigh(struct query *q, const struct sbom_document *d, const struct vulnerable *v)
{
	const struct vex_statement *said = vex_find(&q->vex, d, v);

	if (!vex_settles(said) && v->status == VULNERABLE_NOT_COMPARED)
		add_unsettled(q, &q->versions, d, v->package, v->id);
	else if (!vex_settles(said))
		tell_vulnerable(q, d, v, said);
	else if (said->status == VEX_FIXED)
		q->said_fixed++;
	else
		q->said_not_affected++;
}

static int look_for_vulnerabilities(void *arg, const struct sbom_document *d, struct err **err)
{
	struct query *q = arg;
	struct vulnerables all = {0};
	size_t before = q->count;
	int rc = 0;

	for (size_t i = 0; i < d->packages.count && rc == 0; i++) {
		const struct sbom_package *p = &d->packages.items[i];

		rc = vulnerability_list_match(&q->list, p, &all, err);
		if (rc == 0 && vulnerability_list_unsettled(&q->list, p))
			add_unsettled(q, &q->releases, d, p, NULL);
	}
	for (size_t i = 0; i < all.count && rc == 0; i++)
		weigh(q, d, &all.items[i]);
	end_unsettled(&q->releases, d);
	end_unsettled(&q->versions, d);
	q->documents++;
	q->documents_hit += q->count > before;
	vulnerables_clear(&all);
	return rc;
}

/* What the project that the current directory is in, if any, has to say. */
static int read_project(struct query *q, struct err **err)
{
	struct err *none cleanup_err = NULL;
	char *found cleanup_free = NULL, *dir cleanup_free = NULL, *vex cleanup_free = NULL;

	if (project_find(".", &found, &none))
		return 0;
	if (act_as_owner(q->cli, err) < 0 || project_find(".", &dir, err))
		return -1;
	vex = path_join(dir, "vex");
	return vex_read(&q->vex, vex, err) < 0 ? -1 : locked_read(&q->locked, dir, err);
}

static int vulnerable(struct query *q, struct err **err)
{
	if (read_project(q, err) < 0 ||
	    vulnerability_list_read(q->arena, q->cli->args.items[1], &q->list, err) < 0)
		return -1;
	if (!q->found)
		q->table = table_new("ID", "PACKAGE", "SOURCE", "VERSION", "FIXED IN", "LOCKED",
				     "VEX", "IN", NULL);
	return each_document(q, look_for_vulnerabilities, err);
}

/* ---- */

int query_check(const struct cli *c, const char *verb, size_t count, const char *usage,
		struct err **err)
{
	if (!str_eq(c->args.items[0], verb))
		return err_set(err, E_USAGE,
			       "'orch query' has no '%s'; it has contains, vulnerable, owner and "
			       "rdeps",
			       c->args.items[0]);
	if (c->args.count != count)
		return err_set(err, E_USAGE, "usage: orch query %s %s", verb, usage);
	return 0;
}

static int ask(struct query *q, struct err **err)
{
	const char *verb = q->cli->args.items[0];

	if (str_eq(verb, "contains"))
		return contains(q, err);
	if (str_eq(verb, "vulnerable"))
		return vulnerable(q, err);
	return query_check(q->cli, "contains", 3, "PKG[=VERSION] [WHERE...]", err);
}

static json_t *answer_object(struct query *q)
{
	return json_pack("{s:i, s:b, s:I, s:I, s:I, s:I, s:O, s:O}", "v", 1, "ok", 1, "documents",
			 (json_int_t)q->documents, "not-affected", (json_int_t)q->said_not_affected,
			 "fixed", (json_int_t)q->said_fixed, "release-unknown",
			 (json_int_t)q->releases.count, "not-settled", q->not_settled, "found",
			 q->found);
}

static void print_unsettled(const struct query *q)
{
	const struct unsettled *r = &q->releases, *v = &q->versions;

	if (r->count)
		printf("not settled: of %zu package%s that the list has, the documents do not say "
		       "of which release of Debian %s:\n",
		       r->count, r->count == 1 ? "" : "s", r->count == 1 ? "it is" : "they are");
	print_lines(stdout, "", r->text.buf, r->text.len);
	if (v->count)
		printf("not settled: of %zu vulnerabilit%s, the list does not say which of "
		       "Debian's versions have %s (ranges of type SEMVER or GIT):\n",
		       v->count, v->count == 1 ? "y" : "ies", v->count == 1 ? "it" : "them");
	print_lines(stdout, "", v->text.buf, v->text.len);
}

static void print_answer(struct query *q)
{
	table_print(steal_ptr(q->table));
	printf("%s%zu found in %zu of %zu document%s\n", q->count ? "\n" : "", q->count,
	       q->documents_hit, q->documents, q->documents == 1 ? "" : "s");
	if (q->said_not_affected || q->said_fixed)
		printf("left out, as the project's statements say: %zu not affected, %zu fixed\n",
		       q->said_not_affected, q->said_fixed);
	print_unsettled(q);
	if (q->unread.count)
		printf("not read: %zu, for reasons that the error%s\n", q->unread.count,
		       q->unread.count == 1 ? " says" : "s say");
}

/* Where nothing at all could be read, there is no answer. Returns the exit code. */
static int tell(struct query *q, const struct session *s)
{
	json_t *answer = q->found && q->documents ? answer_object(q) : NULL;

	if (!q->found && q->documents)
		print_answer(q);
	fflush(stdout);
	if (q->unread.count)
		return cli_fail_beside(s, &q->unread, answer);
	if (answer)
		json_print(stdout, answer, false);
	return q->cli->exit_code && (q->count || q->releases.count || q->versions.count) ? 3 : 0;
}

static void query_release(struct query *q)
{
	table_free(q->table);
	vulnerability_list_release(&q->list);
	vex_release(&q->vex);
	locked_release(&q->locked);
	str_release(&q->releases.text);
	str_release(&q->versions.text);
	strs_clear(&q->releases.names);
	strs_clear(&q->versions.names);
	err_list_clear(&q->unread);
	json_decref(q->found);
	json_decref(q->not_settled);
}

static int query_documents(struct cli *c)
{
	struct arena *arena cleanup_arena = arena_new();
	struct query q = {.cli = c,
			  .arena = arena,
			  .found = c->json ? json_array() : NULL,
			  .not_settled = c->json ? json_array() : NULL,
			  .releases = {.why = "release-unknown", .text = STR_INIT},
			  .versions = {.why = "versions-not-compared", .text = STR_INIT},
			  .vex = {.arena = arena},
			  .locked = {.arena = arena}};
	struct session s = {.cli = c};
	struct err *err = NULL;
	int code = ask(&q, &err) < 0 ? cli_fail(&s, err) : tell(&q, &s);

	query_release(&q);
	return code;
}

int cmd_query(struct cli *c)
{
	return str_eq(c->args.items[0], "rdeps") ? query_rdeps(c) : query_documents(c);
}
