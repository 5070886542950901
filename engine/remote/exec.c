/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/exec.h"

#include "base/clock.h"
#include "base/path.h"
#include "remote/exec_priv.h"

#define SALT "orch-exec 1" /* changes when the same command should be run again everywhere */
#define LOG_MAX (80u << 20)
#define SLACK_S 60      /* that a command has beside its time: unpacking, packing */
#define QUEUED_MS 60000 /* that nobody takes it, until the user is told */
#define CANCEL_MS 3000
#define LOG_END_MS 5000 /* that the rest of what is printed has, when the command has ended */
#define TRIES 3         /* of a worker or stream that is lost */
#define LASTED_MS 10000 /* a stream that did was no failure: proxies cut them by the clock */
#define OVERDUE_S 30    /* that an engine has to end what has used up its time */

enum stage { STAGE_UNKNOWN, STAGE_CACHE, STAGE_QUEUED, STAGE_RUNNING, STAGE_DONE };

struct exec {
	struct reapi *r;
};

/* One command. */
struct run {
	struct reapi *r;
	const struct exec_action *a;
	const struct exec_ui *ui;
	struct exec_root *root;
	struct remote_blob action;
	bool again, sent_again;
	char *operation; /* its name, once it has one */
	enum stage stage;
	uint64_t stage_ms; /* since when */
	bool told_queued;
	/* What is printed, where the engine has a stream of it. */
	struct reapi_call log;
	char *stream;
	size_t streamed; /* bytes of it */
	/* The end of it. */
	bool ended, unreadable;
	int code; /* grpc_status */
	char *text;
	Reapi__ExecuteResponse *response;
};

/* ---- what is asked for ---- */

static void add_message(struct run *x, const ProtobufCMessage *m, struct remote_blob *ret)
{
	struct str packed cleanup_str = STR_INIT;

	reapi_pack(m, &packed);
	exec_root_add(x->root, &packed, ret);
}

static int by_name(const void *a, const void *b)
{
	const Reapi__Property *x = *(Reapi__Property *const *)a, *y = *(Reapi__Property *const *)b;
	int rc = strcmp(x->name, y->name);

	return rc ? rc : strcmp(x->value, y->value);
}

static void fill_platform(struct arena *arena, const struct strs *words, Reapi__Platform *ret)
{
	reapi__platform__init(ret);
	ret->n_properties = words->count / 2;
	ret->properties = arena_alloc(arena, (words->count + 1) * sizeof(*ret->properties));
	for (size_t i = 0; i < ret->n_properties; i++) {
		ret->properties[i] = arena_alloc(arena, sizeof(Reapi__Property));
		reapi__property__init(ret->properties[i]);
		ret->properties[i]->name = (char *)words->items[2 * i];
		ret->properties[i]->value = (char *)words->items[2 * i + 1];
	}
	qsort(ret->properties, ret->n_properties, sizeof(*ret->properties), by_name);
}

static void make_action(struct run *x)
{
	struct arena *arena cleanup_arena = arena_new();
	Reapi__Property home = REAPI__PROPERTY__INIT, path = REAPI__PROPERTY__INIT;
	Reapi__Property *env[] = {&home, &path};
	char *out[] = {(char *)EXEC_OUT};
	Reapi__Platform platform;
	Reapi__Command command = REAPI__COMMAND__INIT;
	Reapi__Action action = REAPI__ACTION__INIT;
	Reapi__Duration timeout = REAPI__DURATION__INIT;
	struct reapi_name command_name, root_name;
	const struct remote_blob *top = exec_root_top(x->root);
	struct remote_blob blob;

	fill_platform(arena, &x->a->platform, &platform);
	home.name = (char *)"HOME";
	home.value = (char *)"/tmp";
	path.name = (char *)"PATH";
	path.value = (char *)"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	command.n_arguments = x->a->command->count;
	command.arguments = x->a->command->items;
	command.n_environment_variables = array_len(env);
	command.environment_variables = env;
	command.platform = &platform;
	command.n_output_paths = array_len(out);
	command.output_paths = out;
	add_message(x, &command.base, &blob);
	action.command_digest = reapi_name(&command_name, &blob.digest, blob.size);
	action.input_root_digest = reapi_name(&root_name, &top->digest, top->size);
	timeout.seconds = x->a->timeout_s + SLACK_S;
	action.timeout = x->a->timeout_s ? &timeout : NULL;
	action.salt = (ProtobufCBinaryData){strlen(SALT), (uint8_t *)SALT};
	action.platform = &platform;
	add_message(x, &action.base, &x->action);
}

