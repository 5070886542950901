/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/uboot_env.h"

#include <unistd.h>

#include "base/file.h"
#include "media/crc32.h"

static uint32_t read_crc(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

bool uboot_env_parse(const unsigned char *copy, size_t size, unsigned char *ret_flag,
		     struct strv *ret_vars)
{
	const char *p = (const char *)copy + UBOOT_ENV_HEAD, *end = (const char *)copy + size;

	if (size <= UBOOT_ENV_HEAD ||
	    crc32_of(copy + UBOOT_ENV_HEAD, size - UBOOT_ENV_HEAD) != read_crc(copy))
		return false;
	*ret_flag = copy[4];
	/* After the double NUL there may be anything: libubootenv leaves old bytes there. */
	while (ret_vars && p < end && *p) {
		size_t len = strnlen(p, (size_t)(end - p));

		strv_take(ret_vars, xstrndup(p, len));
		p += len + 1;
	}
	return true;
}

int uboot_env_newer(const bool valid[2], const unsigned char flags[2])
{
	if (!valid[0] || !valid[1])
		return valid[0] ? 0 : valid[1] ? 1 : -1;
	if (flags[0] == 255 && flags[1] == 0)
		return 1;
	if (flags[1] == 255 && flags[0] == 0)
		return 0;
	return flags[1] > flags[0] ? 1 : 0;
}

int uboot_env_format(const struct strv *vars, unsigned char flag, unsigned char *copy, size_t size,
		     struct err **err)
{
	size_t used = UBOOT_ENV_HEAD;
	uint32_t crc;

	if (size <= UBOOT_ENV_HEAD)
		return err_set(err, E_ENVIRONMENT_ROOM, "an environment of %zu bytes has no room",
			       size);
	memset(copy, 0, size);
	for (size_t i = 0; i < vars->count; i++) {
		size_t len = strlen(vars->items[i]) + 1;

		if (len >= size - used)
			return err_set(err, E_ENVIRONMENT_ROOM,
				       "the variables do not fit into an environment of %zu bytes",
				       size);
		memcpy(copy + used, vars->items[i], len);
		used += len;
	}
	copy[4] = flag;
	crc = crc32_of(copy + UBOOT_ENV_HEAD, size - UBOOT_ENV_HEAD);
	for (int i = 0; i < 4; i++)
		copy[i] = (unsigned char)(crc >> 8 * i);
	return 0;
}

static int read_at(int fd, const char *name, uint64_t at, void *buf, size_t size, struct err **err)
{
	ssize_t n = pread(fd, buf, size, (off_t)at);

	if (n < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
	if ((size_t)n != size)
		return err_set(err, E_ENVIRONMENT_ROOM,
			       "'%s' is too small for an environment at %llu", name,
			       (unsigned long long)at);
	return 0;
}

int uboot_env_read(int fd, const char *name, const uint64_t at[2], uint64_t size,
		   struct uboot_env *ret, struct err **err)
{
	unsigned char *copy cleanup_free = NULL;
	struct strv vars[2] = {{0}, {0}};
	struct uboot_env e = {0};
	int rc = 0;

	if (size > UBOOT_ENV_MAX)
		return err_set(err, E_ENVIRONMENT_ROOM, "an environment has at most 1 MiB");
	copy = xmalloc(size);
	for (int i = 0; i < 2 && rc == 0; i++) {
		rc = read_at(fd, name, at[i], copy, size, err);
		if (rc == 0)
			e.valid[i] = uboot_env_parse(copy, size, &e.flags[i], &vars[i]);
	}
	e.newer = uboot_env_newer(e.valid, e.flags);
	if (rc == 0 && e.newer >= 0) {
		e.vars = vars[e.newer];
		vars[e.newer] = (struct strv){0};
	}
	strv_clear(&vars[0]);
	strv_clear(&vars[1]);
	if (rc < 0)
		return -1;
	*ret = e;
	return 0;
}

int uboot_env_write(int fd, const char *name, const uint64_t at[2], uint64_t size,
		    const struct uboot_env *e, struct err **err)
{
	unsigned char *copy cleanup_free = NULL;
	unsigned char flag = e->newer < 0 ? 0 : e->flags[e->newer];
	int newer = e->newer < 0 ? 0 : e->newer;

	if (size > UBOOT_ENV_MAX)
		return err_set(err, E_ENVIRONMENT_ROOM, "an environment has at most 1 MiB");
	copy = xmalloc(size);
	for (int i = 0; i < 2; i++) {
		unsigned char next = (unsigned char)(flag + (i == newer ? 2 : 1));

		if (uboot_env_format(&e->vars, next, copy, size, err) < 0 ||
		    fd_pwrite_all(fd, name, copy, size, at[i], err) < 0)
			return -1;
	}
	return 0;
}

void uboot_env_clear(struct uboot_env *e)
{
	strv_clear(&e->vars);
	*e = (struct uboot_env){.newer = -1};
}
