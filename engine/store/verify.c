/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at everything in the store, see store_verify(). */
#include <dirent.h>
#include <sys/stat.h>

#include "base/dirseal.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/trace.h"
#include "base/vec.h"
#include "store/cas.h"
#include "store/record_files.h"
#include "store/store_priv.h"

struct damage {
	struct artifact blob;
	struct blob_stamp stamp;
};
DEFINE_VEC(damages, struct damage)

struct verify {
	struct store *s;
	const struct store_verify_opts *opts;
	struct store_verify_result *result;
	struct strv drop, mend; /* keys, hex; mend: from the record's file */
	struct damages damages;
};

static void say(struct verify *v, const char *fmt, ...) printf_like(2, 3);
static void say(struct verify *v, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (v->opts->report)
		v->opts->report(v->opts->arg, text);
}

/* A damaged row is written again from the record's file. 0, or 1 when that is not whole. */
static int mend(struct verify *v, const struct state_record *row, struct arena *arena,
		struct record **ret)
{
	char hex[DIGEST_HEX + 1];
	struct state_record good;

	if (record_file_read(v->s, &row->key, arena, &good) != 0 ||
	    record_decode(&good, arena, ret) != 0)
		return 1;
	strv_push(&v->mend, digest_hex(&row->key, hex));
	say(v, "record '%.12s' of node '%s' was damaged and is read from its file",
	    digest_hex(&row->key, hex), good.node);
	v->result->damaged++;
	return 0;
}

static int mend_records(struct verify *v, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();

	for (size_t i = 0; i < v->mend.count; i++) {
		struct state_record row;
		struct digest key;

		if (digest_parse(v->mend.items[i], &key) == 0 &&
		    record_file_read(v->s, &key, arena, &row) == 0 &&
		    state_record_put(v->s->state, &row, err) < 0)
			return -1;
	}
	return 0;
}

/* Notes records that are damaged or name a blob that is not there. */
static int verify_record(void *arg, const struct state_record *row, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct verify *v = arg;
	struct record *rec;
	char hex[DIGEST_HEX + 1];
	bool whole = true;

	if (record_decode(row, arena, &rec) != 0 && mend(v, row, arena, &rec) != 0) {
		say(v, "record '%.12s' of node '%s' is damaged and was dropped",
		    digest_hex(&row->key, hex), row->node);
		v->result->damaged++;
		strv_push(&v->drop, digest_hex(&row->key, hex));
		return 0;
	}
	for (size_t i = 0; i < rec->output_count; i++) {
		const struct artifact *a = &rec->outputs[i];
		char *path cleanup_free = cas_path(v->s->dir, a->type, &a->digest);

		if (a->shared || path_exists(path))
			continue;
		whole = false;
		v->result->missing++;
		say(v, "output '%s' of node '%s' is not in the store: its record was dropped",
		    a->name, rec->node);
	}
	if (!whole)
		strv_push(&v->drop, digest_hex(&rec->key, hex));
	return 0;
}

static int drop_records(struct verify *v, struct err **err)
{
	for (size_t i = 0; i < v->drop.count; i++) {
		struct digest key;

		if (digest_parse(v->drop.items[i], &key) == 0 &&
		    records_drop(v->s, &key, 1, true, err) < 0)
			return -1;
	}
	return 0;
}

static void note_good(void *arg, const struct artifact *a, const struct blob_stamp *stamp)
{
	struct verify *v = arg;

	store_blob_good(v->s, a, stamp);
}

static void note_bad(void *arg, const struct artifact *a, const struct blob_state *state)
{
	struct verify *v = arg;

	say(v, "blob 'cas/%s' is damaged: %s; moved to quarantine", a->name, state->why);
	damages_push(&v->damages, (struct damage){*a, state->stamp});
	v->damages.items[v->damages.count - 1].blob.name = NULL;
}

static void note_looked(void *arg)
{
	const struct verify *v = arg;

	if (v->opts->progress)
		v->opts->progress(v->opts->arg, v->result->bytes);
}

static void report_blob(void *arg, const char *text)
{
	say(arg, "%s", text);
}

static void note_user(void *arg, const struct record *user, const char *blob)
{
	struct verify *v = arg;

	v->result->missing += user->output_count;
	say(v, "a result of '%s' was made with blob %.12s and was dropped", user->node, blob);
}

/* All that used damaged blobs goes before the blobs do: killed in between, the next look finds them
 * again. */
