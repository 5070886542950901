/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose history it is, and what the nodes of that project had last. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/path.h"
#include "base/trace.h"
#include "store/inventory.h"

static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

/* See store_enter(); what statx() does not tell stays 0. */
static void identify(struct state_project *p)
{
	struct statx st;

	if (statx(AT_FDCWD, p->root, 0, STATX_INO | STATX_BTIME, &st) < 0)
		return;
	p->dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	p->ino = st.stx_ino;
	if (st.stx_mask & STATX_BTIME)
		p->born_ns = st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec;
}

/* With the time in it, the tag of a project that was moved is not given to its successor. */
static void make_tag(struct state_project *p)
{
	struct timespec t = now();
	char *text cleanup_free = xasprintf("%s\n%s\n%lld.%09ld", p->root, p->name ? p->name : "",
					    (long long)t.tv_sec, t.tv_nsec);
	char hex[DIGEST_HEX + 1];
	struct digest d;

	digest_data(text, strlen(text), &d);
	snprintf(p->tag, sizeof(p->tag), "%.8s", digest_hex(&d, hex));
}

int store_find_project(struct store *s, struct err **err)
{
	return state_call(s, err, state_project_find(s->state, s->project, err)) < 0 ? -1 : 0;
}

int store_enter(struct store *s, const char *root, const char *name, struct err **err)
{
	store_reload_project(s);
	s->project = arena_alloc(s->arena, sizeof(*s->project));
	*s->project = (struct state_project){
		.root = arena_strdup(s->arena, root),
		.name = name ? arena_strdup(s->arena, name) : NULL,
		.used = now().tv_sec / INVENTORY_DAY,
	};
	identify(s->project);
	make_tag(s->project);
	return store_find_project(s, err);
}

void store_reload_project(struct store *s)
{
	map_clear(&s->pasts);
	map_clear(&s->durations);
	s->pasts_loaded = s->durations_loaded = false;
}

char *store_failed_path(struct store *s, const char *flat)
{
	const char *dir = store_subdir(s, "failed");

	return s->project ? xasprintf("%s/%s.%s", dir, flat, s->project->tag)
			  : path_join(dir, flat);
}

/* --- what its nodes had -------------------------------------------------------------------- */

static void add_past(void *arg, const char *node, const struct node_past *row)
{
	struct store *s = arg;
	struct node_past *own = arena_alloc(s->arena, sizeof(*own));

	*own = *row;
	map_set(&s->pasts, arena_strdup(s->arena, node), own);
}

static int load_pasts(struct store *s, struct err **err)
{
	int rc;

	if (s->pasts_loaded)
		return 0;
	if (!s->project->id && store_find_project(s, err) < 0)
		return -1;
	rc = state_call(s, err, state_node_each(s->state, s->project->id, add_past, s, err));
	s->pasts_loaded = rc == 0;
	return rc;
}

int store_node_past(struct store *s, const char *node, struct node_past *ret, struct err **err)
{
	const struct node_past *known;

	if (!s->project)
		return 1;
	if (load_pasts(s, err) < 0)
		return -1;
	known = map_get(&s->pasts, node);
	if (!known)
		return 1;
	*ret = *known;
	return 0;
}

int store_record_last(struct store *s, const char *node, struct arena *arena, struct record **ret,
		      struct err **err)
{
	struct node_past past;
	struct digest sum;
	struct record *rec;
	int rc = store_node_past(s, node, &past, err);

	if (rc == 0)
		rc = store_record_get(s, &past.key, arena, &rec, err);
	if (rc != 0)
		return rc;
	digest_data(rec->manifest, strlen(rec->manifest), &sum);
	if (!digest_eq(&sum, &rec->key))
		return 1;
	*ret = rec;
	return 0;
}

static void add_duration(void *arg, const char *node, double seconds, const char *root)
{
	struct store *s = arg;
	struct duration *own = map_get(&s->durations, node);

	if (!own) {
		own = arena_alloc(s->arena, sizeof(*own));
		map_set(&s->durations, arena_strdup(s->arena, node), own);
	}
	*own = (struct duration){seconds, root ? arena_strdup(s->arena, root) : NULL};
}

static int load_durations(struct store *s, struct err **err)
{
	const struct state_project *p = s->project;
	int rc;

	if (s->durations_loaded)
		return 0;
	rc = state_call(s, err,
			state_duration_each(s->state, p->id, p->name, add_duration, s, err));
	s->durations_loaded = rc == 0;
	return rc;
}

int store_duration(struct store *s, const char *node, struct duration *ret, struct err **err)
{
	const struct duration *known;

	if (!s->project)
		return 1;
	if (load_durations(s, err) < 0)
		return -1;
	known = map_get(&s->durations, node);
	if (!known)
		return 1;
	*ret = *known;
	return 0;
}

/* --- projects that are gone ---------------------------------------------------------------- */

struct forgetting {
	struct arena *arena;
	int64_t before;
	struct gone {
		struct gone *next;
		int64_t id;
		const char *root;
	} * gone;
};

static void find_gone(void *arg, const struct state_project *row)
{
	struct forgetting *f = arg;
	char *file cleanup_free = path_join(row->root, "recipes/project.yaml");
	struct gone *g;

	if (row->used >= f->before || path_exists(file))
		return;
	g = arena_alloc(f->arena, sizeof(*g));
	*g = (struct gone){f->gone, row->id, arena_strdup(f->arena, row->root)};
	f->gone = g;
}

int store_forget_projects(struct store *s, int64_t day, bool dry_run,
			  void (*report)(void *arg, const char *text), void *arg,
			  uint64_t *ret_count, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct forgetting f = {.arena = arena, .before = day};

	if (store_ready(s, err) < 0 || state_project_each(s->state, find_gone, &f, err) < 0)
		return -1;
	for (const struct gone *g = f.gone; g; g = g->next) {
		char *text cleanup_free = xasprintf("history of '%s', which is gone", g->root);

		if (report)
			report(arg, text);
		if (!dry_run && state_project_drop(s->state, g->id, err) < 0)
			return -1;
		++*ret_count;
	}
	return 0;
}
