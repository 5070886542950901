/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * U-Boot with RAUC's variables (RAUC's reference, "U-Boot"): BOOT_ORDER, and BOOT_x_LEFT for slot
 * x, hexadecimal, in an environment of two copies (media/disk/uboot_env.h). A count of more than 9
 * would mean one thing to U-Boot and another to people.
 */
#include "media/disk/uboot_env.h"
#include "scenario/chooser.h"

#define ORDER "BOOT_ORDER"

static char *left_name(const struct target_slot *slot)
{
	return xasprintf("BOOT_%s_LEFT", slot->bootname);
}

static const char *refuse(const struct target *t)
{
	if (t->area_count != 2)
		return "it needs U-Boot's environment in two copies: 'environment' of the boot "
		       "loader names both areas";
	if (t->areas[0].size < 512 || t->areas[0].size > UBOOT_ENV_MAX)
		return "an environment of U-Boot has 512 bytes to 1M";
	return NULL;
}

static void places(const struct target *t, uint64_t ret[2])
{
	for (int i = 0; i < 2; i++)
		ret[i] = t->areas[i].at;
}

static int read_vars(int fd, const struct target *t, struct boot_vars *ret, struct err **err)
{
	struct uboot_env e cleanup_uboot_env = {.newer = -1};
	uint64_t at[2];

	places(t, at);
	if (uboot_env_read(fd, "the card", at, t->areas[0].size, &e, err) < 0)
		return -1;
	ret->valid = 0;
	ret->counts = e.newer;
	for (int i = 0; i < 2; i++) {
		ret->valid += e.valid[i];
		ret->copies.ok[i] = e.valid[i];
		ret->copies.serial[i] = e.flags[i];
	}
	ret->vars = e.vars;
	e.vars = (struct strv){0};
	return 0;
}

static int write_vars(int fd, const struct target *t, const struct boot_vars *v, struct err **err)
{
	struct uboot_env e = {.vars = v->vars};
	uint64_t at[2];

	places(t, at);
	for (int i = 0; i < 2; i++) {
		e.valid[i] = v->copies.ok[i];
		e.flags[i] = v->copies.serial[i];
	}
	e.newer = uboot_env_newer(e.valid, e.flags);
	return uboot_env_write(fd, "the card", at, t->areas[0].size, &e, err);
}

static void get(const struct boot_vars *v, const struct target *t, struct boot_state *ret)
{
	const char *order = strv_get(&v->vars, ORDER);

	ret->order = order ? xstrdup(order) : NULL;
	for (size_t i = 0; i < t->slots.count; i++) {
		char *name cleanup_free = left_name(&t->slots.items[i]), *end;
		const char *text = strv_get(&v->vars, name);
		unsigned long n = text ? strtoul(text, &end, 16) : 0;

		ret->left[i] = text && end != text && !*end && n < 0x10000 ? (int)n : LEFT_UNSET;
	}
}

static void set(struct boot_vars *v, const struct target *t, const struct boot_state *s)
{
	strv_set(&v->vars, ORDER, s->order);
	for (size_t i = 0; i < t->slots.count; i++) {
		char *name cleanup_free = left_name(&t->slots.items[i]);
		char *text cleanup_free = xasprintf("%x", (unsigned)s->left[i]);

		strv_set(&v->vars, name, s->left[i] == LEFT_UNSET ? NULL : text);
	}
}

const struct chooser chooser_uboot = {
	.type = "uboot",
	.tries_max = 9,
	.starts_kernel = "Starting kernel",
	.refuse = refuse,
	.read = read_vars,
	.write = write_vars,
	.get = get,
	.set = set,
};
