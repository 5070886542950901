/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch repro: builds nodes again, with all that they need, in a copy of the project at another
 * place, with an empty store, and in other surroundings; then compares with what was there.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/mirror.h"
#include "base/path.h"
#include "base/pin.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/program.h"
#include "cli/repro_compare.h"
#include "cli/session.h"
#include "cli/table.h"

#define RESULT_MAX (256u << 20)
#define PLACES_SHOWN 20 /* of a partition; programs get all */

struct repro {
	struct session *session;
	char *scratch; /* holds the copy and its store */
	struct repro_side side[2];
	const char *store[2];
	json_t *nodes[2]; /* of the result of each build */
	json_t *found;    /* --json */
	size_t equal, different;
};

/* ---- building ---- */

/* "orch build NODE..." in DIR, with ENV and a PIN that this orch was given; fills R of side I. */
static int build(struct repro *r, int i, const char *dir, struct strv *env, struct err **err)
{
	const struct cli *c = r->session->cli;
	char *orch cleanup_free = program_orch(err);
	char *file cleanup_free = xasprintf("%s/result-%d.json", r->scratch, i);
	struct str text cleanup_str = STR_INIT;
	struct strv args cleanup_strv = {0};
	struct proc_opts o = {.out = STDERR_FILENO, .same_group = true, .pass = pin_passed()};
	int status = 0;
	pid_t pid;

	if (!orch)
		return -1;
	pin_hand_on(env);
	o.env = strv_argv(env);
	strv_push(&args, orch);
	strv_printf(&args, "--directory=%s", dir);
	strv_printf(&args, "--store=%s", r->store[i]);
	strv_printf(&args, "--result-json=%s", file);
	strv_push(&args, "--progress=plain");
	if (i)
		strv_push(&args, "--jobs=1");
	for (size_t k = 0; k < c->sets.count; k++)
		strv_printf(&args, "--set=%s", c->sets.items[k]);
	for (size_t k = 0; k < c->variants.count; k++)
		strv_printf(&args, "--variant=%s", c->variants.items[k]);
	strv_push(&args, "build");
	for (size_t k = 0; k < c->args.count; k++)
		strv_push(&args, c->args.items[k]);
	r->side[i].from = time(NULL);
	if (proc_start(strv_argv(&args), &o, &pid, err) < 0 || proc_wait(pid, &status, err) < 0)
		return -1;
	r->side[i].until = time(NULL);
	if (status)
		return err_set(err, E_PROGRAM_FAILED, "the %s build failed: its messages are above",
			       i ? "second" : "first");
	if (file_read(file, RESULT_MAX, &text, err) < 0)
		return -1;
	r->nodes[i] = json_loads(text.buf, 0, NULL);
	return 0;
}

static void copy_environment(struct strv *env)
{
	for (char **e = environ; *e; e++)
		strv_push(env, *e);
}

/* The environment of the second build: another user, language and time zone. Heap. */
static void vary_environment(const struct repro *r, struct strv *env)
{
	const char *home = getenv("HOME");
	struct strv old = {0};

	copy_environment(&old);
	/* Where the user's settings are stays as it is. */
	if (home && !strv_get(&old, "XDG_CONFIG_HOME"))
		strv_printf(&old, "XDG_CONFIG_HOME=%s/.config", home);
	if (home && !strv_get(&old, "XDG_CACHE_HOME"))
		strv_printf(&old, "XDG_CACHE_HOME=%s/.cache", home);
	strv_set(&old, "USER", "somebody-else");
	strv_set(&old, "LOGNAME", "somebody-else");
	strv_set(&old, "HOME", r->scratch);
	strv_set(&old, "LC_ALL", "C");
	strv_set(&old, "LANG", "tr_TR.UTF-8");
	strv_set(&old, "TZ", "Pacific/Kiritimati");
	/* Set but empty: neither what config.yaml says. */
	strv_set(&old, "ORCH_CACHE", NULL);
	strv_push(&old, "ORCH_CACHE=");
	strv_set(&old, "ORCH_EXECUTOR", NULL);
	strv_push(&old, "ORCH_EXECUTOR=");
	*env = old;
}

/* One of the processors that this process may use. */
static void take_one_cpu(const cpu_set_t *all)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int i = CPU_SETSIZE - 1; i >= 0; i--) {
		if (CPU_ISSET(i, all)) {
			CPU_SET(i, &one);
			break;
		}
	}
	sched_setaffinity(0, sizeof(one), &one);
}

/* What was downloaded is named by its digest, and no result: the network is not asked again. */
static int make_store(const struct repro *r, struct err **err)
{
	char *from cleanup_free = path_join(r->store[0], "downloads");
	struct strv args cleanup_strv = {0};
	struct proc_opts o = {0};
	struct store *store;

	if (store_open(r->store[1], true, &store, err) < 0)
		return -1;
	store_close(store);
	if (!path_exists(from))
		return 0;
	strv_push(&args, "cp");
	strv_push(&args, "-al");
	strv_push(&args, from);
	strv_push(&args, r->store[1]);
	return proc_run(strv_argv(&args), &o, err);
}

