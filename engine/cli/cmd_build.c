/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch build: opens the session, lets the scheduler run, places the targets' outputs, and sums up.
 */
#include <stddef.h>
#include <time.h>

#include "check/check.h"
#include "cli/beside.h"
#include "cli/builder.h"
#include "cli/checkout.h"
#include "cli/json.h"
#include "cli/origin.h"
#include "cli/paint.h"
#include "cli/release_dir.h"
#include "cli/remote_sums.h"
#include "cli/remote_use.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/shortcut.h"
#include "kinds/beside_opts.h"
#include "kinds/user_config.h"

struct build {
	struct builder builder;
	int64_t started_ns; /* CLOCK_REALTIME, before anything was read */
	struct sink watch;
	struct origin origin; /* when the first node began */
};

/* The outputs of one target: path and size. */
static void list_outputs(const struct store *s, const struct node *n, struct str *to)
{
	for (size_t i = 0; n->record && i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];
		char *path cleanup_free = checkout_path(n->name, a->name);
		char *size cleanup_free = str_bytes(a->size);
		char *data cleanup_free = str_bytes(a->allocated);

		if (a->shared && !store_blob_is_here(s, a))
			continue; /* --fetch none */
		str_escape(to, path, strlen(path));
		str_printf(to, "  %s", size);
		if (a->type == OUTPUT_IMAGE)
			str_printf(to, " (%s of data)", data);
		str_append_char(to, '\n');
	}
}

/* An image with a partition table on it is what goes onto a card. */
static void card_hint(const struct store *s, const struct node *n, struct str *to)
{
	char *path cleanup_free = NULL;

	if (!str_eq(n->recipe->kind->name, "disk") || !n->record || !n->record->output_count ||
	    n->record->outputs[0].type != OUTPUT_IMAGE || /* a compressed one is for other tools */
	    !store_blob_is_here(s, &n->record->outputs[0]))
		return;
	path = checkout_path(n->name, n->record->outputs[0].name);
	str_printf(to,
		   "to write it to a card: orch flash %s /dev/CARD\n"
		   "                   or: sudo dd if=%s of=/dev/CARD bs=4M conv=fsync "
		   "status=progress\n",
		   n->name, path);
}

/* What was asked for, on stdout when all is said: outputs of the targets, and how to use them. */
static void target_list(const struct session *s, struct str *to)
{
	const struct graph *g = s->graph;

	for (size_t i = 0; i < g->nodes.count; i++) {
		if (g->nodes.items[i]->target)
			list_outputs(s->store, g->nodes.items[i], to);
	}
	release_list(s, to);
	for (size_t i = 0; i < g->nodes.count; i++) {
		if (g->nodes.items[i]->target)
			card_hint(s->store, g->nodes.items[i], to);
	}
}

static void summary(const struct builder *b)
{
	const struct sched_result *r = &b->result;
	const struct paint *p = paint_for(b->cli, stderr);
	char *wall cleanup_free = str_seconds(r->wall_s);
	struct str list cleanup_str = STR_INIT, remote cleanup_str = STR_INIT;

	builder_failures(b);
	remote_sums_text(&r->remote, &remote);
	if (builder_quiet(b) || b->mode == PROGRESS_JSON)
		return;
	fprintf(stderr, "%s%s%s: built %zu, cached %zu, failed %zu, skipped %zu in %s%s\n",
		r->first_error ? p->red : p->green,
		r->signal        ? "stopped"
		: r->first_error ? "failed"
				 : "ok",
		p->off, r->built, r->cached, r->failed, r->skipped, wall, remote.buf);
	if (b->cli->json)
		return;
	fflush(stderr);
	target_list(b->session, &list);
	fputs(list.buf, stdout);
}

/* --result-json, and with --json the same on stdout. */
static int tell_result(const struct builder *b, bool ok, struct err **err)
{
	const char *file = b->cli->result_json;
	json_t *result = result_object(b->session->graph, &b->tally, b->result.wall_s, ok);
	int rc = 0;

	if (file)
		rc = result_write(file, json_incref(result), err);
	if (rc == 0 && b->cli->json)
		json_print(stdout, json_incref(result), false);
	json_decref(result);
	return rc;
}

static void watch_event(struct sink *self, const struct event *ev)
{
	struct build *b = (struct build *)((char *)self - offsetof(struct build, watch));

	if (ev->type == EVENT_NODE_START)
		origin_look(&b->origin, b->builder.session);
}

/* Of which commit, and by whom, what is delivered some day was made in this run. */
static int note_made(const struct build *b, struct err **err)
{
	struct session *s = b->builder.session;
	struct origin now cleanup_origin = {0};
	struct user_config user;

	if (!b->origin.looked)
		return 0;
	if (user_config_read(s->arena, &user, err) < 0)
		return -1;
	origin_look(&now, s);
	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];
		const char *status = b->builder.tally.nodes[i].status;
		struct made m = {.run = b->builder.history.run,
				 .builder = beside_builder(&user),
				 .orch = orch_version};
		char *said cleanup_free = NULL;

		if (!status || !str_eq(status, "built") || !n->record ||
		    !beside_opts(n->recipe->kind, n->recipe->opts))
			continue;
		made_at(&m, &b->origin, &now);
		m.said = said = beside_said(s, n);
		if (made_put(s->store, &n->record->key, &m, err) < 0)
			return -1;
	}
	return 0;
}

