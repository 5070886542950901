/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packages of a lock. apt resolves, with every kept pin among its arguments, so that nothing of
 * the old lock moves and no other way to satisfy a dependency is taken. When that cannot be had,
 * pins are given up one by one, only for what moves anyway, each with a reason. What nothing needs
 * any more goes.
 */
#include <string.h>

#include "kinds/debian/build_depends.h"
#include "kinds/debian/relock_priv.h"

struct solving {
	struct relock *l;
	struct apt_request *q;
	struct map extras;  /* names of old packages that may still be needed */
	struct strv probes; /* names of which apt is to say what is in their way */
	struct apt_unmets unmet;
	struct lock_entries found;
};

static void solving_clear(struct solving *s)
{
	map_clear(&s->extras);
	strv_clear(&s->probes);
	apt_unmets_clear(&s->unmet);
	lock_entries_clear(&s->found);
}

/* ---- what the old lock has and the recipe may still need ---- */

static bool is_asked(const struct relock *l, const char *what)
{
	for (size_t i = 0; i < l->o->packages.count; i++)
		if (str_eq(LIST_AT(l->o->packages, const char *, i), what))
			return true;
	return str_eq(what, LOCK_ESSENTIAL) || str_skip(what, LOCK_BUILD_PREFIX) ||
	       str_skip(what, LOCK_DEBS_PREFIX);
}

static void reach_old(struct solving *s, const char *names);

static void reach_one(struct solving *s, const char *name)
{
	const struct old_pin *p = relock_pin(s->l, name);

	if (p && !p->base && !map_set(&s->extras, p->entry->name, (void *)p) && p->entry->needs)
		reach_old(s, p->entry->needs);
}

static void reach_old(struct solving *s, const char *names)
{
	while (*names) {
		size_t n = strcspn(names, ",");

		reach_one(s, arena_strndup(s->l->arena, names, n));
		names += n + (names[n] == ',');
	}
}

static void find_extras(struct solving *s)
{
	struct relock *l = s->l;

	for (size_t i = 0; i < l->old.wants.count; i++)
		if (is_asked(l, l->old.wants.items[i].what))
			reach_old(s, l->old.wants.items[i].names);
	for (size_t i = 0; i < l->o->packages.count; i++) {
		struct package_word w;

		if (package_word_parse(l->arena, LIST_AT(l->o->packages, const char *, i), &w) == 0)
			reach_one(s, w.name);
	}
	if (l->old.format != 1) /* format 1 does not say what needs what */
		return;
	for (size_t i = 0; i < l->pins.count; i++)
		reach_one(s, l->pins.items[i].entry->name);
}

/* ---- one attempt ---- */

/* Whether a word of the recipe is about NAME; CHOOSING: and says which version, or a suite. */
static bool is_named(const struct relock *l, const char *name, bool choosing)
{
	for (size_t i = 0; i < l->o->packages.count; i++) {
		const char *text = LIST_AT(l->o->packages, const char *, i);
		struct package_word w;

		if (package_word_parse(l->arena, text, &w) == 0 && str_eq(w.name, name) &&
		    (!choosing || w.version || w.suite))
			return true;
	}
	return false;
}

/* The version that P is to have, or NULL: whatever apt takes. */
static const char *version_of(const struct old_pin *p)
{
	return p->kept ? p->entry->version : p->target;
}

static void push_pin(struct strv *words, const struct old_pin *p)
{
	strv_printf(words, "%s=%s", p->entry->name, version_of(p));
}

static void arguments(const struct solving *s, struct strv *words)
{
	const struct relock *l = s->l;

	strv_push(words, "?essential");
	strv_push(words, "usr-is-merged");
	for (size_t i = 0; i < l->pins.count; i++) {
		const struct old_pin *p = &l->pins.items[i];

		if (version_of(p) && (p->base || p->left || map_get(&s->extras, p->entry->name)))
			push_pin(words, p);
		else if (p->left && !p->kept && !is_named(l, p->entry->name, false))
			strv_push(words, p->entry->name);
	}
	for (size_t i = 0; i < l->o->packages.count; i++) {
		const char *text = LIST_AT(l->o->packages, const char *, i);
		struct package_word w;
		const struct old_pin *p;

		if (package_word_parse(l->arena, text, &w) != 0)
			continue;
		p = relock_pin(l, w.name);
		if (p && version_of(p))
			push_pin(words, p);
		else if (w.version || w.suite || !is_named(l, w.name, true))
			strv_push(words, text); /* to apt the last one for a package counts */
	}
	relock_push_builds(l, words);
	relock_push_debs(l, words);
	for (size_t i = 0; i < s->probes.count; i++)
		strv_push(words, s->probes.items[i]);
}

