/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Applying a policy, and its verdict. */
#include "kinds/policy/policy_run.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/map.h"
#include "kinds/image/subject.h"
#include "kinds/makers.h"
#include "kinds/verdict.h"

#define POLICY_VERDICT_VERSION 1

enum fate { BAD, ALLOWED, IGNORED, FATES };
static const char *const fate_keys[FATES] = {"findings", "allowed", "ignored"};

struct finding {
	size_t number; /* in which it came */
	enum policy_rule rule;
	enum fate fate;
	const char *where, *text, *remedy; /* remedy: NULL where it is good as it is */
	const struct policy_ignored *ignored;
};
DEFINE_VEC(findings, struct finding)

struct policy_run {
	struct action *a;
	const struct policy_opts *o;
	struct findings found;
	struct strs notes;
	struct policy_parts parts;
	struct subject *subjects;     /* of each of o->of */
	bool *ignored;                /* of each of o->ignore: it has met something */
	struct map met[POLICY_RULES]; /* patterns of the rule that are used */
};

struct arena *policy_arena(const struct policy_run *r)
{
	return r->a->arena;
}

const struct policy_opts *policy_opts(const struct policy_run *r)
{
	return r->o;
}

struct action *policy_action(const struct policy_run *r)
{
	return r->a;
}

/* ---- findings ---- */

static const char *plain(struct policy_run *r, const char *text)
{
	struct str s cleanup_str = STR_INIT;

	str_escape(&s, text, strlen(text));
	return arena_strndup(r->a->arena, s.buf, s.len);
}

static const char *format(struct policy_run *r, const char *fmt, va_list ap)
{
	char *text cleanup_free = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return plain(r, text);
}

void policy_used(struct policy_run *r, enum policy_rule rule, const char *pattern)
{
	map_set(&r->met[rule], pattern, r);
}

bool policy_matches(struct policy_run *r, enum policy_rule rule, const struct list *list,
		    const char *path)
{
	bool found = false;

	for (size_t i = 0; i < list->count; i++) {
		const char *pattern = LIST_AT(*list, const char *, i);

		if (!tree_glob(pattern, path + (*path == '/')))
			continue;
		policy_used(r, rule, pattern);
		found = true;
	}
	return found;
}

static const struct policy_ignored *ignored(struct policy_run *r, enum policy_rule rule,
					    const char *node, const char *path)
{
	const struct policy_ignored *hit = NULL;

	for (size_t i = 0; i < r->o->ignore.count; i++) {
		const struct policy_ignored *g = LIST_AT(r->o->ignore, struct policy_ignored *, i);

		if ((g->rule && g->rule != (int)rule) || (g->node && !str_eq(g->node, node)) ||
		    !tree_glob(g->path, path + (*path == '/')))
			continue;
		r->ignored[i] = true;
		hit = hit ? hit : g;
	}
	return hit;
}

static void push(struct policy_run *r, struct finding f)
{
	f.number = r->found.count;
	findings_push(&r->found, f);
}

static void tell(struct policy_run *r, enum policy_rule rule, const struct policy_part *part,
		 const char *path, const char *remedy, bool allowed, const char *text)
{
	struct finding f = {.rule = rule, .text = text, .remedy = remedy};

	f.where = plain(r, arena_printf(r->a->arena, "%s%s", part->place, path));
	if (allowed)
		f.fate = ALLOWED;
	else if ((f.ignored = ignored(r, rule, part->node, path)))
		f.fate = IGNORED;
	push(r, f);
}

void policy_tell(struct policy_run *r, enum policy_rule rule, const struct policy_part *part,
		 const char *path, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(r, rule, part, path, remedy, false, format(r, fmt, ap));
	va_end(ap);
}

void policy_tell_unless(struct policy_run *r, enum policy_rule rule, const struct list *allowed,
			const struct policy_part *part, const char *path, const char *remedy,
			const char *fmt, ...)
{
	bool may = policy_matches(r, rule, allowed, path);
	va_list ap;

	va_start(ap, fmt);
	tell(r, rule, part, path, remedy, may, format(r, fmt, ap));
	va_end(ap);
}

