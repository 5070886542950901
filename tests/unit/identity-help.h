/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A sandbox with users (machine/sandbox/identity.h) for tests: ROOT has this machine's programs,
 * LIST says who owns what. ROOT_TEST(f) is a test with both of its own.
 */
#include "base/acl.h"
#include "base/file.h"
#include "base/owners.h"
#include "base/path.h"
#include "machine/sandbox/sandbox.h"
#include "tmp.h"

static char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
static char *root, *list;

static inline int put(const char *path, const char *text)
{
	char *full cleanup_free = xasprintf("%s/%s", root, path);
	struct err *err cleanup_err = NULL;

	return path_mkparents(full, &err) < 0 ||
			       file_write(full, text, strlen(text), 0644, false, &err) < 0
		       ? -1
		       : 0;
}

/* A root of this machine's programs, with users. */
static inline int root_setup(void **state)
{
	static const char *const links[] = {"bin", "sbin", "lib", "lib64"};
	struct err *err cleanup_err = NULL;

	if (dir_setup(state) < 0)
		return -1;
	root = xasprintf("%s/root", dir);
	list = xasprintf("%s/owners", dir);
	for (size_t i = 0; i < array_len(links); i++) {
		char *from cleanup_free = xasprintf("usr/%s", links[i]);
		char *to cleanup_free = xasprintf("%s/%s", root, links[i]);

		if (path_mkparents(to, &err) < 0 || symlink(from, to) < 0)
			return -1;
	}
	if (put("etc/pam.d/other", "auth required pam_permit.so\naccount required pam_permit.so\n"
				   "session required pam_permit.so\n") < 0 ||
	    put("etc/passwd", "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n"
			      "app:x:100:101::/srv/app:/bin/sh\n") < 0 ||
	    put("etc/group", "root:x:0:\ndaemon:x:1:\nstaff:x:50:app\napp:x:101:\n") < 0 ||
	    file_write(list, "orch-owners 1\n", 14, 0600, false, &err) < 0)
		return -1;
	return 0;
}

static inline int root_teardown(void **state)
{
	free(steal_ptr(root));
	free(steal_ptr(list));
	return dir_teardown(state);
}

static bool nested; /* the next run may mount */

static inline int run_argv(char *const argv[], struct err **err)
{
	struct sandbox_bind bind = {"/usr", "/usr", false};
	struct sandbox_opts opts = {.root = root,
				    .root_writable = true,
				    .as_root = true,
				    .owners = list,
				    .nested = nested,
				    .binds = &bind,
				    .bind_count = 1,
				    .env = env,
				    .timeout_s = 60};
	int status = -1;

	if (sandbox_run(argv, &opts, &status, err) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline void steps(const char *script)
{
	char *const argv[] = {"sh", "-euc", (char *)script, NULL};
	struct err *err cleanup_err = NULL;
	int status = run_argv(argv, &err);

	if (err)
		fail_msg("%s", err->text);
	assert_int_equal(status, 0);
}

static inline void python(const char *script)
{
	char *const argv[] = {"python3", "-c", (char *)script, NULL};
	struct err *err cleanup_err = NULL;
	int status = run_argv(argv, &err);

	if (err)
		fail_msg("%s", err->text);
	assert_int_equal(status, 0);
}

/* The record of a file of the root after the run. */
static inline struct owner *record(struct owners *o, const char *path, struct stat *st)
{
	char *full cleanup_free = xasprintf("%s/%s", root, path);
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;

	assert_int_equal(file_read(list, 1 << 20, &text, &err), 0);
	assert_int_equal(owners_parse(o, text.buf, text.len, list, &err), 0);
	assert_int_equal(lstat(full, st), 0);
	return owners_get(o, st->st_dev, st->st_ino);
}

static inline void belongs(const char *path, unsigned uid, unsigned gid)
{
	struct owners *o cleanup_owners = owners_new();
	struct stat st;
	const struct owner *file = record(o, path, &st);

	if ((file ? file->uid : 0) != uid || (file ? file->gid : 0) != gid)
		fail_msg("%s belongs to %u:%u", path, file ? file->uid : 0, file ? file->gid : 0);
}

static inline void has_mode(const char *path, unsigned mode)
{
	struct owners *o cleanup_owners = owners_new();
	struct stat st;
	const struct owner *file = record(o, path, &st);

	assert_int_equal((st.st_mode | (file ? file->set_id : 0)) & 07777, mode);
}

/* The value as text: hexadecimal. */
static inline void has_attr(const char *path, const char *name, const char *hex)
{
	struct owners *o cleanup_owners = owners_new();
	struct str text cleanup_str = STR_INIT, value cleanup_str = STR_INIT;
	struct stat st;
	const struct owner_attr *a = owner_attr(record(o, path, &st), name);

	if (a)
		owners_attr_now(a, st.st_mode, &value);
	for (size_t i = 0; i < value.len; i++)
		str_printf(&text, "%02x", (unsigned char)value.buf[i]);
	assert_string_equal(a ? text.buf : "none", hex);
}

#define ROOT_TEST(f) cmocka_unit_test_setup_teardown(f, root_setup, root_teardown)