static int copy_project(const struct repro *r, struct err **err)
{
	char *out cleanup_free = path_join(r->side[0].project, "out");
	struct mirror *m cleanup_mirror = NULL;
	int dir cleanup_fd = open(r->side[0].project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", r->side[0].project);
	return mirror_open(dir, r->side[1].project, getuid(), out, &m, err);
}

/* The clock has gone on by more than a second. */
static int build_again(struct repro *r, struct err **err)
{
	struct strv env cleanup_strv = {0};
	mode_t mask = umask(0);
	cpu_set_t cpus;
	int rc;

	sleep(2);
	vary_environment(r, &env);
	umask(mask == 077 ? 022 : 077);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	r->side[0].cpus = (unsigned)CPU_COUNT(&cpus);
	r->side[1].cpus = 1;
	take_one_cpu(&cpus);
	rc = build(r, 1, r->side[1].project, &env, err);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	umask(mask);
	return rc;
}

/* ---- comparing ---- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* That of LIST with the name that O has. */
static const json_t *namesake(const json_t *list, const json_t *o)
{
	json_t *other;
	size_t i;

	json_array_foreach(list, i, other)
	{
		if (str_eq(text_of(other, "name"), text_of(o, "name")))
			return other;
	}
	return NULL;
}

/* The blob of an output; arena. NULL: its digest is none. */
static const char *blob(const struct repro *r, int side, const json_t *output)
{
	const char *digest = text_of(output, "digest"), *colon = strchr(digest, ':');
	char *path cleanup_free = NULL;
	struct digest d;

	if (!colon || digest_parse(colon + 1, &d))
		return NULL;
	path = cas_path(r->store[side], str_skip(digest, "chunks:") ? OUTPUT_IMAGE : OUTPUT_FILE,
			&d);
	return arena_strdup(r->session->arena, path);
}

/* A line of TEXT, which may be foreign, under NAME. */
static void tell_line(const char *name, const char *text)
{
	printf("  %-10s ", name);
	print_escaped(stdout, text, strlen(text));
	putchar('\n');
}

/* What is known of the output, where its bytes tell nothing. */
static const char *likely_cause(const char *output, enum cause cause, bool same_inputs)
{
	if (cause == CAUSE_UNKNOWN && same_inputs && str_ends(output, ".raucb"))
		return "randomness: the signature of a bundle and the salt of its hash tree are "
		       "new each time";
	return cause_word(cause);
}

static void tell_place(const struct repro_place *p, const char *output, bool same_inputs)
{
	const char *cause = likely_cause(output, p->cause, same_inputs);
	char *text cleanup_free = NULL;

	if (!p->path) {
		tell_line("cause", cause);
		return;
	}
	text = xasprintf("%s: %s%s%s; cause: %s", p->path, p->what, p->package ? "; package " : "",
			 p->package ? p->package : "", cause);
	tell_line("file", text);
}

static void tell_part(const struct repro_part *p)
{
	char *text cleanup_free =
		xasprintf("%s: %llu block%s", p->name ? p->name : "(none: beside all of them)",
			  (unsigned long long)p->blocks, p->blocks == 1 ? "" : "s");

	tell_line("partition", text);
}

/* Of each partition the first PLACES_SHOWN. */
static void tell_places(const struct repro_difference *d, size_t part, const char *output,
			bool same_inputs)
{
	size_t count = 0;

	for (size_t i = 0; i < d->places.count; i++) {
		if (d->places.items[i].part == part && count++ < PLACES_SHOWN)
			tell_place(&d->places.items[i], output, same_inputs);
	}
	if (count > PLACES_SHOWN)
		printf("  and %zu more (--json has all)\n", count - PLACES_SHOWN);
}

static void tell_text(const char *node, const char *output, const struct repro_difference *d,
		      bool same_inputs)
{
	char *blocks cleanup_free = xasprintf(
		"%llu of %llu; the first difference is at byte %llu", (unsigned long long)d->blocks,
		(unsigned long long)d->compared, (unsigned long long)d->offset);

	printf("%s: %s differs%s\n", node, output,
	       same_inputs ? "" : ", as does something that it is made from");
	tell_line("blocks", blocks);
	if (!d->parts.count)
		tell_places(d, 0, output, same_inputs);
	for (size_t i = 0; i < d->parts.count; i++) {
		tell_part(&d->parts.items[i]);
		tell_places(d, i, output, same_inputs);
	}
}

static json_t *place_object(const struct repro_difference *d, size_t i)
{
	const struct repro_place *p = &d->places.items[i];

	return json_pack("{s:o, s:o, s:o, s:o, s:s}", "partition",
			 json_text(d->parts.count ? d->parts.items[p->part].name : NULL), "file",
			 json_text(p->path), "what", json_text(p->what), "package",
			 json_text(p->package), "cause", cause_word(p->cause));
}

/* The first place is told beside the others, too. */
static json_t *difference_object(const char *node, const char *output,
				 const struct repro_difference *d, bool same_inputs)
{
	json_t *o = place_object(d, 0), *parts = json_array(), *places = json_array();

	for (size_t i = 0; i < d->parts.count; i++) {
		const struct repro_part *p = &d->parts.items[i];

		json_array_append_new(
			parts, json_pack("{s:o, s:I, s:I}", "name", json_text(p->name), "offset",
					 (json_int_t)p->offset, "blocks", (json_int_t)p->blocks));
	}
	for (size_t i = 0; i < d->places.count; i++)
		json_array_append_new(places, place_object(d, i));
	json_object_set_new(o, "node", json_text(node));
	json_object_set_new(o, "output", json_text(output));
	json_object_set_new(o, "same-inputs", json_boolean(same_inputs));
	json_object_set_new(o, "offset", json_integer((json_int_t)d->offset));
	json_object_set_new(o, "blocks", json_integer((json_int_t)d->blocks));
	json_object_set_new(o, "partitions", parts);
	json_object_set_new(o, "places", places);
	return o;
}

static int compare_output(struct repro *r, const json_t *node, const json_t *first,
			  const json_t *second, bool same_inputs, struct err **err)
{
	struct repro_side a = r->side[0], b = r->side[1];
	struct repro_difference d cleanup_repro_difference = {0};
	int rc;

	if (str_eq(text_of(first, "digest"), text_of(second, "digest"))) {
		r->equal++;
		return 0;
	}
	a.file = blob(r, 0, first);
	b.file = blob(r, 1, second);
	if (!a.file || !b.file)
		return err_set(err, E_INTERNAL, "an output without a digest");
	rc = repro_compare(r->session->arena, r->scratch, &a, &b, &d, err);
	if (rc < 0)
		return -1;
	r->different++;
	if (r->found)
		json_array_append_new(r->found,
				      difference_object(text_of(node, "name"),
							text_of(first, "name"), &d, same_inputs));
	else
		tell_text(text_of(node, "name"), text_of(first, "name"), &d, same_inputs);
	return 0;
}

/* What the node was made from is in its key. */
static int compare_node(struct repro *r, const json_t *first, struct err **err)
{
	const json_t *second = namesake(r->nodes[1], first);
	bool same_inputs = second && str_eq(text_of(first, "key"), text_of(second, "key"));
	json_t *output;
	size_t i;

	json_array_foreach(json_object_get(first, "outputs"), i, output)
	{
		const json_t *other = namesake(json_object_get(second, "outputs"), output);

		if (!other)
			return err_set(err, E_OUTPUT_MISSING,
				       "the second build has no '%s' of '%s'",
				       text_of(output, "name"), text_of(first, "name"));
		if (compare_output(r, first, output, other, same_inputs, err) < 0)
			return -1;
	}
	return 0;
}

static int compare_all(struct repro *r, struct err **err)
{
	json_t *node;
	size_t i;

	for (int side = 0; side < 2; side++)
		r->nodes[side] = json_object_get(r->nodes[side], "nodes");
	json_array_foreach(r->nodes[0], i, node)
	{
		if (compare_node(r, node, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- */

static int run(struct repro *r, struct err **err)
{
	struct session *s = r->session;
	struct strv env cleanup_strv = {0};
	json_t *results[2] = {NULL, NULL};
	int rc;

	if (tmp_dir(store_subdir(s->store, "tmp"), "repro", &r->scratch, err) < 0)
		return -1;
	r->store[0] = arena_strdup(s->arena, store_dir(s->store));
	r->store[1] = arena_printf(s->arena, "%s/store", r->scratch);
	r->side[0].project = s->dir;
	r->side[1].project = arena_printf(s->arena, "%s/somewhere-else", r->scratch);
	copy_environment(&env);
	if (build(r, 0, s->dir, &env, err) < 0 || make_store(r, err) < 0 ||
	    copy_project(r, err) < 0 || build_again(r, err) < 0)
		return -1;
	results[0] = r->nodes[0];
	results[1] = r->nodes[1];
	rc = compare_all(r, err);
	json_decref(results[0]);
	json_decref(results[1]);
	return rc;
}

static void tell(const struct repro *r)
{
	if (r->found) {
		json_print(stdout,
			   json_pack("{s:i, s:b, s:I, s:I, s:O}", "v", 1, "ok", r->different == 0,
				     "equal", (json_int_t)r->equal, "different",
				     (json_int_t)r->different, "differences", r->found),
			   false);
		return;
	}
	printf("%s%zu output%s bit-identical", r->different ? "\n" : "", r->equal,
	       r->equal == 1 ? "" : "s");
	if (r->different)
		printf(", %zu not", r->different);
	putchar('\n');
}

int cmd_repro(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct repro r = {.session = &s, .found = c->json ? json_array() : NULL};
	struct err *err = NULL, *ignored cleanup_err = NULL;
	int code = session_open(&s, c, SESSION_STORE, &c->args);

	if (code)
		return code;
	if (run(&r, &err) < 0)
		code = cli_fail(&s, err);
	else
		tell(&r);
	if (r.scratch && path_remove(r.scratch, &ignored) < 0)
		print_aside(ignored->text);
	if (code == 0 && r.different)
		code = 3;
	json_decref(r.found);
	free(r.scratch);
	return code;
}
