/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/sudo_env.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define ENVIRON_MAX (4 * 1024 * 1024)

/* The bytes of file NAME of the process that started us. */
static int read_parent(const char *name, struct str *ret)
{
	char *path cleanup_free = xasprintf("/proc/%ld/%s", (long)getppid(), name);
	struct err *ignored cleanup_err = NULL;

	return file_read(path, ENVIRON_MAX, ret, &ignored);
}

/* "NAME=VALUE" in the block of an environment. */
static const char *value_of(const struct str *block, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = block->buf; at < block->buf + block->len; at += strlen(at) + 1)
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return at + len + 1;
	return NULL;
}

void sudo_env_restore(void)
{
	static const char *const names[] = {"ORCH_STORE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"};
	struct str comm cleanup_str = STR_INIT, block cleanup_str = STR_INIT;

	if (read_parent("comm", &comm) < 0 || !str_eq(comm.buf, "sudo\n") ||
	    read_parent("environ", &block) < 0 || !block.len)
		return;
	for (size_t i = 0; i < array_len(names); i++) {
		const char *value = getenv(names[i]) ? NULL : value_of(&block, names[i]);

		if (value && *value)
			setenv(names[i], value, 1);
	}
}