static int put_away(struct verify *v, struct err **err)
{
	struct suspects p = {0};
	size_t dropped;
	int rc;

	for (size_t i = 0; i < v->damages.count; i++)
		suspects_add(&p, v->s, &v->damages.items[i].blob);
	rc = suspects_drop_users(v->s, &p, note_user, v, &dropped, err);
	map_clear(&p.blobs);
	for (size_t i = 0; rc == 0 && i < v->damages.count; i++)
		rc = blob_put_away(v->s, &v->damages.items[i].blob, &v->damages.items[i].stamp,
				   err);
	return rc;
}

/* --- unpacked trees ------------------------------------------------------------------------ */

/* A root is no loss: it is unpacked again when it is used. */
static int drop_root(struct verify *v, const char *root, const struct digest *tree,
		     const struct dirseal *seal, struct err **err)
{
	const struct artifact a = {.type = OUTPUT_TREE, .digest = *tree};
	struct suspects p = {0};
	char hex[DIGEST_HEX + 1];
	size_t dropped;
	int rc = 0;

	v->result->damaged++;
	if (seal) {
		suspects_add_since(&p, v->s, &a, seal->hashed_ns / 1000000000);
		rc = suspects_drop_users(v->s, &p, note_user, v, &dropped, err);
		map_clear(&p.blobs);
	}
	say(v, "unpacked tree %.12s %s; removed", digest_hex(tree, hex),
	    seal ? "has changed" : "was not finished");
	return rc < 0 ? -1 : path_remove(root, err);
}

/* ENTRY of roots/: "<digest>.<boot>" is a directory. No other orch unpacks it meanwhile. */
static int verify_root(struct verify *v, const char *roots, const char *entry, struct err **err)
{
	char *root cleanup_free = path_join(roots, entry),
		   *file cleanup_free = xasprintf("%s.seal", root);
	char *hex cleanup_free = xstrndup(entry, strcspn(entry, "."));
	char *lock cleanup_free = xasprintf("%s/%s.lock", roots, hex);
	struct err *why cleanup_err = NULL;
	struct dirseal seal;
	struct digest tree;
	struct stat st;
	int fd cleanup_fd = -1;

	if (digest_parse(hex, &tree) != 0 || lstat(root, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	if (lock_file(lock, LOCK_EXCLUSIVE, true, &fd, err) < 0)
		return -1;
	if (dirseal_read(file, &seal) != 0)
		return drop_root(v, root, &tree, NULL, err);
	if (dirseal_check(root, file, &seal, true, &why) == 0)
		return 0;
	if (why)
		trace(TRACE_STORE, "%s", why->text);
	return drop_root(v, root, &tree, &seal, err);
}

static int verify_roots(struct verify *v, struct err **err)
{
	char *roots cleanup_free = path_join(v->s->dir, "roots");
	DIR *dir = opendir(roots);
	int rc = 0;

	for (struct dirent *e; dir && rc == 0 && (e = readdir(dir));)
		rc = verify_root(v, roots, e->d_name, err);
	if (dir)
		closedir(dir);
	return rc;
}

static int verify_database(struct verify *v, struct err **err)
{
	struct store *s = v->s;
	char *why cleanup_free = NULL;
	int rc = state_verify(s->state, &why, err);

	if (rc == 1)
		rc = err_set(err, E_STORE_DAMAGED, "'%s/state.sqlite' is damaged: %s", s->dir, why);
	if (rc < 0 && store_heal(s, err)) {
		v->result->damaged++;
		say(v, "%s", s->warning);
		rc = 0;
	}
	return rc;
}

static int verify_all(struct verify *v, struct err **err)
{
	const struct cas_verify blobs = {.store_dir = v->s->dir,
					 .report = report_blob,
					 .good = note_good,
					 .bad = note_bad,
					 .looked = note_looked,
					 .arg = v,
					 .result = v->result};

	if (store_ready(v->s, err) < 0 || verify_database(v, err) < 0 ||
	    cas_verify(&blobs, err) < 0 || put_away(v, err) < 0 || verify_roots(v, err) < 0 ||
	    state_record_each(v->s->state, verify_record, v, err) < 0)
		return -1;
	return mend_records(v, err) < 0 ? -1 : drop_records(v, err);
}

int store_verify(struct store *s, const struct store_verify_opts *opts,
		 struct store_verify_result *ret, struct err **err)
{
	struct store_verify_result result = {0};
	struct verify v = {.s = s, .opts = opts, .result = &result};
	int rc = verify_all(&v, err);

	strv_clear(&v.drop);
	strv_clear(&v.mend);
	damages_clear(&v.damages);
	if (rc == 0)
		*ret = result;
	return rc;
}
