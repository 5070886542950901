/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/flash_disk.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

	if (at && str_eq(at, "/"))
		return err_set(err, E_MEDIUM_UNUSABLE, "'/dev/%s' is what this machine runs from",
			       name);
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

/* --- the list --- */

static uint64_t number_of(const char *dir, const char *name)
{
	char *text cleanup_free = sys_text(dir, name);
	uint64_t n;

	return str_u64(text, &n) ? 0 : n;
}

static unsigned count_partitions(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned count = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		char *sub cleanup_free = path_join(dir, e->d_name);
		char *partition cleanup_free = path_join(sub, "partition");

		count += path_exists(partition);
	}
	if (d)
		closedir(d);
	return count;
}

/* The disk of an SD card or a stick says its number elsewhere than one of SCSI. */
static char *serial_of(const char *dir)
{
	static const char *const places[] = {"device/serial", "serial", "device/../serial",
					     "device/../../../../serial"};

	for (size_t i = 0; i < array_len(places); i++) {
		char *text = sys_text(dir, places[i]);

		if (*text)
			return text;
		free(text);
	}
	return xstrdup("");
}

/* Why it is not written to; caller frees. NULL: nothing speaks against it. */
static char *why_not(const char *root, const char *dir, const struct flash_disk *d, uint64_t need)
{
	struct err *err cleanup_err = NULL;
	char *want cleanup_free = str_bytes(need);

	if (flash_disk_used(root, dir, d->name, &err) < 0)
		return xstrdup(err->text);
	if (number_of(dir, "ro"))
		return xstrdup(FLASH_READ_ONLY);
	if (need > d->size)
		return xasprintf("too small: the image needs %s", want);
	if (!flash_disk_is_card(dir, d->name, d->size))
		return xstrdup("not removable, or larger than cards are: with --fixed alone");
	return NULL;
}

static void add_disk(const char *root, const char *name, uint64_t need, struct flash_disks *ret)
{
	char *link cleanup_free = xasprintf("%s/sys/block/%s", root, name);
	char *device cleanup_free = xasprintf("%s/dev/%s", root, name);
	char *dir cleanup_free = realpath(link, NULL);
	struct flash_disk d = {0};

	if (dir)
		d.size = number_of(dir, "size") * 512;
	if (!d.size || str_skip(name, "ram") || str_skip(name, "zram") || str_skip(name, "sr"))
		return;
	d.name = xstrdup(name);
	d.model = flash_disk_model(dir);
	d.serial = serial_of(dir);
	d.partitions = count_partitions(dir);
	d.why = why_not(root, dir, &d, need);
	d.ours = access(device, W_OK) == 0;
	flash_disks_push(ret, d);
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(((const struct flash_disk *)a)->name,
			  ((const struct flash_disk *)b)->name);
}

int flash_disks_list(const char *root, uint64_t need, struct flash_disks *ret, struct err **err)
{
	char *path cleanup_free = xasprintf("%s/sys/block", root);
	DIR *d = opendir(path);

	if (!d)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] != '.')
			add_disk(root, e->d_name, need, ret);
	}
	closedir(d);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return 0;
}

void flash_disks_release(struct flash_disks *disks)
{
	for (size_t i = 0; i < disks->count; i++) {
		free(disks->items[i].name);
		free(disks->items[i].model);
		free(disks->items[i].serial);
		free(disks->items[i].why);
	}
	flash_disks_clear(disks);
}
