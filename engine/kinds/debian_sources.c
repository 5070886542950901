/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Source packages. dpkg-source unpacks and patches them in the sandbox; the .dsc it wants is
 * written there from the files themselves, whose digests are the lock's.
 */
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "kinds/debian.h"
#include "machine/sandbox.h"
#include "media/tree.h"
#include "run/action.h"

/* NAME VERSION, in a folder that holds the package's files. */
static const char unpack_sh[] =
	"cd \"/work/$1\"\n"
	"format='3.0 (native)'\n"
	"for f in *; do case $f in\n"
	"  *.debian.tar.*) format='3.0 (quilt)' ;;\n"
	"  *.diff.gz) format=1.0 ;;\n"
	"esac; done\n"
	"{ printf 'Format: %s\\nSource: %s\\nVersion: %s\\nFiles:\\n' \"$format\" \"$1\" \"$2\"\n"
	"  for f in *; do sum=$(md5sum <\"$f\"); size=$(stat -c %s \"$f\")\n"
	"    printf ' %s %s %s\\n' \"${sum%% *}\" \"$size\" \"$f\"; done; } >/work/orch.dsc\n"
	"mv /work/orch.dsc \"$1.dsc\"\n"
	"exec dpkg-source --no-check -x \"$1.dsc\" \"/work/out/$1\"\n";

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
		return err_set(err, ERR_BUILD, "the lock has no source '%s': run 'orch lock %s'",
			       name, a->node);
	return 0;
}

static int unpack(struct action *a, const struct debian_lock *l, const char *name, const char *dir,
		  const char *root, struct tree *t, struct err **err)
{
	static char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/work",
				    "LC_ALL=C.UTF-8", "TZ=UTC", NULL};
	char *here cleanup_free = path_join(dir, name);
	char *result cleanup_free = xasprintf("%s/out/%s", dir, name);
	char *to cleanup_free = xasprintf("/usr/src/%s", name);
	struct sandbox_bind bind = {dir, "/work", true};
	struct sandbox_opts opts = {.root = root, .binds = &bind, .bind_count = 1, .env = env};
	const char *version;
	int status;

	if (lay_out(a, l, name, here, &version, err) < 0)
		return -1;
	char *const argv[] = {"/bin/sh",       "-ec", (char *)unpack_sh, "sh", (char *)name,
			      (char *)version, NULL};

	action_progress(a, -1, "unpacking source '%s'", name);
	if (sandbox_run(argv, &opts, &status, err) < 0 ||
	    proc_check("dpkg-source", status, err) < 0)
		return err_wrap(err, "source '%s'", name);
	return tree_copy_path(t, to, result, err);
}

int debian_sources(struct action *a, const struct debian_lock *l, const char *root, struct tree *t,
		   struct err **err)
{
	const struct debian_opts *o = a->opts;
	char *dir cleanup_free = path_join(a->workdir, "sources");
	char *out cleanup_free = path_join(dir, "out");
	char *host cleanup_free = root ? NULL : path_program("dpkg-source");

	if (!root && !host)
		return err_set(err, ERR_ENV,
			       "'dpkg-source' is needed to unpack sources: add 'dpkg-dev' to the "
			       "node's packages "
			       "or install it on this machine");
	if (path_mkdirs(out, err) < 0)
		return -1;
	for (size_t i = 0; i < o->sources.count; i++)
		if (unpack(a, l, LIST_AT(o->sources, const char *, i), dir, root, t, err) < 0)
			return -1;
	return 0;
}
