/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/debian/dpkg.h"

#include <string.h>

#include "base/file.h"
#include "base/path.h"

#define MAX_STATUS_LINES (64 * 1024 * 1024)

static const char install_sh[] =
#include "kinds/install.sh.h"
	;

static int put(const char *dir, const char *name, const char *text, size_t len, mode_t mode,
	       struct err **err)
{
	char *path cleanup_free = path_join(dir, name);

	return file_write(path, text, len, mode, false, err);
}

static int put_debs(const struct dpkg_job *j, const struct deb_set *set, const char *dir,
		    struct err **err)
{
	bool foreign = j->arch && !sandbox_is_native(j->arch);

	for (size_t i = 0; i < set->count; i++) {
		const struct deb *d = set->items[i];
		char *to cleanup_free = xasprintf("%s/%s_%s.deb", dir, d->name, d->arch);

		if (foreign ? deb_expand(d, to, err) < 0 : file_copy(d->path, to, 0644, err) < 0)
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

static int put_steps(const struct dpkg_job *j, const char *dir, struct err **err)
{
	char *debs cleanup_free = path_join(dir, "debs");
	struct str steps cleanup_str = STR_INIT;

	if (path_mkdirs(debs, err) < 0)
		return -1;
	/* Scripts are told, too, and keep more than conffiles: ucf(1). */
	if (j->overlay || !j->plan->seeded)
		str_append(&steps, "keep\n");
	for (size_t i = 0; i < j->plan->steps.count; i++) {
		const struct deb_step *step = &j->plan->steps.items[i];

		append_step(&steps, j->plan->seeded && i == 0 ? "seed" : "unpack", &step->unpack,
			    true);
		append_step(&steps, "configure", &step->configure, false);
		if (put_debs(j, &step->unpack, debs, err) < 0)
			return -1;
	}
	str_append(&steps, "finish\n");
	return put(dir, "steps", steps.buf, steps.len, 0644, err);
}

static int put_overlay(const struct dpkg_job *j, const char *dir, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(j->a->epoch, j->a->workdir);
	char *path cleanup_free = path_join(dir, "overlay.tar");

	if (!j->overlay)
		return 0;
	if (tree_copy_path(t, "/", j->overlay, TREE_SKIP_GIT, err) < 0)
		return -1;
	return tree_write_tar(t, path, err);
}

void dpkg_environment(const struct action *a, struct strv *ret)
{
	strv_push(ret, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	strv_push(ret, "HOME=/root");
	strv_push(ret, "LC_ALL=C.UTF-8");
	strv_push(ret, "TZ=UTC");
	strv_push(ret, "DEBIAN_FRONTEND=noninteractive");
	strv_push(ret, "DEBCONF_NONINTERACTIVE_SEEN=true");
	strv_push(ret, "DEBCONF_NOWARNINGS=yes");
	strv_push(ret, "INITRD=No");
	strv_push(ret, "SYSTEMD_OFFLINE=1");
	strv_push(ret, "PERL_HASH_SEED=0");
	strv_push(ret, "PYTHONHASHSEED=0");
	strv_printf(ret, "SOURCE_DATE_EPOCH=%llu", (unsigned long long)a->epoch);
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
	if (file_read_foreign(path, MAX_STATUS_LINES, &text, &ignored) < 0)
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

static int dpkg_failed(const struct dpkg_job *j, const char *dir, struct err **err)
{
	char *package cleanup_free = NULL, *why cleanup_free = NULL;

	if (!read_complaint(dir, &package, &why))
		return err_set(err, E_DPKG_FAILED, "dpkg failed (run 'orch log %s')", j->a->node);
	for (size_t i = 0; i < array_len(scripts); i++) {
		const char *end = strstr(why, "returned ");

		if (strstr(why, scripts[i].said) && end)
			return err_set(err, E_PACKAGE_SCRIPT,
				       "package '%s': its %s script %s (run 'orch log %s')",
				       package, scripts[i].name, end, j->a->node);
	}
	return err_set(err, E_DPKG_FAILED, "package '%s': %s (run 'orch log %s')", package, why,
		       j->a->node);
}

/* ---- running ---- */

static size_t package_count(const struct dpkg_job *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->plan->steps.count; i++)
		n += j->plan->steps.items[i].unpack.count;
	return n;
}

int dpkg_put(const struct dpkg_job *j, struct err **err)
{
	if (path_mkdirs(j->dir, err) < 0 ||
	    put(j->dir, "install.sh", install_sh, sizeof(install_sh) - 1, 0755, err) < 0 ||
	    put_overlay(j, j->dir, err) < 0)
		return -1;
	return put_steps(j, j->dir, err);
}

int dpkg_install(const struct dpkg_job *j, struct treebox *box, struct err **err)
{
	static char *const argv[] = {"/bin/sh", TREEBOX_DIR "/install.sh", NULL};
	int status;

	action_progress(j->a, -1, "installing %zu packages", package_count(j));
	if (treebox_run(box, argv, &status, err) < 0)
		return -1;
	return status == 0 ? 0 : dpkg_failed(j, j->dir, err);
}
