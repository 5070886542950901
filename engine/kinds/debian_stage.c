/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dpkg in the sandbox. The tree is laid out as a directory, which becomes the root of a sandbox
 * where everybody is who he should be (machine/identity.h). What the sandbox sees below /run/orch:
 *
 *	install.sh		the steps, run by the tree's own /bin/sh
 *	steps			a line each: VERB NAME..., see install_sh
 *	debs/NAME_ARCH.deb	the packages
 *	overlay.tar		the overlay, where the recipe has one
 *	status			what dpkg says of itself, see read_complaint()
 *
 * Files keep the times that the packages give them. What scripts make gets the epoch, and so does a
 * directory once something has been put into it, for dpkg sets its time before that.
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
#include "media/deb_plan.h"
#include "media/tree_dir.h"
#include "run/action.h"

#define MAX_STATUS_LINES (64 * 1024 * 1024)

/*
 * Triggers wait for the last call, as with apt. An overlay is laid in again after each unpacking:
 * what it has wins over the files of packages, and conffiles stay as they are in it.
 */
static const char install_sh[] =
	"fail() { echo \"orch: $1\"; exit 1; }\n"
	"run() {\n"
	"  dpkg --force-unsafe-io --force-confold --abort-after=1 --status-fd 3 \"$@\" "
	"</dev/null 3>>/run/orch/status || exit 1\n"
	"}\n"
	"cd /run/orch/debs\n"
	/* No daemon is started here: invoke-rc.d(8). */
	"if [ -e /usr/sbin/policy-rc.d ]; then policy=theirs; else policy=ours\n"
	"  printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && "
	"chmod 755 /usr/sbin/policy-rc.d; fi\n"
	/* What scripts use before the package that brings it is configured. */
	"[ -e /usr/bin/awk ] || [ ! -e /usr/bin/mawk ] || ln -s mawk /usr/bin/awk\n"
	"for f in passwd group; do\n"
	"  [ -e /etc/$f ] || cp /usr/share/base-passwd/$f.master /etc/$f\n"
	"done\n"
	"while read -r verb names; do\n"
	"  case $verb in\n"
	"  seed) run --no-triggers --force-depends --unpack $names ;;\n"
	"  unpack) run --no-triggers --unpack $names ;;\n"
	"  configure) run --no-triggers --configure $names ;;\n"
	"  finish) run --configure -a ;;\n"
	"  esac\n"
	"  case $verb in seed | unpack) [ ! -e /run/orch/overlay.tar ] || tar -xf "
	"/run/orch/overlay.tar -C / --keep-directory-symlink --no-overwrite-dir || exit 1; esac\n"
	"done </run/orch/steps\n"
	"[ $policy = theirs ] || rm -f /usr/sbin/policy-rc.d\n"
	"audit=$(dpkg --audit)\n"
	"[ -z \"$audit\" ] || { echo \"$audit\"; fail 'dpkg --audit has something to say'; }\n"
	"exit 0\n";

static int put(const char *dir, const char *name, const char *text, size_t len, mode_t mode,
	       struct err **err)
{
	char *path cleanup_free = path_join(dir, name);

	return file_write(path, text, len, mode, false, err);
}

static int put_debs(const struct deb_set *set, const char *dir, struct err **err)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct deb *d = set->items[i];
		char *to cleanup_free = xasprintf("%s/%s_%s.deb", dir, d->name, d->arch);

		if (file_copy(d->path, to, 0644, err) < 0)
			return -1;
	}
	return 0;
}

static void append_step(struct str *s, const char *verb, const struct deb_set *set, bool files)
{
	if (!set->count)
		return;
	str_append(s, verb);
	for (size_t i = 0; i < set->count; i++) {
		const struct deb *d = set->items[i];

		str_printf(s, " %s", d->name);
		if (files)
			str_printf(s, "_%s.deb", d->arch);
	}
	str_append(s, "\n");
}

static int put_steps(const struct debian_stage *s, const char *dir, struct err **err)
{
	char *debs cleanup_free = path_join(dir, "debs");
	struct str steps cleanup_str = STR_INIT;

	if (path_mkdirs(debs, err) < 0)
		return -1;
	for (size_t i = 0; i < s->plan->steps.count; i++) {
		const struct deb_step *step = &s->plan->steps.items[i];

		append_step(&steps, s->plan->seeded && i == 0 ? "seed" : "unpack", &step->unpack,
			    true);
		append_step(&steps, "configure", &step->configure, false);
		if (put_debs(&step->unpack, debs, err) < 0)
			return -1;
	}
	str_append(&steps, "finish\n");
	return put(dir, "steps", steps.buf, steps.len, 0644, err);
}

