/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-graph.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "run/action.h"

/* In the command line of a daemon, before the directory in which it was left. */
#define DAEMON_OF "daemon of "

struct fake fake;

static const struct option fake_options[] = {
	{"act", OPT_STRING, offsetof(struct fake_opts, act), .help = "What to do."},
	{"text", OPT_STRING, offsetof(struct fake_opts, text), .help = "What to write."},
	{"ran", OPT_STRING, offsetof(struct fake_opts, ran), OPT_UNKEYED,
	 .help = "Where to say so."},
	{"from", OPT_REF, offsetof(struct fake_opts, from), OPT_LIST, .accept = ACCEPT_NODE,
	 .help = "Inputs."},
	{"secret", OPT_SECRET, offsetof(struct fake_opts, secret), .help = "A key."},
	{"timeout", OPT_INT, offsetof(struct fake_opts, timeout), OPT_UNKEYED, .help = "Seconds."},
	{"memory", OPT_INT, offsetof(struct fake_opts, memory), OPT_UNKEYED, .help = "MiB."},
};
static const struct schema fake_schema = SCHEMA(struct fake_opts, fake_options);

static struct demand fake_demand(const void *opts)
{
	const struct fake_opts *o = opts;

	return (struct demand){.timeout_s = (unsigned)o->timeout, .memory_mb = (unsigned)o->memory};
}

static int append(const char *path, const char *text, struct err **err)
{
	int fd cleanup_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "open '%s'", path);
	return fd_write_all(fd, path, text, strlen(text), err);
}

/*
 * A process that cut all its ties: double fork, own session, no descriptor of ours. It runs the
 * lines of SCRIPT, then waits for ever.
 */
static void leave_daemon(const struct action *a, const char *script)
{
	char *text cleanup_free = xasprintf("%swhile :; do sleep 1; done", script);
	char *name cleanup_free = xasprintf(DAEMON_OF "%s", a->workdir);

	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			for (int fd = 0; fd < 64; fd++)
				close(fd);
			execl("/bin/sh", "sh", "-c", text, name, NULL);
			_exit(1);
		}
		_exit(0);
	}
	wait(NULL);
}

static int write_output(struct action *a, struct err **err)
{
	const struct fake_opts *o = a->opts;
	struct str s cleanup_str = STR_INIT;
	char *line cleanup_free = xasprintf("%s\n", a->node);
	char *other cleanup_free = xasprintf("%s.other", o->ran);

	str_printf(&s, "%s:", o->text ? o->text : "");
	for (size_t i = 0; i < o->from.count; i++) {
		const struct action_input *in = action_input(a, LIST_AT(o->from, struct ref *, i));

		for (size_t f = 0; f < in->file_count; f++) {
			if (file_read(in->files[f].path, 4096, &s, err) < 0)
				return -1;
		}
	}
	if (str_eq(o->act, "drift") && path_exists(other))
		str_append_char(&s, '!');
	if (append(o->ran, line, err) < 0)
		return -1;
	return append(action_output(a, "out.txt"), s.buf, err);
}

static int flood(struct err **err)
{
	char block[65536];

	memset(block, 'x', sizeof(block));
	block[sizeof(block) - 1] = '\n';
	for (int i = 0; i < 70 * 16; i++)
		fwrite(block, 1, sizeof(block), stderr);
	fputs("the last words\n", stderr);
	return err_set(err, E_STEP_FAILED, "flooded");
}

/* As spawn.h makes one: of one user. */
static bool is_in_user_namespace(void)
{
	struct str map cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	unsigned long inside, outside, count;

	return file_read("/proc/self/uid_map", 4096, &map, &err) == 0 &&
	       sscanf(map.buf, "%lu %lu %lu", &inside, &outside, &count) == 3 && count == 1;
}

