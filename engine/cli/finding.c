/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The formats: "Workflow commands for GitHub Actions" (error, warning), and "Code Quality report
 * format" of GitLab CI.
 */
#include "cli/finding.h"

#include <ctype.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/ui.h"

#define NO_FILE "recipes/project.yaml" /* GitLab wants one */

void findings_release(struct findings *f)
{
	for (size_t i = 0; i < f->items.count; i++) {
		free(f->items.items[i].file);
		free(f->items.items[i].text);
	}
	finding_items_clear(&f->items);
	free(f->place);
}

/* Where the clone is that the CI made, or NULL. */
static const char *workspace(void)
{
	switch (ui_ci()) {
	case CI_GITHUB:
		return getenv("GITHUB_WORKSPACE");
	case CI_GITLAB:
		return getenv("CI_PROJECT_DIR");
	case CI_NONE:
	case CI_OTHER:
		break;
	}
	return NULL;
}

static char *find_place(const char *dir)
{
	const char *top = workspace(), *rest;
	char *real_top cleanup_free = top ? realpath(top, NULL) : NULL;
	char *real cleanup_free = realpath(dir, NULL);

	rest = real_top && real ? str_skip(real, real_top) : NULL;
	return rest && *rest == '/' ? xasprintf("%s/", rest + 1) : xstrdup("");
}

/* What ends a command or a value, as GitHub wants it; in a PROPERTY also what parts these. */
static void command_text(struct str *s, const char *text, bool property)
{
	struct str shown cleanup_str = STR_INIT;

	str_escape(&shown, text, strlen(text));
	for (const char *p = shown.buf; *p; p++) {
		if (*p == '%' || *p == '\r' || *p == '\n' || (property && strchr(":,", *p)))
			str_printf(s, "%%%02X", (unsigned)(unsigned char)*p);
		else
			str_append_char(s, *p);
	}
}

static void annotate(const struct findings *all, const struct finding *f)
{
	char *path cleanup_free = f->file ? finding_path(all, f) : NULL;
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "::%s ", f->level == FINDING_ERROR ? "error" : "warning");
	if (path) {
		str_append(&s, "file=");
		command_text(&s, path, true);
		str_append_char(&s, ',');
	}
	if (path && f->line)
		str_printf(&s, "line=%u,", f->line);
	if (path && f->line && f->col)
		str_printf(&s, "col=%u,", f->col);
	str_append(&s, "title=orch%3A ");
	command_text(&s, f->code, true);
	str_append(&s, "::");
	command_text(&s, f->text, false);
	fprintf(stderr, "%s\n", s.buf);
}

static bool known(const struct findings *all, const struct finding *f)
{
	for (size_t i = 0; i < all->items.count; i++) {
		const struct finding *g = &all->items.items[i];

		if (g->line == f->line && g->col == f->col && str_eq(g->code, f->code) &&
		    str_eq(g->text, f->text) &&
		    str_eq(g->file ? g->file : "", f->file ? f->file : ""))
			return true;
	}
	return false;
}

void finding_add(const struct cli *c, const char *dir, enum finding_level level,
		 const struct err *e)
{
	struct finding f = {level,         e->file ? xstrdup(e->file) : NULL,
			    e->line,       e->col,
			    e->code->name, xstrdup(e->text)};
	struct findings *all = c->findings;

	if (!all || known(all, &f)) {
		free(f.file);
		free(f.text);
		return;
	}
	if (dir && !all->place)
		all->place = find_place(c->home ? c->home : dir);
	finding_items_push(&all->items, f);
	if (ui_ci() == CI_GITHUB && c->progress != PROGRESS_JSON)
		annotate(all, &f);
}

/* What is behind "PATH:LINE: " or "PATH:LINE:COL: ", as workers say it; NULL: there is none. */
static const char *split_place(const char *text, char **ret_file, unsigned *ret_line,
			       unsigned *ret_col)
{
	size_t len = strcspn(text, ": \n");
	const char *rest = text + len;
	unsigned *const numbers[] = {ret_line, ret_col};
	char *end;

	for (size_t i = 0;
	     i < array_len(numbers) && *rest == ':' && isdigit((unsigned char)rest[1]); i++) {
		*numbers[i] = (unsigned)strtoul(rest + 1, &end, 10);
		rest = end;
	}
	if (!len || rest == text + len || !str_skip(rest, ": "))
		return NULL;
	*ret_file = xstrndup(text, len);
	return rest + strlen(": ");
}

void finding_add_node(const struct cli *c, const char *dir, const struct node *n,
		      const struct outcome *o)
{
	const struct err_code code = {.name = o->code};
	struct err e = {.code = &code, .file = o->file, .line = o->line, .col = o->col};
	char *file cleanup_free = NULL, *text cleanup_free = NULL;
	const char *rest;

	if (!o->text)
		return;
	rest = o->file ? NULL : split_place(o->text, &file, &e.line, &e.col);
	text = xasprintf("node '%s': %s", n->name, rest ? rest : o->text);
	e.text = text;
	if (!o->file)
		e.file = file ? file : (char *)n->recipe->file;
	finding_add(c, dir, FINDING_ERROR, &e);
}

char *finding_path(const struct findings *all, const struct finding *f)
{
	const char *file = f->file ? f->file : NO_FILE;

	return *file == '/' ? xstrdup(file) : xasprintf("%s%s", all->place ? all->place : "", file);
}

char *finding_text(const struct finding *f)
{
	struct err e = {.code = &(struct err_code){.name = f->code},
			.text = f->text,
			.file = f->file,
			.line = f->line,
			.col = f->col};

	return err_string(&e);
}

/* The same for the same mistake, wherever its line moves: the NTH of those that are alike. */
static json_t *fingerprint(const char *path, const struct finding *f, size_t nth)
{
	char *text cleanup_free = xasprintf("%s\n%s\n%s\n%zu", path, f->code, f->text, nth);
	struct digest d;
	char hex[DIGEST_HEX + 1];

	digest_data(text, strlen(text), &d);
	return json_string(digest_hex(&d, hex));
}

static json_t *issue(const struct findings *all, size_t i)
{
	const struct finding *f = &all->items.items[i];
	char *path cleanup_free = finding_path(all, f);
	size_t nth = 0;

	for (size_t k = 0; k < i; k++) {
		const struct finding *g = &all->items.items[k];

		nth += str_eq(g->code, f->code) && str_eq(g->text, f->text);
	}
	return json_pack("{s:o, s:s, s:o, s:s, s:{s:o, s:{s:i}}}", "description",
			 json_text(f->text), "check_name", f->code, "fingerprint",
			 fingerprint(path, f, nth), "severity",
			 f->level == FINDING_ERROR ? "critical" : "minor", "location", "path",
			 json_text(path), "lines", "begin", (int)(f->line ? f->line : 1));
}

int findings_write(const struct cli *c, struct err **err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->findings->items.count; i++)
		json_array_append_new(list, issue(c->findings, i));
	return result_write(c->code_quality, list, err);
}
