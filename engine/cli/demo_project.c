/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The demo's project: the native template, kept from run to run so that its results are cached. */
#include <errno.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/tmp.h"
#include "cli/builder.h"
#include "cli/demo.h"
#include "cli/program.h"
#include "cli/skeleton.h"
#include "kinds/debian/lock_check.h"
#include "kinds/pki/pki.h"

#define TEMPLATE "ab-efi"
#define NAME "demo"

static int fill(const char *dir, struct err **err)
{
	const struct skeleton *t = skeleton_find(TEMPLATE, err);
	char *schema cleanup_free = program_schema();
	const struct skeleton_words words = {NAME, NAME, schema};
	const char *arch;
	unsigned count;

	if (!t || skeleton_arch(t, NULL, &arch, err) < 0 ||
	    skeleton_write(t, arch, &words, dir, &count, err) < 0)
		return -1;
	return pki_init(dir, NULL, err);
}

/* Whole or not at all: it is made beside DIR, which it then replaces if that is empty. */
int demo_make_project(const char *dir, struct err **err)
{
	char *made cleanup_free = path_join(dir, "recipes/project.yaml");
	char *parent cleanup_free = path_dir(dir), *new cleanup_free = NULL;
	struct err *ignored cleanup_err = NULL;
	int rc;

	if (path_exists(made))
		return 0;
	if (path_mkdirs(parent, err) < 0 || tmp_dir(parent, ".orch-demo", &new, err) < 0)
		return -1;
	rc = fill(new, err);
	if (rc == 0 && (chmod(new, 0755) < 0 || rename(new, dir) < 0))
		rc = errno == ENOTEMPTY || errno == EEXIST
			     ? err_set(err, E_DIRECTORY_NOT_EMPTY,
				       "'%s' is not empty, and is not a project: the demo makes "
				       "one in a new directory",
				       dir)
			     : err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", dir);
	if (rc < 0 && path_remove(new, &ignored) < 0)
		return -1;
	return rc;
}

static void name_targets(struct strv *ret)
{
	static const char *const names[] = {DEMO_DISK, DEMO_BOARD, DEMO_GOOD, DEMO_BROKEN};

	for (size_t i = 0; i < array_len(names); i++)
		strv_push(ret, names[i]);
}

static bool is_locked(const struct session *s)
{
	struct err_list errors cleanup_err_list = {0};

	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];

		if (n->wanted && lock_applies(n->recipe))
			lock_check(s->arena, n->recipe->project, n->recipe, &errors);
	}
	return !errors.count;
}

/* The project, its targets chosen and its packages locked. */
static int open_locked(struct demo *d, const struct strv *targets)
{
	int code = session_open(&d->s, &d->cli, SESSION_GRAPH, targets);

	if (code || is_locked(&d->s))
		return code;
	session_close(&d->s);
	code = cmd_lock(&d->cli);
	return code ? code : session_open(&d->s, &d->cli, SESSION_GRAPH, targets);
}

int demo_build(struct demo *d)
{
	struct strv targets cleanup_strv = {0};
	struct builder run = {.cli = &d->cli, .session = &d->s, .deliver = builder_hash_targets};
	struct err *err = NULL;
	int code;

	name_targets(&targets);
	code = open_locked(d, &targets);
	if (code == 0 && session_add_store(&d->s, &err))
		code = cli_fail(&d->s, err);
	if (code == 0)
		code = session_check_files(&d->s, true);
	if (code)
		return code;
	if (builder_run(&run, &code, &err))
		code = cli_fail(&d->s, err);
	else if (code)
		builder_failures(&run);
	builder_close(&run);
	return code;
}