static int fake_run(struct action *a, struct err **err)
{
	const struct fake_opts *o = a->opts;
	const char *out = action_output(a, "out.txt");
	char *script cleanup_free = NULL;

	action_progress(a, 50, "doing '%s'", o->act);
	action_log(a, "act %s", o->act);
	if (str_eq(o->act, "fail"))
		return err_set(err, E_STEP_FAILED, "it failed");
	if (str_eq(o->act, "outside") && is_in_user_namespace()) {
		action_go_outside(a);
		return err_set(err, E_SANDBOX_OWNERS, "owners are not seen");
	}
	if (str_eq(o->act, "env"))
		return err_set(err, E_PROGRAM_MISSING, "something is not installed");
	if (str_eq(o->act, "crash")) {
		signal(SIGSEGV, SIG_DFL); /* the sanitizers have a handler */
		raise(SIGSEGV);
	}
	if (str_eq(o->act, "hang")) {
		leave_daemon(a, "");
		for (;;)
			pause();
	}
	if (str_eq(o->act, "daemon")) {
		script = xasprintf("sleep 0.3; echo late >>%s\n", out);
		leave_daemon(a, script);
	}
	if (str_eq(o->act, "flood"))
		return flood(err);
	if (str_eq(o->act, "missing"))
		return 0;
	if (str_eq(o->act, "link"))
		return symlink("/etc/passwd", out) ? err_set(err, E_STEP_FAILED, "symlink") : 0;
	if (str_eq(o->act, "hardlink")) {
		const char *other = arena_printf(a->arena, "%s/other", a->workdir);

		if (append(other, "hard", err) < 0)
			return -1;
		return link(other, out) ? err_set(err, E_STEP_FAILED, "link") : 0;
	}
	if (str_eq(o->act, "secret")) {
		for (size_t i = 0; i < a->secret_count; i++) {
			script = xasprintf("%s.%s=%s\n", a->secrets[i].node, a->secrets[i].option,
					   path_base(a->secrets[i].path));
			if (append(out, script, err) < 0)
				return -1;
			free(steal_ptr(script));
		}
		return append(out, "end\n", err);
	}
	if (str_eq(o->act, "slow"))
		sleep(1);
	return write_output(a, err);
}

static const struct kind fake_kind = {
	.name = "fake",
	.summary = "for tests",
	.version = 1,
	.schema = &fake_schema,
	.demand = fake_demand,
};
static const struct maker fake_maker = {.kind = &fake_kind, .run = fake_run};
const struct maker *const fake_makers[] = {&fake_maker, NULL};

bool fake_daemon_alive(void)
{
	char *name cleanup_free = xasprintf(DAEMON_OF "%s/", fake.dir);
	DIR *dir = opendir("/proc");
	struct dirent *de;
	bool found = false;

	while (!found && (de = readdir(dir))) {
		char *path cleanup_free = xasprintf("/proc/%s/cmdline", de->d_name);
		struct str s cleanup_str = STR_INIT;
		struct err *err cleanup_err = NULL;

		if (file_read(path, 4096, &s, &err) == 0 && s.len)
			found = memmem(s.buf, s.len, name, strlen(name));
	}
	closedir(dir);
	return found;
}

/* ---- what the graph layer would do ---- */

int manifest_make(struct graph *g, struct node *n, struct store *s, struct tool_versions *tools,
		  struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct manifest *m = manifest_new(arena);
	struct str text cleanup_str = STR_INIT;

	m->kind = "fake";
	m->version = 1;
	m->named = true;
	m->project = "p";
	m->node = n->name;
	schema_flatten(&fake_schema, n->recipe->opts, arena, &m->options);
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		const struct artifact *a = e->from->record->outputs;
		struct manifest_input *in = manifest_inputs_at_end(&m->inputs);

		in->ref = e->ref_text;
		in->type = MANIFEST_NODE;
		manifest_blobs_push(&in->blobs, (struct manifest_blob){.name = a->name,
								       .digest = a->digest,
								       .size = a->size});
	}
	manifest_print(m, false, &text);
	n->manifest = arena_strdup(g->arena, text.buf);
	digest_data(text.buf, text.len, &n->key);
	return 0;
}

int manifest_recheck(struct graph *g, const struct node *n, struct store *s, char **ret_what,
		     struct err **err)
{
	if (!fake.rechecks)
		return 0;
	fake.rechecks--;
	*ret_what = xstrdup("src/main.c");
	return 1;
}

int plan_reason(struct arena *arena, struct store *s, const struct node *n, struct changes *changes,
		const char **ret, struct err **err)
{
	*ret = "a test";
	return 0;
}

struct demand node_demand(const struct node *n)
{
	return n->recipe->kind->demand(n->recipe->opts);
}

int plan_estimate(struct graph *g, struct store *s, struct err **err)
{
	return 0;
}

/* ---- building it ---- */

