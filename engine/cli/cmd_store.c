/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch store: what takes room, and making some; hashing every blob: what is damaged goes to
 * quarantine and is built again.
 */
#include <time.h>

#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/task.h"
#include "kinds/user_config.h"

#define THINGS_SHOWN 20

/* What store_verify() and store_gc() tell while they work. */
struct telling {
	const struct cli *c;
	struct task task;
};

/* What is found and done, and what is waited for: beside the one object of --json. */
static void report(void *arg, const char *text)
{
	struct telling *t = arg;
	FILE *to = t->c->json ? stderr : stdout;

	task_pause(&t->task);
	print_escaped(to, text, strlen(text));
	fputc('\n', to);
	fflush(to);
}

static void hashed(void *arg, uint64_t bytes)
{
	struct telling *t = arg;

	task_part(&t->task, bytes, 0);
}

static int verify_store(struct session *s, struct cli *c, struct store_verify_result *ret,
			struct err **err)
{
	struct telling t = {.c = c};
	const struct store_verify_opts opts = {report, hashed, &t};
	int rc;

	task_open(&t.task, TASK_TERMINAL);
	task_begin(&t.task, "hashing all blobs");
	rc = store_verify(s->store, &opts, ret, err);
	task_close(&t.task);
	return rc;
}

static void print_json(const struct store_verify_result *r)
{
	json_print(stdout,
		   json_pack("{s:i, s:b, s:I, s:I, s:I, s:I}", "v", 1, "ok",
			     !r->damaged && !r->missing, "blobs", (json_int_t)r->blobs, "bytes",
			     (json_int_t)r->bytes, "damaged", (json_int_t)r->damaged, "missing",
			     (json_int_t)r->missing),
		   false);
}

static int verify(struct session *s, struct cli *c)
{
	struct store_verify_result r = {0};
	struct err *err = NULL;
	char *bytes cleanup_free = NULL;

	if (verify_store(s, c, &r, &err))
		return cli_fail(s, err);
	bytes = str_bytes(r.bytes);
	if (c->json)
		print_json(&r);
	else
		printf("%llu blobs, %s: %llu damaged, %llu missing\n", (unsigned long long)r.blobs,
		       bytes, (unsigned long long)r.damaged, (unsigned long long)r.missing);
	if (r.damaged || r.missing) {
		if (!c->json)
			puts("damaged blobs are in quarantine; the next build makes them again");
		return err_exit_code(ERR_STORE);
	}
	return 0;
}

/* Until a look finds nothing wrong: the second one sees what the first has put right. */
static int repair(struct session *s, struct cli *c)
{
	struct store_verify_result first = {0}, r = {0};
	struct err *err = NULL;

	if (verify_store(s, c, &first, &err) || verify_store(s, c, &r, &err))
		return cli_fail(s, err);
	if (c->json)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:I, s:I, s:I}", "v", 1, "ok",
				     !r.damaged && !r.missing, "blobs", (json_int_t)r.blobs,
				     "damaged", (json_int_t)first.damaged, "missing",
				     (json_int_t)first.missing),
			   false);
	else
		printf("%llu blobs are whole, %llu were damaged, %llu outputs will be made "
		       "again\n",
		       (unsigned long long)r.blobs, (unsigned long long)first.damaged,
		       (unsigned long long)first.missing);
	return r.damaged || r.missing ? err_exit_code(ERR_STORE) : 0;
}

static json_t *things_json(const struct store_usage *u)
{
	json_t *things = json_array();

	for (size_t i = 0; i < u->thing_count; i++)
		json_array_append_new(things, json_pack("{s:o, s:I, s:I}", "name",
							json_text(u->things[i].name), "bytes",
							(json_int_t)u->things[i].bytes, "used_at",
							(json_int_t)u->things[i].used));
	return things;
}

static void print_usage_json(const struct store_usage *u)
{
	json_t *parts = json_array(), *nodes = json_array();

	for (size_t i = 0; i < u->part_count; i++)
		json_array_append_new(parts,
				      json_pack("{s:s, s:I, s:I, s:I}", "name", u->parts[i].name,
						"files", (json_int_t)u->parts[i].files, "bytes",
						(json_int_t)u->parts[i].bytes, "unnamed",
						(json_int_t)u->parts[i].unnamed));
	for (size_t i = 0; i < u->node_count; i++)
		json_array_append_new(nodes, json_pack("{s:o, s:I, s:I, s:I}", "node",
						       json_text(u->nodes[i].node), "results",
						       (json_int_t)u->nodes[i].records, "bytes",
						       (json_int_t)u->nodes[i].bytes, "used_at",
						       (json_int_t)u->nodes[i].used));
	json_print(stdout,
		   json_pack("{s:i, s:b, s:I, s:o, s:o, s:o}", "v", 1, "ok", 1, "bytes",
			     (json_int_t)u->bytes, "parts", parts, "nodes", nodes, "things",
			     things_json(u)),
		   false);
}

static void print_parts(const struct store_usage *u)
{
	struct table *t = table_new(">SIZE", ">FILES", "PART", "WHAT", NULL);
	uint64_t unnamed = 0;

	for (size_t i = 0; i < u->part_count; i++) {
		const struct store_part *p = &u->parts[i];
		char *size cleanup_free = str_bytes(p->bytes);
		char *files cleanup_free = xasprintf("%llu", (unsigned long long)p->files);

		unnamed += p->unnamed;
		table_row(t, size, files, p->name, p->what);
	}
	table_print(t);
	if (unnamed) {
		char *size cleanup_free = str_bytes(unnamed);

		printf("%s of it are named by no result: orch store gc\n", size);
	}
}

