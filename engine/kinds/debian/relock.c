/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch lock: from a recipe and what the archives have now to recipes/NODE.lock. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "kinds/debian/lock_sections.h"
#include "kinds/debian/relock_priv.h"
#include "machine/sandbox/sandbox.h"
#include "media/deb/deb.h"

/* From this version on the package qemu-user has static programs; before, qemu-user-static has. */
#define QEMU_USER_STATIC "1:9.1"

/* On top of a base, its architecture is the one that makes sense. */
static const char *arch_of(const struct relock *l)
{
	if (!str_eq(l->o->arch, "build"))
		return l->o->arch;
	return l->base.arch ? l->base.arch : sandbox_host_arch();
}

/* In the old lock, or below it. */
static bool old_has(const struct relock *l, const char *package)
{
	for (size_t i = 0; i < l->old.entries.count; i++)
		if (str_eq(l->old.entries.items[i].name, package))
			return true;
	for (size_t i = 0; i < l->base.entries.count; i++)
		if (str_eq(l->base.entries.items[i].name, package))
			return true;
	return false;
}

void relock_say(const struct relock *l, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	if (!l->opts->say)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) >= 0)
		l->opts->say(l->opts->arg, l->recipe->name, text);
	va_end(ap);
}

static int open_apt(struct relock *l, const char *arch, struct apt_request *q, struct err **err)
{
	char *name cleanup_free = NULL;
	struct digest d;
	char hex[DIGEST_HEX + 1];

	*q = (struct apt_request){.arena = l->arena,
				  .arch = arch,
				  .project_dir = l->project->dir,
				  .recommends = l->o->recommends,
				  .offline = l->opts->offline};
	if (debian_archives(l->project, l->o, &q->archives, l->arena, err) < 0)
		return -1;
	name = xasprintf("%s %s", l->project->dir, arch);
	digest_data(name, strlen(name), &d);
	q->dir = arena_printf(l->arena, "%s/%.16s-%s", l->opts->cache_dir, digest_hex(&d, hex),
			      arch);
	relock_say(l, "reading the package lists of %zu archive%s (%s)", q->archives.count,
		   q->archives.count == 1 ? "" : "s", arch);
	return apt_open(q, err);
}

/* ---- tools ---- */

static const struct lock_entry *old_tool(const struct relock *l, const char *name, const char *arch)
{
	for (size_t i = 0; i < l->old.entries.count; i++) {
		const struct lock_entry *e = &l->old.entries.items[i];

		if (e->type == LOCK_TOOL && str_eq(e->name, name) &&
		    (str_eq(e->arch, arch) || str_eq(e->arch, "all")))
			return e;
	}
	return NULL;
}

/* 0: TOOL is as it was, and still there; 1: it is to be looked for, in *RET_VERSION or any. */
static int keep_tool(struct relock *l, struct apt_request *q, const char *name,
		     struct lock_entry *tool, const char **ret_version, struct err **err)
{
	struct map offers cleanup_map = {0};
	const struct lock_entry *e = old_tool(l, name, q->arch);
	struct strv names cleanup_strv = {0};
	const char *why;
	int r;

	strv_push(&names, name);
	if (apt_records(q, &names, &l->records, err) < 0)
		return -1;
	if (!e || relock_updates(l, name))
		return 1;
	if (relock_offers(l, q, "Packages", &offers, err) < 0)
		return -1;
	*ret_version = relock_offered(l, &offers, name, e->version);
	if (*ret_version)
		return 1;
	r = relock_still_there(l, q, e, &why, err);
	if (r == 1 && relock_gone(l, e, why, err) < 0)
		return -1;
	if (r == 1)
		map_set(&l->why, name, (void *)why);
	*tool = *e;
	return r;
}

/* Adds one tool of the architecture of Q. */
static int resolve_tool(struct relock *l, struct apt_request *q, const char *name, struct err **err)
{
	struct lock_entry tool;
	const char *version = NULL;
	int r = keep_tool(l, q, name, &tool, &version, err);

	if (r < 0)
		return -1;
	if (r == 1) {
		struct lock_entries found = {0};

		if (version)
			name = arena_printf(l->arena, "%s=%s", name, version);
		if (apt_tool(q, name, &found, err) < 0)
			return -1;
		tool = found.items[0];
		lock_entries_clear(&found);
	}
	if (!tool.source && relock_describe(l, &tool, err) < 0)
		return -1;
	tool.needs = "";
	lock_entries_push(&l->now.entries, tool);
	return 0;
}

static int resolve_emulator(struct relock *l, struct err **err)
{
	struct apt_request host;
	struct lock_entry *e;

	if (open_apt(l, sandbox_host_arch(), &host, err) < 0 ||
	    resolve_tool(l, &host, "qemu-user", err) < 0)
		return -1;
	e = &l->now.entries.items[l->now.entries.count - 1];
	if (deb_version_compare(e->version, QEMU_USER_STATIC) >= 0)
		return 0;
	l->now.entries.count--;
	return resolve_tool(l, &host, "qemu-user-static", err);
}

