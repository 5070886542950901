/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Conditions of units (systemd.unit(5)), as far as the project tells whether they hold on its
 * devices. A unit whose condition does not hold is skipped, and counts as started.
 */
#include "base/path.h"
#include "check/view.h"
#include "kinds/kinds.h"

enum truth { FAILS, HOLDS, UNKNOWN };

/* One line, taken apart. */
struct condition {
	const struct check_file *unit;
	const struct conf_entry *line;
	const char *value;
	bool negated; /* '!' */
	bool trigger; /* '|': one of these has to hold */
};

/* *ret_why, in the arena, tells of FAILS and HOLDS alike what is so. */
typedef int truth_fn(struct check_view *v, const struct condition *c, enum truth *ret,
		     const char **ret_why, struct err **err);

/* Whether another line of the script that E is of has WORD: then a variable in E may bring it. */
static bool may_be_added(const struct check_view *v, const struct conf_entry *e, const char *word)
{
	for (size_t i = 0; strchr(e->value, '$') && i < v->texts.count; i++) {
		const struct check_text *t = &v->texts.items[i];

		for (size_t k = 0; str_eq(t->path, e->pos.file) && k < t->lines.count; k++)
			if (strstr(t->lines.items[k].key, word) ||
			    strstr(t->lines.items[k].value, word))
				return true;
	}
	return false;
}

static int told_word(struct check_view *v, const struct condition *c, enum truth *ret,
		     const char **ret_why, struct err **err)
{
	const struct conf_entry *e = v->told.count ? &v->told.items[v->told.count - 1] : NULL;

	(void)err;
	if (!e)
		return 0;
	*ret = may_be_added(v, e, c->value) ? UNKNOWN : FAILS;
	for (size_t i = 0; i < v->told.count; i++)
		if (check_has_argument(v->told.items[i].value, c->value)) {
			*ret = HOLDS;
			e = &v->told.items[i];
		}
	*ret_why = arena_printf(v->arena, "the kernel is told %s'%s' (%s:%u)",
				*ret == HOLDS ? "" : "no ", c->value, e->pos.file, e->pos.line);
	return 0;
}

/* Whether IMAGE has PATH. */
static int image_has(struct check_view *v, const struct node *image, const char *path,
		     enum truth *ret, struct err **err)
{
	enum check_writes writes = check_writes(v, image, path);
	const struct node *unbuilt = NULL;
	int has = check_target_has(v, path) || writes == CHECK_WRITES;

	*ret = has ? HOLDS : UNKNOWN;
	if (has || !v->tree_has)
		return 0;
	has = v->tree_has(v, image, path, &unbuilt, err);
	if (has > 0)
		*ret = HOLDS;
	else if (has == 0 && !unbuilt && !writes)
		*ret = FAILS;
	return has < 0 ? -1 : 0;
}

/* Whether IMAGE is made of NODE, by trees alone. SEEN is by node index. */
static bool is_made_of(const struct node *image, const struct node *node, bool *seen)
{
	bool found = image == node;

	for (size_t i = 0; !found && i < image->in.count; i++) {
		const struct node *from = image->in.items[i].from;

		if (!from || seen[from->index] || from->recipe->kind == &kind_image)
			continue;
		seen[from->index] = true;
		found = is_made_of(from, node, seen);
	}
	return found;
}

/* The image that has what lies in NODE, a tree; NULL: none has, or several. */
static const struct node *image_of(const struct check_view *v, const struct node *node)
{
	const struct node *found = NULL;

	if (node->recipe->kind == &kind_image)
		return node;
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		bool *seen;

		if (n->recipe->kind != &kind_image || !check_ships(v, n))
			continue;
		seen = arena_alloc(v->arena, v->g->nodes.count * sizeof(*seen));
		if (!is_made_of(n, node, seen))
			continue;
		if (found)
			return NULL;
		found = n;
	}
	return found;
}