void fake_new_graph(void)
{
	struct graph *g = &fake.graph;

	for (size_t i = 0; i < g->nodes.count; i++) {
		edges_clear(&g->nodes.items[i]->in);
		nodes_clear(&g->nodes.items[i]->users);
		output_specs_clear(&g->nodes.items[i]->outputs);
	}
	nodes_clear(&g->nodes);
	nodes_clear(&g->order);
	arena_free(fake.arena);
	fake.arena = arena_new();
	fake.graph = (struct graph){.arena = fake.arena, .project = &fake.project};
	fake.rechecks = 0;
}

void fake_open(void)
{
	struct err *err = NULL;
	char *store cleanup_free = NULL;

	if (tmp_dir("/tmp", "orch-sched", &fake.dir, &err) < 0)
		abort();
	store = path_join(fake.dir, "store");
	if (path_mkdirs(store, &err) < 0 || store_open(store, true, &fake.store, &err) < 0)
		abort();
	fake.project = (struct project){.dir = fake.dir, .name = "p", .version = "1"};
	fake_new_graph();
}

void fake_close(void)
{
	struct err *err cleanup_err = NULL;

	fake_new_graph();
	arena_free(fake.arena);
	store_close(fake.store);
	(void)!path_remove(fake.dir, &err);
	free(fake.dir);
	fake = (struct fake){0};
}

static struct node *by_name(const char *name)
{
	for (size_t i = 0; i < fake.graph.nodes.count; i++) {
		if (str_eq(fake.graph.nodes.items[i]->name, name))
			return fake.graph.nodes.items[i];
	}
	abort();
}

struct node *fake_node(const char *name, const char *act, ...)
{
	struct node *n = arena_alloc(fake.arena, sizeof(*n));
	struct fake_opts *o = arena_alloc(fake.arena, sizeof(*o));
	struct recipe *r = arena_alloc(fake.arena, sizeof(*r));
	struct ref **refs = arena_alloc(fake.arena, 16 * sizeof(*refs));
	const char *from;
	va_list ap;

	*o = (struct fake_opts){.act = act,
				.text = name,
				.ran = arena_printf(fake.arena, "%s/ran", fake.dir),
				.from = {refs, 0}};
	*r = (struct recipe){.name = name,
			     .file = arena_printf(fake.arena, "recipes/%s.yaml", name),
			     .kind = &fake_kind,
			     .opts = o};
	*n = (struct node){
		.name = name, .recipe = r, .wanted = true, .index = fake.graph.nodes.count};
	output_specs_push(&n->outputs, (struct output_spec){"out.txt", OUTPUT_FILE});
	va_start(ap, act);
	while ((from = va_arg(ap, const char *))) {
		struct node *input = by_name(from);
		struct ref *ref = arena_alloc(fake.arena, sizeof(*ref));

		ref->text = from;
		refs[o->from.count++] = ref;
		edges_push(&n->in,
			   (struct edge){.ref_text = from, .type = REF_NODE, .from = input});
		nodes_push(&input->users, n);
	}
	va_end(ap);
	nodes_push(&fake.graph.nodes, n);
	nodes_push(&fake.graph.order, n);
	return n;
}

char *fake_ran(void)
{
	char *path cleanup_free = path_join(fake.dir, "ran");
	struct err *err cleanup_err = NULL;
	struct str s = STR_INIT;

	(void)!file_read(path, 65536, &s, &err);
	(void)!unlink(path);
	return str_steal(&s);
}

char *fake_output_path(const struct node *n)
{
	return cas_path(store_dir(fake.store), OUTPUT_FILE, &n->record->outputs[0].digest);
}

char *fake_output(const struct node *n)
{
	char *path cleanup_free = fake_output_path(n);
	struct err *err cleanup_err = NULL;
	struct str s = STR_INIT;

	assert_int_equal(file_read(path, 65536, &s, &err), 0);
	return str_steal(&s);
}

void fake_flip(const struct node *n)
{
	char *path cleanup_free = fake_output_path(n);
	struct timespec times[2];
	struct stat st;
	int fd;

	assert_int_equal(stat(path, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(chmod(path, 0644), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "@", 1, 0), 1);
	close(fd);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

void fake_chain(void)
{
	fake_new_graph();
	fake_node("a", "ok", NULL);
	fake_node("b", "ok", "a", NULL);
	fake_node("c", "ok", "a", "b", NULL);
}
