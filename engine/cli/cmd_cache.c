/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch cache: what is shared with other machines, by hand (docs/sharing.md). */
#include <inttypes.h>

#include "cli/cache.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/table.h"
#include "kinds/user_config.h"
#include "remote/share_counts.h"
#include "remote/transport_dir.h"

void cache_warn(struct cache *c, const char *text)
{
	task_pause(&c->task);
	fputs("orch: warning: ", stderr);
	print_escaped(stderr, text, strlen(text));
	fputc('\n', stderr);
}

static void on_warning(void *arg, const char *text)
{
	cache_warn(arg, text);
}

static void on_bytes(void *arg, uint64_t bytes)
{
	struct cache *c = arg;

	c->moved += bytes;
	task_part(&c->task, c->moved, 0);
}

int cache_open(struct cache *c, bool write, struct err **err)
{
	struct user_config user;

	if (user_config_read(c->s->arena, &user, err))
		return -1;
	user_config_remote(&user, c->s->arena, &c->config);
	c->config.mode = write ? REMOTE_WRITE : REMOTE_READ;
	if (share_open(&c->config, store_dir(c->s->store), &c->share, err) < 0)
		return -1;
	share_on_warning(c->share, on_warning, c);
	share_on_bytes(c->share, on_bytes, c);
	task_open(&c->task, TASK_TERMINAL);
	return 0;
}

static int cache_done(struct cache *c, struct err *err)
{
	struct err *ignored cleanup_err = NULL;
	struct share_counts counts;

	task_close(&c->task);
	if (c->share) {
		share_counts(c->share, &counts);
		share_counts_add(c->s->store, &counts, &ignored);
	}
	share_close(c->share);
	return err ? cli_fail(c->s, err) : 0;
}

int cache_near(struct cache *c, const struct node *n, const struct artifact **ret,
	       size_t *ret_count, struct err **err)
{
	struct record *last;
	int rc = store_record_last(c->s->store, n->name, c->s->arena, &last, err);

	*ret = rc == 0 ? last->outputs : NULL;
	*ret_count = rc == 0 ? last->output_count : 0;
	return rc < 0 ? -1 : 0;
}

static void print_json(const struct cache *c, const char *done)
{
	struct share_counts counts;

	share_counts(c->share, &counts);
	json_print(stdout,
		   json_pack("{s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "v", 1, "ok", 1, done,
			     (json_int_t)c->done, "known", (json_int_t)(c->known + c->cached),
			     "left", (json_int_t)c->left, "differ", (json_int_t)c->failed,
			     "downloads", (json_int_t)c->downloads, "sent", (json_int_t)counts.sent,
			     "received", (json_int_t)counts.received),
		   false);
}

/* --- push ---------------------------------------------------------------------------------- */

static int push_downloads(struct cache *c, const struct record *rec, struct err **err)
{
	struct digest *all;
	size_t count = share_downloads(c->s->arena, rec->manifest, &all);

	for (size_t i = 0; i < count; i++) {
		int rc = share_download_put(c->share, &all[i], err);

		if (rc < 0)
			return -1;
		c->downloads += rc == 0;
	}
	return 0;
}

static int push_node(struct cache *c, const struct record *rec, struct err **err)
{
	const struct share_push_opts opts = {.check = true, .again = true};
	char *why cleanup_free = NULL;
	enum share_pushed done;

	task_begin(&c->task, rec->node);
	if (share_push(c->share, rec, &opts, &done, &why, err) < 0)
		return -1;
	if (why)
		cache_warn(c, why);
	c->done += done == SHARE_PUSHED;
	c->known += done == SHARE_KNOWN;
	c->failed += done == SHARE_DIFFERS;
	return push_downloads(c, rec, err);
}

static int push_all(struct cache *c, struct err **err)
{
	struct plan_nodes plan = {0};
	int rc = plan_make(c->s->graph, c->s->store, &c->s->tools, &plan, err);

	for (size_t i = 0; rc == 0 && i < plan.count; i++) {
		const struct plan_node *p = &plan.items[i];

		if (p->verdict != PLAN_CACHED)
			c->left++;
		else if (p->left)
			c->unseen++; /* nobody here can say that it is what its record says */
		else if (p->fetch)
			c->known++;
		else
			rc = push_node(c, p->node->record, err);
	}
	plan_release(&plan);
	return rc;
}

