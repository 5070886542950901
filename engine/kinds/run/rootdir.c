/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/rootdir.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/dirseal.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/trace.h"
#include "machine/sandbox/sandbox.h"
#include "media/tree/tree_export.h"

#define BOOT_ID_LEN 36
#define HASH_ALWAYS (64ull * 1024 * 1024)        /* bytes: a smaller root */
#define HASH_EVERY (INT64_C(86400) * 1000000000) /* nanoseconds: a larger one */
#define ANY_TIME INT64_MAX /* a root depends on its tree only, not on who uses it */

/* A word that changes with each boot of the machine, into BUF; "unknown" where there is none. */
static void boot_id(char buf[BOOT_ID_LEN + 1])
{
	FILE *f cleanup_file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || fread(buf, 1, BOOT_ID_LEN, f) != BOOT_ID_LEN)
		memcpy(buf, "unknown", sizeof("unknown"));
	else
		buf[BOOT_ID_LEN] = 0;
}

/* Removes the roots of DIGEST from earlier boots. */
static void remove_old(const char *dir, const char *digest, const char *now)
{
	DIR *d = opendir(dir);

	for (struct dirent *de; d && (de = readdir(d));) {
		const char *rest = str_skip(de->d_name, digest);
		char *path cleanup_free = NULL;
		struct err *ignored cleanup_err = NULL;

		if (!rest || *rest != '.' || str_skip(rest + 1, now) || str_eq(rest + 1, "lock"))
			continue;
		path = path_join(dir, de->d_name);
		if (path_remove(path, &ignored) < 0)
			trace(TRACE_KIND, "%s", ignored->text);
	}
	if (d)
		closedir(d);
}

static int unpack(struct action *a, const struct action_input *in, const char *to, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(ANY_TIME, a->workdir);
	char *tmp cleanup_free = NULL;
	struct err *ignored cleanup_err = NULL;

	action_progress(a, -1, "unpacking '%s'", in->ref);
	if (tree_read_tar(t, "/", in->path, 0, err) < 0 ||
	    tmp_dir(a->roots_dir, "unpack", &tmp, err) < 0)
		return -1;
	if (tree_export(t, tmp, err) == 0) {
		if (rename(tmp, to) == 0)
			return 0;
		err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", to);
	}
	if (path_remove(tmp, &ignored) < 0)
		trace(TRACE_KIND, "%s", ignored->text);
	return -1;
}

const char *elf_arch(const unsigned char head[20])
{
	static const struct {
		unsigned machine;
		const char *arch;
	} known[] = {
		{EM_X86_64, "amd64"},  {EM_AARCH64, "arm64"}, {EM_ARM, "armhf"},  {EM_386, "i386"},
		{EM_RISCV, "riscv64"}, {EM_PPC64, "ppc64el"}, {EM_S390, "s390x"}, {258, "loong64"},
	};
	unsigned machine;

	if (memcmp(head, ELFMAG, SELFMAG) != 0)
		return NULL;
	machine =
		head[EI_DATA] == ELFDATA2MSB ? head[18] << 8 | head[19] : head[19] << 8 | head[18];
	for (size_t i = 0; i < array_len(known); i++) {
		if (known[i].machine == machine)
			return known[i].arch;
	}
	return NULL;
}

/* The first of these that is there tells the architecture of all. */
static const char *const programs[] = {"bin/sh", "usr/bin/dash", "usr/bin/env", "usr/bin/true"};

const char *rootdir_tree_arch(const struct tree *t)
{
	for (size_t i = 0; i < array_len(programs); i++) {
		struct tree_entry *e = tree_resolve(t, programs[i]);
		unsigned char head[20];

		if (!e || !S_ISREG(e->inode->mode) || e->inode->size < sizeof(head))
			continue;
		tree_inode_read(e->inode, 0, head, sizeof(head));
		if (elf_arch(head))
			return elf_arch(head);
	}
	return NULL;
}

