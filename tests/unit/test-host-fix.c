/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What mends a machine without user namespaces. The machines are files as those that they are named
 * after have them, laid out by hand: this test runs on none of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/host_fix.h"
#include "tmp.h"

#define APPARMOR "proc/sys/kernel/apparmor_restrict_unprivileged_userns"
#define CLONE "proc/sys/kernel/unprivileged_userns_clone"
#define MAX "proc/sys/user/max_user_namespaces"

static const struct machine {
	const char *name;
	const char *files[8]; /* path, text, ..., NULL */
	const char *fix;
} machines[] = {
	{"ubuntu-24.04",
	 {APPARMOR, "1\n", CLONE, "1\n", MAX, "127235\n"},
	 "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
	{"ubuntu-24.04-arm64",
	 {APPARMOR, "1\n", CLONE, "1\n", MAX, "30810\n"},
	 "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
	/* the file is there, and it is not what forbids them */
	{"ubuntu-relaxed",
	 {APPARMOR, "0\n", CLONE, "1\n", MAX, "0\n"},
	 "sudo sysctl user.max_user_namespaces=10000"},
	{"debian-hardened",
	 {CLONE, "0\n", MAX, "30810\n"},
	 "sudo sysctl kernel.unprivileged_userns_clone=1"},
	{"docker",
	 {".dockerenv", "", CLONE, "1\n", MAX, "30810\n"},
	 "run the container with --security-opt seccomp=unconfined"},
	{"podman-on-ubuntu",
	 {"run/.containerenv", "", APPARMOR, "1\n"},
	 "on the machine that runs this container: sudo sysctl kernel.apparmor_"},
	{"chroot", {CLONE, "1\n", MAX, "30810\n"}, "in a chroot nobody can make them"},
};

static void each_machine_gets_its_own_remedy(void **state)
{
	struct arena *arena = arena_new();
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(machines); i++) {
		const struct machine *m = &machines[i];
		char *root cleanup_free = path_join(dir, m->name);
		const char *fix;

		for (const char *const *f = m->files; *f; f += 2) {
			char *path cleanup_free = path_join(root, f[0]);

			assert_int_equal(path_mkparents(path, &err), 0);
			assert_int_equal(file_write(path, f[1], strlen(f[1]), 0644, false, &err),
					 0);
		}
		fix = host_userns_fix(arena, root);
		if (!str_skip(fix, m->fix))
			fail_msg("%s: %s", m->name, fix);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_machine_gets_its_own_remedy, dir_setup,
						dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
