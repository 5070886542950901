/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Building packages: one step of kind run, package.sh (for a kernel kernel.sh, too), with what the
 * recipe says in variables before it. What went wrong it tells by a file in the working directory.
 */
#include "base/file.h"
#include "base/path.h"
#include "kinds/makers.h"
#include "kinds/package/package_opts.h"
#include "kinds/run/run_by.h"

static const char package_sh[] =
#include "kinds/package.sh.h"
	;
static const char kernel_sh[] =
#include "kinds/kernel.sh.h"
	;

#define WHY "orch.why" /* its first word says which of WHYS, the rest is for people */
#define MAX_WHY 65536

/* ---- what the scripts are told ---- */

static void quote(struct str *s, const char *text)
{
	str_append_char(s, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			str_append(s, "'\\'");
		str_append_char(s, *text);
	}
	str_append_char(s, '\'');
}

static void set_word(struct str *s, const char *name, const char *text)
{
	str_printf(s, "%s=", name);
	quote(s, text ? text : "");
	str_append_char(s, '\n');
}

/* NAME lists the texts, one per line. */
static void set_list(struct str *s, const char *name, const struct list *texts)
{
	str_printf(s, "%s() {\n:\n", name);
	for (size_t i = 0; i < texts->count; i++) {
		str_append(s, "printf '%s\\n' ");
		quote(s, LIST_AT(*texts, const char *, i));
		str_append_char(s, '\n');
	}
	str_append(s, "}\n");
}

/* A build's inputs, and what they are called in its working directory. */
struct building {
	struct action *a;
	const struct package_opts *o;
	struct run_opts run;
	struct strv inputs; /* of struct ref *; items are of the arena */
	struct str script;
	struct step step;
};

/* Whether the root itself has it. */
static bool in_root(const struct building *b, const struct action_input *in)
{
	const struct action_input *root = action_input(b->a, b->o->root);

	return in->type == INPUT_INSIDE && in->node && root->node && str_eq(in->node, root->node) &&
	       str_eq(in->path, root->path);
}

/* Where the build sees REF: see run/staging.h. */
static const char *place_of(const struct building *b, const struct ref *ref)
{
	const struct action_input *in = action_input(b->a, ref);
	const char *colon = in->node ? strchr(ref->text, ':') : NULL;
	char *name cleanup_free = NULL;

	if (in_root(b, in))
		return in->inside;
	if (in->type == INPUT_INSIDE)
		return path_base(in->inside);
	name = path_normal(colon ? colon + 1 : ref->text);
	return arena_strdup(b->a->arena, name);
}

struct refs {
	const struct ref **items;
	size_t count;
};

static void add_input(struct building *b, struct refs *inputs, const struct ref *ref)
{
	if (ref->type == REF_WORD || in_root(b, action_input(b->a, ref)))
		return;
	inputs->items[inputs->count++] = ref;
}

static void add_refs(struct building *b, struct refs *inputs, const char *name,
		     const struct list *refs)
{
	const char **places = arena_alloc(b->a->arena, (refs->count + 1) * sizeof(*places));

	for (size_t i = 0; i < refs->count; i++) {
		const struct ref *ref = LIST_AT(*refs, const struct ref *, i);

		places[i] = ref->type == REF_WORD ? ref->text : place_of(b, ref);
		add_input(b, inputs, ref);
	}
	set_list(&b->script, name, &(struct list){places, refs->count});
}

/* What the scripts make in the working directory must be no input, which they could not write. */
static int check_places(const struct building *b, const struct refs *inputs, struct err **err)
{
	static const char *const ours[] = {"build", WHY, "extra"};
	size_t count = b->o->config.count ? 3 : 2; /* the last is a kernel's */

	for (size_t i = 0; i < inputs->count; i++) {
		const char *place = place_of(b, inputs->items[i]);

		for (size_t k = 0; k < count; k++) {
			const char *rest = str_skip(place, ours[k]);

			if (rest && (!*rest || *rest == '/'))
				return err_set(err, E_DUPLICATE_NAME,
					       "recipes/%s.yaml: '%s' would be '%s' in the working "
					       "directory, where '%s' is the build's own: give it "
					       "another name",
					       b->a->node, inputs->items[i]->text, place, ours[k]);
		}
	}
	return 0;
}