static const char *arch_of(const char *root)
{
	int dir cleanup_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; dir >= 0 && i < array_len(programs); i++) {
		struct err *ignored cleanup_err = NULL;
		int fd cleanup_fd = path_open_beneath(dir, programs[i], O_RDONLY, &ignored);
		unsigned char head[20];

		if (fd >= 0 && pread(fd, head, sizeof(head), 0) == sizeof(head) && elf_arch(head))
			return elf_arch(head);
	}
	return NULL;
}

/* Whether the root at PATH is as it was made; if not, what used it is reported. */
static bool is_whole(struct action *a, const struct action_input *tree, const char *path,
		     const char *seal_path)
{
	struct err *why cleanup_err = NULL;
	int64_t now = dirseal_now();
	struct dirseal seal;
	bool hash;

	if (dirseal_read(seal_path, &seal) != 0)
		return false; /* it was not finished */
	if (a->began_ns && seal.looked_ns >= a->began_ns && seal.looked_ns <= now)
		return true;
	hash = seal.bytes < HASH_ALWAYS || now < seal.hashed_ns ||
	       now - seal.hashed_ns > HASH_EVERY;
	if (dirseal_check(path, seal_path, &seal, hash, &why) == 0)
		return true;
	action_log(a, "the unpacked tree of '%s' has changed%s%s", tree->ref, why ? ": " : "",
		   why ? why->text : "");
	action_misused(a, tree, seal.hashed_ns / 1000000000);
	return false;
}

static int make_root(struct action *a, const struct action_input *tree, const char *path,
		     const char *seal_path, struct err **err)
{
	if (path_exists(path) && path_remove(path, err) < 0)
		return -1;
	if (unpack(a, tree, path, err) < 0)
		return -1;
	return dirseal_make(path, seal_path, err);
}

int rootdir_get(struct action *a, const struct action_input *tree, struct rootdir *ret,
		struct err **err)
{
	char *seal cleanup_free = NULL;
	char hex[DIGEST_HEX + 1], boot[BOOT_ID_LEN + 1];
	char *lock cleanup_free = NULL;
	const char *path;
	int fd cleanup_fd = -1;

	digest_hex(&tree->digest, hex);
	boot_id(boot);
	path = arena_printf(a->arena, "%s/%s.%s", a->roots_dir, hex, boot);
	lock = xasprintf("%s/%s.lock", a->roots_dir, hex);
	if (lock_file(lock, LOCK_EXCLUSIVE, true, &fd, err) < 0)
		return -1;
	seal = xasprintf("%s.seal", path);
	if (!path_exists(path) || !is_whole(a, tree, path, seal)) {
		remove_old(a->roots_dir, hex, boot);
		if (make_root(a, tree, path, seal, err) < 0)
			return err_wrap(err, "root '%s'", tree->ref);
	}
	ret->path = path;
	ret->arch = arch_of(path);
	return 0;
}

int rootdir_emulator(struct action *a, const struct ref *tree, const char *arch, const char **ret,
		     struct err **err)
{
	const char *name = sandbox_emulator_name(arch);
	struct rootdir dir;

	*ret = NULL;
	if (sandbox_is_native(arch))
		return 0;
	if (!name)
		return err_set(err, E_NO_EMULATOR, "no emulator is known for architecture '%s'",
			       arch);
	if (!tree) {
		char *file cleanup_free = xasprintf("%s-static", name),
			   *path cleanup_free = path_program(file);

		*ret = path ? arena_strdup(a->arena, path) : NULL;
		return 0; /* without one, the host may still have a registration */
	}
	if (rootdir_get(a, action_input(a, tree), &dir, err) < 0)
		return -1;
	*ret = arena_printf(a->arena, "%s/usr/bin/%s", dir.path, name);
	if (!path_exists(*ret))
		*ret = arena_printf(a->arena, "%s-static", *ret);
	if (!path_exists(*ret))
		return err_set(err, E_TREE_PATH_MISSING,
			       "tree '%s' has no /usr/bin/%s: it needs package qemu-user",
			       tree->text, name);
	return 0;
}