static int deliver(struct builder *b, size_t *ret_damaged, struct err **err)
{
	struct session *s = b->session;

	if (checkout_targets(s->graph, s->store, builder_damaged, b, ret_damaged, err) < 0)
		return -1;
	if (*ret_damaged)
		return 0;
	if (note_made((struct build *)b, err) < 0 || beside_write(s, builder_damaged, b, err) < 0)
		return -1;
	return release_dirs_write(s, builder_damaged, b, err);
}

static int report(const struct build *b, int code, struct err **err)
{
	const struct session *s = b->builder.session;
	const struct report r = {.cli = b->builder.cli,
				 .graph = s->graph,
				 .tally = &b->builder.tally,
				 .project = s->project,
				 .result = b->builder.result,
				 .started_ns = b->started_ns,
				 .code = code};

	return report_write(&r, err);
}

static int finish(struct build *b, int code, struct err **err)
{
	struct session *s = b->builder.session;
	struct str list cleanup_str = STR_INIT;

	if (tell_result(&b->builder, code == 0, err))
		return -1;
	summary(&b->builder);
	if (report(b, code, err) < 0)
		return -1;
	target_list(s, &list);
	return code == 0 ? shortcut_save(s, b->started_ns, &list, err) : 0;
}

/* A run that could not begin leaves these files too, so that no old one is taken for its own. */
static void refuse(const struct build *b, int code)
{
	char *text cleanup_free = xasprintf("exit %d: see the messages on stderr", code);
	const struct cli *c = b->builder.cli;
	const struct report none = {.cli = c, .started_ns = b->started_ns, .code = code};
	struct err *err cleanup_err = NULL, *other cleanup_err = NULL;

	if (c->result_json && result_write(c->result_json, result_refused(text), &err))
		print_aside(err->text);
	if (report_write(&none, &other) < 0)
		print_aside(other->text);
}

/* Before hours of work. */
static int check_reports(const struct cli *c, struct err **err)
{
	const char *const files[] = {c->result_json, c->summary, c->junit, c->code_quality};

	for (size_t i = 0; i < array_len(files); i++)
		if (files[i] && result_check(files[i], err))
			return -1;
	return 0;
}

/* Whether keys that are not here stand in the way of running N. */
static bool lacks_keys(const struct node *n)
{
	for (size_t i = 0; i < n->in.count && !n->lacks; i++)
		if (n->in.items[i].signer && n->in.items[i].from->lacks)
			return true;
	return n->lacks;
}

static bool is_shared(const struct session *s)
{
	struct err *ignored cleanup_err = NULL;
	struct user_config config;
	struct remote_use use;

	return user_config_read(s->arena, &config, &ignored) == 0 &&
	       remote_use_of(s->cli, &config, s->arena, &use, &ignored) == 0;
}

/* Whether the nodes that lack keys have their results already. */
static bool lacking_are_cached(struct session *s)
{
	struct err *ignored cleanup_err = NULL;
	struct plan_nodes plan = {0};
	bool cached = plan_make(s->graph, s->store, &s->tools, &plan, &ignored) == 0;

	for (size_t i = 0; i < plan.count && cached; i++)
		cached = !lacks_keys(plan.items[i].node) || plan.items[i].verdict == PLAN_CACHED;
	plan_release(&plan);
	return cached;
}

/*
 * Keys that are not here matter to nodes that have to run alone. With a shared cache that is seen
 * as the run goes; without, now.
 */
static int check_files(struct session *s)
{
	int code = session_note_missing(s, SESSION_NOTE_KEYS_ALONE);
	bool lacking = false;

	for (size_t i = 0; code == 0 && i < s->graph->nodes.count; i++)
		lacking |= s->graph->nodes.items[i]->wanted && s->graph->nodes.items[i]->lacks;
	if (!lacking || is_shared(s) || lacking_are_cached(s))
		return code;
	return session_check_files(s, true);
}

/* Whether devices would take the bundles that are wanted, and start what is in them. */
static int check_what_is_signed(const struct session *s)
{
	struct err_list errors cleanup_err_list = {0};
	struct err *err = NULL;

	if (check_bundles(s->graph, time(NULL), &errors, &err))
		return cli_fail(s, err);
	return errors.count ? cli_fail_list(s, &errors) : 0;
}

int cmd_build(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct build b = {.builder = {.cli = c, .session = &s, .last = true, .deliver = deliver},
			  .started_ns = shortcut_now(),
			  .watch = {watch_event}};
	struct err *err = NULL;
	int code;

	b.builder.also = &b.watch;
	if (c->dry_run)
		return cmd_plan(c);
	if (c->exit_code) {
		err_set(&err, E_USAGE,
			"--exit-code asks about a plan: 'orch plan', 'orch build -n'");
		return cli_fail(&s, err);
	}
	if (check_reports(c, &err))
		return cli_fail(&s, err);
	code = session_open_dir_and_store(&s, c);
	if (code == 0 && shortcut_take(&s, b.started_ns))
		return 0;
	if (code == 0)
		code = session_open_rest(&s, &c->args);
	if (code == 0)
		release_add_targets(&s);
	if (code == 0)
		code = check_files(&s);
	if (code == 0)
		code = check_what_is_signed(&s);
	if (code) {
		refuse(&b, code);
	} else if (builder_run(&b.builder, &code, &err) || finish(&b, code, &err)) {
		code = cli_fail(&s, err);
		builder_failed(&b.builder, code);
		refuse(&b, code);
	}
	builder_close(&b.builder);
	origin_release(&b.origin);
	return code;
}
