/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/resolve.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "graph/values.h"
#include "recipe/template.h"

#define SUGGESTIONS_MAX 64
#define ACCEPT_OUTPUT (ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE)

/* The reference in work. */
struct request {
	struct resolver *r;
	const char *option;
	struct ref *ref;
	struct edge *edge;
};

static int refuse(struct request *q, const struct err_code *code, const char *fmt, ...)
	printf_like(3, 4);

static int refuse(struct request *q, const struct err_code *code, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	err_list_at(q->r->errors, code, q->ref->pos, "%s", text);
	return 1;
}

/* "a path, a tree or a node": what the option takes. Caller frees. */
static char *accepted(unsigned accept)
{
	static const struct {
		unsigned bit;
		const char *text;
	} words[] = {
		{ACCEPT_PATH, "a path"},
		{ACCEPT_FILE, "an output"},
		{ACCEPT_TREE, "a tree"},
		{ACCEPT_IMAGE, "an image"},
		{ACCEPT_NODE, "a node"},
		{ACCEPT_SIGNER, "a signer (kind pki)"},
		{ACCEPT_INSIDE, "a place in a tree (node:/path)"},
	};
	struct str s = STR_INIT;

	for (size_t i = 0; i < array_len(words); i++) {
		unsigned rest = 0;

		if (!(accept & words[i].bit))
			continue;
		for (size_t k = i + 1; k < array_len(words); k++)
			rest |= accept & words[k].bit;
		str_printf(&s, "%s%s", !s.len ? "" : rest ? ", " : " or ", words[i].text);
	}
	return str_steal(&s);
}

static const char *type_text(enum output_type type)
{
	return type == OUTPUT_TREE ? "a tree" : type == OUTPUT_IMAGE ? "an image" : "a file";
}

static bool fits(unsigned accept, enum output_type type)
{
	return (accept & ACCEPT_FILE) || ((accept & ACCEPT_TREE) && type == OUTPUT_TREE) ||
	       ((accept & ACCEPT_IMAGE) && type == OUTPUT_IMAGE);
}

static int take_output(struct request *q, struct node *n, const struct output_spec *o)
{
	q->ref->type = q->edge->type = REF_OUTPUT;
	q->ref->node = n->name;
	q->ref->output = q->edge->output = o->name;
	q->edge->from = n;
	return 0;
}

static char *output_names(const struct node *n)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < n->outputs.count; i++)
		str_printf(&s, "%s%s", i ? ", " : "", n->outputs.items[i].name);
	return str_steal(&s);
}

/* The output that a bare node name means: the main one if it fits, else the only one that does. */
static int choose_output(struct request *q, struct node *n)
{
	char *takes cleanup_free = accepted(q->ref->accept), *names cleanup_free = output_names(n);
	const struct output_spec *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < n->outputs.count; i++) {
		const struct output_spec *o = &n->outputs.items[i];

		if (!fits(q->ref->accept, o->type))
			continue;
		if (i == 0)
			return take_output(q, n, o);
		found = o;
		count++;
	}
	if (count == 1)
		return take_output(q, n, found);
	if (count)
		return refuse(q, E_AMBIGUOUS_REFERENCE,
			      "node '%s' has several outputs that fit: name one like '%s:%s' (it "
			      "makes %s)",
			      n->name, n->name, found->name, names);
	if (!n->outputs.count)
		return refuse(q, E_WRONG_INPUT, "node '%s' makes no output, but '%s' takes %s",
			      n->name, q->option, takes);
	return refuse(q, E_WRONG_INPUT, "'%s' takes %s, but node '%s' makes %s (%s)", q->option,
		      takes, n->name, names, type_text(n->outputs.items[0].type));
}

static int is_secret(void *arg, const char *option_path, const char *project_path)
{
	return 1;
}

static bool is_signer(const struct node *n)
{
	return n->recipe->opts &&
	       schema_each_secret(n->recipe->kind->schema, n->recipe->opts, is_secret, NULL);
}

/* A bare node name. */
static int take_node(struct request *q, struct node *n)
{
	unsigned accept = q->ref->accept;
	char *takes cleanup_free = NULL;

	if ((accept & ACCEPT_SIGNER) && is_signer(n)) {
		q->edge->signer = true;
	} else if (!(accept & ACCEPT_NODE)) {
		if (accept & ACCEPT_OUTPUT)
			return choose_output(q, n);
		takes = accepted(accept);
		return refuse(q, E_WRONG_INPUT, "'%s' takes %s, but '%s' is a node of kind %s",
			      q->option, takes, n->name, n->recipe->kind->name);
	}
	q->ref->type = q->edge->type = REF_NODE;
	q->ref->node = n->name;
	q->edge->from = n;
	return 0;
}