static int put_overlay(const struct debian_stage *s, const char *dir, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(s->a->epoch, s->a->workdir);
	char *path cleanup_free = path_join(dir, "overlay.tar");

	if (!s->overlay)
		return 0;
	if (tree_copy_path(t, "/", s->overlay, TREE_SKIP_GIT, err) < 0)
		return -1;
	return tree_write_tar(t, path, err);
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

static char **environment(const struct debian_stage *s, struct strv *env)
{
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
	strv_printf(env, "SOURCE_DATE_EPOCH=%llu", (unsigned long long)s->a->epoch);
	return strv_argv(env);
}

/* ---- failures ---- */

/* What dpkg calls a maintainer script. */
static const struct {
	const char *said, *name;
} scripts[] = {{"pre-installation script", "preinst"},
	       {"post-installation script", "postinst"},
	       {"pre-removal script", "prerm"},
	       {"post-removal script", "postrm"}};

/*
 * The last complaint in dpkg's status lines (dpkg(1), --status-fd): "status: WHAT : error : WHY",
 * where WHAT is a package or its file. False: there is none.
 */
static bool read_complaint(const char *dir, char **ret_package, char **ret_why)
{
	char *path cleanup_free = path_join(dir, "status");
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	char *save = NULL;

	*ret_package = *ret_why = NULL;
	if (!path_exists(path) || file_read(path, MAX_STATUS_LINES, &text, &ignored) < 0)
		return false;
	for (char *l = strtok_r(text.buf, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *what = (char *)str_skip(l, "status: "), *why = strstr(l, " : error : ");

		if (!what || !why)
			continue;
		*why = '\0';
		free(*ret_package);
		free(*ret_why);
		*ret_package = xstrdup(path_base(what));
		(*ret_package)[strcspn(*ret_package, "_:")] = '\0';
		*ret_why = xstrdup(why + strlen(" : error : "));
	}
	return *ret_why != NULL;
}

static int dpkg_failed(const struct debian_stage *s, const char *dir, struct err **err)
{
	char *package cleanup_free = NULL, *why cleanup_free = NULL;

	if (!read_complaint(dir, &package, &why))
		return err_set(err, ERR_BUILD, "dpkg failed (run 'orch log %s')", s->a->node);
	for (size_t i = 0; i < array_len(scripts); i++) {
		const char *end = strstr(why, "returned ");

		if (strstr(why, scripts[i].said) && end)
			return err_set(err, ERR_BUILD,
				       "package '%s': its %s script %s (run 'orch log %s')",
				       package, scripts[i].name, end, s->a->node);
	}
	return err_set(err, ERR_BUILD, "package '%s': %s (run 'orch log %s')", package, why,
		       s->a->node);
}

/* ---- running ---- */

static size_t package_count(const struct debian_stage *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->plan->steps.count; i++)
		n += s->plan->steps.items[i].unpack.count;
	return n;
}

static int run_stage(struct debian_stage *s, const char *root, const char *owners, const char *dir,
		     struct err **err)
{
	static char *const argv[] = {"/bin/sh", "/run/orch/install.sh", NULL};
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
	action_progress(s->a, -1, "installing %zu packages", package_count(s));
	fflush(NULL);
	if (sandbox_run(argv, &opts, &status, err) < 0)
		return -1;
	if (note.len)
		action_log(s->a, "%s", note.buf);
	return status == 0 ? 0 : dpkg_failed(s, dir, err);
}

static int put_stage(const struct debian_stage *s, const char *dir, struct err **err)
{
	if (path_mkdirs(dir, err) < 0 ||
	    put(dir, "install.sh", install_sh, sizeof(install_sh) - 1, 0755, err) < 0 ||
	    put_overlay(s, dir, err) < 0)
		return -1;
	return put_steps(s, dir, err);
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
	static char *const argv[] = {"/bin/sh", "/run/orch/install.sh", NULL};
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
	action_progress(s->a, -1, "installing %zu packages in the guest", package_count(s));
	if (guestbox_run(box, argv, "/", &status, err) < 0)
		return -1;
	if (status != 0)
		return dpkg_failed(s, dir, err);
	return guestbox_close(box, s->after, err);
}

int debian_install(struct debian_stage *s, struct err **err)
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
