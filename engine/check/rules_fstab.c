/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fstab(5): what it mounts can be mounted where it says, and a root that stays read-only has a /var
 * to write to. What is like nothing known may be right: words are told that are nearly known ones.
 */
#include <ctype.h>

#include "check/view.h"

#define MAX_TEXT_BYTES (256 * 1024)

static const char types[] =
	" auto none ext2 ext3 ext4 vfat tmpfs swap squashfs erofs f2fs btrfs xfs nfs "
	"nfs4 overlay proc sysfs devtmpfs exfat ntfs3 debugfs tracefs fuse ";
static const char options[] =
	" defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync atime "
	"noatime nodiratime relatime norelatime strictatime nostrictatime lazytime "
	"nolazytime user nouser users owner group auto noauto nofail _netdev bind "
	"rbind remount discard nodiscard mode size nr_inodes nr_blocks uid gid umask "
	"fmask dmask errors data commit barrier nobarrier subvol compress iocharset "
	"codepage shortname lowerdir upperdir workdir x-systemd.requires "
	"x-systemd.before x-systemd.after x-systemd.wanted-by x-systemd.required-by "
	"x-systemd.requires-mounts-for x-systemd.wants-mounts-for "
	"x-systemd.idle-timeout x-systemd.device-timeout x-systemd.mount-timeout "
	"x-systemd.makefs x-systemd.growfs x-systemd.pcrfs x-systemd.rw-only "
	"x-systemd.automount x-systemd.device-bound x-initrd.mount ";
static const char places[] = " /var /tmp /home /srv /opt /mnt /root /boot /usr /data /run /media ";

/* Field N, from 0, of what follows the device; heap. */
static char *field(const struct conf_entry *e, unsigned n)
{
	const char *p = e->value;

	for (; n; n--) {
		p += strcspn(p, " \t");
		p += strspn(p, " \t");
	}
	return xstrndup(p, strcspn(p, " \t"));
}

/* The line names WORD as WHAT, which is nearly one of WORDS. */
static void is_spelt(struct check_view *v, const struct conf_entry *e, const char *what,
		     const char *word, const char *words)
{
	const char *near = check_word_near(v, words, word);

	if (near && !check_word_in(words, word, strlen(word)))
		check_say(v, CHECK_FSTAB_LINES, e->pos, "there is no %s '%s': did you mean '%s'?",
			  what, word, near);
}

static void options_are_spelt(struct check_view *v, const struct conf_entry *e, const char *all)
{
	for (const char *p = all; *p; p += strcspn(p, ","), p += *p == ',') {
		char *word cleanup_free = xstrndup(p, strcspn(p, ",="));

		is_spelt(v, e, "option", word, options);
	}
}

bool check_names_path(const struct check_view *v, const char *path,
		      const struct check_file *other_than)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		const char *text =
			f->filled ? f->filled : check_text_of(v, f->path, MAX_TEXT_BYTES);

		if (!check_ships(v, f->image) || f == other_than)
			continue;
		for (const char *p = text; p && (p = strstr(p, path)); p++)
			if (!isalnum((unsigned char)p[len]) && p[len] != '-' && p[len] != '_')
				return true;
	}
	return false;
}

static void line_can_be_mounted(struct check_view *v, const struct conf_entry *e)
{
	char *place cleanup_free = field(e, 0), *type cleanup_free = field(e, 1);
	char *all cleanup_free = field(e, 2);

	if (!check_names_path(v, place, check_target_file(v, "/etc/fstab")))
		is_spelt(v, e, "directory", place, places);
	is_spelt(v, e, "file system", type, types);
	options_are_spelt(v, e, all);
}

/* The line that mounts PLACE, or NULL. */
static const struct conf_entry *mounts(const struct check_view *v, const char *place)
{
	for (size_t i = 0; i < v->fstab.count; i++) {
		char *at cleanup_free = field(&v->fstab.items[i], 0);

		if (str_eq(at, place))
			return &v->fstab.items[i];
	}
	return NULL;
}

const struct conf_entry *check_read_only_root(const struct check_view *v)
{
	for (size_t i = 0; i < v->told.count; i++)
		if (check_has_argument(v->told.items[i].value, "ro"))
			return &v->told.items[i];
	return NULL;
}

bool check_is_writable(const struct check_view *v, const char *path)
{
	static const char *const memory[] = {"/run", "/tmp", "/dev", "/proc", "/sys"};

	if (!check_read_only_root(v))
		return true;
	for (size_t i = 0; i < array_len(memory); i++)
		if (check_is_above(memory[i], path))
			return true;
	for (size_t i = 0; i < v->fstab.count; i++) {
		char *at cleanup_free = field(&v->fstab.items[i], 0);

		if (check_is_above(at, path))
			return true;
	}
	return false;
}

static void var_can_be_written(struct check_view *v)
{
	const struct conf_entry *root = check_read_only_root(v);

	if (root && v->fstab.count && !mounts(v, "/") && !mounts(v, "/var") &&
	    !check_target_has(v, "/etc/systemd/system/var.mount") &&
	    !strstr(root->value, "systemd.volatile="))
		check_say(v, CHECK_FSTAB_LINES, (struct pos){v->fstab.items[0].pos.file, 1, 1},
			  "no line mounts '/var', and the root slot stays read-only (%s:%u): "
			  "what the system writes there is refused",
			  root->pos.file, root->pos.line);
}

int check_fstab_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->fstab.count; i++)
		line_can_be_mounted(v, &v->fstab.items[i]);
	var_can_be_written(v);
	return 0;
}
