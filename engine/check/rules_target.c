/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the target may not contain. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"
#include "base/private_key.h"
#include "check/view.h"
#include "kinds/content.h"

#define SCAN_BYTES (1024 * 1024) /* of each file; the image's own look is at all of it */

/* The part of VALUE that names a disk in a way that does not last, or NULL. */
static const char *unstable_name(const char *value)
{
	static const char *const tags[] = {"UUID=", "LABEL=", "/by-uuid/", "/by-label/"};
	const char *p = strstr(value, "mmcblk");

	if (p && isdigit((unsigned char)p[6]))
		return "mmcblk";
	for (size_t i = 0; i < array_len(tags); i++) {
		p = strstr(value, tags[i]);
		if (p && (tags[i][0] == '/' || p == value || !isalpha((unsigned char)p[-1])))
			return tags[i];
	}
	return NULL;
}

static void names_are_stable(struct check_view *v, const struct conf_entries *e, bool slots_only)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct conf_entry *c = &e->items[i];
		const char *bad = unstable_name(c->key);

		if (!bad && (!slots_only || str_skip(c->section, "slot.")))
			bad = unstable_name(c->value);
		if (!bad)
			continue;
		check_say(v, CHECK_STABLE_NAMES, c->pos,
			  "'%s' does not name one disk for ever: both slots carry the same file "
			  "system, and the kernel numbers cards as it finds them; name the system "
			  "disk by a udev rule",
			  bad);
	}
}

/* root= of the kernel: a PARTUUID read from the table is the only name that U-Boot can give. */
static void root_is_stable(struct check_view *v)
{
	for (size_t i = 0; i < v->script.count; i++) {
		const struct conf_entry *e = &v->script.items[i];
		const char *root = strstr(e->value, "root="), *bad;
		char *word cleanup_free = NULL;

		if (!root || !str_skip(e->value, "bootargs "))
			continue;
		word = xstrndup(root + 5, strcspn(root + 5, " \t\"'"));
		if (str_skip(word, "PARTUUID=") || !(bad = unstable_name(word)))
			continue;
		check_say(v, CHECK_STABLE_NAMES, e->pos,
			  "'%s' does not name one slot for ever: read root=PARTUUID= of the slot "
			  "from the partition table ('part uuid')",
			  bad);
	}
}

static int no_private_key(struct check_view *v, const struct check_file *f, struct err **err)
{
	char *path cleanup_free = path_join(v->g->project->dir, f->path);
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text cleanup_free = xcalloc(1, SCAN_BYTES + 1);
	struct pos pos = {.file = arena_strdup(v->arena, f->path), .line = 1, .col = 1};
	const char *what;
	ssize_t n;

	if (fd < 0)
		return err_errno(err, ERR_USER, errno, "cannot open '%s'", f->path);
	n = pread(fd, text, SCAN_BYTES, 0);
	what = n > 0 ? private_key_in(text, (size_t)n) : NULL;
	if (what)
		check_say(v, CHECK_PRIVATE_KEY, pos,
			  "a private key would be in image '%s' as '%s' (%s); keys are made on the "
			  "device or stay in pki/private/",
			  f->image->name, f->target, what);
	return 0;
}

/* Whether some `contents:` entry of an image brings a file to exactly this path of the target. */
static bool target_has(const struct check_view *v, const char *target)
{
	for (size_t i = 0; i < v->files.count; i++) {
		if (str_eq(v->files.items[i].target, target))
			return true;
	}
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct list *contents =
			check_list(v->g->nodes.items[i], "contents", OPT_STRUCT);

		for (size_t j = 0; j < contents->count; j++) {
			const struct content *c = LIST_AT(*contents, struct content *, j);

			if (c->to && str_eq(c->to, target))
				return true;
		}
	}
	return false;
}

int check_target_rules(struct check_view *v, struct err **err)
{
	const struct conf_entry *keyring = conf_find(&v->system, "keyring", "path");

	names_are_stable(v, &v->fstab, false);
	names_are_stable(v, &v->fw_env, false);
	names_are_stable(v, &v->system, true);
	root_is_stable(v);
	for (size_t i = 0; i < v->files.count; i++) {
		if (v->files.items[i].image && no_private_key(v, &v->files.items[i], err) < 0)
			return -1;
	}
	if (keyring && *keyring->value == '/' && !target_has(v, keyring->value))
		check_say(v, CHECK_KEYRING_INSTALLED, keyring->pos,
			  "no image puts a keyring at '%s'; devices could verify nothing",
			  keyring->value);
	return 0;
}
