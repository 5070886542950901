/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/room.h"

#include <time.h>

#include "base/file.h"
#include "base/vec.h"

#define NAMED 3 /* removed things that a message names */

DEFINE_VEC(keys, struct digest)
DEFINE_VEC(texts, const char *)

/* --- what the build needs ------------------------------------------------------------------ */

struct needing {
	struct keys records, likely;
	struct texts manifests;
};

static int add_node(struct needing *n, struct store *s, const struct node *node, struct err **err)
{
	struct node_past past;
	int rc;

	if (node->record) {
		keys_push(&n->records, node->record->key);
		return 0;
	}
	if (node->manifest)
		texts_push(&n->manifests, node->manifest);
	rc = store_node_past(s, node->name, &past, err);
	if (rc == 0)
		keys_push(&n->likely, past.key);
	return rc < 0 ? -1 : 0;
}

static int find_needs(struct needing *n, const struct graph *g, struct store *s, struct err **err)
{
	for (size_t i = 0; i < g->nodes.count; i++) {
		if (g->nodes.items[i]->wanted && add_node(n, s, g->nodes.items[i], err) < 0)
			return -1;
	}
	return 0;
}

static void needing_clear(struct needing *n)
{
	keys_clear(&n->records);
	keys_clear(&n->likely);
	texts_clear(&n->manifests);
}

/* --- removing ------------------------------------------------------------------------------ */

/* What was removed, for one line. */
struct removed {
	struct str names;
	size_t count;
};

static void note_removed(void *arg, const char *text)
{
	struct removed *r = arg;

	if (r->count++ < NAMED)
		str_printf(&r->names, "%s%s", r->count > 1 ? "; " : "", text);
}

static char *tell(const struct removed *r, uint64_t freed, const char *why)
{
	char *size cleanup_free = str_bytes(freed);
	struct str text cleanup_str = STR_INIT;

	str_printf(&text, "removed %s that was not used for the longest time, %s: %s", size, why,
		   r->names.buf);
	if (r->count > NAMED)
		str_printf(&text, "; and %zu more", r->count - NAMED);
	return str_steal(&text);
}

/* 0, or 1 when others use the store. */
static int collect(struct room *room, struct store *s, const struct store_gc_opts *opts,
		   struct store_gc_result *ret, struct err **err)
{
	struct err *e = NULL;

	room->others = false;
	if (store_gc(s, opts, ret, &e) == 0)
		return 0;
	if (e->code->cls == ERR_LOCKED) {
		room->others = true;
		err_free(e);
		return 1;
	}
	*err = e;
	return -1;
}

/* Removes until the store has at most TARGET bytes. */
static int shrink(struct room *room, const struct graph *g, struct store *s,
		  const struct store_gc_opts *how, const char *why, char **ret_text,
		  struct err **err)
{
	struct store_gc_opts opts = *how;
	struct needing n = {0};
	struct removed removed = {.names = STR_INIT};
	struct store_gc_result result;
	int rc = find_needs(&n, g, s, err);

	opts.needs = (struct store_needs){n.records.items,   n.records.count, n.manifests.items,
					  n.manifests.count, n.likely.items,  n.likely.count,
					  room->since};
	if (!opts.dry_run) {
		opts.report = note_removed;
		opts.arg = &removed;
	}
	if (rc == 0)
		rc = collect(room, s, &opts, &result, err);
	if (rc == 0) {
		room->freed = result.freed;
		room->held -= result.freed < room->held ? result.freed : room->held;
		room->kept = result.kept;
		if (removed.count)
			*ret_text = tell(&removed, result.freed, why);
	}
	str_release(&removed.names);
	needing_clear(&n);
	return rc < 0 ? -1 : 0;
}

/* --- when ---------------------------------------------------------------------------------- */

void room_open(struct room *r, uint64_t limit)
{
	*r = (struct room){.limit = limit, .since = time(NULL)};
}

void room_add(struct room *r, const struct record *rec)
{
	for (size_t i = 0; i < rec->output_count; i++)
		r->held += rec->outputs[i].allocated;
	r->tried = false;
}

/* Bytes that the disk lacks for WANT; 0 too, when nobody can say. */
static uint64_t lacking(struct store *s, const struct space *want)
{
	struct err *ignored cleanup_err = NULL;
	uint64_t free_bytes, all = want->known + want->guessed + SPACE_RESERVE;

	if (file_free_bytes(store_dir(s), &free_bytes, &ignored) < 0)
		return 0;
	return free_bytes < all ? all - free_bytes : 0;
}

bool room_is_short(const struct room *r, struct store *s, const struct space *want)
{
	if (r->tried)
		return false;
	return (r->limit && !r->too_small && r->held + want->known > r->limit) ||
	       lacking(s, want) > 0;
}

static uint64_t less(uint64_t bytes, uint64_t by)
{
	return bytes > by ? bytes - by : 1;
}

static int keep_limit(struct room *r, const struct graph *g, struct store *s, uint64_t added,
		      enum store_gc_wait wait, char **ret_text, struct err **err)
{
	struct store_gc_opts opts = {.limit = less(r->limit, added), .wait = wait};
	char *size cleanup_free = str_bytes(r->limit),
		   *why cleanup_free = xasprintf("since store-size is %s", size);

	if (!r->limit || r->held + added <= r->limit)
		return 0;
	if (shrink(r, g, s, &opts, why, ret_text, err) < 0)
		return -1;
	r->too_small = !r->others && r->kept > opts.limit;
	return 0;
}

/* Removes for the disk only when that helps: what is left of the store serves other builds. */
static int keep_free(struct room *r, const struct graph *g, struct store *s, uint64_t bytes,
		     char **ret_text, struct err **err)
{
	struct store_gc_opts opts = {.limit = 1, .wait = STORE_GC_TRY, .dry_run = true};
	uint64_t held = r->held;

	if (shrink(r, g, s, &opts, NULL, ret_text, err) < 0)
		return -1;
	r->held = held;
	if (r->others || r->freed < bytes)
		return 0;
	opts.dry_run = false;
	opts.limit = less(held, bytes);
	return shrink(r, g, s, &opts, "since the disk is nearly full", ret_text, err);
}

int room_make(struct room *r, const struct graph *g, struct store *s, const struct space *want,
	      char **ret_text, struct err **err)
{
	char *first = NULL;
	uint64_t lack;

	*ret_text = NULL;
	r->tried = true;
	if (r->limit || lacking(s, want))
		r->held = store_bytes(s);
	if (keep_limit(r, g, s, want->known, STORE_GC_TRY, &first, err) < 0)
		return -1;
	lack = lacking(s, want);
	if (lack && keep_free(r, g, s, lack, ret_text, err) < 0) {
		free(first);
		return -1;
	}
	if (*ret_text)
		free(first);
	else
		*ret_text = first;
	return 0;
}

int room_leave(struct room *r, const struct graph *g, struct store *s, bool last, char **ret_text,
	       struct err **err)
{
	*ret_text = NULL;
	if (!r->limit)
		return 0;
	r->held = store_bytes(s);
	return keep_limit(r, g, s, 0, last ? STORE_GC_LAST : STORE_GC_TRY, ret_text, err);
}