/* With commas. */
static const char *joined(const struct relock *l, const struct strv *names)
{
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < names->count; i++)
		str_printf(&text, "%s%s", i ? "," : "", names->items[i]);
	return arena_strdup(l->arena, text.buf);
}

static void want_tools(struct relock *l)
{
	struct strv names cleanup_strv = {0};

	for (size_t i = 0; i < l->now.entries.count; i++) {
		const struct lock_entry *e = &l->now.entries.items[i];

		if (e->type == LOCK_TOOL)
			strv_printf(&names, "%s:%s", e->name, e->arch);
	}
	strv_sort(&names);
	lock_wants_push(&l->now.wants, (struct lock_want){LOCK_TOOLS, joined(l, &names), 0});
}

/* What runs the maintainer scripts of a foreign architecture: an emulator. */
static int resolve_tools(struct relock *l, struct apt_request *q, struct err **err)
{
	if (!sandbox_is_native(q->arch)) {
		if (!sandbox_emulator_name(q->arch))
			return err_set(err, E_UNKNOWN_ARCHITECTURE,
				       "architecture '%s' cannot be emulated on this machine",
				       q->arch);
		if (resolve_emulator(l, err) < 0)
			return -1;
	}
	want_tools(l);
	return 0;
}

/* ---- sources ---- */

static void old_source(const struct relock *l, const char *name, struct lock_entries *ret)
{
	for (size_t i = 0; i < l->old.entries.count; i++) {
		const struct lock_entry *e = &l->old.entries.items[i];

		if (e->type == LOCK_SOURCE && str_eq(e->name, name))
			lock_entries_push(ret, *e);
	}
}

static bool same_bytes(const struct lock_entries *a, const struct lock_entries *b)
{
	size_t same = 0;

	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			same += digest_eq(&a->items[i].sha256, &b->items[k].sha256);
	return same == a->count && a->count == b->count;
}

static const struct lock_entry *smallest(const struct lock_entries *list)
{
	const struct lock_entry *e = &list->items[0];

	for (size_t i = 1; i < list->count; i++)
		if (list->items[i].size < e->size)
			e = &list->items[i];
	return e;
}

/* 0: the files of WAS are in an index or, all or none, in a pool; 1: they are not. */
static int keep_source(struct relock *l, struct apt_request *q, const char *name,
		       const struct lock_entries *was, struct err **err)
{
	struct lock_entries found = {0};
	const char *why;
	int r = apt_source(q, name, was->items[0].version, &found, err);
	bool same = r == 0 && same_bytes(&found, was);

	lock_entries_clear(&found);
	if (r < 0) {
		if ((*err)->code->cls != ERR_USER)
			return -1;
		err_free(steal_ptr(*err));
	}
	if (same)
		return 0;
	r = relock_still_there(l, q, smallest(was), &why, err);
	if (r == 1 && relock_gone(l, &was->items[0], why, err) < 0)
		return -1;
	if (r == 1)
		map_set(&l->why, name, (void *)why);
	return r;
}

/* The files of source NAME are the entries from number FIRST on. */
static void want_source(struct relock *l, const char *name, size_t first)
{
	struct strv names cleanup_strv = {0};

	for (size_t i = first; i < l->now.entries.count; i++)
		strv_push(&names, path_base(l->now.entries.items[i].path));
	strv_sort(&names);
	lock_wants_push(&l->now.wants,
			(struct lock_want){arena_printf(l->arena, LOCK_SOURCE_PREFIX "%s", name),
					   joined(l, &names), 0});
}

static int resolve_source(struct relock *l, struct apt_request *q, const char *name,
			  struct err **err)
{
	struct lock_entries was = {0};
	size_t first = l->now.entries.count;
	const char *target = NULL;
	int r = 1;

	old_source(l, name, &was);
	relock_say(l, "looking for source '%s'", name);
	if (was.count)
		target = relock_offered(l, &l->offered_sources, name, was.items[0].version);
	if (was.count && !target && !relock_updates(l, name))
		r = keep_source(l, q, name, &was, err);
	for (size_t i = 0; r == 0 && i < was.count; i++)
		lock_entries_push(&l->now.entries, was.items[i]);
	if (r == 1)
		r = apt_source(q, name, target, &l->now.entries, err);
	lock_entries_clear(&was);
	if (r == 0)
		want_source(l, name, first);
	return r;
}

/* ---- all of it ---- */

