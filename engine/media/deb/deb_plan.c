/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/deb/deb_plan.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"

DEFINE_VEC(indexes, size_t)

/* A package that is to be installed. */
struct item {
	const struct deb *deb;
	struct indexes needs; /* items: Pre-Depends, the first PRE, and Depends */
	size_t pre;
	int step;
	bool essential, ranked, configured;
};

/* Who satisfies a name. */
struct provider {
	const char *version; /* NULL: unversioned Provides */
	size_t item;         /* INSTALLED: in the tree already */
	bool real;           /* the package of that name itself */
	size_t priority;     /* index into PRIORITIES: the lower, the sooner it is taken */
};
#define INSTALLED SIZE_MAX
DEFINE_VEC(providers, struct provider)

struct planning {
	struct arena *arena;
	struct item *items; /* by name */
	size_t count;
	struct map names;    /* -> struct providers */
	struct indexes rank; /* items, each after what it needs */
};

/* ---- who provides what ---- */

/* Debian Policy 2.5. */
static const char *const priorities[] = {"required", "important", "standard", "optional"};

static size_t priority_of(const char *stanza)
{
	char *word cleanup_free = deb_field(stanza, "Priority");
	size_t i = 0;

	while (i < array_len(priorities) && !(word && str_eq(word, priorities[i])))
		i++;
	return i;
}

static void provide(struct planning *p, const char *name, struct provider who)
{
	struct providers *v = map_get(&p->names, name);

	if (!v) {
		v = arena_alloc(p->arena, sizeof(*v));
		*v = (struct providers){0};
		map_set(&p->names, arena_strdup(p->arena, name), v);
	}
	providers_push(v, who);
}

static void provide_stanza(struct planning *p, const char *stanza, size_t item)
{
	char *name cleanup_free = deb_field(stanza, "Package");
	char *version cleanup_free = deb_field(stanza, "Version");
	char *provides cleanup_free = deb_field(stanza, "Provides");
	const char *next = provides ? provides : "";
	struct provider who = {.item = item, .priority = priority_of(stanza)};
	struct deb_relation r;

	if (!name || !version)
		return;
	who.version = arena_strdup(p->arena, version);
	who.real = true;
	provide(p, name, who);
	who.real = false;
	while (deb_relation_next(&next, &r)) {
		who.version = *r.op ? arena_strdup(p->arena, r.version) : NULL;
		provide(p, r.name, who);
	}
}

static bool has_name(const struct deb_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (str_eq(set->items[i]->name, name))
			return true;
	return false;
}

/* What is installed and stays: another version of SET takes the place of the one that is there. */
static void provide_installed(struct planning *p, const struct deb_set *set, const char *status)
{
	while (*status) {
		const char *end = strstr(status, "\n\n");
		size_t len = end ? (size_t)(end - status) + 1 : strlen(status);
		char *stanza cleanup_free = xstrndup(status, len);
		char *name cleanup_free = deb_field(stanza, "Package");

		if (name && !has_name(set, name))
			provide_stanza(p, stanza, INSTALLED);
		status += len + strspn(status + len, "\n");
	}
}

/* ---- who needs whom ---- */

static bool sooner(const struct provider *a, const struct provider *b)
{
	if (a->real != b->real)
		return a->real;
	return a->priority < b->priority;
}

/*
 * Looks for the best provider: one in the tree, before a package of that name, before one that
 * provides it. BEST is what earlier alternatives of the same relation have found, or NULL.
 */
static const struct provider *better(const struct planning *p, const struct deb_relation *r,
				     const struct provider *best)
{
	const struct providers *v = map_get(&p->names, r->name);
	const struct provider *own = NULL;

	for (size_t i = 0; v && i < v->count; i++) {
		const struct provider *w = &v->items[i];

		if (!deb_relation_allows(r, w->version))
			continue;
		if (w->item == INSTALLED)
			return w;
		if (!own || sooner(w, own))
			own = w;
	}
	return best ? best : own;
}

static void add_needs(struct planning *p, struct item *it, const char *field)
{
	char *relations cleanup_free = deb_field(it->deb->control, field);
	const char *next = relations ? relations : "";
	const struct provider *best = NULL;
	struct deb_relation r;

	while (deb_relation_next(&next, &r)) {
		best = better(p, &r, best);
		if (r.more)
			continue;
		if (best && best->item != INSTALLED && &p->items[best->item] != it)
			indexes_push(&it->needs, best->item);
		best = NULL;
	}
}

/* Marks in SEEN what ITEM needs, itself included, to any depth. */
static void closure(const struct planning *p, size_t item, bool *seen)
{
	const struct item *it = &p->items[item];

	if (seen[item])
		return;
	seen[item] = true;
	for (size_t i = 0; i < it->needs.count; i++)
		closure(p, it->needs.items[i], seen);
}

static bool *no_marks(const struct planning *p)
{
	return xcalloc(p->count + 1, sizeof(bool));
}

static void rank(struct planning *p, size_t item)
{
	struct item *it = &p->items[item];

	if (it->ranked)
		return;
	it->ranked = true;
	for (size_t i = 0; i < it->needs.count; i++)
		rank(p, it->needs.items[i]);
	indexes_push(&p->rank, item);
}