static int send_root(struct run *x, struct err **err)
{
	char *size cleanup_free = NULL, *text cleanup_free = NULL;
	uint64_t bytes;

	x->ui->stage(x->ui->arg, "sending its inputs");
	if (exec_root_upload(x->root, &x->r->t, &bytes, err) < 0)
		return -1;
	size = str_bytes(bytes);
	text = xasprintf("sent %s", size);
	x->ui->stage(x->ui->arg, text);
	return 0;
}

/* ---- what it prints ---- */

static int take_log(void *arg, const void *data, size_t len)
{
	struct run *x = arg;
	Reapi__ReadResponse *m =
		(Reapi__ReadResponse *)reapi_unpack(&reapi__read_response__descriptor, data, len);

	if (!m)
		return 1;
	x->streamed += m->data.len;
	x->ui->log(x->ui->arg, m->data.data, m->data.len);
	reapi_unpacked_free(&m->base);
	return x->streamed > LOG_MAX;
}

static void leave_log(struct run *x)
{
	if (x->stream)
		grpc_cancel(x->r->g, &x->log.call);
	reapi_call_release(&x->log);
	free(steal_ptr(x->stream));
	x->streamed = 0;
}

/* Another worker has another one. */
static void follow_log(struct run *x, const char *stream)
{
	Reapi__ReadRequest q = REAPI__READ_REQUEST__INIT;

	if (!*stream || (x->stream && str_eq(stream, x->stream)))
		return;
	leave_log(x);
	x->stream = xstrdup(stream);
	x->log = (struct reapi_call){.on_message = take_log, .call.arg = x};
	q.resource_name = x->stream;
	reapi_call_start(x->r->g, &x->log, "google.bytestream.ByteStream/Read", &q.base, NULL);
}

/* All that it printed. */
static void read_log(struct run *x, struct str *ret)
{
	const Reapi__ActionResult *result = x->response->result;
	struct err *ignored cleanup_err = NULL;

	if (result->stderr_raw.len)
		str_append_len(ret, result->stderr_raw.data, result->stderr_raw.len);
	else if (result->stderr_digest && result->stderr_digest->size_bytes)
		(void)!exec_blob(x->r, result->stderr_digest, LOG_MAX, ret, &ignored);
}

/* What did not come while it ran. */
static void finish_log(struct run *x, const struct str *log)
{
	uint64_t end = clock_ms() + LOG_END_MS;

	while (x->stream && !x->log.call.done && clock_ms() < end)
		grpc_step(x->r->g, (int)(end - clock_ms()));
	if (log->len > x->streamed)
		x->ui->log(x->ui->arg, log->buf + x->streamed, log->len - x->streamed);
}

/* It has left nothing: the worker did not start, or was ended. What it said last is why. */
static int fail_silent(struct run *x, const struct str *log, struct err **err)
{
	struct str line cleanup_str = STR_INIT;
	size_t end = log->len, start;

	while (end && log->buf[end - 1] == '\n')
		end--;
	start = end;
	while (start && log->buf[start - 1] != '\n' && end - start < 1000)
		start--;
	str_escape(&line, log->buf + start, end - start);
	return err_set(err, E_REMOTE_REFUSED,
		       "%s: the worker ended with %d and without a result%s%s", x->r->shown,
		       x->response->result->exit_code, line.len ? ": " : "", line.buf);
}

/* ---- how it goes ---- */

static void take_stage(struct run *x, const Reapi__Any *any)
{
	static const char *const texts[] = {NULL, "looked up", "queued", "running", NULL};
	Reapi__ExecuteOperationMetadata *m =
		any ? (Reapi__ExecuteOperationMetadata *)reapi_unpack(
			      &reapi__execute_operation_metadata__descriptor, any->value.data,
			      any->value.len)
		    : NULL;

	if (!m)
		return;
	if (m->stage > STAGE_UNKNOWN && m->stage <= STAGE_DONE && (int)x->stage != m->stage) {
		x->stage = (enum stage)m->stage;
		x->stage_ms = clock_ms();
		if (texts[x->stage])
			x->ui->stage(x->ui->arg, texts[x->stage]);
	}
	follow_log(x, m->stderr_stream_name);
	reapi_unpacked_free(&m->base);
}

static void take_end(struct run *x, const Reapi__Operation *op)
{
	const Reapi__Status *s = op->error;

	x->ended = true;
	if (op->response)
		x->response = (Reapi__ExecuteResponse *)reapi_unpack(
			&reapi__execute_response__descriptor, op->response->value.data,
			op->response->value.len);
	x->unreadable = !x->response && !s;
	if (x->response && x->response->status)
		s = x->response->status;
	x->code = s ? s->code : GRPC_OK;
	free(x->text);
	x->text = s ? xstrdup(s->message) : NULL;
}