static void write_script(struct building *b, struct refs *inputs)
{
	const struct package_opts *o = b->o;
	struct str profiles cleanup_str = STR_INIT;

	for (size_t i = 0; i < o->profiles.count; i++)
		str_printf(&profiles, "%s%s", i ? "," : "", LIST_AT(o->profiles, const char *, i));
	set_word(&b->script, "source", place_of(b, o->source));
	add_input(b, inputs, o->source);
	set_word(&b->script, "debian", o->debian ? place_of(b, o->debian) : NULL);
	if (o->debian)
		add_input(b, inputs, o->debian);
	set_word(&b->script, "arch", o->arch);
	set_word(&b->script, "profiles", profiles.buf);
	str_printf(&b->script, "jobs=%lld\n", (long long)o->cpus);
	set_word(&b->script, "kernel", o->config.count ? "yes" : "");
	set_list(&b->script, "outputs", &o->outputs);
	add_refs(b, inputs, "configs", &o->config);
	add_refs(b, inputs, "device_trees", &o->device_trees);
	add_refs(b, inputs, "overlays", &o->overlays);
	add_refs(b, inputs, "modules", &o->modules);
	if (o->config.count)
		str_append(&b->script, kernel_sh);
	str_append(&b->script, package_sh);
}

/* The node as one of kind run. */
static int as_run(struct building *b, struct action *a, struct err **err)
{
	const struct package_opts *o = a->opts;
	size_t room =
		o->config.count + o->device_trees.count + o->overlays.count + o->modules.count + 2;
	struct refs inputs = {.items = arena_alloc(a->arena, room * sizeof(*inputs.items))};
	struct step **steps = arena_alloc(a->arena, sizeof(*steps));

	*b = (struct building){.a = a, .o = o, .script = STR_INIT};
	write_script(b, &inputs);
	b->step = (struct step){.script = arena_strdup(a->arena, b->script.buf)};
	str_release(&b->script);
	steps[0] = &b->step;
	b->run = (struct run_opts){.root = o->root,
				   .emulator = o->emulator,
				   .inputs = {inputs.items, inputs.count},
				   .steps = {steps, 1},
				   .env = o->env,
				   .outputs = o->outputs,
				   .cache = o->cache,
				   .cpus = o->cpus,
				   .memory = o->memory,
				   .scratch = o->scratch,
				   .timeout = o->timeout,
				   .as_root = true};
	return check_places(b, &inputs, err);
}

/* ---- what they tell ---- */

/* Replaces *err, which says that the step failed, by what the script found. */
static int complain(struct action *a, struct err **err)
{
	static const struct {
		const char *word;
		const struct err_code *code;
	} whys[] = {
		{"no-debian ", E_FILE_MISSING},       {"build-depends ", E_UNMET_DEPENDENCY},
		{"no-compiler ", E_UNMET_DEPENDENCY}, {"no-program ", E_UNMET_DEPENDENCY},
		{"config ", E_KERNEL_OPTION},         {"no-output ", E_OUTPUT_MISSING},
		{"not-linux ", E_WRONG_INPUT},
	};
	char *path cleanup_free = path_join(a->workdir, "work/" WHY);
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (!path_exists(path) || file_read_foreign(path, MAX_WHY, &text, &ignored) < 0)
		return -1;
	while (text.len && text.buf[text.len - 1] == '\n')
		text.buf[--text.len] = '\0';
	for (size_t i = 0; i < array_len(whys); i++) {
		const char *say = str_skip(text.buf, whys[i].word);

		if (!say)
			continue;
		err_free(steal_ptr(*err));
		return err_set(err, whys[i].code, "recipes/%s.yaml: %s", a->node, say);
	}
	return -1;
}

static int package_run(struct action *a, struct err **err)
{
	struct building b;

	if (as_run(&b, a, err) < 0)
		return -1;
	action_progress(a, -1, "building packages");
	return run_by(a, &b.run, err) < 0 ? complain(a, err) : 0;
}

static int package_shell(struct action *a, const struct shell_request *q, int *ret_status,
			 struct err **err)
{
	struct building b;

	if (as_run(&b, a, err) < 0)
		return -1;
	return run_shell_by(a, &b.run, q, ret_status, err);
}

const struct maker maker_package = {
	.kind = &kind_package,
	.run = package_run,
	.shell = package_shell,
};