/* Paths of the system; what the running one can make is not decided here. */
static int has_path(struct check_view *v, const struct condition *c, enum truth *ret,
		    const char **ret_why, struct err **err)
{
	const struct node *image = image_of(v, c->unit->image);
	enum truth has;

	if (!image || *c->value != '/' || strpbrk(c->value, "%*?[") ||
	    check_is_writable(v, c->value))
		return 0;
	if (image_has(v, image, c->value, &has, err) < 0)
		return -1;
	if (has == FAILS || str_eq(c->line->key, "ConditionPathExists"))
		*ret = has;
	*ret_why = arena_printf(v->arena, "image '%s' (%s) has %s'%s'", image->name,
				image->recipe->file, has == HOLDS ? "" : "no ", c->value);
	return 0;
}

/* A device starts its own kernel: it is no container. Whether it is a virtual machine depends. */
static int is_container(struct check_view *v, const struct condition *c, enum truth *ret,
			const char **ret_why, struct err **err)
{
	static const char containers[] =
		" container docker podman lxc lxc-libvirt systemd-nspawn openvz rkt wsl proot "
		"pouch ";

	(void)err;
	if (v->told.count && check_word_in(containers, c->value, strlen(c->value))) {
		*ret = FAILS;
		*ret_why = arena_printf(v->arena,
					"a device that starts a kernel (%s:%u) is not a "
					"container",
					v->told.items[0].pos.file, v->told.items[0].pos.line);
	}
	return 0;
}

/* The one architecture that nodes which ship name, as Debian calls it, and such a node; or NULL. */
static const char *architecture(const struct check_view *v, const struct node **ret_node)
{
	const char *arch = NULL;

	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const char *const *own;

		if (n->recipe->kind != &kind_debian || !check_ships(v, n))
			continue;
		own = schema_field(n->recipe->kind->schema, n->recipe->opts, "arch", OPT_STRING);
		if (!own || !*own || str_eq(*own, "build"))
			continue;
		if (arch && !str_eq(arch, *own))
			return NULL;
		arch = *own;
		*ret_node = n;
	}
	return arch;
}

static int is_architecture(struct check_view *v, const struct condition *c, enum truth *ret,
			   const char **ret_why, struct err **err)
{
	static const struct {
		const char *debian, *systemd;
	} names[] = {{"amd64", "x86-64"}, {"arm64", "arm64"},     {"armel", "arm"},
		     {"armhf", "arm"},    {"i386", "x86"},        {"ppc64el", "ppc64-le"},
		     {"s390x", "s390x"},  {"riscv64", "riscv64"}, {"mips64el", "mips64-le"}};
	const struct node *n = NULL;
	const char *arch = architecture(v, &n);

	(void)err;
	for (size_t i = 0; arch && i < array_len(names); i++) {
		if (!str_eq(names[i].debian, arch))
			continue;
		*ret = str_eq(c->value, names[i].systemd) || str_eq(c->value, "native") ? HOLDS
											: FAILS;
		*ret_why = arena_printf(v->arena, "the packages of node '%s' (%s) are for %s",
					n->name, n->recipe->file, names[i].systemd);
	}
	return 0;
}

static truth_fn *decided_by(const char *key)
{
	static const struct {
		const char *key;
		truth_fn *fn;
	} kinds[] = {{"ConditionKernelCommandLine", told_word},
		     {"ConditionPathExists", has_path},
		     {"ConditionPathIsDirectory", has_path},
		     {"ConditionPathIsSymbolicLink", has_path},
		     {"ConditionPathIsMountPoint", has_path},
		     {"ConditionPathIsReadWrite", has_path},
		     {"ConditionDirectoryNotEmpty", has_path},
		     {"ConditionFileNotEmpty", has_path},
		     {"ConditionFileIsExecutable", has_path},
		     {"ConditionVirtualization", is_container},
		     {"ConditionArchitecture", is_architecture}};

	for (size_t i = 0; i < array_len(kinds); i++)
		if (str_eq(kinds[i].key, key))
			return kinds[i].fn;
	return NULL;
}

/* Whether the condition holds, with its '!'. */
static int holds(struct check_view *v, const struct condition *c, enum truth *ret,
		 const char **ret_why, struct err **err)
{
	truth_fn *fn = decided_by(c->line->key);

	*ret = UNKNOWN;
	if (fn && fn(v, c, ret, ret_why, err) < 0)
		return -1;
	if (c->negated && *ret != UNKNOWN)
		*ret = *ret == HOLDS ? FAILS : HOLDS;
	return 0;
}