static int attempt(struct solving *s, struct err **err)
{
	struct strv words cleanup_strv = {0};
	struct lock_entries keep = {0};
	int r;

	for (size_t i = 0; i < s->l->pins.count; i++)
		if (version_of(&s->l->pins.items[i]))
			*lock_entries_at_end(&keep) =
				(struct lock_entry){.name = s->l->pins.items[i].entry->name,
						    .version = version_of(&s->l->pins.items[i])};
	arguments(s, &words);
	lock_entries_clear(&s->found);
	apt_unmets_clear(&s->unmet);
	r = apt_prefer(s->q, &keep, err);
	if (r == 0)
		r = apt_install(s->q, &words, &s->found, &s->unmet, err);
	lock_entries_clear(&keep);
	return r;
}

/* ---- what has to move along ---- */

/* What moves anyway, or comes with it; a package that the recipe asks for moves no other. */
static bool moves(const struct relock *l, const char *name)
{
	const struct old_pin *p = relock_pin(l, name);

	return p ? !p->kept || p->left : !is_asked(l, name);
}

static bool give_up(struct solving *s, const char *name, const char *why)
{
	struct old_pin *p = relock_pin(s->l, name);

	if (!p || !p->kept)
		return false;
	if (p->base) {
		relock_leave_base(s->l, p, why);
		return true;
	}
	p->kept = false;
	p->why = why;
	return true;
}

static bool anything_moves(const struct relock *l)
{
	for (size_t i = 0; i < l->pins.count; i++)
		if (!l->pins.items[i].kept || l->pins.items[i].left)
			return true;
	return false;
}

/*
 * Whether one of the two was given up. The base's version is what it is, unless the other one is in
 * the place of what the base has.
 */
static bool give_up_one(struct solving *s, const struct apt_unmet *u)
{
	struct relock *l = s->l;
	const struct old_pin *p = relock_pin(l, u->name), *by = relock_pin(l, u->package);

	if (p && p->base && !(by && (by->base || by->left)))
		return give_up(s, u->package,
			       arena_printf(l->arena, "it needs %s, and '%s' has %s", u->text,
					    l->o->from->text, p->entry->version));
	if (!anything_moves(l))
		return false;
	if (moves(l, u->package) &&
	    give_up(s, u->name, arena_printf(l->arena, "'%s' %s %s", u->package, u->verb, u->text)))
		return true;
	return moves(l, u->name) &&
	       give_up(s, u->package,
		       arena_printf(l->arena, "it %s %s, which moves", u->verb, u->text));
}

/* Whether there is a reason to try again: a pin was given up, or apt is to be asked closer. */
static bool give_way(struct solving *s)
{
	bool again = false;

	for (size_t i = 0; i < s->unmet.count; i++)
		again |= give_up_one(s, &s->unmet.items[i]);
	strv_clear(&s->probes);
	for (size_t i = 0; !again && i < s->unmet.count && s->probes.count < 50; i++)
		if (s->unmet.items[i].absent && moves(s->l, s->unmet.items[i].package))
			strv_push(&s->probes, s->unmet.items[i].name);
	return again || s->probes.count;
}

/* In place of apt's "held broken packages": what is in the way, and how pins are moved. */
static int explain(const struct solving *s, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	const char *pinned = NULL;

	for (size_t i = 0; i < s->unmet.count; i++) {
		const struct apt_unmet *u = &s->unmet.items[i];
		const struct old_pin *p = relock_pin(s->l, u->name);

		if (text.len < 1000)
			str_printf(&text, "%s%s %s %s", text.len ? "; " : "",
				   relock_subject(s->l, u->package), u->verb, u->text);
		if (p && p->base)
			str_printf(&text, " ('%s' pins %s)", s->l->o->from->text,
				   p->entry->version);
		else if (p && p->kept)
			str_printf(&text, " (pinned to %s)", p->entry->version);
		if (p && p->kept && !p->base && !pinned)
			pinned = u->name;
	}
	if (!text.len)
		return -1;
	err_free(steal_ptr(*err));
	if (pinned)
		return err_set(err, E_PACKAGES_CONFLICT,
			       "packages cannot be had together: %s; 'orch lock %s --update %s' "
			       "moves that pin",
			       text.buf, s->l->recipe->name, pinned);
	return err_set(err, E_PACKAGES_CONFLICT, "packages cannot be had together: %s", text.buf);
}

