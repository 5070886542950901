/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Maintainer scripts. The merged tree is laid out as a directory, which becomes the root of a
 * sandbox where everybody is who he should be (machine/identity.h). What the sandbox sees below
 * /run/orch:
 *
 *	configure.sh		the steps, run by the tree's own /bin/sh
 *	packages		one line per new package: NAME BASE ARCH
 *	debs/			what is left to dpkg itself
 *
 * Where this machine lets nobody make namespaces or trace processes, the same scripts run in a
 * guest (guestbox.h).
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "kinds/debian.h"
#include "kinds/guestbox.h"
#include "machine/guest_sandbox.h"
#include "machine/sandbox.h"
#include "media/deb.h"
#include "media/tree_dir.h"
#include "run/action.h"

static const char configure_sh[] =
	"fail() { echo \"orch: $1\"; exit 1; }\n"
	/* No daemon is started here: invoke-rc.d(8). */
	"if [ -e /usr/sbin/policy-rc.d ]; then policy=theirs; else policy=ours\n"
	"  printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 "
	"/usr/sbin/policy-rc.d; fi\n"
	/* What scripts use before the package that brings it is configured. */
	"[ -e /usr/bin/awk ] || [ ! -e /usr/bin/mawk ] || ln -s mawk /usr/bin/awk\n"
	"for f in passwd group; do [ -e /etc/$f ] || cp /usr/share/base-passwd/$f.master /etc/$f; "
	"done\n"
	"while read -r name base arch; do\n"
	"  script=/var/lib/dpkg/info/$base.preinst\n"
	"  [ -e \"$script\" ] || continue\n"
	"  DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE=$name "
	"DPKG_MAINTSCRIPT_ARCH=$arch DPKG_RUNNING_VERSION=$DPKG_VERSION "
	"DPKG_ADMINDIR=/var/lib/dpkg DPKG_ROOT= DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 \"$script\" "
	"install </dev/null ||\n"
	"    fail \"the preinst script of '$name' failed\"\n"
	"done </run/orch/packages\n"
	"set -- /run/orch/debs/*.deb\n"
	"if [ -e \"$1\" ]; then\n"
	"  dpkg --force-unsafe-io --force-depends --unpack \"$@\" </dev/null || fail 'dpkg "
	"--unpack failed'\n"
	"fi\n"
	"dpkg --force-unsafe-io --force-confold --configure -a </dev/null || fail 'dpkg "
	"--configure failed'\n"
	"dpkg-query -W -f='${db:Status-Abbrev} ${Package}\\n' | grep -v '^ii ' && "
	"fail 'these packages are not configured'\n"
	"[ $policy = theirs ] || rm -f /usr/sbin/policy-rc.d\n"
	"exit 0\n";

static int put(const char *dir, const char *name, const char *text, size_t len, mode_t mode,
	       struct err **err)
{
	char *path cleanup_free = path_join(dir, name);

	return file_write(path, text, len, mode, false, err);
}

static int put_packages(const struct debian_stage *s, const char *dir, struct err **err)
{
	char *debs cleanup_free = path_join(dir, "debs");
	struct str list cleanup_str = STR_INIT;

	if (path_mkdirs(debs, err) < 0)
		return -1;
	for (size_t i = 0; i < s->debs->count; i++) {
		const struct deb *d = s->debs->items[i];
		char *to cleanup_free = xasprintf("%s/%s_%s.deb", debs, d->name, d->arch);

		if (!d->by_dpkg)
			str_printf(&list, "%s %s %s\n", d->name, d->base, d->arch);
		else if (file_copy(d->path, to, 0644, err) < 0)
			return -1;
	}
	return put(dir, "packages", list.buf, list.len, 0644, err);
}

/* *RET: the emulator's path, or NULL when none is pinned or needed. */
static int put_emulator(struct action *a, const struct debian_lock *l, const char **ret,
			struct err **err)
{
	const char *name = sandbox_emulator_name(l->arch);
	const char *names[] = {NULL, NULL, NULL};
	const char *dest;
	int r;

	*ret = NULL;
	if (sandbox_is_native(l->arch) || !name)
		return 0;
	names[0] = arena_printf(a->arena, "usr/bin/%s-static", name);
	names[1] = arena_printf(a->arena, "usr/bin/%s", name);
	dest = arena_printf(a->arena, "%s/%s", a->workdir, name);
	r = debian_tool(a, l, names, dest, err);
	if (r < 0)
		return -1;
	if (r == 0)
		*ret = dest;
	return 0;
}

static char *dpkg_version(const struct debian_stage *s)
{
	for (size_t i = 0; i < s->debs->count; i++)
		if (str_eq(s->debs->items[i]->name, "dpkg"))
			return xstrdup(s->debs->items[i]->version);
	return xstrdup("1.22.0");
}

