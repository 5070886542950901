/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making a repository: the packages are sorted and listed, the lists are compressed, described and
 * signed, all in the work directory "suite", which is then laid out as dists/SUITE of a tree
 * beside the pool. Formats: Debian Repository Format, and apt-secure(8).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "kinds/deb_inputs.h"
#include "kinds/makers.h"
#include "kinds/pki/openpgp.h"
#include "kinds/pki/pki_opts.h"
#include "kinds/repository/repository_opts.h"
#include "media/deb/deb_relations.h"
#include "media/tree/tree.h"

#define WORD "abcdefghijklmnopqrstuvwxyz0123456789+-."
#define VERSION_WORD "ABCDEFGHIJKLMNOPQRSTUVWXYZ:~" WORD

/* A package that is offered. */
struct offer {
	const struct deb *deb;
	struct deb_package p;
	struct digest sha256;
	uint64_t size;
	const char *path; /* "pool/main/e/edge-app/edge-app_1.0_arm64.deb" */
};
DEFINE_VEC(offers, struct offer)

struct making {
	struct action *a;
	const struct repository_opts *o;
	struct deb_set debs;
	struct offers offers; /* sorted, each once */
	struct strs archs;    /* sorted */
	struct tool tool;
	const char *dir;   /* becomes dists/SUITE */
	struct strs lists; /* files of DIR that Release has: "main/binary-arm64/Packages" */
	uint64_t date, until;
};

static void making_clear(struct making *m)
{
	deb_set_free(&m->debs);
	offers_clear(&m->offers);
	strs_clear(&m->archs);
	strs_clear(&m->lists);
}
#define cleanup_making __attribute__((cleanup(making_clear)))

/* ---- packages ---- */

/* Names become those of files and fields of the index. */
static int check_words(const struct offer *f, struct err **err)
{
	static const char *const ours[] = {"Filename", "Size", "MD5sum", "SHA1", "SHA256"};
	const struct deb_package *p = &f->p;

	if (p->name[strspn(p->name, WORD)] || p->source[strspn(p->source, WORD)] ||
	    *p->name == '.' || *p->source == '.' || p->arch[strspn(p->arch, WORD)] ||
	    p->version[strspn(p->version, VERSION_WORD)])
		return err_set(err, E_WRONG_INPUT,
			       "packages: '%s' has a name, version or architecture that Debian "
			       "Policy does not allow",
			       f->deb->label);
	for (size_t i = 0; i < array_len(ours); i++) {
		char *value cleanup_free = deb_field(f->deb->control, ours[i]);

		if (value)
			return err_set(err, E_WRONG_INPUT,
				       "packages: the control file of '%s' has a field '%s', which "
				       "is for the index of the repository to say",
				       f->deb->label, ours[i]);
	}
	return 0;
}

/* As in Debian's pool: one directory for a letter, or for "lib" and a letter. */
static const char *pool_path(const struct making *m, const struct deb_package *p)
{
	const char *version = strchr(p->version, ':');
	int letters = str_skip(p->source, "lib") && p->source[3] ? 4 : 1;

	return arena_printf(m->a->arena, "pool/%s/%.*s/%s/%s_%s_%s.deb", m->o->component, letters,
			    p->source, p->source, p->name, version ? version + 1 : p->version,
			    p->arch);
}

static int read_offer(const struct making *m, const struct deb *d, struct offer *ret,
		      struct err **err)
{
	struct stat st;

