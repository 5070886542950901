/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/builder.h"

#include "base/file.h"
#include "cli/beside.h"
#include "cli/executor.h"
#include "cli/finding.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/program.h"
#include "cli/remote_use.h"
#include "kinds/user_config.h"
#include "machine/sandbox/cgroup.h"
#include "store/blob.h"

/* Runs after the first one, for damaged blobs. */
#define DELIVERIES_MAX 3

static char *target_text(const struct cli *c)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < c->args.count; i++)
		str_printf(&s, "%s%s", i ? " " : "", c->args.items[i]);
	return str_steal(&s);
}

static int begin_history(struct builder_history *h, struct err **err)
{
	return h->run ? 0 : store_run_begin(h->store, h->targets, &h->run, err);
}

static int record_node(struct builder_history *h, const struct node *n, struct err **err)
{
	const struct outcome *o = &h->tally->nodes[n->index];
	const struct run_node rn = {n->name, o->status, n->key, o->seconds, o->log, o->error};

	return store_run_node(h->store, h->run, &rn, err);
}

static void history_event(struct sink *self, const struct event *ev)
{
	struct builder_history *h = (struct builder_history *)self;

	if (h->err)
		return;
	switch (ev->type) {
	case EVENT_NODE_START:
		(void)!begin_history(h, &h->err);
		break;
	case EVENT_NODE_BUILT:
	case EVENT_NODE_FAILED:
	case EVENT_NODE_SKIPPED:
		if (begin_history(h, &h->err) == 0)
			(void)!record_node(h, ev->node, &h->err);
		break;
	default:
		break;
	}
}

static int open_events(struct builder *b, struct err **err)
{
	const char *path = b->cli->events;

	if (!path)
		return 0;
	b->events_file = fopen(path, "we");
	if (!b->events_file)
		return err_errno(err, E_REPORT_UNWRITABLE, errno, "cannot write '%s'", path);
	b->events = ui_json_new(b->events_file);
	tee_add(&b->tee, ui_json_sink(b->events));
	return 0;
}

static void open_progress(struct builder *b)
{
	b->mode = ui_mode(b->cli);
	switch (b->mode) {
	case PROGRESS_JSON:
		b->json = ui_json_new(stderr);
		tee_add(&b->tee, ui_json_sink(b->json));
		break;
	case PROGRESS_TTY:
		b->tty = ui_tty_new(b->cli, b->session->graph);
		tee_add(&b->tee, ui_tty_sink(b->tty));
		break;
	case PROGRESS_PLAIN:
		b->plain = ui_plain_new(b->cli, b->session->graph);
		tee_add(&b->tee, ui_plain_sink(b->plain));
		break;
	case PROGRESS_AUTO:
	case PROGRESS_QUIET:
		break;
	}
}

static int open_sinks(struct builder *b, struct err **err)
{
	tee_init(&b->tee);
	tally_init(&b->tally, b->session->graph);
	tee_add(&b->tee, &b->tally.sink);
	b->history = (struct builder_history){
		{history_event}, b->session->store, &b->tally, target_text(b->cli), 0, NULL};
	tee_add(&b->tee, &b->history.sink);
	if (b->also)
		tee_add(&b->tee, b->also);
	timing_open(&b->timing, b->session->graph, b->session->arena);
	tee_add(&b->tee, &b->timing.sink);
	open_progress(b);
	return open_events(b, err);
}

/* What cannot be done now is done by the next build. */
static void keep_size(struct builder *b)
{
	struct session *s = b->session;
	struct err *err cleanup_err = NULL;
	char *text cleanup_free = NULL;
	struct event ev = {.type = EVENT_NOTE};

	if (room_leave(&b->room, s->graph, s->store, b->last, &text, &err) < 0) {
		ev.type = EVENT_WARNING;
		ev.text = err->text;
	}
	if (text)
		ev.text = text;
	if (ev.text)
		b->tee.sink.event(&b->tee.sink, &ev);
}

void builder_close(struct builder *b)
{
	if (b->result.built)
		keep_size(b);
	ui_plain_free(b->plain);
	ui_tty_free(b->tty);
	ui_json_free(b->json);
	ui_json_free(b->events);
	if (b->events_file)
		fclose(b->events_file);
	free(b->history.targets);
	timing_close(&b->timing);
	err_free(b->history.err);
	if (b->tally.nodes)
		tally_release(&b->tally);
	err_free(b->result.first_error);
}

static void banner(const struct builder *b)
{
	const struct session *s = b->session;
	const struct paint *p = paint_for(b->cli, stderr);
	size_t wanted = 0;

	for (size_t i = 0; i < s->graph->nodes.count; i++)
		wanted += s->graph->nodes.items[i]->wanted;
	fprintf(stderr, "%sorch %s%s: project '%s', %zu node%s, store ", p->bold, ORCH_VERSION,
		p->off, s->project->name, wanted, wanted == 1 ? "" : "s");
	print_escaped(stderr, store_dir(s->store), strlen(store_dir(s->store)));
	fputc('\n', stderr);
}

