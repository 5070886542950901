/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch sbom: what the result of a node is made of, as a table or in a format that others read
 * (evidence/sbom.h). The result is that of the recipes as they are; nothing is built.
 */
#include "evidence/sbom.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "cli/beside.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"
#include "cli/table.h"
#include "kinds/beside_opts.h"

/* ---- as text ---- */

/* Licences that SPDX does not know by the names that the copyright files give them. */
static char *licence_text(const char *expression)
{
	static const char prefix[] = "LicenseRef-Debian-";
	struct str text cleanup_str = STR_INIT;
	const char *at;

	while ((at = strstr(expression, prefix))) {
		const char *name = at + strlen(prefix);
		size_t len = strcspn(name, " )");

		str_append_len(&text, expression, (size_t)(at - expression));
		str_append_len(&text, name, len - strlen("-12345678"));
		expression = name + len;
	}
	str_append(&text, expression);
	return str_steal(&text);
}

static void print_packages(const struct bill_part *p)
{
	struct table *t = table_new("PACKAGE", "VERSION", "ARCH", "SOURCE", "LICENCE", NULL);

	for (size_t i = 0; i < p->packages.count; i++) {
		const struct bill_package *k = &p->packages.items[i];

		char *licence cleanup_free = licence_text(k->licence ? k->licence : "(not known)");

		table_row(t, k->name, k->version, k->arch, k->source, licence);
	}
	if (p->packages.count)
		putchar('\n');
	table_print(t);
}

static const char *link_text(enum bill_link_type type)
{
	return type == BILL_HOLDS ? "holds" : type == BILL_FROM ? "made from" : "made with";
}

static void print_source(const struct bill_source *s)
{
	if (s->package)
		printf("  has %s of source package %s %s\n", s->name, s->package, s->version);
	else
		printf("  made from %s\n", s->name);
}

static void print_part(const struct bill *b, const struct bill_part *p)
{
	printf("%s%s: %s", p == b->parts.items ? "" : "\n", p->node->name, sbom_part_text(p));
	if (p->packages.count)
		printf(", %zu packages", p->packages.count);
	if (p->packages_of)
		printf(" (the dpkg database is that of '%s')", p->packages_of);
	if (p->files.count)
		printf(", %zu files of no package", p->files.count);
	putchar('\n');
	for (size_t i = 0; i < p->links.count; i++)
		printf("  %s %s\n", link_text(p->links.items[i].type),
		       b->parts.items[p->links.items[i].part].node->name);
	for (size_t i = 0; i < p->sources.count; i++)
		print_source(&p->sources.items[i]);
	print_packages(p);
}

static json_t *document(const struct bill *b, int format)
{
	return format == FORMAT_SPDX        ? sbom_spdx(b, orch_version)
	       : format == FORMAT_CYCLONEDX ? sbom_cyclonedx(b, orch_version)
					    : NULL;
}

static void print_bill(const struct cli *c, const struct bill *b)
{
	json_t *doc = document(b, c->format);

	if (doc)
		json_print(stdout, doc, false);
	for (size_t i = 0; !doc && i < b->parts.count; i++)
		print_part(b, &b->parts.items[i]);
}

/* ---- as files ---- */

static int write_document(const struct bill *b, int format, const char *path, struct err **err)
{
	json_t *doc = document(b, format);
	char *text cleanup_free = json_dumps(doc, JSON_ENSURE_ASCII | JSON_INDENT(2));
	struct str lines cleanup_str = STR_INIT;

	json_decref(doc);
	str_printf(&lines, "%s\n", text ? text : "null");
	return file_write(path, lines.buf, lines.len, 0644, false, err);
}

static int write_bill(const struct cli *c, const struct bill *b, struct err **err)
{
	static const int formats[BESIDE_FORMATS] = {FORMAT_SPDX, FORMAT_CYCLONEDX};
	const char *name = path_base(b->parts.items[0].node->name);

	for (int f = 0; f < BESIDE_FORMATS; f++) {
		char *path cleanup_free = xasprintf("%s/%s%s", c->output, name, beside_endings[f]);

		if ((c->format == FORMAT_AUTO || c->format == formats[f]) &&
		    write_document(b, formats[f], path, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- */

/* Whoever builds waits for a bill of what was built. */
static int check_made_of(const struct session *s, const struct node *n, struct err **err)
{
	const char *wanted = getenv(BESIDE_MADE_OF);
	char *word cleanup_free = wanted ? beside_word(s, n) : NULL;

	if (!wanted || str_eq(word, wanted))
		return 0;
	return err_set(err, E_INPUT_CHANGED,
		       "the project was changed while node '%s' was built: build it again",
		       n->name);
}

static int make(struct session *s, struct node *n, const char *scratch, struct err **err)
{
	struct bill b cleanup_bill = {0};
	struct plan_nodes plan = {0};
	int rc = plan_make(s->graph, s->store, &s->tools, &plan, err);

	plan_release(&plan);
	if (rc == 0)
		rc = check_made_of(s, n, err);
	if (rc == 0)
		rc = bill_make(&b, s->graph, n, store_dir(s->store), scratch, s->arena, err);
	if (rc == 0 && s->cli->output)
		return write_bill(s->cli, &b, err);
	if (rc == 0)
		print_bill(s->cli, &b);
	return rc;
}

static int check_format(const struct cli *c, struct err **err)
{
	if (c->format == FORMAT_AUTO || c->format >= FORMAT_SPDX)
		return 0;
	return err_set(err, E_USAGE, "a bill of materials has --format spdx or cyclonedx");
}

int cmd_sbom(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct err *err = NULL, *ignored cleanup_err = NULL;
	char *scratch cleanup_free = NULL;
	struct node *n;
	int code = session_open(&s, c, SESSION_STORE, &c->args);

	if (code == 0)
		code = session_note_missing(&s, SESSION_NOTE_KEYS_AND_LOCKS);
	if (code)
		return code;
	n = session_node(&s, c->args.items[0], &err);
	if (!n || check_format(c, &err) < 0 ||
	    tmp_dir(store_subdir(s.store, "tmp"), "sbom", &scratch, &err) < 0 ||
	    make(&s, n, scratch, &err) < 0)
		code = cli_fail(&s, err);
	if (scratch && path_remove(scratch, &ignored) < 0)
		print_aside(ignored->text);
	return code;
}
