/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch build: opens the session, puts the sinks together, lets the scheduler run, places the
 * targets' outputs, and sums up.
 */
#include <fcntl.h>

#include "base/file.h"
#include "cli/checkout.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"
#include "cli/shortcut.h"
#include "cli/ui.h"

/* Begins the run in the history when the first node starts: a run with nothing to do leaves none.
 */
struct history {
	struct sink sink;
	struct store *store;
	char *targets;
	int64_t run; /* 0: not begun */
	struct err *err;
};

struct build {
	const struct cli *cli;
	struct session session;
	struct tee tee;
	struct tally tally;
	struct ui_plain *plain;
	struct ui_json *json, *events;
	FILE *events_file;
	struct history history;
	struct sched_result result;
	size_t copied;
	int64_t started_ns; /* CLOCK_REALTIME, before anything was read */
};

static bool quiet(const struct cli *c)
{
	return c->progress == PROGRESS_QUIET;
}

static char *target_text(const struct cli *c)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < c->args.count; i++)
		str_printf(&s, "%s%s", i ? " " : "", c->args.items[i]);
	return str_steal(&s);
}

static void history_event(struct sink *self, const struct event *ev)
{
	struct history *h = (struct history *)self;

	if (h->run || h->err || (ev->type != EVENT_NODE_START && ev->type != EVENT_NODE_FAILED))
		return;
	if (store_run_begin(h->store, h->targets, &h->run, &h->err))
		h->run = 0;
}

static int open_events(struct build *b, struct err **err)
{
	const char *path = b->cli->events;

	if (!path)
		return 0;
	b->events_file = fopen(path, "we");
	if (!b->events_file)
		return err_errno(err, ERR_USER, errno, "cannot write '%s'", path);
	b->events = ui_json_new(b->events_file);
	tee_add(&b->tee, ui_json_sink(b->events));
	return 0;
}

static int open_sinks(struct build *b, struct err **err)
{
	tee_init(&b->tee);
	tally_init(&b->tally, b->session.graph);
	tee_add(&b->tee, &b->tally.sink);
	b->history =
		(struct history){{history_event}, b->session.store, target_text(b->cli), 0, NULL};
	tee_add(&b->tee, &b->history.sink);
	if (b->cli->progress == PROGRESS_JSON) {
		b->json = ui_json_new(stderr);
		tee_add(&b->tee, ui_json_sink(b->json));
	} else {
		b->plain = ui_plain_new(b->cli, b->session.graph);
		if (!quiet(b->cli))
			tee_add(&b->tee, ui_plain_sink(b->plain));
	}
	return open_events(b, err);
}

static void close_sinks(struct build *b)
{
	ui_plain_free(b->plain);
	ui_json_free(b->json);
	ui_json_free(b->events);
	if (b->events_file)
		fclose(b->events_file);
	free(b->history.targets);
	err_free(b->history.err);
	if (b->tally.nodes)
		tally_release(&b->tally);
}

static void banner(const struct build *b)
{
	const struct session *s = &b->session;
	const struct paint *p = paint_for(b->cli, stderr);
	size_t wanted = 0;

	for (size_t i = 0; i < s->graph->nodes.count; i++)
		wanted += s->graph->nodes.items[i]->wanted;
	fprintf(stderr, "%sorch %s%s: project '%s', %zu node%s, store ", p->bold, ORCH_VERSION,
		p->off, s->project->name, wanted, wanted == 1 ? "" : "s");
	print_escaped(stderr, store_dir(s->store), strlen(store_dir(s->store)));
	fputc('\n', stderr);
}

/* The outputs of one target: path and size. */
static void list_outputs(const struct node *n, struct str *to)
{
	for (size_t i = 0; n->record && i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];
		char *path cleanup_free = checkout_path(n->name, a->name);
		char *size cleanup_free = str_bytes(a->size);
		char *data cleanup_free = str_bytes(a->allocated);

		str_printf(to, "%s  %s", path, size);
		if (a->type == OUTPUT_IMAGE)
			str_printf(to, " (%s of data)", data);
		str_append_char(to, '\n');
	}
}

/* An image with a partition table on it is what goes onto a card. */
static void card_hint(const struct node *n, struct str *to)
{
	char *path cleanup_free = NULL;

	if (!str_eq(n->recipe->kind->name, "disk") || !n->record || !n->record->output_count)
		return;
	path = checkout_path(n->name, n->record->outputs[0].name);
	str_printf(to,
		   "to write it to a card: bmaptool copy --nobmap %s /dev/CARD\n"
		   "                   or: sudo dd if=%s of=/dev/CARD bs=4M conv=fsync "
		   "status=progress\n",
		   path, path);
}

/* What was asked for, on stdout when all is said: outputs of the targets, and how to use them. */
static void target_list(const struct graph *g, struct str *to)
{
	for (size_t i = 0; i < g->nodes.count; i++) {
		if (g->nodes.items[i]->target)
			list_outputs(g->nodes.items[i], to);
	}
	for (size_t i = 0; i < g->nodes.count; i++) {
		if (g->nodes.items[i]->target)
			card_hint(g->nodes.items[i], to);
	}
}