/* ---- steps ---- */

/* Returns whether there are any. */
static bool mark_essential(struct planning *p)
{
	bool *seen cleanup_free = no_marks(p), any = false;

	for (size_t i = 0; i < p->count; i++) {
		char *essential cleanup_free = deb_field(p->items[i].deb->control, "Essential");

		if (essential && str_eq(essential, "yes"))
			closure(p, i, seen);
	}
	for (size_t i = 0; i < p->count; i++)
		any |= p->items[i].essential = seen[i];
	return any;
}

/* The last step of what ITEM needs in order to be configured; -1 when it needs BACK, too. */
static int last_step(const struct planning *p, size_t item, size_t back)
{
	bool *seen cleanup_free = no_marks(p);
	int last = 0;

	closure(p, item, seen);
	if (seen[back])
		return -1;
	for (size_t i = 0; i < p->count; i++)
		if (seen[i] && p->items[i].step > last)
			last = p->items[i].step;
	return last;
}

/* Moves ITEM after its Pre-Depends; returns whether it had to move. */
static bool push_back(struct planning *p, size_t item)
{
	struct item *it = &p->items[item];
	int was = it->step;

	for (size_t i = 0; !it->essential && i < it->pre; i++) {
		int last = last_step(p, it->needs.items[i], item);

		if (last >= it->step)
			it->step = last + 1;
	}
	return it->step != was;
}

static int choose_steps(struct planning *p, bool seeded)
{
	int last = 0;
	bool moved = true;

	for (size_t i = 0; i < p->count; i++)
		p->items[i].step = seeded && !p->items[i].essential;
	while (moved) {
		moved = false;
		for (size_t i = 0; i < p->count; i++)
			moved |= push_back(p, i);
	}
	for (size_t i = 0; i < p->count; i++)
		last = p->items[i].step > last ? p->items[i].step : last;
	return last;
}

static void set_add(struct deb_set *set, const struct deb *d)
{
	if (set->count == set->cap) {
		set->cap = set->cap ? 2 * set->cap : 16;
		set->items = xreallocarray(set->items, set->cap, sizeof(*set->items));
	}
	set->items[set->count++] = (struct deb *)d;
}

/* What must be configured at the end of STEP: for the next one, or as the ground of a new tree. */
static void wanted(const struct planning *p, int step, bool *seen)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct item *it = &p->items[i];

		for (size_t k = 0; it->step == step + 1 && k < it->pre; k++)
			closure(p, it->needs.items[k], seen);
		if (it->essential)
			seen[i] = true;
	}
}

static void write_step(struct planning *p, int step, bool last, struct deb_step *ret)
{
	bool *seen cleanup_free = no_marks(p);

	if (!last)
		wanted(p, step, seen);
	for (size_t i = 0; i < p->count; i++) {
		size_t item = p->rank.items[i];
		struct item *it = &p->items[item];

		if (it->step == step)
			set_add(&ret->unpack, it->deb);
		if (seen[item] && it->step <= step && !it->configured) {
			it->configured = true;
			set_add(&ret->configure, it->deb);
		}
	}
}

/* ---- */

static int by_name(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = strcmp(x->deb->name, y->deb->name);

	return c ? c : strcmp(x->deb->arch, y->deb->arch);
}

static void load(struct planning *p, const struct deb_set *set, const char *status)
{
	p->count = set->count;
	p->items = xcalloc(set->count + 1, sizeof(*p->items));
	for (size_t i = 0; i < set->count; i++)
		p->items[i].deb = set->items[i];
	qsort(p->items, p->count, sizeof(*p->items), by_name);
	if (status)
		provide_installed(p, set, status);
	for (size_t i = 0; i < p->count; i++)
		provide_stanza(p, p->items[i].deb->control, i);
	for (size_t i = 0; i < p->count; i++) {
		add_needs(p, &p->items[i], "Pre-Depends");
		p->items[i].pre = p->items[i].needs.count;
		add_needs(p, &p->items[i], "Depends");
	}
	for (size_t i = 0; i < p->count; i++)
		rank(p, i);
}

static void planning_free(struct planning *p)
{
	for (size_t i = 0; i < p->count; i++)
		indexes_clear(&p->items[i].needs);
	for (size_t i = 0; i < p->names.count; i++)
		providers_clear(p->names.entries[i].value);
	free(p->items);
	map_clear(&p->names);
	indexes_clear(&p->rank);
	arena_free(p->arena);
}

void deb_plan_make(const struct deb_set *set, const char *status, struct deb_plan *ret)
{
	struct planning p __attribute__((cleanup(planning_free))) = {.arena = arena_new()};
	int last;

	load(&p, set, status);
	ret->seeded = !status && mark_essential(&p);
	last = choose_steps(&p, ret->seeded);
	for (int i = 0; i <= last; i++)
		write_step(&p, i, i == last, deb_steps_at_end(&ret->steps));
}

void deb_plan_free(struct deb_plan *p)
{
	for (size_t i = 0; i < p->steps.count; i++) {
		free(p->steps.items[i].unpack.items);
		free(p->steps.items[i].configure.items);
	}
	deb_steps_clear(&p->steps);
}