static int push(struct cache *c, const struct strv *args)
{
	struct err *err = NULL;
	int code = session_open(c->s, c->cli, SESSION_STORE, args);
	char *sent cleanup_free = NULL;
	struct share_counts counts;

	if (code == 0)
		code = session_note_missing(c->s, SESSION_NOTE_KEYS_AND_LOCKS);
	if (code)
		return code;
	if (cache_open(c, true, &err) < 0 || push_all(c, &err) < 0)
		return cache_done(c, err);
	task_pause(&c->task);
	share_counts(c->share, &counts);
	sent = str_bytes(counts.sent);
	if (c->cli->json)
		print_json(c, "pushed");
	else
		printf("%zu results stored, %zu were there, %zu are not built here, %zu differ; "
		       "%zu downloads; %s sent\n",
		       c->done, c->known, c->left, c->failed, c->downloads, sent);
	if (c->unseen && !c->cli->json)
		printf("%zu not stored, whose bytes a farm alone has: 'orch build --fetch all' "
		       "brings them\n",
		       c->unseen);
	return cache_done(c, NULL);
}

/* --- pull ---------------------------------------------------------------------------------- */

static int pull(struct cache *c, const struct strv *args)
{
	struct err *err = NULL;
	int code = session_open(c->s, c->cli, SESSION_STORE, args);
	char *received cleanup_free = NULL;
	struct share_counts counts;

	if (code == 0)
		code = session_note_missing(c->s, SESSION_NOTE_KEYS_AND_LOCKS);
	if (code)
		return code;
	if (cache_open(c, false, &err) < 0 || cache_pull(c, c->cli->only == 1, &err) < 0)
		return cache_done(c, err);
	task_pause(&c->task);
	share_counts(c->share, &counts);
	received = str_bytes(counts.received);
	if (c->cli->json)
		print_json(c, "pulled");
	else
		printf("%zu results fetched, %zu were here, %zu are left to build; %zu downloads; "
		       "%s received\n",
		       c->done, c->cached, c->left, c->downloads, received);
	return cache_done(c, NULL);
}

/* --- prune --------------------------------------------------------------------------------- */

static int prune_limit(const struct cache *c, const char *url, uint64_t *ret, struct err **err)
{
	char *dir cleanup_free = NULL;

	if (transport_dir_url(url, &dir, ret, err) < 0)
		return -1;
	if (c->cli->size && (size_parse(c->cli->size, ret) != 0 || !*ret))
		return err_set(err, E_USAGE, "--size wants a size such as 20G, not '%s'",
			       c->cli->size);
	if (!*ret)
		*ret = UINT64_MAX;
	return 0;
}

static int prune_one(const struct cache *c, const char *url, struct dir_pruned *ret,
		     struct err **err)
{
	uint64_t size;

	if (prune_limit(c, url, &size, err) < 0)
		return -1;
	if (transport_dir_prune(url, size, c->cli->dry_run, ret, err) != 1)
		return *err ? -1 : 0;
	return err_set(err, E_REMOTE_URL,
		       "only a directory is pruned from here, and %s is not one: servers keep a "
		       "limit of their own",
		       url);
}

static int prune(struct cache *c, const struct strv *args)
{
	char *gone cleanup_free = NULL, *left cleanup_free = NULL;
	const char *url;
	struct dir_pruned r;
	struct err *err = NULL;
	int code = session_open_store(c->s, c->cli);

	if (code)
		return code;
	if (cache_open(c, false, &err) < 0)
		return cache_done(c, err);
	url = LIST_AT(c->config.cache, const char *, 0);
	if (prune_one(c, url, &r, &err) < 0)
		return cache_done(c, err);
	gone = str_bytes(r.removed.bytes);
	left = str_bytes(r.left.bytes);
	if (c->cli->json)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:I, s:I, s:I, s:I, s:I}", "v", 1, "ok", 1,
				     "results", (json_int_t)r.removed.results, "blobs",
				     (json_int_t)r.removed.blobs, "freed",
				     (json_int_t)r.removed.bytes, "kept_results",
				     (json_int_t)r.left.results, "kept", (json_int_t)r.left.bytes),
			   false);
	else
		printf("%s %" PRIu64 " results, %" PRIu64 " blobs: %s; %" PRIu64
		       " results, %s stay\n",
		       c->cli->dry_run ? "would remove" : "removed", r.removed.results,
		       r.removed.blobs, gone, r.left.results, left);
	return cache_done(c, NULL);
}

/* --- stats --------------------------------------------------------------------------------- */

static json_t *stats_place(struct cache *c, size_t i)
{
	struct transport *t = share_transport(c->share, i);
	struct str hello cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct dir_usage u;
	json_t *o = json_object();
	bool there = t->type->hello(t, &hello, &err) == 0;

	json_object_set_new(o, "url", json_text(t->shown));
	json_object_set_new(o, "reached", json_boolean(there));
	json_object_set_new(o, "what", json_text(there ? hello.buf : err->text));
	if (there &&
	    transport_dir_usage(LIST_AT(c->config.cache, const char *, i), &u, &err) == 0) {
		json_object_set_new(o, "results", json_integer((json_int_t)u.results));
		json_object_set_new(o, "blobs", json_integer((json_int_t)u.blobs));
		json_object_set_new(o, "bytes", json_integer((json_int_t)u.bytes));
	}
	return o;
}

