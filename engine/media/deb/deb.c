/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a .deb: an ar archive of debian-binary, control.tar.* and data.tar.* (deb(5)). */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "media/deb/deb.h"

#define AR_MAGIC "!<arch>\n"
#define AR_HEADER 60
#define MAX_CONTROL (16 * 1024 * 1024)
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/*
 * The place of the member whose name begins with PREFIX; 1 when there is none or the file is no ar.
 */
static int find_member(const unsigned char *map, size_t len, const char *prefix, size_t *ret_at,
		       size_t *ret_len)
{
	size_t at = strlen(AR_MAGIC);

	if (len < at || memcmp(map, AR_MAGIC, at) != 0)
		return 1;
	while (len - at >= AR_HEADER) {
		const char *header = (const char *)map + at;
		char digits[11] = {0};
		uint64_t size;

		memcpy(digits, header + 48, 10);
		digits[strcspn(digits, " ")] = '\0';
		at += AR_HEADER;
		if (memcmp(header + 58, "`\n", 2) != 0 || str_u64(digits, &size) != 0 ||
		    size > len - at)
			return 1;
		if (strncmp(header, prefix, strlen(prefix)) == 0) {
			*ret_at = at;
			*ret_len = size;
			return 0;
		}
		at += size + (size & 1);
		if (at > len)
			return 1;
	}
	return 1;
}

static int map_file(struct deb *d, struct err **err)
{
	int fd cleanup_fd = open(d->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "package '%s': cannot open '%s'",
				 d->label, d->path);
	if (st.st_size < AR_HEADER)
		return err_set(err, E_PACKAGE_MISMATCH, "package '%s' is not a .deb", d->label);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot map '%s'", d->path);
	d->map = map;
	d->map_len = (size_t)st.st_size;
	return 0;
}

/* Keeps the text and not the tree it came in, which holds a descriptor. */
static int read_stanza(struct deb *d, size_t at, size_t len, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(INT64_MAX, NULL);
	struct tree_entry *e;

	if (tree_read_tar_data(t, "/", d->label, d->map + at, len, 0, err) < 0)
		return -1;
	e = tree_lookup(t, "control");
	d->control = e ? tree_inode_text(e->inode, MAX_CONTROL) : NULL;
	if (!d->control)
		return err_set(err, E_PACKAGE_MISMATCH, "package '%s' has no control file",
			       d->label);
	return 0;
}

/* One newline at the end, whatever the package has there. */
static char *trim_stanza(char *text)
{
	size_t n = strlen(text);
	char *out;

	while (n && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	out = xasprintf("%s\n", text);
	free(text);
	return out;
}

/* What follows an empty line is another package to whoever reads the text in an index. */
static bool is_one_stanza(const char *control)
{
	for (const char *p = control; *p; p += *p == '\n') {
		p += strspn(p, " \t\r");
		if (!*p || *p == '\n')
			return false;
		p += strcspn(p, "\n");
	}
	return true;
}

/* A name or an architecture as dpkg takes them (pkg_name_is_illegal()); an option is none. */
static bool is_word(const char *s)
{
	return strspn(s, ALNUM) > 0 && !s[strspn(s, ALNUM "-+._")];
}

static int read_control(struct deb *d, struct err **err)
{
	size_t at, len;

	if (find_member(d->map, d->map_len, "control.tar", &at, &len) ||
	    find_member(d->map, d->map_len, "data.tar", &d->data_at, &d->data_len))
		return err_set(err, E_PACKAGE_MISMATCH, "package '%s' is not a .deb", d->label);
	if (read_stanza(d, at, len, err) < 0)
		return -1;
	d->control = trim_stanza(d->control);
	if (!is_one_stanza(d->control))
		return err_set(err, E_PACKAGE_MISMATCH,
			       "the control file of '%s' has an empty line, as between packages: "
			       "dpkg would not take it",
			       d->label);
	d->name = deb_field(d->control, "Package");
	d->version = deb_field(d->control, "Version");
	d->arch = deb_field(d->control, "Architecture");
	if (!d->name || !d->version || !d->arch)
		return err_set(err, E_PACKAGE_MISMATCH,
			       "package '%s' lacks name, version or architecture", d->label);
	if (!is_word(d->name) || !is_word(d->arch))
		return err_set(err, E_PACKAGE_MISMATCH,
			       "package '%s' calls itself '%s', for architecture '%s', which "
			       "dpkg would not take",
			       d->label, d->name, d->arch);
	return 0;
}

int deb_unpack(const struct deb *d, struct tree *t, struct err **err)
{
	if (tree_read_tar_data(t, "/", d->label, d->map + d->data_at, d->data_len,
			       TREE_FOLLOW | TREE_REPLACE, err) < 0)
		return err_wrap(err, "package '%s'", d->label);
	return 0;
}

/* The header of an ar member (ar(5)). */
static void member_header(struct str *s, const char *name, uint64_t size)
{
	str_printf(s, "%-16s%-12d%-6d%-6d%-8o%-10" PRIu64 "`\n", name, 0, 0, 0, 0100644, size);
}

int deb_expand(const struct deb *d, const char *path, struct err **err)
{
	int fd cleanup_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct str data cleanup_str = STR_INIT;
	size_t before = d->data_at - AR_HEADER;
	uint64_t size;

	if (fd < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot create '%s'", path);
	if (tree_expand(d->label, d->map + d->data_at, d->data_len, fd, d->data_at, &size, err) < 0)
		return err_wrap(err, "package '%s'", d->label);
	member_header(&data, "data.tar", size);
	if (fd_pwrite_all(fd, path, d->map, before, 0, err) < 0 ||
	    fd_pwrite_all(fd, path, data.buf, data.len, before, err) < 0)
		return -1;
	if (size & 1 && fd_pwrite_all(fd, path, "\n", 1, d->data_at + size, err) < 0)
		return -1;
	return 0;
}

static void deb_free(struct deb *d)
{
	free(d->path);
	free(d->label);
	free(d->name);
	free(d->version);
	free(d->arch);
	free(d->control);
	if (d->map)
		munmap((void *)d->map, d->map_len);
	free(d);
}

int deb_open(struct deb_set *set, const char *path, const char *label, struct err **err)
{
	struct deb *d = xcalloc(1, sizeof(*d));

	d->path = xstrdup(path);
	d->label = xstrdup(label ? label : path);
	if (map_file(d, err) < 0 || read_control(d, err) < 0) {
		deb_free(d);
		return -1;
	}
	if (set->count == set->cap) {
		set->cap = set->cap ? 2 * set->cap : 64;
		set->items = xreallocarray(set->items, set->cap, sizeof(*set->items));
	}
	set->items[set->count++] = d;
	return 0;
}

void deb_set_free(struct deb_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		deb_free(set->items[i]);
	free(set->items);
	*set = (struct deb_set){0};
}