	*ret = (struct offer){.deb = d};
	if (deb_package_parse(m->a->arena, d->control, &ret->p) != 0)
		return err_set(err, E_WRONG_INPUT, "packages: '%s' is not a Debian package",
			       d->label);
	if (check_words(ret, err) < 0 || digest_file(d->path, &ret->sha256, err) < 0)
		return -1;
	if (stat(d->path, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", d->path);
	ret->size = (uint64_t)st.st_size;
	ret->path = pool_path(m, &ret->p);
	return 0;
}

/* Of one package the newest version first. */
static int compare(const void *a, const void *b)
{
	const struct offer *x = a, *y = b;
	int c = strcmp(x->p.name, y->p.name);

	if (!c)
		c = deb_version_compare(y->p.version, x->p.version);
	return c ? c : strcmp(x->path, y->path);
}

/* Sorts them, and leaves each once: versions that differ in their epochs have one path, too. */
static int unite(struct offers *all, struct err **err)
{
	struct map paths cleanup_map = {0};
	size_t n = 0;

	qsort(all->items, all->count, sizeof(*all->items), compare);
	for (size_t i = 0; i < all->count; i++) {
		const struct offer *f = &all->items[i], *same = map_get(&paths, f->path);

		if (!same) {
			all->items[n] = *f;
			map_set(&paths, all->items[n].path, &all->items[n]);
			n++;
		} else if (!digest_eq(&same->sha256, &f->sha256)) {
			return err_set(err, E_DUPLICATE_NAME,
				       "packages: '%s' %s (%s) is there twice, with different "
				       "bytes: '%s' and '%s'; what differs needs another version, "
				       "and not in its epoch alone",
				       f->p.name, f->p.version, f->p.arch, same->deb->label,
				       f->deb->label);
		}
	}
	all->count = n;
	return 0;
}

static int read_packages(struct making *m, struct err **err)
{
	if (deb_inputs_open(m->a, "packages", &m->o->packages, &m->debs, err) < 0)
		return -1;
	for (size_t i = 0; i < m->debs.count; i++) {
		struct offer f;

		if (read_offer(m, m->debs.items[i], &f, err) < 0)
			return -1;
		offers_push(&m->offers, f);
	}
	return unite(&m->offers, err);
}

/* ---- architectures ---- */

static bool has_arch(const struct making *m, const char *arch)
{
	for (size_t i = 0; i < m->archs.count; i++)
		if (str_eq(m->archs.items[i], arch))
			return true;
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int find_archs(struct making *m, struct err **err)
{
	for (size_t i = 0; i < m->o->architectures.count; i++) {
		const char *arch = LIST_AT(m->o->architectures, const char *, i);

		if (!has_arch(m, arch))
			strs_push(&m->archs, arch);
	}
	for (size_t i = 0; i < m->offers.count; i++) {
		const struct offer *f = &m->offers.items[i];

		if (str_eq(f->p.arch, "all") || has_arch(m, f->p.arch))
			continue;
		if (m->o->architectures.count)
			return err_set(err, E_WRONG_ARCHITECTURE,
				       "packages: '%s' %s is for architecture '%s', which is not "
				       "among 'architectures': no consumer would see it",
				       f->p.name, f->p.version, f->p.arch);
		strs_push(&m->archs, f->p.arch);
	}
	if (!m->archs.count)
		return err_set(err, E_MISSING_KEY,
			       "the packages are for all architectures: name those of consumers by "
			       "'architectures', as in [arm64]");
	qsort(m->archs.items, m->archs.count, sizeof(*m->archs.items), by_text);
	return 0;
}

/* ---- lists ---- */

static void append_stanza(const struct offer *f, struct str *ret)
{
	char hex[DIGEST_HEX + 1];

	str_printf(ret, "%sFilename: %s\nSize: %llu\nSHA256: %s\n\n", f->deb->control, f->path,
		   (unsigned long long)f->size, digest_hex(&f->sha256, hex));
}

static int write_in(const struct making *m, const char *name, const struct str *text,
		    struct err **err)
{
	char *path cleanup_free = path_join(m->dir, name);

	if (path_mkparents(path, err) < 0)
		return -1;
	return file_write(path, text->buf, text->len, 0644, false, err);
}

/* Also one that is empty: apt asks for it. */
static int write_list(struct making *m, const char *arch, struct err **err)
{
	const char *name =
		arena_printf(m->a->arena, "%s/binary-%s/Packages", m->o->component, arch);
	struct strv xz cleanup_strv = {0};
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < m->offers.count; i++) {
		const struct offer *f = &m->offers.items[i];

		if (str_eq(f->p.arch, arch) || str_eq(f->p.arch, "all"))
			append_stanza(f, &text);
	}
	strv_push(&xz, "xz");
	strv_push(&xz, "-6");
	strv_push(&xz, "-T1");
	strv_push(&xz, "-k");
	strv_push(&xz, name);
	if (write_in(m, name, &text, err) < 0 || tool_run(&m->tool, m->dir, &xz, 0, 0, err) < 0)
		return -1;
	strs_push(&m->lists, name);
	strs_push(&m->lists, arena_printf(m->a->arena, "%s.xz", name));
	return 0;
}

/* ---- the description ---- */

/* As apt reads it, whatever language this process speaks. */
static void append_date(struct str *s, const char *field, uint64_t seconds)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	str_printf(s, "%s: %s, %02d %s %d %02d:%02d:%02d UTC\n", field, days[tm.tm_wday],
		   tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		   tm.tm_sec);
}

static int append_sum(const struct making *m, const char *name, struct str *s, struct err **err)
{
	char *path cleanup_free = path_join(m->dir, name);
	char hex[DIGEST_HEX + 1];
	struct digest d;
	struct stat st;

	if (digest_file(path, &d, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	str_printf(s, " %s %llu %s\n", digest_hex(&d, hex), (unsigned long long)st.st_size, name);
	return 0;
}

static int write_release(const struct making *m, struct err **err)
{
	const char *origin = m->o->origin ? m->o->origin : m->a->project;
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "Origin: %s\nLabel: %s\nSuite: %s\nCodename: %s\n", origin, origin,
		   m->o->suite, m->o->suite);
	append_date(&s, "Date", m->date);
	append_date(&s, "Valid-Until", m->until);
	str_append(&s, "Acquire-By-Hash: yes\nArchitectures:");
	for (size_t i = 0; i < m->archs.count; i++)
		str_printf(&s, " %s", m->archs.items[i]);
	str_printf(&s, "\nComponents: %s\nSHA256:\n", m->o->component);
	for (size_t i = 0; i < m->lists.count; i++)
		if (append_sum(m, m->lists.items[i], &s, err) < 0)
			return -1;
	return write_in(m, "Release", &s, err);
}

static int find_date(struct making *m, time_t now, struct err **err)
{
	uint64_t span;

	if (repository_date(m->o, m->a->lock_date, &m->date) != 0 ||
	    repository_span(m->o->valid_for, &span) != 0)
		return err_set(
			err, E_MISSING_KEY,
			"nothing says when this state was made: no package comes from a node "
			"that has a lock. Add 'date: 2026-01-31', of today, to the recipe");
	if (m->date > (uint64_t)now)
		return err_set(err, E_INVALID_VALUE,
			       "the date of the repository is to come, and apt believes it only "
			       "then: give it that of today, or look at the clock of this machine");
	m->until = m->date + span;
	return 0;
}

static int sign(const struct making *m, time_t now, struct err **err)
{
	struct action *a = m->a;
	const struct action_input *in = action_input(a, m->o->sign);
	const char *key = action_secret(a, in->node, "key");
	const char *out = arena_printf(a->arena, "%s/signer.gpg", a->workdir);
	struct openpgp_facts facts;
	uint64_t when;

	if (in->file_count != 1 || !key)
		return err_set(err, E_INTERNAL, "node '%s' does not give a signer", in->node);
	if (openpgp_look(&m->tool, in->files[0].path, out, now, &facts, err) < 0)
		return -1;
	if (facts.not_after && (uint64_t)facts.not_after < m->until)
		action_warning(a,
			       "the key of '%s' expires before the repository does: consumers "
			       "refuse it from then on",
			       facts.about);
	when = m->date > (uint64_t)facts.since ? m->date : (uint64_t)facts.since;
	return openpgp_sign(&m->tool, m->dir, key, out, (int64_t)when, err);
}

/* ---- the tree ---- */

static int lay_file(const struct making *m, const char *name, const char *as, struct tree *t,
		    struct err **err)
{
	char *from cleanup_free = path_join(m->dir, name);
	char *to cleanup_free = xasprintf("/dists/%s/%s", m->o->suite, as);

	return tree_copy_path(t, to, from, 0, err);
}

/* By its digest, too: whoever has an older description finds the older lists. */
static int lay_list(const struct making *m, const char *name, struct tree *t, struct err **err)
{
	char *path cleanup_free = path_join(m->dir, name), *dir cleanup_free = path_dir(name);
	char *by_hash cleanup_free = NULL;
	char hex[DIGEST_HEX + 1];
	struct digest d;

	if (digest_file(path, &d, err) < 0)
		return -1;
	by_hash = xasprintf("%s/by-hash/SHA256/%s", dir, digest_hex(&d, hex));
	return lay_file(m, name, name, t, err) < 0 ? -1 : lay_file(m, name, by_hash, t, err);
}

static int lay_out(const struct making *m, struct err **err)
{
	static const char *const signed_files[] = {"InRelease", "Release", "Release.gpg"};
	struct tree *t cleanup_tree = tree_new(m->a->epoch, m->a->workdir);

	for (size_t i = 0; i < array_len(signed_files); i++)
		if (lay_file(m, signed_files[i], signed_files[i], t, err) < 0)
			return -1;
	for (size_t i = 0; i < m->lists.count; i++)
		if (lay_list(m, m->lists.items[i], t, err) < 0)
			return -1;
	for (size_t i = 0; i < m->offers.count; i++)
		if (tree_copy_path(t, m->offers.items[i].path, m->offers.items[i].deb->path, 0,
				   err) < 0)
			return -1;
	return tree_write_tar(t, action_output(m->a, REPOSITORY_OUTPUT), err);
}

static int repository_run(struct action *a, struct err **err)
{
	struct making m cleanup_making = {.a = a, .o = a->opts};
	time_t now = time(NULL);

	m.dir = arena_printf(a->arena, "%s/suite", a->workdir);
	if (find_date(&m, now, err) < 0 || read_packages(&m, err) < 0 || find_archs(&m, err) < 0 ||
	    tool_open(a, m.o->tools, &m.tool, err) < 0)
		return -1;
	for (size_t i = 0; i < m.archs.count; i++)
		if (write_list(&m, m.archs.items[i], err) < 0)
			return -1;
	if (write_release(&m, err) < 0 || sign(&m, now, err) < 0)
		return -1;
	action_log(a, "%zu packages in suite '%s'", m.offers.count, m.o->suite);
	return lay_out(&m, err);
}

const struct maker maker_repository = {
	.kind = &kind_repository,
	.run = repository_run,
};
