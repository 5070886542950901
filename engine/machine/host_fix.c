/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/host_fix.h"

#include "base/file.h"
#include "base/path.h"

/* Whether a setting below /proc/sys has that value. */
static bool says(const char *root, const char *setting, const char *value)
{
	char *path cleanup_free = xasprintf("%s/proc/sys/%s", root, setting);
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (!path_exists(path) || file_read(path, 64, &text, &ignored) < 0)
		return false;
	text.buf[strcspn(text.buf, "\n")] = 0;
	return str_eq(text.buf, value);
}

/* Docker, Podman, and what tells systemd of itself leave a file. */
static bool is_container(const char *root)
{
	static const char *const marks[] = {".dockerenv", "run/.containerenv",
					    "run/systemd/container"};

	for (size_t i = 0; i < array_len(marks); i++) {
		char *path cleanup_free = xasprintf("%s/%s", root, marks[i]);

		if (path_exists(path))
			return true;
	}
	return false;
}

const char *host_userns_fix(struct arena *arena, const char *root)
{
	static const struct {
		const char *setting, *forbids, *name, *allows;
	} settings[] = {
		{"kernel/apparmor_restrict_unprivileged_userns", "1",
		 "kernel.apparmor_restrict_unprivileged_userns", "0"},
		{"kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone", "1"},
		{"user/max_user_namespaces", "0", "user.max_user_namespaces", "10000"},
	};
	bool container = is_container(root);

	for (size_t i = 0; i < array_len(settings); i++)
		if (says(root, settings[i].setting, settings[i].forbids))
			return arena_printf(arena, "%ssudo sysctl %s=%s",
					    container ? "on the machine that runs this container: "
						      : "",
					    settings[i].name, settings[i].allows);
	if (container)
		return "run the container with --security-opt seccomp=unconfined --security-opt "
		       "apparmor=unconfined, or with --privileged";
	return "in a chroot nobody can make them: enter the tree as a container, as with "
	       "'systemd-nspawn' or 'bwrap'; else look at what restricts them, as in 'sudo sysctl "
	       "-a --pattern userns'";
}