static bool is_condition(const struct conf_entry *e)
{
	return str_eq(e->section, "Unit") && str_skip(e->key, "Condition");
}

/* The first line that counts: an empty value takes back all conditions before it. */
static size_t first_that_counts(const struct conf_entries *unit,
				bool (*is)(const struct conf_entry *))
{
	size_t first = 0;

	for (size_t i = 0; i < unit->count; i++)
		if (is(&unit->items[i]) && !*unit->items[i].value)
			first = i + 1;
	return first;
}

static struct condition take_apart(const struct check_file *f, const struct conf_entry *e)
{
	struct condition c = {.unit = f, .line = e, .value = e->value};

	c.trigger = *c.value == '|';
	c.value += c.trigger;
	c.negated = *c.value == '!';
	c.value += c.negated;
	c.value += strspn(c.value, " \t");
	return c;
}

/* Of triggers one has to hold; the first is told of when none can. */
struct triggers {
	const struct conf_entry *first, *unknown;
	const char *why;
	bool any_holds;
};

static void count_trigger(struct triggers *t, const struct condition *c, enum truth truth,
			  const char *why)
{
	if (!t->first) {
		t->first = c->line;
		t->why = why;
	}
	if (truth == UNKNOWN && !t->unknown)
		t->unknown = c->line;
	t->any_holds |= truth == HOLDS;
}

static int conditions_of(struct check_view *v, const struct check_file *f,
			 const struct conf_entries *unit, struct check_skip *ret, struct err **err)
{
	struct triggers triggers = {0};

	for (size_t i = first_that_counts(unit, is_condition); i < unit->count; i++) {
		struct condition c = take_apart(f, &unit->items[i]);
		const char *why = NULL;
		enum truth truth;

		if (!is_condition(c.line))
			continue;
		if (holds(v, &c, &truth, &why, err) < 0)
			return -1;
		if (c.trigger) {
			count_trigger(&triggers, &c, truth, why);
		} else if (truth == FAILS && !ret->never) {
			ret->never = c.line;
			ret->why = why;
		} else if (truth == UNKNOWN && !ret->perhaps) {
			ret->perhaps = c.line;
		}
	}
	if (!triggers.first || triggers.any_holds)
		return 0;
	if (!triggers.unknown && !ret->never) {
		ret->never = triggers.first;
		ret->why = triggers.why;
	} else if (!ret->perhaps) {
		ret->perhaps = triggers.unknown;
	}
	return 0;
}

static bool is_program_asked(const struct conf_entry *e)
{
	return str_eq(e->section, "Service") && str_eq(e->key, "ExecCondition");
}

/* Whether the command line of an ExecCondition= says no, whatever is so. */
static bool is_always_no(const char *command)
{
	static const char *const nos[] = {"false",          "/bin/false",      "/usr/bin/false",
					  "sh -c false",    "sh -c 'false'",   "sh -c \"false\"",
					  "sh -c 'exit 1'", "sh -c \"exit 1\""};
	const char *p = command + strspn(command, "@:+!"), *rest;

	if ((rest = str_skip(p, "/usr/bin/sh ")) || (rest = str_skip(p, "/bin/sh ")))
		p = rest - strlen("sh ");
	for (size_t i = 0; i < array_len(nos); i++)
		if (str_eq(p, nos[i]))
			return true;
	return false;
}

int check_skipped(struct check_view *v, const struct check_file *f, const struct conf_entries *unit,
		  struct check_skip *ret, struct err **err)
{
	*ret = (struct check_skip){0};
	if (conditions_of(v, f, unit, ret, err) < 0)
		return -1;
	for (size_t i = first_that_counts(unit, is_program_asked); i < unit->count; i++) {
		const struct conf_entry *e = &unit->items[i];

		if (ret->never || !is_program_asked(e) || !is_always_no(e->value))
			continue;
		ret->never = e;
		ret->why = "this program always says no";
	}
	return 0;
}