static int take_operation(void *arg, const void *data, size_t len)
{
	struct run *x = arg;
	Reapi__Operation *op =
		(Reapi__Operation *)reapi_unpack(&reapi__operation__descriptor, data, len);

	if (!op)
		return 1;
	if (*op->name && (!x->operation || !str_eq(op->name, x->operation))) {
		free(x->operation);
		x->operation = xstrdup(op->name);
	}
	take_stage(x, op->metadata);
	if (op->done && !x->ended)
		take_end(x, op);
	reapi_unpacked_free(&op->base);
	return 0;
}

static void warn_queued(struct run *x)
{
	struct str text cleanup_str = STR_INIT;

	if (x->stage != STAGE_QUEUED || x->told_queued || clock_ms() - x->stage_ms < QUEUED_MS)
		return;
	x->told_queued = true;
	str_printf(&text, "no worker of %s has taken it yet; its platform is", x->r->shown);
	for (size_t i = 0; i + 1 < x->a->platform.count; i += 2)
		str_printf(&text, " %s=%s", x->a->platform.items[i], x->a->platform.items[i + 1]);
	if (!x->a->platform.count)
		str_append(&text, " empty");
	x->ui->warn(x->ui->arg, text.buf);
}

/* Whether an engine does not end what has used up its time. */
static bool is_overdue(const struct run *x)
{
	uint64_t most = 1000ull * (x->a->timeout_s + SLACK_S + OVERDUE_S);

	return x->a->timeout_s && x->stage == STAGE_RUNNING && clock_ms() - x->stage_ms > most;
}

/* Commands go on when nobody listens: they have to be told. */
static void cancel(struct run *x)
{
	Reapi__CancelOperationRequest q = REAPI__CANCEL_OPERATION_REQUEST__INIT;
	struct reapi_call c = {.call.limit_ms = CANCEL_MS};

	if (!x->operation || x->ended)
		return;
	q.name = x->operation;
	reapi_call_start(x->r->g, &c, "google.longrunning.Operations/CancelOperation", &q.base,
			 NULL);
	while (!c.call.done)
		grpc_step(x->r->g, -1);
	reapi_call_release(&c);
	free(steal_ptr(x->operation));
}

/* Has it run, or WAIT for what runs. The status of the call; *RET_TEXT is the server's. */
static enum grpc_status listen(struct run *x, bool wait, char **ret_text)
{
	struct reapi_call c = {.on_message = take_operation, .call.arg = x};
	Reapi__ExecuteRequest q = REAPI__EXECUTE_REQUEST__INIT;
	Reapi__WaitExecutionRequest w = REAPI__WAIT_EXECUTION_REQUEST__INIT;
	struct reapi_name name;
	enum grpc_status status;

	q.instance_name = (char *)x->r->instance;
	q.skip_cache_lookup = x->again;
	q.action_digest = reapi_name(&name, &x->action.digest, x->action.size);
	w.name = x->operation;
	if (wait)
		reapi_call_start(x->r->g, &c, REAPI_METHOD "Execution/WaitExecution", &w.base,
				 NULL);
	else
		reapi_call_start(x->r->g, &c, REAPI_METHOD "Execution/Execute", &q.base, NULL);
	while (!c.call.done && !*x->ui->stop && !x->ended && !is_overdue(x)) {
		grpc_step(x->r->g, 500);
		warn_queued(x);
	}
	if (*x->ui->stop || is_overdue(x))
		cancel(x);
	if (!c.call.done)
		grpc_cancel(x->r->g, &c.call);
	status = c.call.status;
	*ret_text = c.call.text ? xstrdup(c.call.text) : NULL;
	reapi_call_release(&c);
	return status;
}

/* ---- to its end ---- */

static void forget_end(struct run *x)
{
	if (x->response)
		reapi_unpacked_free(&x->response->base);
	x->response = NULL;
	x->ended = false;
	free(steal_ptr(x->operation));
	x->stage = STAGE_UNKNOWN;
}

/* The stream of a command that goes on; proxies end it so when nothing has come for a while. */
static bool is_cut(const struct run *x, enum grpc_status status)
{
	return x->operation && !x->ended && status == GRPC_INTERNAL;
}

/*
 * What is to be done about STATUS, of a call or of the end of a command. 0: it is tried again; -1.
 */
