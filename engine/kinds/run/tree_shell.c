/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/tree_shell.h"

#include <sys/stat.h>

#include "base/path.h"
#include "kinds/run/rootdir.h"
#include "kinds/run/step.h"
#include "kinds/run/treebox.h"

static int check_shell(const struct action *a, const struct tree *t, struct err **err)
{
	const struct tree_entry *e = tree_resolve(t, "/bin/sh");

	if (e && S_ISREG(e->inode->mode))
		return 0;
	return err_set(
		err, E_NO_SHELL,
		"what node '%s' made has no /bin/sh to run; 'orch image ls %s' looks into it",
		a->node, a->node);
}

int tree_shell_run(struct action *a, struct tree *t, const struct shell_request *q, int *ret_status,
		   struct err **err)
{
	struct treebox *box cleanup_treebox = NULL;
	const struct steps steps = {.a = a};
	struct strv env cleanup_strv = {0};
	struct treebox_spec spec = {.tree = t};
	struct sandbox_opts opts;
	int rc;

	strv_push(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_push(&env, "HOME=/root");
	strv_push(&env, "LC_ALL=C.UTF-8");
	spec.env = strv_argv(&env);
	spec.dir = arena_printf(a->arena, "%s/stage", a->workdir);
	spec.arch = rootdir_tree_arch(t);
	if (check_shell(a, t, err) < 0 || path_mkdirs(spec.dir, err) < 0)
		return -1;
	if (spec.arch && rootdir_emulator(a, NULL, spec.arch, &spec.emulator, err) < 0)
		return -1;
	rc = treebox_open(a, &spec, &box, err);
	if (rc == 0)
		rc = treebox_enter(box, NULL, &opts, err);
	return rc < 0 ? -1 : step_shell(&steps, q, &opts, &env, ret_status, err);
}
