/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Source packages. dpkg-source unpacks and patches them in the sandbox; the .dsc it wants is
 * written there from the files themselves, whose digests are the lock's.
 */
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "kinds/debian/debian.h"
#include "kinds/run/step_vm.h"
#include "machine/guest/sandbox_vm.h"
#include "machine/sandbox/sandbox.h"
#include "media/tree/tree.h"
#include "run/action.h"

#define WORK "/work" /* the directory in the sandbox */

/* Where dpkg-source runs. */
struct where {
	struct action *a;
	const char *dir;        /* the directory it works in */
	const char *root;       /* its root in the sandbox; NULL: the host's own */
	const struct tree *own; /* the tree that ROOT is a directory of; NULL: the host's own */
};

/*
 * NAME VERSION DIR: the package's files are in DIR/NAME, the result goes to DIR/out/NAME.
 */
static const char unpack_sh[] =
	"cd \"$3/$1\"\n"
	"format='3.0 (native)'\n"
	"for f in *; do case $f in\n"
	"  *.debian.tar.*) format='3.0 (quilt)' ;;\n"
	"  *.diff.gz) format=1.0 ;;\n"
	"esac; done\n"
	"{ printf 'Format: %s\\nSource: %s\\nVersion: %s\\nFiles:\\n' \"$format\" \"$1\" \"$2\"\n"
	"  for f in *; do sum=$(md5sum <\"$f\"); size=$(stat -c %s \"$f\")\n"
	"    printf ' %s %s %s\\n' \"${sum%% *}\" \"$size\" \"$f\"; done; } >\"$3/orch.dsc\"\n"
	"mv \"$3/orch.dsc\" \"$1.dsc\"\n"
	"exec dpkg-source --no-check -x \"$1.dsc\" \"$3/out/$1\"\n";

/* The files of one source package under their own names; *ret_version is the lock's. */
static int lay_out(struct action *a, const struct debian_lock *l, const char *name, const char *dir,
		   const char **ret_version, struct err **err)
{
	*ret_version = NULL;
	if (path_mkdirs(dir, err) < 0)
		return -1;
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];
		char *to cleanup_free = path_join(dir, path_base(e->path));

		if (e->type != LOCK_SOURCE || !str_eq(e->name, name))
			continue;
		*ret_version = e->version;
		if (file_copy(debian_file(a, e), to, 0644, err) < 0)
			return -1;
	}
	if (!*ret_version)
		return err_set(err, E_SOURCE_NOT_LOCKED,
			       "the lock has no source '%s': run 'orch lock %s'", name, a->node);
	return 0;
}

static int in_guest(const struct where *w, char *const argv[], char *const env[],
		    const struct sandbox_bind *bind, int *ret_status, struct err **err)
{
	struct tree *root cleanup_tree = tree_new(INT64_MAX, w->a->workdir);
	struct step_vm *box cleanup_step_vm = NULL;
	struct step_vm_spec spec = {.root = root, .binds = bind, .bind_count = 1, .env = env};

	if (tree_copy_tree(root, "/", w->own, "/", 0, err) < 0 ||
	    step_vm_open(w->a, &spec, &box, err) < 0 ||
	    step_vm_run(box, argv, "/", ret_status, err) < 0)
		return -1;
	return step_vm_close(box, NULL, err);
}

static int run_script(const struct where *w, const char *name, const char *version, int *ret_status,
		      struct err **err)
{
	static char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" WORK,
				    "LC_ALL=C.UTF-8", "TZ=UTC", NULL};
	struct sandbox_bind bind = {w->dir, WORK, true};
	struct sandbox_opts opts = {.root = w->root, .binds = &bind, .bind_count = 1, .env = env};
	char *argv[] = {"/bin/sh", "-ec", (char *)unpack_sh, "sh", (char *)name, (char *)version,
			WORK,      NULL};
	bool forced = sandbox_vm_forced();

	if (!forced && sandbox_run(argv, &opts, ret_status, err) == 0)
		return 0;
	if (!forced && !step_vm_instead(w->a, err))
		return -1;
	if (w->own)
		return in_guest(w, argv, env, &bind, ret_status, err);
	/* dpkg-source runs nothing of the package, whose digests have been checked. */
	argv[6] = (char *)w->dir;
	*ret_status = 0;
	return proc_run(argv, &(struct proc_opts){.env = env}, err);
}

static int unpack(const struct where *w, const struct debian_lock *l, const char *name,
		  struct tree *t, struct err **err)
{
	char *here cleanup_free = path_join(w->dir, name);
	char *result cleanup_free = xasprintf("%s/out/%s", w->dir, name);
	char *to cleanup_free = xasprintf("/usr/src/%s", name);
	const char *version;
	int status;

	if (lay_out(w->a, l, name, here, &version, err) < 0)
		return -1;
	action_progress(w->a, -1, "unpacking source '%s'", name);
	if (run_script(w, name, version, &status, err) < 0 ||
	    proc_check("dpkg-source", status, err) < 0)
		return err_wrap(err, "source '%s'", name);
	return tree_copy_path(t, to, result, 0, err);
}

int debian_sources(struct action *a, const struct debian_lock *l, bool own, struct tree *t,
		   struct err **err)
{
	const struct debian_opts *o = a->opts;
	char *dir cleanup_free = path_join(a->workdir, "sources");
	char *out cleanup_free = path_join(dir, "out");
	char *root cleanup_free = own ? path_join(a->workdir, "root") : NULL;
	char *host cleanup_free = own ? NULL : path_program("dpkg-source");
	struct where w = {.a = a, .dir = dir, .root = root, .own = own ? t : NULL};

	if (!own && !host)
		return err_set(err, E_PROGRAM_MISSING,
			       "'dpkg-source' is needed to unpack sources: add 'dpkg-dev' to the "
			       "node's packages or install it on this machine");
	if (path_mkdirs(out, err) < 0)
		return -1;
	for (size_t i = 0; i < o->sources.count; i++)
		if (unpack(&w, l, LIST_AT(o->sources, const char *, i), t, err) < 0)
			return -1;
	return 0;
}
