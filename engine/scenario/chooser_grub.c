/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GRUB with RAUC's variables (RAUC's reference, "GRUB", and its src/bootloaders/grub.c): ORDER, the
 * slots to try, best first; x_OK=1 for a slot x that can be tried, x_TRY how often it was. RAUC
 * writes a TRY of 0 and takes any other for "not good"; how often a slot is tried is its device's
 * to say (`tries`), in GRUB's script as here, and once where nothing is said. They are in an
 * environment block (GRUB's manual, "Environment block"; its lib/envblk.c): a line that says so,
 * then NAME=VALUE lines in which '\' stands before a '\' or a line end of the value, comments, and
 * '#' to the block's end. Orch reads a block that is all of a reserved area or of a partition,
 * which grub-editenv takes as a device; or the file "grubenv" with which a tar there begins, since
 * GRUB saves to files alone (2.12 reads a block list, but saves to none): there it never moves.
 */
#include "base/file.h"
#include "scenario/chooser.h"

#define BLOCK_MAX (1u << 20)
#define HEAD "# GRUB Environment Block\n"
#define ORDER "ORDER"
#define TAR_HEADER 512
#define TAR_FILE "grubenv"

static const char *refuse(const struct target *t)
{
	if (t->area_count != 1)
		return "it needs the place of GRUB's environment block: 'environment' of the boot "
		       "loader names one reserved area or partition";
	if (t->areas[0].size < 1024 || t->areas[0].size > BLOCK_MAX)
		return "an environment block of GRUB has 1024 bytes to 1M";
	return NULL;
}

/* Where the block lies in the area: all of it, or the first file of a tar. */
static int find_block(int fd, const struct target *t, struct target_area *ret, struct err **err)
{
	char head[TAR_HEADER + 1] = "";
	uint64_t size;

	*ret = t->areas[0];
	if (pread(fd, head, TAR_HEADER, (off_t)ret->at) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read the card");
	if (!str_eq(head, TAR_FILE) || strncmp(head + 257, "ustar", 5) != 0)
		return 0;
	size = strtoull(head + 124, NULL, 8);
	if (size > ret->size - TAR_HEADER)
		return err_set(err, E_DEVICE_LAYOUT,
			       "the tar with GRUB's environment block is larger than its place");
	ret->at += TAR_HEADER;
	ret->size = size;
	return 0;
}

/* The line at P up to END, without its escapes if it has any; *P goes on to the next one. */
static void take_line(const char **p, const char *end, bool escapes, struct str *ret)
{
	for (; *p < end && **p != '\n'; (*p)++) {
		if (escapes && **p == '\\' && *p + 1 < end)
			(*p)++;
		str_append_char(ret, **p);
	}
	*p += *p < end;
}

static int read_vars(int fd, const struct target *t, struct boot_vars *ret, struct err **err)
{
	struct target_area at;
	char *block cleanup_free = NULL;
	const char *p, *end;

	if (find_block(fd, t, &at, err) < 0)
		return -1;
	block = xcalloc(1, at.size + strlen(HEAD));
	p = block + strlen(HEAD);
	end = block + at.size;
	if (pread(fd, block, at.size, (off_t)at.at) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read the card");
	ret->valid = strncmp(block, HEAD, strlen(HEAD)) == 0;
	ret->copies.ok[0] = ret->valid;
	ret->counts = ret->valid ? 0 : -1;
	while (ret->valid && p < end) {
		struct str line cleanup_str = STR_INIT;
		bool comment = *p == '#';

		take_line(&p, end, !comment, &line);
		if (!comment && line.buf && strchr(line.buf, '='))
			strv_push(&ret->vars, line.buf);
	}
	return 0;
}

static int write_vars(int fd, const struct target *t, const struct boot_vars *v, struct err **err)
{
	struct str block cleanup_str = STR_INIT;
	struct target_area at;

	if (find_block(fd, t, &at, err) < 0)
		return -1;
	str_append(&block, HEAD);
	for (size_t i = 0; i < v->vars.count; i++) {
		for (const char *c = v->vars.items[i]; *c; c++)
			str_printf(&block, *c == '\\' || *c == '\n' ? "\\%c" : "%c", *c);
		str_append_char(&block, '\n');
	}
	if (block.len >= at.size) /* GRUB wants a '#' at the end */
		return err_set(err, E_ENVIRONMENT_ROOM,
			       "the variables do not fit into GRUB's environment block");
	while (block.len < at.size)
		str_append_char(&block, '#');
	return fd_pwrite_all(fd, "the card", block.buf, block.len, at.at, err);
}

/* The variable of SLOT: "A_OK". */
static char *name_of(const struct target_slot *slot, const char *what)
{
	return xasprintf("%s_%s", slot->bootname, what);
}

static int tries_of(const struct target *t)
{
	return t->tries ? (int)t->tries : 1;
}

/* How often it was tried: what is not a number up to MOST is as good as MOST. */
static int tries_counted(const char *text, int most)
{
	uint64_t n;

	return str_u64(text, &n) || n > (uint64_t)most ? most : (int)n;
}

static void get(const struct boot_vars *v, const struct target *t, struct boot_state *ret)
{
	const char *order = strv_get(&v->vars, ORDER);
	int tries = tries_of(t);

	ret->order = order ? xstrdup(order) : NULL;
	for (size_t i = 0; i < t->slots.count; i++) {
		char *ok_name cleanup_free = name_of(&t->slots.items[i], "OK");
		char *try_name cleanup_free = name_of(&t->slots.items[i], "TRY");
		const char *ok = strv_get(&v->vars, ok_name);
		const char *tried = strv_get(&v->vars, try_name);

		ret->left[i] = !ok || !tried     ? LEFT_UNSET
			       : str_eq(ok, "1") ? tries - tries_counted(tried, tries)
						 : 0;
	}
}

/* No tries left: as RAUC marks a slot bad. */
static void set(struct boot_vars *v, const struct target *t, const struct boot_state *s)
{
	int tries = tries_of(t);

	strv_set(&v->vars, ORDER, s->order);
	for (size_t i = 0; i < t->slots.count; i++) {
		char *ok_name cleanup_free = name_of(&t->slots.items[i], "OK");
		char *try_name cleanup_free = name_of(&t->slots.items[i], "TRY");
		int left = s->left[i];
		char *tried cleanup_free =
			xasprintf("%d", left > 0 && left < tries ? tries - left : 0);

		strv_set(&v->vars, ok_name, left == LEFT_UNSET ? NULL : left > 0 ? "1" : "0");
		strv_set(&v->vars, try_name, left == LEFT_UNSET ? NULL : tried);
	}
}

const struct chooser chooser_grub = {
	.type = "grub",
	.tries_max = 9, /* one digit for its script, which cannot add */
	.starts_kernel = "Linux version",
	.refuse = refuse,
	.read = read_vars,
	.write = write_vars,
	.get = get,
	.set = set,
};