static void summary(const struct build *b)
{
	const struct sched_result *r = &b->result;
	const struct paint *p = paint_for(b->cli, stderr);
	char *wall cleanup_free = str_seconds(r->wall_s);
	const struct graph *g = b->session.graph;
	struct str list cleanup_str = STR_INIT;

	if (b->plain)
		ui_plain_failures(b->plain, g, &b->tally);
	if (quiet(b->cli) || b->cli->progress == PROGRESS_JSON)
		return;
	fprintf(stderr, "%s%s%s: built %zu, cached %zu, failed %zu, skipped %zu in %s\n",
		r->first_error ? p->red : p->green,
		r->signal        ? "stopped"
		: r->first_error ? "failed"
				 : "ok",
		p->off, r->built, r->cached, r->failed, r->skipped, wall);
	if (b->cli->json)
		return;
	fflush(stderr);
	target_list(g, &list);
	fputs(list.buf, stdout);
}

static int exit_code(const struct sched_result *r)
{
	if (r->signal)
		return 128 + r->signal;
	return r->first_error ? err_exit_code(r->first_error->cls) : 0;
}

/* The run's history: what was built, failed or skipped. */
static int record_run(struct build *b, int code, struct err **err)
{
	const struct graph *g = b->session.graph;
	struct history *h = &b->history;

	if (h->err) {
		*err = steal_ptr(h->err);
		return -1;
	}
	if (!h->run)
		return 0;
	for (size_t i = 0; i < b->tally.count; i++) {
		const struct outcome *o = &b->tally.nodes[i];
		const struct node *n = g->nodes.items[i];
		const struct run_node rn = {n->name,    o->status, n->key,
					    o->seconds, o->log,    o->error};

		if (!o->status || str_eq(o->status, "cached"))
			continue;
		if (store_run_node(h->store, h->run, &rn, err))
			return -1;
	}
	return store_run_end(h->store, h->run, b->result.wall_s, code, err);
}

/* --result-json, and with --json the same on stdout. */
static int tell_result(const struct build *b, bool ok, struct err **err)
{
	const char *file = b->cli->result_json;
	json_t *result = result_object(b->session.graph, &b->tally, b->result.wall_s, ok);
	int rc = 0;

	if (file)
		rc = result_write(file, json_incref(result), err);
	if (rc == 0 && b->cli->json)
		json_print(stdout, json_incref(result), false);
	json_decref(result);
	return rc;
}

static int finish(struct build *b, int code, struct err **err)
{
	struct session *s = &b->session;
	struct str list cleanup_str = STR_INIT;

	if (record_run(b, code, err) || checkout_targets(s->graph, s->store, &b->copied, err) ||
	    tell_result(b, code == 0, err))
		return -1;
	summary(b);
	target_list(s->graph, &list);
	return code == 0 ? shortcut_save(s, b->started_ns, &list, err) : 0;
}

static int build(struct build *b, int *ret_code, struct err **err)
{
	const struct sched_opts opts = {
		.jobs = b->cli->jobs,
		.keep_going = b->cli->keep_going,
		.offline = b->cli->offline,
		.no_wait = b->cli->no_wait,
		.sink = &b->tee.sink,
	};

	if (open_sinks(b, err))
		return -1;
	if (b->plain && !quiet(b->cli))
		banner(b);
	if (sched_run(b->session.graph, b->session.store, &opts, &b->result, err))
		return -1;
	*ret_code = exit_code(&b->result);
	return finish(b, *ret_code, err);
}

/* A run that could not begin leaves a result file too, so that no old one is taken for its own. */
static void refuse(const struct cli *c, int code)
{
	char *text cleanup_free = xasprintf("exit %d: see the messages on stderr", code);
	struct err *err cleanup_err = NULL;

	if (c->result_json && result_write(c->result_json, result_refused(text), &err))
		fprintf(stderr, "orch: %s\n", err->text);
}

int cmd_build(struct cli *c)
{
	struct build b = {.cli = c};
	struct err *err = NULL;
	int code;

	if (c->dry_run)
		return cmd_plan(c);
	b.session.cli = c;
	if (c->exit_code) {
		err_set(&err, ERR_USER,
			"--exit-code asks about a plan: 'orch plan', 'orch build -n'");
		return cli_fail(&b.session, err);
	}
	b.started_ns = shortcut_now();
	code = session_open_dir_and_store(&b.session, c);
	if (code == 0 && shortcut_take(&b.session, b.started_ns)) {
		session_close(&b.session);
		return 0;
	}
	if (code == 0)
		code = session_open_rest(&b.session, &c->args);
	if (code == 0)
		code = session_check_locks(&b.session);
	if (code) {
		refuse(c, code);
	} else if (build(&b, &code, &err)) {
		code = cli_fail(&b.session, err);
		refuse(c, code);
	}
	close_sinks(&b);
	err_free(b.result.first_error);
	session_close(&b.session);
	return code;
}