/* Those that something is from; others may come and go in project.yaml. */
static int record_archives(struct relock *l, const struct list *archives, struct err **err)
{
	for (size_t i = 0; i < archives->count; i++) {
		const struct archive *a = LIST_AT(*archives, const struct archive *, i);
		bool used = false;

		for (size_t k = 0; k < l->now.entries.count; k++)
			used |= str_eq(l->now.entries.items[k].archive, a->alias);
		if (used && debian_archive_record(l->arena, l->project, a,
						  lock_archives_at_end(&l->now.archives), err) < 0)
			return -1;
	}
	return 0;
}

static void say_day(uint64_t date, char text[16])
{
	time_t t = (time_t)date;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(text, 16, "%Y-%m-%d", &tm))
		snprintf(text, 16, "?");
}

static bool is_asked(const struct apt_request *q, const char *alias)
{
	for (size_t i = 0; i < q->archives.count; i++)
		if (str_eq(LIST_AT(q->archives, const struct archive *, i)->alias, alias))
			return true;
	return false;
}

/* The lock's date may be that of an archive that the project takes nothing from any more. */
static bool asks_all_of(const struct apt_request *q, const struct lock_archives *archives)
{
	for (size_t i = 0; i < archives->count; i++)
		if (!is_asked(q, archives->items[i].alias))
			return false;
	return true;
}

/* A mirror that shows an old state again shows one that was signed, so apt takes it. */
static void say_if_older(const struct relock *l)
{
	char now[16], old[16];

	if (!l->old.date || l->now.date >= l->old.date || !asks_all_of(&l->apt, &l->old.archives))
		return;
	say_day(l->now.date, now);
	say_day(l->old.date, old);
	relock_say(
		l,
		"the archives are in a state of %s, older than that of the lock (%s): a mirror is "
		"behind, or shows an old state again",
		now, old);
}

static int resolve_all(struct relock *l, struct err **err)
{
	struct apt_request *q = &l->apt;

	l->now.arch = arch_of(l);
	if (l->base.arch && !str_eq(l->now.arch, l->base.arch))
		return err_at(err, E_WRONG_ARCHITECTURE, l->o->from->pos,
			      "'%s' is of architecture '%s', not '%s'", l->o->from->text,
			      l->base.arch, l->now.arch);
	if (debian_request(l->arena, l->project, l->o, &l->now.request, err) < 0 ||
	    open_apt(l, l->now.arch, q, err) < 0 || apt_date(q, &l->now.date, err) < 0)
		return -1;
	say_if_older(l);
	if (relock_read_debs(l, l->now.arch, err) < 0 || relock_find_pins(l, q, err) < 0 ||
	    relock_prefer_debs(l, err) < 0)
		return -1;
	for (size_t i = 0; i < l->o->sources.count; i++)
		if (resolve_source(l, q, LIST_AT(l->o->sources, const char *, i), err) < 0)
			return -1;
	if (relock_find_builds(l, q, err) < 0)
		return -1;
	if ((l->o->packages.count || l->o->from) &&
	    (relock_solve(l, q, err) < 0 || resolve_tools(l, q, err) < 0))
		return -1;
	return record_archives(l, &q->archives, err);
}

/* The recipe's line that names what apt could not find, if it is there. */
static void point_at(const struct recipe *r, struct err *e)
{
	static const char *const keys[] = {"packages", "sources", "build-depends"};

	for (size_t k = 0; k < array_len(keys); k++) {
		const struct yaml *list = yaml_get(r->map, keys[k]);

		for (size_t i = 0; list && list->type == YAML_LIST && i < list->count; i++) {
			const struct yaml *item = list->items[i];
			size_t n = item->text ? strlen(item->text) : 0;
			const char *at = n ? strstr(e->text, item->text) : NULL;

			if (at && (at == e->text || at[-1] == ' ' || at[-1] == '\'') &&
			    (!at[n] || strchr(" ;:'", at[n]))) {
				free(e->file);
				e->file = xstrdup(item->pos.file);
				e->line = item->pos.line;
				e->col = item->pos.col;
				return;
			}
		}
	}
}

/* What this orch writes it can read; a name that no line can hold is found here. */
static int check_text(struct relock *l, const struct str *text, struct err **err)
{
	struct debian_lock again cleanup_lock = {0};
	struct err *unreadable cleanup_err = NULL;
	const char *file = debian_lock_path(l->arena, l->recipe->name), *line = text->buf;

	if (debian_lock_parse(l->arena, file, text->buf, text->len, &again, &unreadable) == 0)
		return 0;
	for (unsigned i = 1; i < unreadable->line && strchr(line, '\n'); i++)
		line = strchr(line, '\n') + 1;
	return err_set(err, E_APT_OUTPUT, "the archives have what a lock cannot hold: %.*s",
		       (int)strcspn(line, "\n"), line);
}

