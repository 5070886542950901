/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/carried.h"

#include <link.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/walk.h"
#include "cli/program.h"

#define REAL "real"
#define LIST_MAX (1u << 20)
#define PROGRAM_MODE 0755

struct carrying {
	const char *dir;
	const char *loader; /* as this program names it; lives as long as the program */
};

static int copy_to(const struct carrying *c, const char *from, const char *name, struct err **err)
{
	char *to cleanup_free = path_join(c->dir, name);

	return path_exists(to) ? 0 : file_copy(from, to, PROGRAM_MODE, err);
}

static int find_loader(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct carrying *c = arg;

	if (*info->dlpi_name) /* the program itself has no name, and comes first */
		return 1;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			c->loader = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1;
}

/* ld.so(8), --list: "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x...)". */
static int copy_libraries(const struct carrying *c, const char *program, struct err **err)
{
	char *const argv[] = {(char *)c->loader, "--list", (char *)program, NULL};
	struct str list cleanup_str = STR_INIT;
	const char *p;

	if (proc_output(argv, &(struct proc_opts){0}, LIST_MAX, &list, err) < 0)
		return -1;
	for (p = list.buf; (p = strstr(p, " => /"));) {
		char *path cleanup_free = xstrndup(p + 4, strcspn(p + 4, " \n"));

		p += 4;
		if (copy_to(c, path, path_base(path), err) < 0)
			return -1;
	}
	return 0;
}

/* PROGRAM under NAME, started by LAUNCHER. */
static int carry(const struct carrying *c, const char *program, const char *launcher,
		 const char *name, struct err **err)
{
	char *real cleanup_free = path_join(REAL, name);

	if (copy_to(c, program, real, err) < 0 || copy_to(c, launcher, name, err) < 0)
		return -1;
	return copy_libraries(c, program, err);
}

static int copy_names(const struct carrying *c, const char *from, const char *below,
		      struct err **err)
{
	char *dir cleanup_free = path_join(from, below);
	struct strv names cleanup_strv = {0};

	if (walk_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		char *rel cleanup_free =
			*below ? path_join(below, names.items[i]) : xstrdup(names.items[i]);
		char *path cleanup_free = path_join(from, rel);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && copy_to(c, path, rel, err) < 0)
			return -1;
	}
	return 0;
}

int carried_write(const char *dir, struct err **err)
{
	char *real cleanup_free = path_join(dir, REAL), *orch cleanup_free = program_orch(err);
	char *worker cleanup_free = orch ? program_worker(err) : NULL;
	char *own cleanup_free = orch ? path_dir(orch) : NULL;
	char *carried cleanup_free = own ? path_join(own, REAL) : NULL;
	char *launcher cleanup_free = NULL;
	struct carrying c = {.dir = dir};

	if (!worker || path_mkdirs(real, err) < 0)
		return -1;
	if (path_exists(carried))
		return copy_names(&c, own, "", err) < 0 ? -1 : copy_names(&c, own, REAL, err);
	launcher = program_launcher(err);
	dl_iterate_phdr(find_loader, &c);
	if (!launcher)
		return -1;
	if (!c.loader)
		return err_set(err, E_PROGRAM_MISSING,
			       "orch was not started by a loader of its own");
	if (copy_to(&c, c.loader, path_base(c.loader), err) < 0 ||
	    carry(&c, orch, launcher, "orch", err) < 0)
		return -1;
	return carry(&c, worker, launcher, "orch-worker", err);
}