void policy_note(struct policy_run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strs_push(&r->notes, format(r, fmt, ap));
	va_end(ap);
}

/* ---- what is looked at ---- */

/* What has a file system that orch cannot see into is no part that holds nothing. */
static int check_read(struct policy_run *r, const struct subject_part *p, const char *place,
		      struct err **err)
{
	if (p->unread)
		return err_set(err, E_UNPACK_FORMAT,
			       "%s: %s: name the tree that it is made of instead", place,
			       p->unread);
	if (p->look.attributes_left_out && r->o->setuid.items)
		return err_set(err, E_UNPACK_FORMAT,
			       "%s: files of this squashfs have attributes, which may be "
			       "capabilities, and orch cannot read them: name the tree that it is "
			       "made of instead",
			       place);
	return 0;
}

static bool needs_tree(const struct policy_opts *o)
{
	return o->setuid.items || o->world_writable.items || o->licences || o->symbols;
}

static void add_part(struct policy_run *r, const struct action_input *in,
		     const struct subject_part *p)
{
	struct policy_part part = {.node = in->node,
				   .tree = p->look.tree,
				   .file = p->look.file,
				   .offset = p->look.offset,
				   .size = p->look.size};

	part.place = arena_printf(r->a->arena, "%s:%s%s", in->node, *p->name ? "/" : "", p->name);
	if (!part.tree)
		part.path = *p->name ? "" : arena_printf(r->a->arena, "/%s", in->output);
	policy_parts_push(&r->parts, part);
}

static int open_one(struct policy_run *r, size_t i, struct err **err)
{
	const struct action_input *in = action_input(r->a, LIST_AT(r->o->of, struct ref *, i));
	struct subject *s = &r->subjects[i];

	s->scratch = arena_printf(r->a->arena, "%s/of.%zu", r->a->workdir, i);
	if (subject_open(s, in->path, "", err) < 0)
		return -1;
	for (size_t k = 0; k < s->parts.count; k++) {
		const struct subject_part *p = s->parts.items[k];
		const char *name = *p->name || p->look.tree ? p->name : in->output;
		const char *place = arena_printf(r->a->arena, "%s:/%s", in->node, name);

		if (check_read(r, p, place, err) < 0)
			return -1;
		if (p->look.disk || p->target)
			continue;
		if (!p->look.tree && needs_tree(r->o))
			policy_note(r,
				    "%s holds no file system: only keys and certificates are "
				    "looked for in it",
				    place);
		add_part(r, in, p);
	}
	return 0;
}