static int attempts(struct solving *s, struct err **err)
{
	size_t limit = 2 * s->l->pins.count + 10;
	struct err *first = NULL;

	for (size_t i = 0; i < limit; i++) {
		if (attempt(s, err) == 0) {
			if (!s->probes.count)
				return 0;
			strv_clear(&s->probes); /* they are there by themselves now */
			continue;
		}
		if (!s->unmet.count || !give_way(s))
			break;
		err_free(steal_ptr(*err));
	}
	if (!*err)
		return err_set(err, E_PACKAGES_CONFLICT, "apt finds no end with these packages");
	if ((*err)->code->cls != ERR_USER || !s->unmet.count)
		return -1;
	/* Something of the old lock that is needed no more may be what is in the way. */
	explain(s, err);
	first = steal_ptr(*err);
	map_clear(&s->extras);
	strv_clear(&s->probes);
	if (attempt(s, err) == 0) {
		err_free(first);
		return 0;
	}
	err_free(steal_ptr(*err));
	*err = first;
	return -1;
}

/* ---- what was found ---- */

/* E, which is P with the same bytes, is in the archive where P has it, too. */
static bool is_listed(const struct apt_places *places, const struct old_pin *p)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct apt_place *at = &places->items[i];

		if (str_eq(at->name, p->entry->name) && str_eq(at->version, p->entry->version) &&
		    str_eq(at->archive, p->entry->archive))
			return true;
	}
	return false;
}

/* Archives may share a package; which of them apt names first is no reason to change a line. */
static int find_moved_places(struct solving *s, struct apt_places *ret, struct err **err)
{
	struct strv names cleanup_strv = {0};

	for (size_t i = 0; i < s->found.count; i++) {
		const struct lock_entry *e = &s->found.items[i];
		const struct old_pin *p = relock_pin(s->l, e->name);

		if (p && p->kept && *e->path && !str_eq(p->entry->archive, e->archive))
			strv_push(&names, e->name);
	}
	return apt_places(s->q, &names, ret, err);
}

/* A kept pin is itself, whichever archive or pool apt has it from. */
static int put_pins(struct solving *s, struct err **err)
{
	const struct relock *l = s->l;
	struct apt_places places = {0};

	if (find_moved_places(s, &places, err) < 0)
		return -1;
	for (size_t i = 0; i < s->found.count; i++) {
		struct lock_entry *e = &s->found.items[i];
		const struct old_pin *p = relock_pin(l, e->name);

		if (p && p->kept && str_eq(p->entry->version, e->version) &&
		    (!*e->path || !digest_eq(&p->entry->sha256, &e->sha256) ||
		     is_listed(&places, p)))
			*e = *p->entry;
	}
	apt_places_clear(&places);
	return 0;
}

static int check_base(const struct solving *s, struct err **err)
{
	const struct relock *l = s->l;

	for (size_t i = 0; i < l->pins.count; i++) {
		const struct old_pin *p = &l->pins.items[i];
		const struct lock_entry *e = relock_found(&s->found, p->entry->name);

		if (p->base && (!e || !digest_eq(&e->sha256, &p->entry->sha256)))
			return err_set(err, E_BASE_PINS,
				       "'%s' is pinned to %s %s, which the archives no longer have "
				       "together with these packages",
				       l->o->from->text, p->entry->name, p->entry->version);
	}
	for (size_t i = 0; i < s->found.count; i++)
		if (!*s->found.items[i].path)
			return err_set(err, E_INTERNAL, "package '%s' %s is of no archive",
				       s->found.items[i].name, s->found.items[i].version);
	return 0;
}

static int read_records(struct solving *s, struct err **err)
{
	struct strv names cleanup_strv = {0};

	for (size_t i = 0; i < s->found.count; i++)
		if (!relock_record(s->l, &s->found.items[i].sha256))
			strv_push(&names, s->found.items[i].name);
	return apt_records(s->q, &names, &s->l->records, err);
}

static void tell_moves(struct relock *l)
{
	for (size_t i = 0; i < l->pins.count; i++)
		if (!l->pins.items[i].kept && l->pins.items[i].why)
			map_set(&l->why, l->pins.items[i].entry->name,
				(void *)l->pins.items[i].why);
}

int relock_solve(struct relock *l, struct apt_request *q, struct err **err)
{
	struct solving s = {.l = l, .q = q};
	int r;

	find_extras(&s);
	relock_say(l, "resolving %zu package%s and what %s", l->o->packages.count,
		   l->o->packages.count == 1 ? "" : "s",
		   l->o->packages.count == 1 ? "it needs" : "they need");
	r = attempts(&s, err);
	relock_drop_builds(l, &s.found);
	if (r == 0)
		r = put_pins(&s, err);
	if (r == 0)
		r = check_base(&s, err);
	if (r == 0)
		r = read_records(&s, err);
	if (r == 0)
		r = relock_put_packages(l, &s.found, err);
	if (r == 0)
		tell_moves(l);
	solving_clear(&s);
	return r;
}