static const char *nothing_moved(const struct relock *l)
{
	if (l->old.format == 1)
		return "written as orch-lock 2, with the same packages\n";
	return "answers the changed recipe, with the same packages\n";
}

/* TEXT is the file, or a section of it where the project has variants. */
static int put_section(const struct relock *l, const char *path, const struct str *text,
		       struct err **err)
{
	struct str old cleanup_str = STR_INIT, all cleanup_str = STR_INIT;

	if (!l->project->variant)
		return file_write(path, text->buf, text->len, 0644, true, err);
	if (path_exists(path) && file_read(path, LOCK_MAX_BYTES, &old, err) < 0)
		return -1;
	lock_sections_replace(old.buf, old.len, text->buf, &all);
	return file_write(path, all.buf, all.len, 0644, true, err);
}

static int write_lock(struct relock *l, struct str *report, struct err **err)
{
	struct str diff cleanup_str = STR_INIT, text cleanup_str = STR_INIT,
			was cleanup_str = STR_INIT;
	char *path cleanup_free =
		path_join(l->project->dir, debian_lock_path(l->arena, l->recipe->name));

	debian_lock_diff(&l->old, &l->now, &l->why, &diff);
	if (l->opts->moves)
		debian_lock_moves(&l->old, &l->now, &l->why, l->opts->moves);
	if (!diff.len && l->old.date)
		l->now.date = l->old.date;
	debian_lock_format(&l->now, &text);
	if (check_text(l, &text, err) < 0)
		return -1;
	if (l->lent)
		str_printf(report, "as the lock of %s%s\n", l->lent, diff.len ? ", but for:" : "");
	else if (l->old.format == 2)
		debian_lock_format(&l->old, &was);
	if (str_eq(text.buf, was.buf))
		return 0;
	if (diff.len || !l->lent)
		str_append(report, diff.len ? diff.buf : nothing_moved(l));
	return put_section(l, path, &text, err);
}

/*
 * A node without a lock begins with the pins of the one that it extends, so that both differ by
 * what their recipes say.
 */
static int borrow_lock(struct relock *l, struct err **err)
{
	const struct list *bases = &l->recipe->extended;
	int rc = 1;

	for (size_t i = 0; rc == 1 && i < bases->count; i++) {
		const char *node = LIST_AT(*bases, struct extended *, i)->node;

		if (!node)
			continue;
		rc = debian_lock_read_any(l->arena, l->project, node, &l->old, err);
		if (rc == 0)
			l->lent = arena_printf(l->arena, "'%s', which it extends", node);
	}
	return rc < 0 ? -1 : 0;
}

/* Whether the old lock is of what the recipe asks for, and not of a variant's that is like it. */
static bool answers(const struct relock *l)
{
	struct digest request;
	struct err *ignored cleanup_err = NULL;

	return debian_request(l->arena, l->project, l->o, &request, &ignored) == 0 &&
	       digest_eq(&request, &l->old.request);
}

/* A lock that cannot be read is not "no lock": its pins would be lost. */
static int read_locks(struct relock *l, struct err **err)
{
	int rc = debian_lock_read_any(l->arena, l->project, l->recipe->name, &l->old, err);

	if (rc < 0 || (rc == 1 && borrow_lock(l, err) < 0))
		return -1;
	if (rc == 0 && l->project->variant && !answers(l))
		l->lent = "the variant most like it";
	return debian_read_bases(l->arena, l->project, l->o, &l->base, err);
}

int relock_node(struct arena *arena, const struct project *p, const struct recipe *r,
		const struct relock_opts *opts, struct str *report, struct err **err)
{
	struct relock l = {.arena = arena, .project = p, .recipe = r, .o = r->opts, .opts = opts};
	char *guard cleanup_free = path_join(opts->cache_dir, "lock");
	int fd cleanup_fd = -1;
	int rc;

	if (path_mkdirs(opts->cache_dir, err) < 0 ||
	    lock_file(guard, LOCK_EXCLUSIVE, true, &fd, err) < 0)
		return -1;
	rc = read_locks(&l, err);
	if (rc == 0 && opts->package && opts->named)
		*opts->named += old_has(&l, opts->package);
	if (rc == 0)
		rc = resolve_all(&l, err);
	if (rc < 0 && (*err)->code->cls == ERR_USER && !(*err)->file)
		point_at(r, *err);
	if (rc == 0)
		rc = write_lock(&l, report, err);
	if (rc == 0)
		rc = relock_fill_pools(&l, err);
	debian_lock_clear(&l.old);
	debian_lock_clear(&l.base);
	debian_lock_clear(&l.now);
	old_pins_clear(&l.pins);
	strv_clear(&l.builds);
	own_debs_clear(&l.own);
	map_clear(&l.why);
	map_clear(&l.offered);
	map_clear(&l.offered_sources);
	apt_records_clear(&l.records);
	return rc;
}
