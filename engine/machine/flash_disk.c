/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/flash_disk.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"

#define LARGEST_CARD ((uint64_t)256 << 30)

/* One line of a file of sysfs, trimmed; "" when there is none. Caller frees. */
static char *sys_text(const char *dir, const char *name)
{
	char *path cleanup_free = path_join(dir, name);
	struct err *ignored cleanup_err = NULL;
	struct str s = STR_INIT;

	if (path_exists(path) && file_read(path, 4096, &s, &ignored) < 0)
		str_clear(&s);
	while (s.len && strchr(" \n\t", s.buf[s.len - 1]))
		s.buf[--s.len] = 0;
	return str_steal(&s);
}

static bool has_entries(const char *dir, const char *name)
{
	char *path cleanup_free = path_join(dir, name);
	DIR *d = opendir(path);
	bool found = false;

	for (struct dirent *e; d && !found && (e = readdir(d));)
		found = e->d_name[0] != '.';
	if (d)
		closedir(d);
	return found;
}

/* Where a device "8:1" is mounted, or NULL; caller frees. */
static char *mounted_at(const char *root, const char *device)
{
	char *list cleanup_free = xasprintf("%s/proc/self/mountinfo", root);
	FILE *f cleanup_file = fopen(list, "re");
	char line[PATH_MAX * 2], number[64], at[PATH_MAX];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %63s %*s %4095s", number, at) == 2 &&
		    str_eq(number, device))
			return xstrdup(at);
	}
	return NULL;
}

static bool is_swap(const char *root, const char *name)
{
	char *list cleanup_free = xasprintf("%s/proc/swaps", root);
	FILE *f cleanup_file = fopen(list, "re");
	char line[PATH_MAX * 2], path[PATH_MAX];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%4095s", path) == 1 && str_eq(path_base(path), name))
			return true;
	}
	return false;
}

/* DIR is the device's directory in sysfs, NAME its name. */
static int refuse_used(const char *root, const char *dir, const char *name, struct err **err)
{
	char *number cleanup_free = sys_text(dir, "dev");
	char *at cleanup_free = mounted_at(root, number);

	if (at)
		return err_set(err, E_MEDIUM_UNUSABLE,
			       "'/dev/%s' is mounted at '%s': unmount it first", name, at);
	if (is_swap(root, name))
		return err_set(err, E_MEDIUM_UNUSABLE, "'/dev/%s' is swap of this machine", name);
	if (has_entries(dir, "holders"))
		return err_set(err, E_MEDIUM_UNUSABLE,
			       "'/dev/%s' is part of another device (%s/holders)", name, dir);
	return 0;
}

int flash_disk_used(const char *root, const char *dir, const char *name, struct err **err)
{
	DIR *d = opendir(dir);
	int rc = refuse_used(root, dir, name, err);

	for (struct dirent *e; d && rc == 0 && (e = readdir(d));) {
		char *sub cleanup_free = path_join(dir, e->d_name);
		char *partition cleanup_free = path_join(sub, "partition");

		if (path_exists(partition))
			rc = refuse_used(root, sub, e->d_name, err);
	}
	if (d)
		closedir(d);
	return rc;
}

bool flash_disk_is_card(const char *dir, const char *name, uint64_t size)
{
	char *removable cleanup_free = sys_text(dir, "removable");

	return size <= LARGEST_CARD && (str_eq(removable, "1") || str_skip(name, "mmcblk") ||
					str_skip(name, "loop") || strstr(dir, "/usb"));
}

char *flash_disk_model(const char *dir)
{
	char *model = sys_text(dir, "device/model");

	if (*model)
		return model;
	free(model);
	return sys_text(dir, "device/name");
}
