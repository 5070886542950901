/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Licences that packages name, by their machine-readable copyright files. */
#include <fnmatch.h>
#include <sys/stat.h>

#include "kinds/policy/policy_run.h"
#include "media/deb/copyright.h"
#include "media/deb/deb.h"
#include "media/deb/deb_relations.h"
#include "media/deb/spdx.h"

#define TEXT_MAX (64u << 20)
#define STATUS "var/lib/dpkg/status"
#define UNNAMED "LicenseRef-"
#define REMEDY "name it under 'licences: allow' once you have read it, or leave the package out"

struct licensing {
	struct policy_run *r;
	const struct policy_part *part;
	struct strs unknown; /* packages */
	struct strs unnamed; /* licences that are allowed though SPDX has no name for them */
};

static bool is_allowed(void *arg, const char *id)
{
	struct licensing *l = arg;
	const struct policy_licences *o = policy_opts(l->r)->licences;
	bool found = false;

	for (size_t i = 0; i < o->allow.count; i++) {
		const char *pattern = LIST_AT(o->allow, const char *, i);

		if (fnmatch(pattern, id, 0) != 0)
			continue;
		policy_used(l->r, POLICY_LICENCES, pattern);
		found = true;
	}
	if (!found && o->unknown == UNKNOWN_ALLOW && str_skip(id, UNNAMED)) {
		strs_push(&l->unnamed, id);
		found = true;
	}
	return found;
}

static void look_at_unknown(struct licensing *l, const char *package, const char *path,
			    const char *why)
{
	if (policy_opts(l->r)->licences->unknown == UNKNOWN_ALLOW)
		strs_push(&l->unknown, package);
	else
		policy_tell(l->r, POLICY_LICENCES, l->part, path,
			    "read it, and say so under 'ignore', or set 'licences: unknown: allow'",
			    "%s: nobody knows the licence of package '%s'", why, package);
}

static void join(const struct strs *list, struct str *ret)
{
	for (size_t i = 0; i < list->count; i++)
		str_printf(ret, "%s%s", i ? ", " : "", list->items[i]);
}

static void tell_refused(struct licensing *l, const char *package, const char *path,
			 const struct strs *refused)
{
	struct str s cleanup_str = STR_INIT;

	join(refused, &s);
	policy_tell(l->r, POLICY_LICENCES, l->part, path, REMEDY,
		    "names what is not allowed, for files of package '%s': %s", package, s.buf);
}

static void look_at_package(struct licensing *l, const char *package)
{
	struct arena *arena = policy_arena(l->r);
	const char *path = arena_printf(arena, "/usr/share/doc/%s/copyright", package);
	const struct tree_entry *e = tree_resolve(l->part->tree, path);
	char *text cleanup_free =
		e && S_ISREG(e->inode->mode) ? tree_inode_text(e->inode, TEXT_MAX) : NULL;
	struct licences others = {0};
	struct strs refused = {0};
	const char *expression = text ? copyright_expression(arena, text, &others) : NULL;

	if (!expression)
		look_at_unknown(l, package, path,
				text ? "is not machine-readable, or names no licence for some files"
				     : "is not there");
	else if (!spdx_allowed(arena, expression, is_allowed, l, &refused))
		tell_refused(l, package, path, &refused);
	strs_clear(&refused);
	licences_clear(&others);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each of LIST once, in the order of bytes. */
static void sort(struct strs *list)
{
	size_t kept = 0;

	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), by_name);
	for (size_t i = 0; i < list->count; i++) {
		if (!i || !str_eq(list->items[i], list->items[kept - 1]))
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

static void note_allowed(struct licensing *l, struct strs *list, const char *what)
{
	struct str s cleanup_str = STR_INIT;

	sort(list);
	join(list, &s);
	if (list->count)
		policy_note(l->r, "licences: %s/: %s, and allowed: %s", l->part->place, what,
			    s.buf);
	strs_clear(list);
}

/* The packages of dpkg's database, each once though it may be there for two architectures. */
static void list_packages(struct licensing *l, const char *status, struct strs *ret)
{
	static const struct deb_set none;
	struct deb_packages all = {0};

	deb_packages_installed(policy_arena(l->r), status, &none, &all);
	for (size_t i = 0; i < all.count; i++)
		strs_push(ret, all.items[i].name);
	sort(ret);
	deb_packages_clear(&all);
}

void policy_look_licences(struct policy_run *r, const struct policy_part *part)
{
	struct licensing l = {.r = r, .part = part};
	const struct tree_entry *e = tree_resolve(part->tree, STATUS);
	char *status cleanup_free =
		e && S_ISREG(e->inode->mode) ? tree_inode_text(e->inode, TEXT_MAX) : NULL;
	struct strs packages = {0};

	if (!status) {
		policy_note(r, "licences: %s/ has no packages (/" STATUS ")", part->place);
		return;
	}
	policy_used(r, POLICY_LICENCES, POLICY_PACKAGES);
	list_packages(&l, status, &packages);
	for (size_t i = 0; i < packages.count; i++)
		look_at_package(&l, packages.items[i]);
	note_allowed(&l, &l.unknown, "not known of packages");
	note_allowed(&l, &l.unnamed, "without a name in SPDX");
	strs_clear(&packages);
}
