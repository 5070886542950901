/* SPDX-License-Identifier: GPL-3.0-or-later */
/* squashfs, which unsquashfs reads for us, confined: see look.h. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/image/look.h"
#include "kinds/image/look_bundle.h"
#include "machine/sandbox/confined.h"
#include "media/tree/tree.h"

#define TIMEOUT_S 600

static int run_confined(char *const argv[], const char *file, const char *dir, struct err **err)
{
	static char *const env[] = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/tmp", "TZ=UTC",
				    "LC_ALL=C.UTF-8", NULL};
	struct proc_opts opts = {.env = env, .timeout_s = TIMEOUT_S};
	struct confined wall cleanup_confined = {0};
	struct str said cleanup_str = STR_INIT;
	char *program cleanup_free = path_program(argv[0]);

	if (!program)
		return err_set(err, E_PROGRAM_MISSING,
			       "to look into a squashfs takes '%s': install the package "
			       "squashfs-tools",
			       argv[0]);
	confined_program(&wall, argv[0]);
	confined_read(&wall, file);
	confined_write(&wall, dir);
	confined_apply(&wall, &opts);
	return proc_output(argv, &opts, 1 << 20, &said, err);
}

static int make_directory(const char *dir, struct err **err)
{
	if (mkdir(dir, 0700) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create directory '%s'", dir);
	return 0;
}

/* ---- squashfs ---- */

#define ATTRIBUTES_AT 56         /* in the superblock: where the table of them is */
#define NO_ATTRIBUTES UINT64_MAX /* there */

/*
 * unsquashfs tells all of a file system as a "pseudo file": a line for each name, then the bytes of
 * all files. In names a backslash stands before a space, a backslash and a quotation mark, so that
 * the first bare space ends one, which may hold newlines. Where a link leads stands bare.
 */
struct pseudo {
	struct tree *t;
	const char *data;
	uint64_t data_len;
};

/* Takes the next word off *P; NULL at the end of the line. Heap. */
static char *word(const char **p)
{
	struct str s = STR_INIT;
	const char *at = *p;

	while (*at == ' ')
		at++;
	if (!*at)
		return NULL;
	for (; *at && *at != ' '; at++) {
		if (*at == '\\' && at[1])
			at++;
		str_append_char(&s, *at);
	}
	*p = at;
	return str_steal(&s);
}

/* The next number of BASE. 0, or -1. */
static int number(const char **p, int base, uint64_t *ret)
{
	char *end;

	while (**p == ' ')
		(*p)++;
	if (**p < '0' || **p > '9')
		return -1;
	errno = 0;
	*ret = strtoull(*p, &end, base);
	*p = end;
	return errno || (*end && *end != ' ') ? -1 : 0;
}

static mode_t type_of(char letter)
{
	switch (letter) {
	case 'D':
	case 'd':
		return S_IFDIR;
	case 'S':
	case 's':
		return S_IFLNK;
	case 'B':
	case 'b':
		return S_IFBLK;
	case 'C':
	case 'c':
		return S_IFCHR;
	case 'I':
	case 'i':
		return S_IFIFO;
	default:
		return S_IFREG;
	}
}

/* What follows the attributes of NODE, by its type. 0, 1 it is malformed, -1. */
static int add_content(const struct pseudo *ps, struct tree_inode *node, const char *p,
		       struct err **err)
{
	uint64_t a = 0, b = 0;

	switch (node->mode & S_IFMT) {
	case S_IFREG:
		if (number(&p, 10, &a) || number(&p, 10, &b) || b > ps->data_len ||
		    a > ps->data_len - b)
			return 1;
		node->size = a;
		return a ? tree_inode_append(ps->t, node, 0, ps->data + b, a, err) : 0;
	case S_IFCHR:
	case S_IFBLK:
		if (number(&p, 10, &a) || number(&p, 10, &b))
			return 1;
		node->major = (uint32_t)a;
		node->minor = (uint32_t)b;
		return 0;
	case S_IFLNK:
		node->target = tree_strdup(ps->t, p + strspn(p, " "));
		return 0;
	default:
		return 0;
	}
}

static int add_link(const struct pseudo *ps, const char *name, const char *target, struct err **err)
{
	struct tree_entry *e = tree_lookup(ps->t, target + strspn(target, " "));

	return e ? tree_link(ps->t, name, e->inode, 0, err) : 1;
}

/* "NAME LETTER TIME MODE UID GID ...". 0, 1 it is malformed, -1. */
static int add_line(const struct pseudo *ps, const char *line, struct err **err)
{
	char *name cleanup_free = word(&line), *letter cleanup_free = word(&line);
	uint64_t mtime, mode, uid, gid;
	struct tree_inode *node;
	int rc;

	if (!name || !letter || letter[1])
		return 1;
	if (*letter == 'L')
		return add_link(ps, name, line, err);
	if (*letter == 'x')
		return 0;
	if (number(&line, 10, &mtime) || number(&line, 8, &mode) || number(&line, 10, &uid) ||
	    number(&line, 10, &gid))
		return 1;
	node = tree_inode_new(ps->t, type_of(*letter) | (mode_t)(mode & 07777), (uint32_t)uid,
			      (uint32_t)gid, (int64_t)mtime);
	if (str_eq(name, "/")) {
		struct tree_inode *root = tree_lookup(ps->t, "/")->inode;

		root->mode = node->mode;
		root->uid = node->uid;
		root->gid = node->gid;
		root->mtime = node->mtime;
		return 0;
	}
	rc = add_content(ps, node, line, err);
	return rc ? rc : tree_link(ps->t, name, node, 0, err);
}