static int open_all(struct policy_run *r, struct err **err)
{
	for (size_t i = 0; i < r->o->of.count; i++) {
		if (open_one(r, i, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- rules ---- */

static int look(struct policy_run *r, const struct policy_part *p, const struct policy_debug *d,
		struct err **err)
{
	action_progress(r->a, -1, "looking into %s/", p->place);
	if (r->o->private_keys.items && policy_look_keys(r, p, err) < 0)
		return -1;
	if (r->o->certificates && policy_look_certificates(r, p, err) < 0)
		return -1;
	if (!p->tree)
		return 0;
	policy_look_rights(r, p);
	if (r->o->licences)
		policy_look_licences(r, p);
	if (d)
		policy_look_symbols(r, d, p);
	return 0;
}

static int look_at_all(struct policy_run *r, struct err **err)
{
	struct policy_debug *d = NULL;
	int rc = r->o->symbols ? policy_debug_open(r, &d, err) : 0;

	for (size_t i = 0; i < r->parts.count && rc == 0; i++)
		rc = look(r, &r->parts.items[i], d, err);
	policy_debug_close(d);
	return rc;
}

/* ---- what has met nothing ---- */

static void note_unmet(struct policy_run *r, enum policy_rule rule, const struct list *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = LIST_AT(*patterns, const char *, i);

		if (!map_get(&r->met[rule], pattern))
			policy_note(r, "%s: nothing needs '%s': take it out", policy_words[rule],
				    pattern);
	}
}

static void refuse(struct policy_run *r, enum policy_rule rule, const char *where, const char *text,
		   const char *remedy)
{
	push(r, (struct finding){.rule = rule,
				 .where = plain(r, where),
				 .text = plain(r, text),
				 .remedy = remedy});
}

/* A list of what must be valid or debuggable that names nothing would hold for ever. */
static void refuse_unmet(struct policy_run *r, enum policy_rule rule, const struct list *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = LIST_AT(*patterns, const char *, i);

		if (!map_get(&r->met[rule], pattern))
			refuse(r, rule, pattern, "meets nothing", "take it out, or correct it");
	}
}

static void refuse_idle(struct policy_run *r)
{
	for (size_t i = 0; i < r->o->ignore.count; i++) {
		const struct policy_ignored *g = LIST_AT(r->o->ignore, struct policy_ignored *, i);

		if (!r->ignored[i])
			refuse(r, POLICY_IGNORE, action_place(r->a, g->pos),
			       arena_printf(r->a->arena, "has nothing left to ignore at '%s'",
					    g->path),
			       "take the entry out");
	}
}

/* Where the database was removed nobody knows what is in it. */
static void refuse_no_packages(struct policy_run *r)
{
	if (!map_get(&r->met[POLICY_LICENCES], POLICY_PACKAGES))
		refuse(r, POLICY_LICENCES, LIST_AT(r->o->of, struct ref *, 0)->text,
		       "has no database of packages",
		       "name the tree in which they were installed under 'of'");
}

static void look_at_lists(struct policy_run *r)
{
	note_unmet(r, POLICY_SETUID, &r->o->setuid);
	note_unmet(r, POLICY_WORLD_WRITABLE, &r->o->world_writable);
	note_unmet(r, POLICY_PRIVATE_KEYS, &r->o->private_keys);
	if (r->o->licences) {
		note_unmet(r, POLICY_LICENCES, &r->o->licences->allow);
		refuse_no_packages(r);
	}
	if (r->o->certificates)
		refuse_unmet(r, POLICY_CERTIFICATES, &r->o->certificates->paths);
	if (r->o->symbols)
		refuse_unmet(r, POLICY_SYMBOLS, &r->o->symbols->paths);
	refuse_idle(r);
}

/* ---- the verdict ---- */

/* By rule, in the order of files, whatever was looked at first. */
static int by_rule(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static json_t *finding_object(const struct finding *f)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "rule", policy_words[f->rule], "where", f->where,
			      "text", f->text);

	if (f->fate == BAD && f->remedy)
		json_object_set_new(o, "remedy", json_string(f->remedy));
	if (f->fate == IGNORED)
		json_object_set_new(o, "why", json_string(f->ignored->why));
	if (f->fate == IGNORED && f->ignored->until)
		json_object_set_new(o, "until", json_string(f->ignored->until));
	return o;
}

static json_t *findings_array(const struct policy_run *r, enum fate fate, size_t *ret_count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->found.count; i++) {
		if (r->found.items[i].fate == fate)
			json_array_append_new(list, finding_object(&r->found.items[i]));
	}
	*ret_count = json_array_size(list);
	return list;
}

static json_t *rules_array(const struct policy_opts *o)
{
	const bool asked[POLICY_RULES] = {
		[POLICY_SETUID] = o->setuid.items,
		[POLICY_WORLD_WRITABLE] = o->world_writable.items,
		[POLICY_PRIVATE_KEYS] = o->private_keys.items,
		[POLICY_LICENCES] = o->licences,
		[POLICY_CERTIFICATES] = o->certificates,
		[POLICY_SYMBOLS] = o->symbols,
	};
	json_t *list = json_array();

	for (size_t i = 0; i < POLICY_RULES; i++) {
		if (asked[i])
			json_array_append_new(list, json_string(policy_words[i]));
	}
	return list;
}