static int exit_code(const struct sched_result *r)
{
	if (r->signal)
		return 128 + r->signal;
	return r->first_error ? err_exit_code(r->first_error->code->cls) : 0;
}

/* A node that was in the store is news when the project had something else of it. */
static int record_hit(struct builder_history *h, const struct node *n, struct err **err)
{
	struct run_node rn = {.node = n->name, .status = "cached", .key = n->key};
	struct node_past past;
	int rc = store_node_past(h->store, n->name, &past, err);

	if (rc < 0)
		return -1;
	if (rc == 0 && digest_eq(&past.key, &n->key))
		return 0;
	rn.log = n->record->log;
	return begin_history(h, err) ? -1 : store_run_node(h->store, h->run, &rn, err);
}

static int record_hits(struct builder *b, struct err **err)
{
	for (size_t i = 0; i < b->tally.count; i++) {
		const struct node *n = b->session->graph->nodes.items[i];
		const char *status = b->tally.nodes[i].status;

		if (status && str_eq(status, "cached") && n->record &&
		    record_hit(&b->history, n, err))
			return -1;
	}
	return 0;
}

/* As all history, it is lost on a full disk. */
static int keep_timing(struct builder *b, struct err **err)
{
	int rc;

	b->timing.remote = b->result.remote;
	rc = timing_keep(&b->timing, b->history.store, b->history.run, err);

	if (rc == 0 || (*err)->code->cls != ERR_RESOURCE)
		return rc;
	err_free(steal_ptr(*err));
	return 0;
}

static int write_history(struct builder *b, int code, struct err **err)
{
	struct builder_history *h = &b->history;

	if (h->err) {
		*err = steal_ptr(h->err);
		return -1;
	}
	if (record_hits(b, err))
		return -1;
	if (store_run_end(h->store, h->run, b->result.wall_s, code, err) < 0)
		return -1;
	return h->run ? keep_timing(b, err) : 0;
}

/* What was stopped by a signal does not wait for its place in the history. */
static int record_run(struct builder *b, int code, struct err **err)
{
	int rc = write_history(b, code, err);

	if (rc == 0 || !b->result.signal || (*err)->code->cls != ERR_CANCEL)
		return rc;
	err_free(steal_ptr(*err));
	return 0;
}

void builder_failed(struct builder *b, int code)
{
	struct err *ignored cleanup_err = NULL;

	if (b->history.run)
		(void)!store_run_end(b->history.store, b->history.run, b->result.wall_s, code,
				     &ignored);
}

/* Who reads the events must not take a part of them for all. */
static int check_events(const struct builder *b, struct err **err)
{
	if (!b->events_file || (fflush(b->events_file) == 0 && !ferror(b->events_file)))
		return 0;
	return err_set(err, E_SCRATCH_FAILED, "cannot write all events to '%s'", b->cli->events);
}

void builder_failures(const struct builder *b)
{
	if (b->mode != PROGRESS_JSON)
		ui_failures(b->cli, b->session->graph, &b->tally);
	for (size_t i = 0; i < b->tally.failed_count; i++) {
		size_t failed = b->tally.failed[i];

		finding_add_node(b->cli, b->session->dir, b->session->graph->nodes.items[failed],
				 &b->tally.nodes[failed]);
	}
}

bool builder_quiet(const struct builder *b)
{
	return b->cli->progress == PROGRESS_QUIET;
}

/* What the run used, for `orch store gc`: nodes that it made and those that were there. */
static void note_use(const struct builder *b)
{
	const struct nodes *nodes = &b->session->graph->nodes;
	struct digest *keys cleanup_free = xcalloc(nodes->count + 1, sizeof(*keys));
	size_t count = 0;

	for (size_t i = 0; i < nodes->count; i++) {
		if (nodes->items[i]->wanted && nodes->items[i]->record)
			keys[count++] = nodes->items[i]->record->key;
	}
	store_used(b->session->store, keys, count);
}

void builder_damaged(void *arg, const struct node *n, const char *text)
{
	struct builder *b = arg;
	struct event ev = {.type = EVENT_WARNING, .node = n, .text = text};

	b->tee.sink.event(&b->tee.sink, &ev);
}

static int hash_output(struct builder *b, const struct node *n, const struct artifact *a,
		       size_t *damaged, struct err **err)
{
	struct store *s = b->session->store;
	struct blob_state state cleanup_blob_state = {0};
	char *text cleanup_free = NULL;
	size_t dropped;
	int rc;

	if (store_blob_known(s, a, true) || (a->shared && !store_blob_is_here(s, a)))
		return 0;
	rc = blob_hash(store_dir(s), a, &state, err);
	if (rc == 0)
		store_blob_good(s, a, &state.stamp);
	if (rc <= 0)
		return rc;
	if (store_blob_damaged(s, a, &state.stamp, &dropped, err))
		return -1;
	text = xasprintf("output '%s' in the store is damaged: %s", a->name, state.why);
	builder_damaged(b, n, text);
	++*damaged;
	return 0;
}