/* How long the line at TEXT is: a REMARK, or what tells of one file. */
static size_t line_length(const char *text, const char *end, bool remark)
{
	bool named = remark;
	const char *p = text;

	for (; p < end && !(*p == '\n' && named); p++) {
		if (!named && *p == '\\' && p + 1 < end)
			p++;
		else if (*p == ' ')
			named = true;
	}
	return (size_t)(p - text);
}

static bool is_symlink(const char *line)
{
	char *name cleanup_free = word(&line);

	return name && str_skip(line, " S ");
}

/* Whether what is left of a link's target seems to stand at TEXT: it would be taken for a name. */
static bool is_rest_of_link(const char *text, const char *end)
{
	const char *stop = memchr(text, '\n', (size_t)(end - text));

	return stop && !memchr(text, ' ', (size_t)(stop - text));
}

static int add_lines(const struct pseudo *ps, const char *text, const char *end, struct err **err)
{
	bool link = false, begun = false; /* with the root, after remarks */

	while (text < end) {
		bool remark = !begun && (*text == '#' || *text == '\n');
		size_t len = line_length(text, end, remark);
		char *line cleanup_free = xstrndup(text, len);
		int rc;

		if (link && is_rest_of_link(text, end))
			return err_set(
				err, E_UNPACK_FORMAT,
				"a link in it leads to a name with a newline, or a name with one "
				"stands after a link: unsquashfs lists neither clearly; "
				"unpack it by hand");
		begun = !remark;
		rc = remark ? 0 : add_line(ps, line, err);
		link = is_symlink(line);
		if (rc < 0)
			return -1;
		if (rc)
			return err_set(err, E_FILESYSTEM_DAMAGED,
				       "unsquashfs tells of a file in a form that orch cannot "
				       "read: '%s'",
				       line);
		text += len + 1;
	}
	return 0;
}

static int read_pseudo(struct tree *t, const char *path, struct err **err)
{
	static const char mark[] = "#\n# START OF DATA - DO NOT MODIFY\n#\n";
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct pseudo ps = {.t = t};
	const char *text, *data;
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path);
	text = mmap(NULL, (size_t)st.st_size + 1 /* it may be empty */, PROT_READ, MAP_PRIVATE, fd,
		    0);
	if (text == MAP_FAILED)
		return err_errno(err, E_READ_FAILED, errno, "cannot map '%s'", path);
	data = memmem(text, (size_t)st.st_size, mark, sizeof(mark) - 1);
	ps.data = data ? data + sizeof(mark) - 1 : text + st.st_size;
	ps.data_len = (uint64_t)(text + st.st_size - ps.data);
	rc = add_lines(&ps, text, data ? data : text + st.st_size, err);
	munmap((void *)text, (size_t)st.st_size + 1);
	return rc;
}

/* Whether the superblock names a table of extended attributes. */
static bool has_attributes(const char *file, uint64_t offset)
{
	int fd cleanup_fd = open(file, O_RDONLY | O_CLOEXEC);
	uint64_t table;

	return fd < 0 ||
	       pread(fd, &table, sizeof(table), (off_t)offset + ATTRIBUTES_AT) != sizeof(table) ||
	       le64toh(table) != NO_ATTRIBUTES;
}

int look_squashfs(struct tree *t, const char *file, uint64_t offset, const char *dir,
		  bool *ret_left_out, struct err **err)
{
	char *at cleanup_free = xasprintf("%llu", (unsigned long long)offset);
	char *list cleanup_free = path_join(dir, "list"), *image cleanup_free = xstrdup(file);
	char *argv[] = {"unsquashfs", "-no-progress", "-o", at, "-pf", list, image, NULL};

	if (make_directory(dir, err) < 0 || run_confined(argv, file, dir, err) < 0)
		return -1;
	*ret_left_out = has_attributes(file, offset);
	return read_pseudo(t, list, err);
}

/* ---- bundles ---- */

#define SIGNATURE_MAX (1u << 20)

bool look_is_bundle(const char *file)
{
	int fd cleanup_fd = open(file, O_RDONLY | O_CLOEXEC);
	unsigned char tail[8], head[4];
	uint64_t len = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 4096 || pread(fd, head, 4, 0) != 4 ||
	    memcmp(head, "hsqs", 4) != 0 ||
	    pread(fd, tail, sizeof(tail), st.st_size - 8) != sizeof(tail))
		return false;
	for (size_t i = 0; i < sizeof(tail); i++)
		len = len << 8 | tail[i];
	if (len < 64 || len > SIGNATURE_MAX || len + 8 > (uint64_t)st.st_size)
		return false;
	return pread(fd, head, 2, st.st_size - 8 - (off_t)len) == 2 && head[0] == 0x30 &&
	       head[1] == 0x82; /* a DER sequence whose length has two bytes */
}

int look_unpack_bundle(const char *file, const char *dir, struct err **err)
{
	char *above cleanup_free = path_dir(dir), *image cleanup_free = xstrdup(file);
	char *argv[] = {"unsquashfs", "-no-progress", "-no-xattrs", "-d", (char *)dir, image, NULL};

	return run_confined(argv, file, above, err);
}
