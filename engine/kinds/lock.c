/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch lock: from a recipe and what the archives have now to recipes/NODE.lock. */
#include "kinds/lock.h"

#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "kinds/apt.h"
#include "machine/sandbox.h"
#include "media/deb.h"

/* From this version on the package qemu-user has static programs; before, qemu-user-static has. */
#define QEMU_USER_STATIC "1:9.1"

struct locking {
	struct arena *arena;
	const struct project *project;
	const struct recipe *recipe;
	const struct debian_opts *o;
	const struct lock_opts *opts;
	struct debian_lock old, now;
	struct debian_lock base;  /* of all nodes it builds on, in one */
	struct lock_entries keep; /* the entries of OLD and BASE to prefer */
};

/* On top of a base, its architecture is the one that makes sense. */
static const char *arch_of(const struct locking *l)
{
	if (!str_eq(l->o->arch, "build"))
		return l->o->arch;
	return l->base.arch ? l->base.arch : sandbox_host_arch();
}

static bool old_has(const struct locking *l, const char *package)
{
	for (size_t i = 0; i < l->old.entries.count; i++)
		if (str_eq(l->old.entries.items[i].name, package))
			return true;
	return false;
}

/* Versions of the base are not to be changed; those of the old lock only by --update. */
static void choose_kept(struct locking *l)
{
	for (size_t i = 0; i < l->base.entries.count; i++)
		lock_entries_push(&l->keep, l->base.entries.items[i]);
	if (l->opts->update && !l->opts->package)
		return;
	for (size_t i = 0; i < l->old.entries.count; i++)
		lock_entries_push(&l->keep, l->old.entries.items[i]);
}

static int open_apt(struct locking *l, const char *arch, struct apt_request *q, struct err **err)
{
	char *name cleanup_free = NULL;
	struct digest d;
	char hex[DIGEST_HEX + 1];

	*q = (struct apt_request){.arena = l->arena,
				  .arch = arch,
				  .project_dir = l->project->dir,
				  .recommends = l->o->recommends,
				  .offline = l->opts->offline,
				  .keep = &l->keep,
				  .except = l->opts->update ? l->opts->package : NULL};
	if (debian_archives(l->project, l->o, &q->archives, l->arena, err) < 0)
		return -1;
	name = xasprintf("%s %s", l->project->dir, arch);
	digest_data(name, strlen(name), &d);
	q->dir = arena_printf(l->arena, "%s/%.16s-%s", l->opts->cache_dir, digest_hex(&d, hex),
			      arch);
	return apt_open(q, err);
}

static bool in_base(const struct locking *l, const struct lock_entry *e)
{
	for (size_t i = 0; i < l->base.entries.count; i++) {
		const struct lock_entry *b = &l->base.entries.items[i];

		if (b->type == LOCK_PACKAGE && str_eq(b->name, e->name) &&
		    str_eq(b->version, e->version) && str_eq(b->arch, e->arch))
			return true;
	}
	return false;
}

static int base_was_kept(const struct locking *l, const struct lock_entries *found,
			 struct err **err)
{
	for (size_t i = 0; i < l->base.entries.count; i++) {
		const struct lock_entry *b = &l->base.entries.items[i];
		bool same = b->type != LOCK_PACKAGE;

		for (size_t k = 0; !same && k < found->count; k++)
			same = str_eq(found->items[k].name, b->name) &&
			       str_eq(found->items[k].version, b->version);
		if (!same)
			return err_set(err, ERR_USER,
				       "'%s' is pinned to %s %s, which the archives no longer "
				       "have together with these packages: run 'orch lock %s "
				       "--update' first",
				       l->o->from->text, b->name, b->version, l->o->from->text);
	}
	return 0;
}

static int resolve_packages(struct locking *l, struct apt_request *q, struct err **err)
{
	struct strv names cleanup_strv = {0};
	struct lock_entries found = {0};
	int r;

	strv_push(&names, "?essential");
	strv_push(&names, "usr-is-merged");
	for (size_t i = 0; i < l->base.entries.count; i++)
		if (l->base.entries.items[i].type == LOCK_PACKAGE)
			strv_push(&names, l->base.entries.items[i].name);
	for (size_t i = 0; i < l->o->packages.count; i++)
		strv_push(&names, LIST_AT(l->o->packages, const char *, i));
	r = apt_install(q, &names, &found, err);
	if (r == 0)
		r = base_was_kept(l, &found, err);
	for (size_t i = 0; r == 0 && i < found.count; i++)
		if (!in_base(l, &found.items[i]))
			lock_entries_push(&l->now.entries, found.items[i]);
	lock_entries_clear(&found);
	return r;
}

