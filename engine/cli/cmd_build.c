/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch build: opens the session, lets the scheduler run, places the targets' outputs, and sums up.
 */
#include <time.h>

#include "check/check.h"
#include "cli/builder.h"
#include "cli/checkout.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/shortcut.h"

struct build {
	struct builder builder;
	int64_t started_ns; /* CLOCK_REALTIME, before anything was read */
};

/* The outputs of one target: path and size. */
static void list_outputs(const struct node *n, struct str *to)
{
	for (size_t i = 0; n->record && i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];
		char *path cleanup_free = checkout_path(n->name, a->name);
		char *size cleanup_free = str_bytes(a->size);
		char *data cleanup_free = str_bytes(a->allocated);

		str_escape(to, path, strlen(path));
		str_printf(to, "  %s", size);
		if (a->type == OUTPUT_IMAGE)
			str_printf(to, " (%s of data)", data);
		str_append_char(to, '\n');
	}
}

/* An image with a partition table on it is what goes onto a card. */
static void card_hint(const struct node *n, struct str *to)
{
	char *path cleanup_free = NULL;

	if (!str_eq(n->recipe->kind->name, "disk") || !n->record || !n->record->output_count ||
	    n->record->outputs[0].type != OUTPUT_IMAGE) /* a compressed one is for other tools */
		return;
	path = checkout_path(n->name, n->record->outputs[0].name);
	str_printf(to,
		   "to write it to a card: orch flash %s /dev/CARD\n"
		   "                   or: sudo dd if=%s of=/dev/CARD bs=4M conv=fsync "
		   "status=progress\n",
		   n->name, path);
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

static void summary(const struct builder *b)
{
	const struct sched_result *r = &b->result;
	const struct paint *p = paint_for(b->cli, stderr);
	char *wall cleanup_free = str_seconds(r->wall_s);
	const struct graph *g = b->session->graph;
	struct str list cleanup_str = STR_INIT;

	builder_failures(b);
	if (builder_quiet(b) || b->mode == PROGRESS_JSON)
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

static int deliver(struct builder *b, size_t *ret_damaged, struct err **err)
{
	struct session *s = b->session;

	return checkout_targets(s->graph, s->store, builder_damaged, b, ret_damaged, err);
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
	target_list(s->graph, &list);
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
			  .started_ns = shortcut_now()};
	struct err *err = NULL;
	int code;

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
		code = session_check_files(&s, true);
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
	return code;
}
