/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/skeleton.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/path.h"
#include "base/vec.h"

static const char *const build[] = {"build", NULL};
static const char *const keys_lock_build[] = {"pki init", "lock", "build", NULL};

const struct skeleton skeletons[] = {
	{"minimal", "a file system of the project's files, and a disk of it; builds in a second",
	 build, false},
	{"ab-efi",
	 "a PC or server with UEFI, of amd64 or arm64 (--arch): GRUB, two root slots, RAUC",
	 keys_lock_build, true},
	{"ab-uboot", "a Raspberry Pi 400: U-Boot, two root slots, a boot slot, RAUC",
	 keys_lock_build, true},
	{"ab-tryboot",
	 "a Raspberry Pi 5, untried on one: its own loader, two boot and two root slots, RAUC",
	 keys_lock_build, true},
	{NULL},
};

const struct skeleton_file skeleton_files[] = {
#include "cli/skeleton_files.h"
	{NULL},
};

static const struct {
	const char *machine, *arch;
} arches[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};

static const struct skeleton *no_such(const char *name, struct err **err)
{
	struct strs names = {0};
	const char *near;

	for (const struct skeleton *t = skeletons; t->name; t++)
		strs_push(&names, t->name);
	near = str_nearest(name, names.items, names.count);
	err_set(err, E_USAGE, "no template '%s'%s%s%s; 'orch init --list' shows them", name,
		near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	strs_clear(&names);
	return NULL;
}

const struct skeleton *skeleton_find(const char *name, struct err **err)
{
	for (const struct skeleton *t = skeletons; t->name; t++) {
		if (str_eq(t->name, name))
			return t;
	}
	return no_such(name, err);
}

/* Debian's name of MACHINE, or "". */
static const char *arch_of(const char *machine)
{
	for (size_t i = 0; i < array_len(arches); i++)
		if (str_eq(arches[i].machine, machine))
			return arches[i].arch;
	return "";
}

/* Whether T has files for some architectures; *RET: for that one, too. */
static bool arch_differs(const struct skeleton *t, const char *arch, bool *ret)
{
	bool differs = false;

	*ret = false;
	for (const struct skeleton_file *f = skeleton_files; f->template; f++) {
		if (f->arch && str_eq(f->template, t->name)) {
			differs = true;
			*ret = *ret || str_eq(f->arch, arch);
		}
	}
	return differs;
}

int skeleton_arch(const struct skeleton *t, const char *wanted, const char **ret, struct err **err)
{
	struct utsname host;
	bool has;

	if (uname(&host) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot tell this machine");
	*ret = wanted ? wanted : arch_of(host.machine);
	if (arch_differs(t, *ret, &has)) {
		if (has)
			return 0;
		return err_set(err, E_UNKNOWN_ARCHITECTURE,
			       "template '%s' is for amd64 and arm64, not for '%s'", t->name,
			       wanted ? wanted : host.machine);
	}
	if (wanted)
		return err_set(
			err, E_USAGE,
			"template '%s' is the same for every architecture: leave '--arch' out",
			t->name);
	return 0;
}

char *skeleton_fill(const char *text, const struct skeleton_words *w)
{
	struct str s = STR_INIT;

	while (*text) {
		const char *rest;

		if ((rest = str_skip(text, "@NAME@")))
			str_append(&s, w->name);
		else if ((rest = str_skip(text, "@COMPATIBLE@")))
			str_append(&s, w->compatible);
		else
			str_append_char(&s, *text);
		text = rest ? rest : text + 1;
	}
	return str_steal(&s);
}

static int write_file(const struct skeleton_file *f, const struct skeleton_words *w,
		      const char *dir, struct err **err)
{
	char *rel cleanup_free = skeleton_fill(f->path, w), *path cleanup_free = NULL;
	char *text cleanup_free = skeleton_fill(f->text, w);
	struct str whole cleanup_str = STR_INIT;

	path = path_join(dir, rel);
	if (w->schema && str_skip(rel, "recipes/") && str_ends(rel, ".yaml"))
		str_printf(&whole, "# yaml-language-server: $schema=%s\n", w->schema);
	str_append(&whole, text);
	if (path_mkparents(path, err) < 0)
		return -1;
	if (!S_ISLNK(f->mode))
		return file_write(path, whole.buf, whole.len, f->mode, false, err);
	if (symlink(text, path) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create link '%s'", path);
	return 0;
}

int skeleton_write(const struct skeleton *t, const char *arch, const struct skeleton_words *w,
		   const char *dir, unsigned *ret, struct err **err)
{
	*ret = 0;
	for (const struct skeleton_file *f = skeleton_files; f->template; f++) {
		if (!str_eq(f->template, t->name) || (f->arch && !str_eq(f->arch, arch)))
			continue;
		if (write_file(f, w, dir, err) < 0)
			return -1;
		++*ret;
	}
	return 0;
}
