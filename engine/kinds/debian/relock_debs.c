/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packages of one's own (`debs:`): apt is told of them as of an archive's, and asked for exactly
 * them; they are inputs of the node, so that no line of the lock has them.
 */
#include "kinds/debian/relock_priv.h"
#include "media/deb/deb.h"

static int read_one(struct relock *l, const struct relock_word *word, const char *file,
		    const char *arch, struct err **err)
{
	struct deb_set set cleanup_deb_set = {0};
	struct own_deb own = {.of = word};
	const char *name;

	if (deb_open(&set, file, NULL, err) < 0)
		return -1;
	own.stanza = arena_strdup(l->arena, set.items[0]->control);
	if (deb_package_parse(l->arena, own.stanza, &own.package) != 0)
		return err_set(err, E_WRONG_INPUT, "'%s' is not a Debian package", file);
	name = own.package.name;
	if (!str_eq(own.package.arch, "all") && !str_eq(own.package.arch, arch))
		return err_set(err, E_WRONG_ARCHITECTURE,
			       "package '%s' is for architecture '%s', and the tree is '%s'", name,
			       own.package.arch, arch);
	if (relock_is_own(l, name))
		return err_set(err, E_DUPLICATE_NAME, "package '%s' is there twice", name);
	own_debs_push(&l->own, own);
	return 0;
}

int relock_read_debs(struct relock *l, const char *arch, struct err **err)
{
	const struct relock_words *debs = l->opts->debs;

	for (size_t i = 0; debs && i < debs->count; i++) {
		const struct relock_word *w = &debs->items[i];

		for (size_t k = 0; k < w->files.count; k++)
			if (read_one(l, w, w->files.items[k], arch, err) < 0)
				return err_wrap(err, "debs: '%s'", w->word);
	}
	return 0;
}

int relock_prefer_debs(struct relock *l, struct err **err)
{
	for (size_t i = 0; i < l->own.count; i++) {
		const struct own_deb *own = &l->own.items[i];
		struct old_pin *p = relock_pin(l, own->package.name);

		if (!p)
			continue;
		if (p->base)
			return err_set(
				err, E_BASE_PINS,
				"debs: '%s' is a package of '%s', which this node builds on, "
				"in version %s: name it in 'debs' there",
				own->package.name, l->o->from->text, p->entry->version);
		p->kept = false;
		p->target = NULL;
		p->why = arena_printf(l->arena, "'debs' has %s", own->package.version);
	}
	return 0;
}

void relock_list_debs(const struct relock *l, struct str *ret)
{
	for (size_t i = 0; i < l->own.count; i++) {
		const char *stanza = l->own.items[i].stanza;
		char hex[DIGEST_HEX + 1];
		struct digest d;

		digest_data(stanza, strlen(stanza), &d);
		str_printf(ret, "%sFilename: ./orch-own-%zu.deb\nSize: 1\nSHA256: %s\n\n", stanza,
			   i, digest_hex(&d, hex));
	}
}

void relock_push_debs(const struct relock *l, struct strv *words)
{
	for (size_t i = 0; i < l->own.count; i++)
		strv_printf(words, "%s=%s", l->own.items[i].package.name,
			    l->own.items[i].package.version);
}

bool relock_is_own(const struct relock *l, const char *name)
{
	for (size_t i = 0; i < l->own.count; i++)
		if (str_eq(l->own.items[i].package.name, name))
			return true;
	return false;
}