/* The one output of TYPE that N makes; *RET is NULL where it makes none. 1: several. */
static int only_output(const struct node *n, enum output_type type, const struct output_spec **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < n->outputs.count; i++) {
		if (n->outputs.items[i].type != type)
			continue;
		if (*ret)
			return 1;
		*ret = &n->outputs.items[i];
	}
	return 0;
}

/* "node:/path": in the tree that it makes, or else in its image. */
static int take_inside(struct request *q, struct node *n, const char *path)
{
	char *takes cleanup_free = accepted(q->ref->accept);
	const struct output_spec *found = NULL;
	bool image = q->ref->accept & ACCEPT_IMAGE, several;
	const char *why;

	if (!(q->ref->accept & ACCEPT_INSIDE))
		return refuse(q, E_WRONG_INPUT, "'%s' takes %s, not a place inside a tree",
			      q->option, takes);
	if (path[1] && !path_is_project(path + 1, &why))
		return refuse(q, E_INVALID_PATH, "path '%s' in node '%s' %s", path, n->name, why);
	several = only_output(n, OUTPUT_TREE, &found);
	if (!found && image)
		several = only_output(n, OUTPUT_IMAGE, &found);
	if (several)
		return refuse(q, E_AMBIGUOUS_REFERENCE,
			      "node '%s' makes several %s: '%s' does not say in which one", n->name,
			      found->type == OUTPUT_TREE ? "trees" : "images", path);
	if (!found)
		return refuse(q, E_WRONG_INPUT,
			      "node '%s' (kind %s) makes no tree%s: nothing is at '%s'", n->name,
			      n->recipe->kind->name, image ? " and no image" : "", path);
	take_output(q, n, found);
	q->ref->type = q->edge->type = REF_INSIDE;
	q->ref->inside = q->edge->inside = path;
	return 0;
}

/* "node:output" */
static int take_named(struct request *q, struct node *n, const char *name)
{
	char *takes cleanup_free = accepted(q->ref->accept), *all cleanup_free = output_names(n);
	const char **names cleanup_free = xcalloc(n->outputs.count + 1, sizeof(*names));
	const char *near;

	if (!(q->ref->accept & ACCEPT_OUTPUT))
		return refuse(q, E_WRONG_INPUT, "'%s' takes %s, not one output of a node",
			      q->option, takes);
	for (size_t i = 0; i < n->outputs.count; i++) {
		const struct output_spec *o = &n->outputs.items[i];

		names[i] = o->name;
		if (!str_eq(o->name, name))
			continue;
		if (!fits(q->ref->accept, o->type))
			return refuse(q, E_WRONG_INPUT, "'%s' takes %s, but '%s' is %s", q->option,
				      takes, q->ref->text, type_text(o->type));
		return take_output(q, n, o);
	}
	near = str_nearest(name, names, n->outputs.count);
	if (near)
		return refuse(q, E_UNKNOWN_OUTPUT,
			      "node '%s' has no output '%s': did you mean '%s'?", n->name, name,
			      near);
	return refuse(q, E_UNKNOWN_OUTPUT, "node '%s' has no output '%s' (it makes %s)", n->name,
		      name, *all ? all : "none");
}

static int take_path(struct request *q, const char *text, const struct place *p)
{
	const char *hidden;
	size_t len = strlen(text);
	char *path = arena_strndup(q->r->g->arena, text, len - (text[len - 1] == '/'));

	if (p->type == 'o')
		return refuse(q, E_BAD_LINK, "path '%s' leads out of the project through a link",
			      text);
	if (p->type == 's')
		return refuse(q, E_NOT_A_FILE, "path '%s' is neither a file nor a directory", text);
	hidden = place_hidden(&q->r->hidden, path, p);
	if (hidden)
		return refuse(q, E_PRIVATE_KEY_EXPOSED,
			      "path '%s' would hand out the private '%s': name public files only",
			      text, hidden);
	q->ref->type = q->edge->type = REF_PATH;
	q->edge->path = path;
	return 0;
}

/* There is no template at PATH. */
static int unknown_path(struct request *q, const char *path)
{
	char *near cleanup_free =
		q->r->suggestions++ < SUGGESTIONS_MAX ? place_near(q->r->dirfd, path) : NULL;

	if (near)
		return refuse(q, E_FILE_MISSING, "no file '%s' in the project: did you mean '%s'?",
			      path, near);
	return refuse(q, E_FILE_MISSING, "no file '%s' in the project", path);
}

static int is_made_later(void *path, const char *option_path, struct ref *ref)
{
	return ref->later && str_eq(ref->text, path);
}