static json_t *of_array(const struct policy_opts *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->of.count; i++)
		json_array_append_new(list, json_string(LIST_AT(o->of, struct ref *, i)->text));
	return list;
}

static void log_findings(const struct policy_run *r)
{
	for (size_t i = 0; i < r->notes.count; i++)
		action_log(r->a, "note: %s", r->notes.items[i]);
	for (size_t i = 0; i < r->found.count; i++) {
		const struct finding *f = &r->found.items[i];

		if (f->fate == BAD)
			action_log(r->a, "%s: %s %s; %s", policy_words[f->rule], f->where, f->text,
				   f->remedy);
	}
}

/* "3 findings (setuid 2, licences 1)" */
static void count_findings(const struct policy_run *r, struct str *ret)
{
	size_t all = 0, of[POLICY_RULES] = {0};
	const char *comma = " (";

	for (size_t i = 0; i < r->found.count; i++) {
		all += r->found.items[i].fate == BAD;
		of[r->found.items[i].rule] += r->found.items[i].fate == BAD;
	}
	str_printf(ret, "%zu finding%s", all, all == 1 ? "" : "s");
	for (size_t i = 0; i < POLICY_RULES; i++) {
		if (!of[i])
			continue;
		str_printf(ret, "%s%s %zu", comma, policy_words[i], of[i]);
		comma = ", ";
	}
	str_append(ret, ")");
}

static int conclude(struct policy_run *r, struct err **err)
{
	json_t *root = json_object(), *notes = json_array();
	struct str counts cleanup_str = STR_INIT;
	size_t count[FATES];

	if (r->found.count)
		qsort(r->found.items, r->found.count, sizeof(*r->found.items), by_rule);
	json_object_set_new(root, "v", json_integer(POLICY_VERDICT_VERSION));
	json_object_set_new(root, "policy", json_string(r->a->node));
	json_object_set_new(root, "pass", json_false());
	json_object_set_new(root, "of", of_array(r->o));
	json_object_set_new(root, "rules", rules_array(r->o));
	for (enum fate f = 0; f < FATES; f++)
		json_object_set_new(root, fate_keys[f], findings_array(r, f, &count[f]));
	for (size_t i = 0; i < r->notes.count; i++)
		json_array_append_new(notes, json_string(r->notes.items[i]));
	json_object_set_new(root, "notes", notes);
	json_object_set(root, "pass", json_boolean(!count[BAD]));
	log_findings(r);
	if (verdict_write(r->a, root, err) < 0)
		return -1;
	if (!count[BAD])
		return 0;
	count_findings(r, &counts);
	return err_set(err, E_POLICY_BROKEN,
		       "the policy does not hold: %s; 'orch log %s' lists them all", counts.buf,
		       r->a->node);
}

static void run_clear(struct policy_run *r)
{
	for (size_t i = 0; i < r->o->of.count; i++)
		subject_close(&r->subjects[i]);
	for (size_t i = 0; i < POLICY_RULES; i++)
		map_clear(&r->met[i]);
	findings_clear(&r->found);
	policy_parts_clear(&r->parts);
	strs_clear(&r->notes);
	free(r->subjects);
	free(r->ignored);
}

static int policy_apply(struct action *a, struct err **err)
{
	const struct policy_opts *o = a->opts;
	struct policy_run r = {.a = a, .o = o};
	int rc;

	r.subjects = xcalloc(o->of.count + 1, sizeof(*r.subjects));
	r.ignored = xcalloc(o->ignore.count + 1, sizeof(*r.ignored));
	rc = open_all(&r, err);
	if (rc == 0)
		rc = look_at_all(&r, err);
	if (rc == 0) {
		look_at_lists(&r);
		rc = conclude(&r, err);
	}
	run_clear(&r);
	return rc;
}

const struct maker maker_policy = {
	.kind = &kind_policy,
	.run = policy_apply,
};