static int go_on(struct run *x, enum grpc_status status, const char *text, unsigned *tries,
		 struct err **err)
{
	if (status == GRPC_FAILED_PRECONDITION && !x->sent_again) {
		x->sent_again = true; /* inputs are gone since they were asked for */
		return send_root(x, err);
	}
	if (x->ended && status == GRPC_DEADLINE_EXCEEDED)
		return err_set(err, E_NODE_TIMEOUT, "not done after %u s, its deadline",
			       x->a->timeout_s);
	if ((reapi_may_pass(status, text) || status == GRPC_CANCELLED || is_cut(x, status)) &&
	    ++*tries < TRIES) {
		reapi_pause(x->r->g, 500 << *tries);
		return 0;
	}
	return reapi_error(status, text, x->r->shown, "Execute", x->r->named, err);
}

static int have_run(struct run *x, struct err **err)
{
	unsigned tries = 0;
	bool wait = false;

	for (;;) {
		char *text cleanup_free = NULL;
		uint64_t since = clock_ms();
		enum grpc_status status = listen(x, wait, &text);

		if (*x->ui->stop)
			return err_set(err, E_STOPPED, "stopped");
		if (x->unreadable)
			return err_set(err, E_REMOTE_REFUSED,
				       "%s: Execute: an answer that cannot be read", x->r->shown);
		if (x->ended && x->code == GRPC_OK)
			return 0;
		if (!x->ended && is_overdue(x))
			return err_set(err, E_REMOTE_UNREACHABLE,
				       "%s: it has not ended the node, whose time is %u s",
				       x->r->shown, x->a->timeout_s);
		if (x->operation && clock_ms() - since > LASTED_MS)
			tries = 0;
		if (wait && !x->ended && status == GRPC_NOT_FOUND) {
			forget_end(x); /* the server has lost it, too */
			wait = false;
			continue;
		}
		if (!x->ended && status == GRPC_OK)
			status = GRPC_UNAVAILABLE; /* the stream ended before the command */
		if (go_on(x, x->ended ? (enum grpc_status)x->code : status,
			  x->ended ? x->text : text, &tries, err) < 0)
			return -1;
		if (x->ended)
			forget_end(x);
		wait = x->operation != NULL;
	}
}

static int fetch(struct run *x, const char *dir, struct err **err)
{
	struct str log cleanup_str = STR_INIT, tree cleanup_str = STR_INIT;
	struct str *left = x->a->left;
	char *result cleanup_free = NULL;
	int rc;

	if (!x->response || !x->response->result)
		return err_set(err, E_REMOTE_REFUSED, "%s: Execute: it sent no result",
			       x->r->shown);
	read_log(x, &log);
	finish_log(x, &log);
	if (!exec_has_outputs(x->response->result))
		return fail_silent(x, &log, err);
	x->ui->stage(x->ui->arg, left ? "done; what it made stays there" : "fetching what it made");
	rc = exec_fetch(x->r, x->response->result, dir, left ? x->a->result : NULL, &tree, err);
	result = xasprintf("%s/" EXEC_OUT "/%s", dir, x->a->result);
	if (rc == 0 && !path_exists(result))
		return fail_silent(x, &log, err);
	if (rc == 0 && left) {
		str_clear(left);
		str_append_len(left, tree.buf, tree.len);
	}
	if (rc == 1 && x->again)
		return err_set(err, E_REMOTE_DAMAGED, "%s: what the worker made is gone",
			       x->r->shown);
	return rc;
}

static int run(struct run *x, const char *dir, struct err **err)
{
	int rc;

	if (exec_root_new(x->a->root, &x->root, err) < 0)
		return -1;
	make_action(x);
	if (send_root(x, err) < 0 || have_run(x, err) < 0)
		return -1;
	rc = fetch(x, dir, err);
	if (rc != 1)
		return rc;
	x->again = true; /* it remembered a result whose bytes it has no more */
	forget_end(x);
	return have_run(x, err) < 0 ? -1 : fetch(x, dir, err);
}

int exec_run(struct exec *x, const struct exec_action *a, const struct exec_ui *ui, const char *dir,
	     struct err **err)
{
	struct run r = {.r = x->r, .a = a, .ui = ui, .again = a->again};
	int rc = path_mkdirs(dir, err) < 0 || reapi_ready(x->r, err) < 0 ? -1 : run(&r, dir, err);

	if (rc < 0)
		cancel(&r);
	leave_log(&r);
	forget_end(&r);
	exec_root_free(r.root);
	free(r.text);
	return rc;
}

int exec_open(const char *url, const struct remote_access *access, struct exec **ret,
	      struct err **err)
{
	struct transport *t;

	if (!str_skip(url, "grpc://") && !str_skip(url, "grpcs://"))
		return err_set(err, E_REMOTE_URL, "an executor is at grpc://HOST:PORT");
	if (transport_open(url, access, &t, err) < 0)
		return -1;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->r = (struct reapi *)t;
	return 0;
}

void exec_close(struct exec *x)
{
	if (x)
		transport_close(&x->r->t);
	free(x);
}