/* The command that makes PATH for a node which needs it; NULL: none does. */
static const char *path_maker(const struct graph *g, const char *path)
{
	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct recipe *r = g->nodes.items[i]->recipe;

		if (r->opts && r->kind->made_by &&
		    schema_each_ref(r->kind->schema, r->opts, is_made_later, (void *)path))
			return r->kind->made_by;
	}
	return NULL;
}

/* What an unknown reference may mean, or NULL. NODE is the part that should be a node's; heap. */
static char *meant(struct request *q, const char *node, bool path)
{
	unsigned accept = q->ref->accept;
	size_t len = strlen(q->ref->text);
	char *plain cleanup_free = xstrdup(q->ref->text), *output = NULL;
	const char *near;

	if (q->r->suggestions++ >= SUGGESTIONS_MAX)
		return NULL;
	if (plain[len - 1] == '/')
		plain[len - 1] = 0;
	if (accept & ACCEPT_OUTPUT)
		output = graph_near_output(q->r->g, plain);
	near = output || !(accept & ~(unsigned)ACCEPT_PATH) ? NULL : graph_near(q->r->g, node);
	if (near)
		return xstrdup(near);
	return output || !path ? output : place_near(q->r->dirfd, plain);
}

/* Nothing in the project is called like this. NODE is the part that should be a node's name. */
static int unknown(struct request *q, const char *node)
{
	bool other = q->ref->accept & ~(unsigned)ACCEPT_PATH;
	bool path = q->ref->accept & ACCEPT_PATH && !(other && strchr(q->ref->text, ':'));
	const char *what = !path    ? "unknown node"
			   : !other ? "no file or directory"
				    : "no node, file or directory";
	const char *where = path ? " in the project" : "", *text = path ? q->ref->text : node;
	const char *maker = path ? path_maker(q->r->g, q->ref->text) : NULL;
	char *near cleanup_free = NULL;

	if (maker)
		return refuse(q, E_KEYS_MISSING, "there is no '%s'; `%s` makes it", text, maker);
	if (path && strpbrk(text, "*?["))
		return refuse(q, E_FILE_MISSING,
			      "%s '%s'%s: patterns are not expanded, name the directory", what,
			      text, where);
	if (path && !other && map_get(&q->r->g->by_name, text))
		return refuse(q, E_WRONG_INPUT, "%s '%s'%s: it is a node, but '%s' takes a path",
			      what, text, where, q->option);
	near = meant(q, node, path);
	if (near && str_eq(near, text))
		return refuse(q, E_BAD_LINK, "path '%s' is a link that leads nowhere", text);
	if (near)
		return refuse(q, path ? E_FILE_MISSING : E_UNKNOWN_NODE,
			      "%s '%s'%s: did you mean '%s'?", what, text, where, near);
	if (!path)
		return refuse(q, E_UNKNOWN_NODE, "unknown node '%s': there is no recipes/%s.yaml",
			      text, text);
	return refuse(q, E_FILE_MISSING, "%s '%s'%s", what, text, where);
}

static int wrong_path(struct request *q, const char *path, const char *why)
{
	const char *plain = str_skip(path, "./"), *ignored;

	if (strstr(path, "://"))
		return refuse(q, E_INVALID_PATH,
			      "'%s' is a URL: a node of kind 'fetch' downloads it, by its digest",
			      path);
	if (plain && path_is_project(plain, &ignored))
		return refuse(q, E_INVALID_PATH, "path '%s' %s: write '%s'", path, why, plain);
	return refuse(q, E_INVALID_PATH, "path '%s' %s: paths are relative to the project's root",
		      path, why);
}

static int no_node(struct request *q, const char *node)
{
	struct place p cleanup_place = {0};
	char *copied cleanup_free = NULL;
	const char *why;

	if (!(q->ref->accept & ACCEPT_PATH))
		return unknown(q, node);
	if (!path_is_project(q->ref->text, &why))
		return wrong_path(q, q->ref->text, why);
	if (strncmp(q->ref->text, "out/", 4) == 0)
		copied = graph_near_output(q->r->g, q->ref->text);
	if (copied)
		return refuse(q, E_WRONG_INPUT, "'%s' is a copy of what a node makes: write '%s'",
			      q->ref->text, copied);
	p = place_find(q->r->dirfd, q->ref->text);
	if (!p.type && q->ref->later)
		p.type = 'f';
	return p.type ? take_path(q, q->ref->text, &p) : unknown(q, node);
}

