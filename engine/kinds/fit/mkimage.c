/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/fit/mkimage.h"

#include <errno.h>
#include <unistd.h>

#include "base/path.h"
#include "base/proc.h"
#include "machine/sandbox/confined.h"

/* In a tree. */
#define WORK "/work"
#define KEYS "/keys"
#define KEY "/signer.key"
#define CERT "/signer.crt"

int mkimage_open(struct mkimage *m, const struct ref *tools, const char *hint, struct err **err)
{
	struct arena *arena = m->a->arena;

	m->keys = arena_printf(arena, "%s/keys", m->a->workdir);
	if (path_mkdirs(m->keys, err) < 0)
		return -1;
	if (symlink(tools ? KEY : m->key, arena_printf(arena, "%s/%s.key", m->keys, hint)) < 0 ||
	    symlink(tools ? CERT : m->cert, arena_printf(arena, "%s/%s.crt", m->keys, hint)) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot make links in '%s'", m->keys);
	return tools ? toolbox_open(m->a, tools, &m->tools, err) : 0;
}

static int run_here(const struct mkimage *m, const char *dir, struct strv *argv, struct err **err)
{
	struct confined wall cleanup_confined = {0};
	struct proc_opts opts = {0};

	confined_program(&wall, "mkimage");
	confined_read(&wall, m->keys);
	confined_read(&wall, m->key);
	confined_read(&wall, m->cert);
	confined_write(&wall, dir);
	confined_apply(&wall, &opts);
	return proc_run(strv_argv(argv), &opts, err);
}

static int run(const struct mkimage *m, const char *dir, struct strv *argv, struct err **err)
{
	const struct sandbox_bind binds[] = {{dir, WORK, true},
					     {m->keys, KEYS, false},
					     {m->key, KEY, false},
					     {m->cert, CERT, false}};

	return m->tools.root ? toolbox_run(&m->tools, argv, binds, array_len(binds), WORK, 0, err)
			     : run_here(m, dir, argv, err);
}

int mkimage_sign(const struct mkimage *m, const char *dir, const char *image, const char *tree,
		 bool external, struct err **err)
{
	const char *at = m->tools.root ? WORK : dir;
	struct strv argv cleanup_strv = {0};

	strv_push(&argv, "env");
	strv_printf(&argv, "SOURCE_DATE_EPOCH=%llu", (unsigned long long)m->a->epoch);
	strv_push(&argv, "mkimage");
	strv_push(&argv, "-F");
	strv_push(&argv, "-r");
	strv_printf(&argv, "-k%s", m->tools.root ? KEYS : m->keys);
	if (tree)
		strv_printf(&argv, "-K%s/%s", at, tree);
	if (external) {
		strv_push(&argv, "-E");
		strv_push(&argv, "-B8");
	}
	strv_printf(&argv, "%s/%s", at, image);
	if (run(m, dir, &argv, err) < 0)
		return err_wrap(err, "mkimage cannot sign the image (see the log)");
	return 0;
}