int builder_hash_targets(struct builder *b, size_t *ret_damaged, struct err **err)
{
	const struct nodes *nodes = &b->session->graph->nodes;

	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *n = nodes->items[i];

		for (size_t k = 0; n->target && n->record && k < n->record->output_count; k++) {
			if (hash_output(b, n, &n->record->outputs[k], ret_damaged, err))
				return -1;
		}
	}
	return 0;
}

/* What came of all nodes: that of the last run counts what an earlier one built as cached. */
static void count_outcomes(struct builder *b)
{
	b->result.built = b->result.cached = 0;
	for (size_t i = 0; i < b->tally.count; i++) {
		const char *status = b->tally.nodes[i].status;

		b->result.built += status && str_eq(status, "built");
		b->result.cached += status && str_eq(status, "cached");
	}
}

/*
 * Runs until what is delivered is whole. What cannot be delivered is *RET_UNDELIVERED: the run has
 * its place in the history all the same.
 */
static int deliver_all(struct builder *b, const struct sched_opts *opts,
		       struct err **ret_undelivered, struct err **err)
{
	double wall_s = 0;
	size_t damaged;

	for (unsigned i = 0;; i++) {
		struct session *s = b->session;

		damaged = 0;
		if (sched_run(s->graph, s->store, opts, &b->result, err))
			return -1;
		b->result.wall_s += wall_s;
		wall_s = b->result.wall_s;
		if (b->deliver && b->deliver(b, &damaged, ret_undelivered))
			break;
		if (!damaged || b->result.first_error || b->result.signal || i == DELIVERIES_MAX)
			break;
	}
	count_outcomes(b);
	if (damaged && !*ret_undelivered && !b->result.first_error && !b->result.signal)
		err_set(ret_undelivered, E_BLOB_DAMAGED,
			"what was built just now is damaged in the store: is its disk broken?");
	return 0;
}

static int run_and_deliver(struct builder *b, const struct sched_opts *opts,
			   struct err **ret_undelivered, struct err **err)
{
	int r = deliver_all(b, opts, ret_undelivered, err);

	cgroup_run_close(steal_ptr(b->groups));
	return r;
}

/* Workers find room for their sandboxes' control groups beside that of the run. */
static void open_groups(void *arg)
{
	struct builder *b = arg;

	if (!b->groups)
		b->groups = cgroup_run_open(&cgroup_own);
}

int builder_run(struct builder *b, int *ret_code, struct err **err)
{
	struct err *undelivered = NULL;
	struct user_config config;
	struct farm farm cleanup_farm = {0};
	struct remote_use use;
	struct sched_opts opts = {
		.jobs = b->cli->jobs,
		.keep_going = b->cli->keep_going,
		.offline = b->cli->offline,
		.no_wait = b->cli->no_wait,
		.build = build_id,
		.sink = &b->tee.sink,
		.before_work = open_groups,
		.arg = b,
	};
	char *worker cleanup_free = program_worker(err);
	int rc;

	if (!worker)
		return -1;
	opts.worker = worker;
	if (user_config_read(b->session->arena, &config, err) ||
	    executor_find(b->session->arena, b->cli, &config, &farm, err))
		return -1;
	opts.farm = farm.urls.count ? &farm : NULL;
	rc = remote_use_of(b->cli, &config, b->session->arena, &use, err);
	if (rc < 0 || open_sinks(b, err))
		return -1;
	use.opens = beside_opens;
	opts.remote = rc == 0 || opts.farm ? &use : NULL;
	if (!opts.jobs)
		opts.jobs = (unsigned)config.jobs;
	opts.store_size = config.store_size;
	room_open(&b->room, config.store_size);
	opts.tick_ms = b->tty ? UI_TTY_MS : 0;
	if ((b->plain || b->tty) && !b->modest)
		banner(b);
	if (run_and_deliver(b, &opts, &undelivered, err)) {
		builder_failed(b, err_exit_code((*err)->code->cls));
		return -1;
	}
	note_use(b);
	*ret_code = exit_code(&b->result);
	rc = record_run(b, *ret_code, err);
	if (rc == 0 && undelivered)
		*err = steal_ptr(undelivered);
	err_free(undelivered);
	return rc || *err ? -1 : check_events(b, err);
}

int builder_targets(const struct cli *c, const struct strv *targets, struct session *s)
{
	struct builder run = {
		.cli = c, .session = s, .modest = true, .deliver = builder_hash_targets};
	struct err *err = NULL;
	int code = session_open(s, c, SESSION_STORE, targets);

	if (code == 0)
		code = session_check_files(s, true);
	if (code)
		return code;
	if (builder_run(&run, &code, &err))
		code = cli_fail(s, err);
	else if (code)
		builder_failures(&run);
	builder_close(&run);
	return code;
}

int builder_first(struct cli *c, struct session *s)
{
	struct strv first cleanup_strv = {0};

	strv_push(&first, c->args.items[0]);
	return builder_targets(c, &first, s);
}