static const char *day_of(int64_t seconds, char date[16])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	*date = 0;
	if (gmtime_r(&t, &tm))
		strftime(date, 16, "%Y-%m-%d", &tm);
	return date;
}

static void print_nodes(const struct store_usage *u)
{
	struct table *t = table_new(">SIZE", ">RESULTS", "LAST USED", "NODE", NULL);

	for (size_t i = 0; i < u->node_count; i++) {
		const struct store_node_usage *n = &u->nodes[i];
		char *size cleanup_free = str_bytes(n->bytes);
		char *count cleanup_free = xasprintf("%zu", n->records);
		char date[16];

		table_row(t, size, count, day_of(n->used, date), n->node);
	}
	table_print(t);
}

/* The largest; --json has all. */
static void print_things(const struct store_usage *u)
{
	struct table *t = table_new(">SIZE", "LAST USED", "BESIDE RESULTS", NULL);
	uint64_t rest = 0;

	for (size_t i = 0; i < u->thing_count; i++) {
		const struct store_thing *thing = &u->things[i];
		char *size cleanup_free = str_bytes(thing->bytes);
		char date[16];

		if (i < THINGS_SHOWN)
			table_row(t, size, day_of(thing->used, date), thing->name);
		else
			rest += thing->bytes;
	}
	table_print(t);
	if (u->thing_count > THINGS_SHOWN) {
		char *size cleanup_free = str_bytes(rest);

		printf("and %zu more, %s: --json has all\n", u->thing_count - THINGS_SHOWN, size);
	}
	putchar('\n');
}

static int usage(struct session *s, struct cli *c)
{
	struct store_usage u;
	struct err *err = NULL;
	char *total cleanup_free = NULL;

	if (store_usage(s->store, s->arena, &u, &err))
		return cli_fail(s, err);
	if (c->json) {
		print_usage_json(&u);
		return 0;
	}
	if (u.node_count) {
		print_nodes(&u);
		putchar('\n');
	}
	if (u.thing_count)
		print_things(&u);
	print_parts(&u);
	total = str_bytes(u.bytes);
	printf("%s in ", total);
	print_escaped(stdout, store_dir(s->store), strlen(store_dir(s->store)));
	putchar('\n');
	return 0;
}

static int gc_limit(struct session *s, const struct cli *c, uint64_t *ret, struct err **err)
{
	struct user_config config;

	if (c->size)
		return size_parse(c->size, ret) || !*ret
			       ? err_set(err, E_USAGE, "--size wants a size such as 20G, not '%s'",
					 c->size)
			       : 0;
	if (user_config_read(s->arena, &config, err))
		return -1;
	*ret = config.store_size;
	return 0;
}

static int gc(struct session *s, struct cli *c)
{
	struct telling telling = {.c = c};
	struct store_gc_opts opts = {.dry_run = c->dry_run,
				     .wait = c->no_wait ? STORE_GC_TRY : STORE_GC_WAIT,
				     .report = report,
				     .arg = &telling};
	struct store_gc_result r;
	struct err *err = NULL;
	char *freed cleanup_free = NULL, *kept cleanup_free = NULL;
	int rc;

	if (gc_limit(s, c, &opts.limit, &err))
		return cli_fail(s, err);
	task_open(&telling.task, TASK_TERMINAL);
	task_begin(&telling.task, "looking for what can go");
	rc = store_gc(s->store, &opts, &r, &err);
	task_close(&telling.task);
	if (rc)
		return cli_fail(s, err);
	freed = str_bytes(r.freed);
	kept = str_bytes(r.kept);
	if (c->json)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "v", 1, "ok", 1,
				     "results", (json_int_t)r.records, "blobs", (json_int_t)r.blobs,
				     "downloads", (json_int_t)r.downloads, "others",
				     (json_int_t)r.others, "freed", (json_int_t)r.freed, "kept",
				     (json_int_t)r.kept),
			   false);
	else
		printf("%s %llu results, %llu blobs, %llu downloads, %llu other files and "
		       "directories: %s; %s stays\n",
		       c->dry_run ? "would remove" : "removed", (unsigned long long)r.records,
		       (unsigned long long)r.blobs, (unsigned long long)r.downloads,
		       (unsigned long long)r.others, freed, kept);
	if (opts.limit && r.kept > opts.limit && !c->json) {
		char *fixed cleanup_free = str_bytes(r.fixed);

		printf("that is more than the size that was asked for: %s of it are the database, "
		       "the logs of recorded runs and the like, which gc does not remove\n",
		       fixed);
	}
	return 0;
}

int cmd_store(struct cli *c)
{
	static const struct {
		const char *name;
		int (*run)(struct session *s, struct cli *c);
	} verbs[] = {{"du", usage}, {"gc", gc}, {"verify", verify}, {"repair", repair}};
	struct session s cleanup_session = {0};
	struct err *err = NULL;
	int code = session_open_store(&s, c);

	if (code)
		return code;
	for (size_t i = 0; i < array_len(verbs); i++) {
		if (str_eq(c->args.items[0], verbs[i].name))
			return verbs[i].run(&s, c);
	}
	err_set(&err, E_UNKNOWN_COMMAND, "no 'orch store %s'; there are du, gc, verify and repair",
		c->args.items[0]);
	return cli_fail(&s, err);
}