static char **environment(const struct debian_stage *s, struct strv *env)
{
	char *dpkg cleanup_free = dpkg_version(s);

	strv_push(env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	strv_push(env, "HOME=/root");
	strv_push(env, "LC_ALL=C.UTF-8");
	strv_push(env, "TZ=UTC");
	strv_push(env, "DEBIAN_FRONTEND=noninteractive");
	strv_push(env, "DEBCONF_NONINTERACTIVE_SEEN=true");
	strv_push(env, "DEBCONF_NOWARNINGS=yes");
	strv_push(env, "INITRD=No");
	strv_push(env, "SYSTEMD_OFFLINE=1");
	strv_push(env, "PERL_HASH_SEED=0");
	strv_push(env, "PYTHONHASHSEED=0");
	strv_printf(env, "DPKG_VERSION=%s", dpkg);
	strv_printf(env, "SOURCE_DATE_EPOCH=%llu", (unsigned long long)s->a->epoch);
	return strv_argv(env);
}

static int script_failed(const struct debian_stage *s, struct err **err)
{
	return err_set(err, ERR_BUILD,
		       "a maintainer script failed; the log names it (run 'orch log %s')",
		       s->a->node);
}

static int run_stage(struct debian_stage *s, const char *root, const char *owners, const char *dir,
		     struct err **err)
{
	static char *const argv[] = {"/bin/sh", "/run/orch/configure.sh", NULL};
	struct sandbox_bind bind = {dir, "/run/orch", true};
	struct strv env cleanup_strv = {0};
	struct str note cleanup_str = STR_INIT;
	struct sandbox_opts opts = {.root = root,
				    .root_writable = true,
				    .as_root = true,
				    .owners = owners,
				    .binds = &bind,
				    .bind_count = 1,
				    .env = environment(s, &env),
				    .arch = s->lock->arch,
				    .note = &note};
	int status;

	if (put_emulator(s->a, s->lock, &opts.emulator, err) < 0)
		return -1;
	action_progress(s->a, -1, "configuring %zu packages", s->debs->count);
	fflush(NULL);
	if (sandbox_run(argv, &opts, &status, err) < 0)
		return -1;
	if (note.len)
		action_log(s->a, "%s", note.buf);
	return status == 0 ? 0 : script_failed(s, err);
}

static int put_stage(const struct debian_stage *s, const char *dir, struct err **err)
{
	if (path_mkdirs(dir, err) < 0 ||
	    put(dir, "configure.sh", configure_sh, sizeof(configure_sh) - 1, 0755, err) < 0)
		return -1;
	return put_packages(s, dir, err);
}

static int in_sandbox(struct debian_stage *s, const char *dir, struct err **err)
{
	char *root cleanup_free = path_join(s->a->workdir, "root");
	char *owners cleanup_free = path_join(s->a->workdir, "owners");
	int64_t start;

	if (tree_to_dir(s->before, root, owners, err) < 0)
		return -1;
	start = time(NULL);
	if (run_stage(s, root, owners, dir, err) < 0)
		return -1;
	action_progress(s->a, -1, "gathering the tree");
	return tree_from_dir(s->after, root, owners, start, err);
}

/* There root is root: owners and attributes are those of the file system. */
static int in_guest(struct debian_stage *s, const char *dir, struct err **err)
{
	static char *const argv[] = {"/bin/sh", "/run/orch/configure.sh", NULL};
	struct guestbox *box cleanup_guestbox = NULL;
	struct sandbox_bind bind = {dir, "/run/orch", true};
	struct strv env cleanup_strv = {0};
	struct guestbox_spec spec = {.root = s->before,
				     .root_writable = true,
				     .as_root = true,
				     .binds = &bind,
				     .bind_count = 1,
				     .env = environment(s, &env),
				     .arch = s->lock->arch};
	int status;

	if (put_emulator(s->a, s->lock, &spec.emulator, err) < 0 ||
	    guestbox_open(s->a, &spec, &box, err) < 0)
		return -1;
	action_progress(s->a, -1, "configuring %zu packages in the guest", s->debs->count);
	if (guestbox_run(box, argv, "/", &status, err) < 0)
		return -1;
	if (status != 0)
		return script_failed(s, err);
	return guestbox_close(box, s->after, err);
}

int debian_configure(struct debian_stage *s, struct err **err)
{
	char *dir cleanup_free = path_join(s->a->workdir, "stage");

	if (put_stage(s, dir, err) < 0)
		return -1;
	if (!guest_sandbox_forced()) {
		if (in_sandbox(s, dir, err) == 0)
			return 0;
		if (!guestbox_instead(s->a, err))
			return -1;
	}
	return in_guest(s, dir, err);
}
