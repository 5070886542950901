/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/sandbox/tree_program.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"

/* Opens PATH as a process would whose root is ROOT: absolute links stay within. */
static int open_in(const char *root, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int dir cleanup_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* Where an open file really is; caller frees. NULL: nowhere. */
static char *place_of(int fd)
{
	char link[64], buf[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, sizeof(buf) - 1);
	if (n < 0)
		return NULL;
	buf[n] = 0;
	return xstrdup(buf);
}

/* 1: no program that could run where this one does. */
static int read_head(int fd, ElfW(Ehdr) * ret)
{
	int self cleanup_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ElfW(Ehdr) own;

	if (pread(fd, ret, sizeof(*ret), 0) != sizeof(*ret) ||
	    pread(self, &own, sizeof(own), 0) != sizeof(own))
		return 1;
	return memcmp(ret->e_ident, own.e_ident, EI_VERSION) != 0 ||
	       ret->e_machine != own.e_machine || ret->e_phentsize != sizeof(ElfW(Phdr));
}

/*
 * The loader that a program asks for (PT_INTERP), in the tree; caller frees. *RET is NULL for a
 * static program. 1: no program of this machine.
 */
static int read_loader(int fd, char **ret)
{
	ElfW(Ehdr) head;
	char name[256];

	*ret = NULL;
	if (read_head(fd, &head))
		return 1;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		ElfW(Phdr) part;
		off_t at = (off_t)(head.e_phoff + i * sizeof(part));

		if (pread(fd, &part, sizeof(part), at) != sizeof(part))
			return 1;
		if (part.p_type != PT_INTERP)
			continue;
		if (!part.p_filesz || part.p_filesz > sizeof(name) ||
		    pread(fd, name, part.p_filesz, (off_t)part.p_offset) != (ssize_t)part.p_filesz)
			return 1;
		name[part.p_filesz - 1] = 0;
		*ret = xstrdup(name);
		return 0;
	}
	return 0;
}

int tree_program(const char *root, const char *program, struct strv *ret, struct err **err)
{
	char *path cleanup_free = path_join(root, program), *loader cleanup_free = NULL,
		   *place cleanup_free = NULL, *libraries cleanup_free = NULL;
	int fd cleanup_fd = open_in(root, program), loader_fd cleanup_fd = -1;

	if (fd < 0)
		return err_set(err, E_TREE_PROGRAM, "the tree has no '/%s'", program);
	if (read_loader(fd, &loader))
		return err_set(err, E_TREE_PROGRAM, "'/%s' is not a program of this machine",
			       program);
	if (!loader) {
		strv_push(ret, path);
		return 0;
	}
	loader_fd = open_in(root, loader);
	place = loader_fd < 0 ? NULL : place_of(loader_fd);
	if (!place)
		return err_set(err, E_TREE_PROGRAM, "the tree has no '%s', which '/%s' needs",
			       loader, program);
	libraries = path_dir(place);
	strv_push(ret, place);
	strv_push(ret, "--library-path");
	strv_push(ret, libraries);
	strv_push(ret, path);
	return 0;
}