static void print_place(const json_t *o)
{
	const json_t *bytes = json_object_get(o, "bytes");
	const char *url = json_string_value(json_object_get(o, "url"));
	const char *what = json_string_value(json_object_get(o, "what"));

	print_escaped(stdout, url, strlen(url));
	fputs(": ", stdout);
	print_escaped(stdout, what, strlen(what));
	if (bytes) {
		char *size cleanup_free = str_bytes((uint64_t)json_integer_value(bytes));

		printf("; %" JSON_INTEGER_FORMAT " results, %" JSON_INTEGER_FORMAT " blobs, %s",
		       json_integer_value(json_object_get(o, "results")),
		       json_integer_value(json_object_get(o, "blobs")), size);
	}
	putchar('\n');
}

static void print_counts(const struct share_counts *n)
{
	char *sent cleanup_free = str_bytes(n->sent),
		   *received cleanup_free = str_bytes(n->received);

	printf("from this store: %" PRIu64 " results asked for, %" PRIu64 " hits, %" PRIu64
	       " refused, %" PRIu64 " damaged; %" PRIu64 " stored; %s received, %s sent\n",
	       n->asked, n->hits, n->refused, n->damaged, n->pushed, received, sent);
}

static json_t *counts_json(const struct share_counts *n)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "asked", (json_int_t)n->asked,
			 "hits", (json_int_t)n->hits, "refused", (json_int_t)n->refused, "damaged",
			 (json_int_t)n->damaged, "stored", (json_int_t)n->pushed, "sent",
			 (json_int_t)n->sent, "received", (json_int_t)n->received);
}

static int stats(struct cache *c, const struct strv *args)
{
	struct share_counts counts;
	struct err *err = NULL;
	int code = session_open_store(c->s, c->cli);
	json_t *places = json_array();

	if (code == 0 &&
	    (cache_open(c, false, &err) < 0 || share_counts_read(c->s->store, &counts, &err) < 0))
		code = cache_done(c, err);
	for (size_t i = 0; code == 0 && i < share_count(c->share); i++)
		json_array_append_new(places, stats_place(c, i));
	if (code) {
		json_decref(places);
		return code;
	}
	if (c->cli->json) {
		json_print(stdout,
			   json_pack("{s:i, s:b, s:o, s:o}", "v", 1, "ok", 1, "caches", places,
				     "counts", counts_json(&counts)),
			   false);
		return cache_done(c, NULL);
	}
	for (size_t i = 0; i < json_array_size(places); i++)
		print_place(json_array_get(places, i));
	print_counts(&counts);
	json_decref(places);
	return cache_done(c, NULL);
}

/* --- keys ---------------------------------------------------------------------------------- */

/* Makes the key when it is not there; prints what readers write into trust:. */
static int key(struct cache *c, const struct strv *args)
{
	struct signer *signer = NULL;
	struct err *err = NULL;
	const char *path = args->count == 1 ? args->items[0] : NULL;

	if (!path)
		err_set(&err, E_USAGE, "'orch cache key FILE' names one file");
	else if (access(path, F_OK) < 0 && signer_make(path, &err) < 0)
		err_wrap(&err, "cannot make a key");
	if (err || signer_load(path, &signer, &err) < 0)
		return cli_fail(c->s, err);
	if (c->cli->json)
		json_print(
			stdout,
			json_pack("{s:i, s:b, s:s}", "v", 1, "ok", 1, "trust", signer_word(signer)),
			false);
	else
		puts(signer_word(signer));
	signer_free(signer);
	return 0;
}

int cmd_cache(struct cli *cli)
{
	static const struct {
		const char *name;
		int (*run)(struct cache *c, const struct strv *args);
	} verbs[] = {
		{"push", push}, {"pull", pull}, {"prune", prune}, {"stats", stats}, {"key", key}};
	const struct strv args = {.items = cli->args.items + 1, .count = cli->args.count - 1};
	struct session s cleanup_session = {.cli = cli};
	struct cache c = {.cli = cli, .s = &s};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(verbs); i++)
		if (str_eq(cli->args.items[0], verbs[i].name))
			return verbs[i].run(&c, &args);
	err_set(&err, E_UNKNOWN_COMMAND,
		"no 'orch cache %s'; there are push, pull, prune, stats and key",
		cli->args.items[0]);
	return cli_fail(&s, err);
}
