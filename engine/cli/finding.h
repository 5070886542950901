/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a command found wrong, for those who show it beside the lines of a change: annotations in
 * GitHub Actions, at once; GitLab's code quality report; the reports of a build (cli/report.h).
 */
#include "cli/cli.h"

struct node;
struct outcome;

enum finding_level { FINDING_ERROR, FINDING_WARNING };

struct finding {
	enum finding_level level;
	char *file; /* relative to the project, or absolute; NULL: of no file */
	unsigned line, col;
	const char *code; /* "unknown-key" */
	char *text;
};
DEFINE_VEC(finding_items, struct finding)

struct findings {
	struct finding_items items;
	char *place; /* of the project in its repository: "", "products/gateway/" */
};

void findings_release(struct findings *f);
/*
 * Remembers ERR of the project in DIR (NULL: of none), and tells GitHub Actions. After what people
 * are told of it.
 */
void finding_add(const struct cli *c, const char *dir, enum finding_level level,
		 const struct err *e);
/* The same of a node that failed: where its error says, else in its recipe. */
void finding_add_node(const struct cli *c, const char *dir, const struct node *n,
		      const struct outcome *o);
/* The file of F as the repository has it; heap. */
char *finding_path(const struct findings *all, const struct finding *f);
/* "recipes/a.yaml:3:1: TEXT [CODE]"; heap. */
char *finding_text(const struct finding *f);
/* GitLab's code quality report, as --code-quality asks for it. */
int findings_write(const struct cli *c, struct err **err) warn_unused;