/* What runs the maintainer scripts of a foreign architecture: an emulator. */
static int resolve_tools(struct locking *l, struct apt_request *q, struct err **err)
{
	struct apt_request host;
	struct lock_entry *e;

	if (sandbox_is_native(q->arch))
		return 0;
	if (!sandbox_emulator_name(q->arch))
		return err_set(err, ERR_USER,
			       "architecture '%s' cannot be emulated on this machine", q->arch);
	if (open_apt(l, sandbox_host_arch(), &host, err) < 0 ||
	    apt_tool(&host, "qemu-user", &l->now.entries, err) < 0)
		return -1;
	e = &l->now.entries.items[l->now.entries.count - 1];
	if (deb_version_compare(e->version, QEMU_USER_STATIC) >= 0)
		return 0;
	l->now.entries.count--;
	return apt_tool(&host, "qemu-user-static", &l->now.entries, err);
}

static int resolve_all(struct locking *l, struct err **err)
{
	struct apt_request q;

	struct list archives;

	l->now.arch = arch_of(l);
	if (l->base.arch && !str_eq(l->now.arch, l->base.arch))
		return err_at(err, l->o->from->pos, "'%s' is of architecture '%s', not '%s'",
			      l->o->from->text, l->base.arch, l->now.arch);
	if (debian_archives(l->project, l->o, &archives, l->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < archives.count; i++)
		lock_archives_push(&l->now.archives,
				   debian_archive_of(LIST_AT(archives, const struct archive *, i)));
	if (debian_request(l->arena, l->project, l->o, &l->now.request, err) < 0 ||
	    open_apt(l, l->now.arch, &q, err) < 0 || apt_date(&q, &l->now.date, err) < 0)
		return -1;
	if ((l->o->packages.count || l->o->from) &&
	    (resolve_packages(l, &q, err) < 0 || resolve_tools(l, &q, err) < 0))
		return -1;
	for (size_t i = 0; i < l->o->sources.count; i++)
		if (apt_source(&q, LIST_AT(l->o->sources, const char *, i), &l->now.entries, err) <
		    0)
			return -1;
	return 0;
}

/* The recipe's line that names what apt could not find, if it is there. */
static void point_at(const struct recipe *r, struct err *e)
{
	static const char *const keys[] = {"packages", "sources"};

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

static int write_lock(struct locking *l, struct str *report, struct err **err)
{
	struct str diff cleanup_str = STR_INIT, text cleanup_str = STR_INIT,
			was cleanup_str = STR_INIT;
	char *path cleanup_free =
		path_join(l->project->dir, debian_lock_path(l->arena, l->recipe->name));

	debian_lock_diff(&l->old, &l->now, &diff);
	if (!diff.len && l->old.date)
		l->now.date = l->old.date;
	debian_lock_format(&l->now, &text);
	if (l->old.arch)
		debian_lock_format(&l->old, &was);
	if (str_eq(text.buf, was.buf))
		return 0;
	str_append(report,
		   diff.len ? diff.buf : "answers the changed recipe, with the same packages\n");
	return file_write(path, text.buf, text.len, 0644, true, err);
}

/* Adds the lock of the node that O builds on, and those below it. */
static int read_bases(struct locking *l, const struct debian_opts *o, struct err **err)
{
	while (o->from) {
		struct debian_lock one cleanup_lock = {0};
		const char *node;
		int r;

		if (debian_base(l->arena, l->project, o, &node, &o, err) < 0)
			return -1;
		r = debian_lock_read(l->arena, l->project->dir, node, &one, err);
		if (r < 0)
			return -1;
		if (r == 1)
			return err_set(
				err, ERR_USER,
				"'%s', which it builds on, is not locked: run 'orch lock %s' "
				"first",
				node, node);
		l->base.arch = one.arch;
		for (size_t i = 0; i < one.entries.count; i++)
			lock_entries_push(&l->base.entries, one.entries.items[i]);
	}
	return 0;
}

static int read_locks(struct locking *l, struct err **err)
{
	struct err *unreadable cleanup_err = NULL;

	/* An old lock that cannot be read is made anew. */
	if (debian_lock_read(l->arena, l->project->dir, l->recipe->name, &l->old, &unreadable) < 0)
		l->old = (struct debian_lock){0};
	return read_bases(l, l->o, err);
}

int lock_resolve(struct arena *arena, const struct project *p, const struct recipe *r,
		 const struct lock_opts *opts, struct str *report, struct err **err)
{
	struct locking l = {.arena = arena, .project = p, .recipe = r, .o = r->opts, .opts = opts};
	char *guard cleanup_free = path_join(opts->cache_dir, "lock");
	int fd cleanup_fd = -1;
	int rc;

	if (path_mkdirs(opts->cache_dir, err) < 0 ||
	    lock_file(guard, LOCK_EXCLUSIVE, true, &fd, err) < 0)
		return -1;
	rc = read_locks(&l, err);
	if (rc == 0 && opts->package && opts->named)
		*opts->named += old_has(&l, opts->package);
	if (rc == 0) {
		choose_kept(&l);
		rc = resolve_all(&l, err);
	}
	if (rc < 0 && (*err)->cls == ERR_USER && !(*err)->file)
		point_at(r, *err);
	if (rc == 0)
		rc = write_lock(&l, report, err);
	debian_lock_clear(&l.old);
	debian_lock_clear(&l.base);
	debian_lock_clear(&l.now);
	lock_entries_clear(&l.keep);
	return rc;
}
