/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libguestfs' line for a shell with the path that it is given for QEMU: it writes beyond its memory
 * when a word that is not quoted does not fit (lib/command.c, add_string). The words are those of
 * its lib/qemu.c in 1.48 and 1.57.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "machine/guest/appliance_wall.h"

struct line {
	size_t len, room;
	size_t beyond; /* bytes that were written beyond the room */
};

static void add(struct line *l, size_t len)
{
	if (l->len >= l->room)
		l->room += l->room == 0 ? 256 : l->room > len ? l->room : len;
	if (l->len + len > l->room)
		l->beyond += l->len + len - l->room;
	l->len += len;
}

static void add_words(struct line *l, const char *const words[])
{
	for (; *words; words++)
		add(l, strlen(*words));
}

static void add_quoted(struct line *l, const char *text)
{
	add(l, 1);
	for (; *text; text++) {
		if (strchr("$`\\\"", *text))
			add(l, 1);
		add(l, 1);
	}
	add(l, 1);
}

/* The line with PATH, which ask about COMMAND. Returns how much was written where it must not. */
static size_t write_line(const char *path, const char *command, bool newer)
{
	const char *const before[] = {
		"echo ",
		"'{ \"execute\": \"qmp_capabilities\" }' ",
		"'{ \"execute\": \"",
		command,
		"\" }' ",
		"'{ \"execute\": \"quit\" }' ",
		" | ",
		"QEMU_AUDIO_DRV=none ",
		NULL,
	};
	static const char *const after[] = {" -display none", " -machine ", NULL};
	static const char *const after_newer[] = {
		" -display none", " -machine none,accel=kvm:hvf:tcg", " -qmp stdio", " -S", NULL};
	struct line l = {0};

	add_words(&l, before);
	add_quoted(&l, path);
	if (newer) {
		add_words(&l, after_newer);
	} else {
		add_words(&l, after);
		add_quoted(&l, "accel=kvm:tcg");
		add(&l, strlen(" -qmp stdio"));
	}
	add(&l, 1);
	return l.beyond;
}

static size_t write_lines(const char *path)
{
	return write_line(path, "query-qmp-schema", false) + write_line(path, "query-kvm", false) +
	       write_line(path, "query-qmp-schema", true) + write_line(path, "query-kvm", true);
}

static void directories_of_any_length(void **state)
{
	char dir[3000];
	size_t unpadded = 0;

	for (size_t len = 1; len < sizeof(dir); len++) {
		char *path;

		memset(dir, 'd', len);
		for (size_t i = 0; i < len; i += 9)
			dir[i] = i % 2 ? '$' : '/';
		dir[len] = 0;
		unpadded += write_lines(dir) > 0;
		path = appliance_wall_path(dir);
		if (write_lines(path) > 0)
			fail_msg("a directory of %zu bytes", len);
		assert_memory_equal(path, dir, len);
		assert_string_equal(strrchr(path, '/'), "/guestfs-qemu");
		assert_true(strlen(path) < 4096);
		free(path);
	}
	assert_true(unpadded > 100); /* else this test looks at nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(directories_of_any_length)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