/* Reads the template that the edge in work names, and fills it. */
static int fill(struct request *q, const char *path)
{
	struct graph *g = q->r->g;
	struct str text cleanup_str = STR_INIT, filled cleanup_str = STR_INIT;
	struct value_refs values = {0};
	struct err *err cleanup_err = NULL;
	int fd cleanup_fd = path_open_beneath(q->r->dirfd, path, O_RDONLY | O_NONBLOCK, &err);
	int rc;

	if (fd < 0 || fd_read_all(fd, path, TEMPLATE_MAX_BYTES, &text, &err) < 0)
		return refuse(q, err->code, "%s", err->text);
	if (memchr(text.buf, 0, text.len))
		return refuse(q, E_NOT_TEXT, "template '%s' is not a text: it holds a zero byte",
			      path);
	rc = template_fill(g->arena, g->project, path, text.buf, text.len, &filled, &values,
			   q->r->errors);
	for (size_t i = 0; rc && i < values.count; i++) /* else whoever adds the edges says it */
		(void)!resolve_value(q->r, &values.items[i], &(struct edge){0});
	digest_data(text.buf, text.len, &q->edge->raw);
	q->edge->filled = arena_strndup(g->arena, filled.len ? filled.buf : "", filled.len);
	q->edge->waits = value_text_new(g->arena, q->edge->filled, &values);
	value_refs_clear(&values);
	return rc;
}

static int take_template(struct request *q)
{
	const char *path = q->ref->template;
	struct place p cleanup_place = place_find(q->r->dirfd, path);

	if (!p.type)
		return unknown_path(q, path);
	if (p.type == 'd')
		return refuse(q, E_NOT_A_FILE, "'%s' is a directory: a template is a file", path);
	return take_path(q, path, &p) || fill(q, q->edge->path);
}

static int resolve(struct request *q)
{
	const char *text = q->ref->text, *colon = strchr(text, ':');
	char *name cleanup_free = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
	struct node *n = map_get(&q->r->g->by_name, name);
	const char *why;

	if (q->ref->template)
		return take_template(q);
	if (!n && map_get(&q->r->g->project->unsound, name))
		return 1; /* what it makes is not known, and its own errors are told */
	if (!n || q->ref->accept == ACCEPT_PATH)
		return no_node(q, name);
	if (colon)
		return colon[1] == '/' ? take_inside(q, n, colon + 1) : take_named(q, n, colon + 1);
	if ((q->ref->accept & ACCEPT_PATH) && path_is_project(text, &why) &&
	    place_type(q->r->dirfd, text))
		return refuse(
			q, E_AMBIGUOUS_REFERENCE,
			"'%s' is a node and a file or directory of the project: rename one, or "
			"write '%s/' for the directory",
			text, text);
	return take_node(q, n);
}

int resolve_ref(struct resolver *r, const char *option, struct ref *ref, struct edge *ret)
{
	struct edge edge = {.ref_text = ref->text, .pos = ref->pos, .keep_git = ref->keep_git};
	struct request q = {r, option, ref, &edge};

	if (resolve(&q))
		return 1;
	*ret = edge;
	return 0;
}

static const struct output_spec *output_named(const struct node *n, const char *name)
{
	for (size_t i = 0; i < n->outputs.count; i++)
		if (str_eq(n->outputs.items[i].name, name))
			return &n->outputs.items[i];
	return NULL;
}

/* No node is called as VALUE has it. */
static int no_value(struct request *q, const struct value_ref *value)
{
	const char *near = graph_near(q->r->g, value->node);

	if (map_get(&q->r->g->project->unsound, value->node))
		return 1; /* its own errors are told */
	if (near)
		return refuse(q, E_UNKNOWN_NODE, "unknown node '%s': did you mean '%s'?",
			      value->node, near);
	return refuse(q, E_UNKNOWN_NODE,
		      "unknown node '%s': a value is ${node:output}; write '$${' for a literal "
		      "'${'",
		      value->node);
}

int resolve_value(struct resolver *r, const struct value_ref *value, struct edge *ret)
{
	struct ref ref = {.text = arena_printf(r->g->arena, "%s:%s", value->node, value->output),
			  .pos = value->pos,
			  .accept = ACCEPT_FILE};
	struct edge edge = {
		.ref_text = values_edge_name(r->g->arena, value), .pos = value->pos, .value = true};
	struct request q = {r, "a value", &ref, &edge};
	const struct node *n = map_get(&r->g->by_name, value->node);
	const struct output_spec *o = n ? output_named(n, value->output) : NULL;

	if (!n)
		return no_value(&q, value);
	if (o && o->type != OUTPUT_FILE)
		return refuse(&q, E_WRONG_INPUT, "'%s' is %s: a value is the text of a small file",
			      ref.text, type_text(o->type));
	if (take_named(&q, map_get(&r->g->by_name, value->node), value->output))
		return 1;
	*ret = edge;
	return 0;
}
