/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The facts of kind device, in the words of the programs that want them. Sources: RAUC's reference
 * (system.conf), U-Boot's tools/env/fw_env.config, Kconfig's env/Kconfig and doc/usage/cmd/gpt.rst.
 */
#include "kinds/device/device_opts.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/kinds.h"
#include "recipe/facts.h"

const struct fact_help device_fact_help[] = {
	{"compatible", "RAUC's name of the device."},
	{"tries", "How often a slot is tried."},
	{"bootnames", "The boot names, best first: A B."},
	{"boot-slots", "Words of a shell: boot name and number of its partition: A=2 B=3."},
	{"BOOT.partition", "Partition of the slot with the boot name BOOT."},
	{"BOOT.number", "The number of that partition."},
	{"SLOT.partition", "Partition of a slot as RAUC calls it: rootfs.0."},
	{"rauc-slots", "The [slot.*] sections of system.conf."},
	{"fw-env", "The lines of fw_env.config; U-Boot."},
	{"env-config", "CONFIG_ENV_OFFSET, CONFIG_ENV_OFFSET_REDUND and CONFIG_ENV_SIZE; U-Boot."},
	{"gpt-write", "The argument of U-Boot's 'gpt write' that makes the disk's table again."},
	{"support-until", "The month in which support ends: 2032-12."},
	{DEVICE_FACT, "All of it, as it stands in " DEVICE_OUTPUT "."},
	{NULL, NULL},
};

/* One fact that is being computed. */
struct telling {
	struct facts *f;
	const struct recipe *r;
	const struct device_opts *o;
	const struct recipe *disk;
	struct str *ret;
	void *arg; /* of a boot_fn */
};

/* The fact cannot be told, because of WHY. */
static enum fact_result missing(struct telling *t, const char *why)
{
	str_clear(t->ret);
	str_append(t->ret, why);
	return FACT_MISSING;
}

static enum fact_result no_key(struct telling *t, const char *key)
{
	return missing(t,
		       arena_printf(facts_arena(t->f), "it needs '%s' in '%s'", key, t->r->file));
}

/* The fact "OF.WHAT" of the disk, a number. */
static enum fact_result disk_number(struct telling *t, const char *of, const char *what,
				    uint64_t *ret)
{
	const char *name = arena_printf(facts_arena(t->f), "%s.%s", of, what);
	struct str text cleanup_str = STR_INIT;
	enum fact_result result = facts_of(t->f, t->o->disk, name, &text);

	if (result == FACT_MISSING)
		return missing(t, text.buf);
	if (result != FACT_KNOWN || str_u64(text.buf, ret))
		return FACT_REFUSED; /* the device's own check says what the disk has not */
	return FACT_KNOWN;
}

static enum fact_result tell_compatible(struct telling *t)
{
	str_append(t->ret, t->o->compatible);
	return FACT_KNOWN;
}

static enum fact_result tell_support_until(struct telling *t)
{
	if (!t->o->support_until)
		return no_key(t, "support-until");
	str_append(t->ret, t->o->support_until);
	return FACT_KNOWN;
}

static enum fact_result tell_tries(struct telling *t)
{
	const struct device_bootloader *b = t->o->bootloader;

	if (!device_counts_tries(b->type))
		return missing(t, arena_printf(facts_arena(t->f),
					       "boot loader '%s' does not count tries",
					       device_loaders[b->type]));
	if (!b->tries)
		return no_key(t, "bootloader: tries");
	str_printf(t->ret, "%lld", (long long)b->tries);
	return FACT_KNOWN;
}

typedef enum fact_result boot_fn(struct telling *t, const struct pair *boot);

/* FN for each boot name and its partition, with a space between. */
static enum fact_result each_boot(struct telling *t, boot_fn *fn)
{
	for (size_t i = 0; i < t->o->slots.count; i++) {
		const struct device_slot *s = LIST_AT(t->o->slots, struct pair *, i)->data;

		for (size_t k = 0; k < s->boot.count; k++) {
			enum fact_result result;

			str_append(t->ret, t->ret->len ? " " : "");
			result = fn(t, LIST_AT(s->boot, struct pair *, k));
			if (result != FACT_KNOWN)
				return result;
		}
	}
	return FACT_KNOWN;
}

static enum fact_result put_name(struct telling *t, const struct pair *boot)
{
	str_append(t->ret, boot->key);
	return FACT_KNOWN;
}

static enum fact_result put_number(struct telling *t, const struct pair *boot)
{
	uint64_t number;
	enum fact_result result = disk_number(t, boot->value, "number", &number);

	if (result == FACT_KNOWN)
		str_printf(t->ret, "%s=%llu", boot->key, (unsigned long long)number);
	return result;
}

static enum fact_result tell_bootnames(struct telling *t)
{
	return each_boot(t, put_name);
}

static enum fact_result tell_boot_slots(struct telling *t)
{
	return each_boot(t, put_number);
}

/* How the running system names PART. */
static void put_path(struct telling *t, const char *part)
{
	const char *at = strstr(t->o->paths, "{partition}");

	if (at)
		str_printf(t->ret, "%.*s%s%s", (int)(at - t->o->paths), t->o->paths, part,
			   at + strlen("{partition}"));
}

/* Device and type of a slot in PART; the region of one that changes places with its other half. */
static enum fact_result put_place(struct telling *t, const struct device_slot *s, const char *part)
{
	uint64_t start, size;
	enum fact_result result;

	if (!s->type || !str_eq(s->type, "boot-gpt-switch")) {
		str_append(t->ret, "device=");
		put_path(t, part);
		str_append(t->ret, "\ntype=");
		if (s->type)
			str_append(t->ret, s->type);
		return s->type ? FACT_KNOWN : disk_slot_type(t->f, t->disk, part, t->ret);
	}
	if (!t->o->disk_path)
		return no_key(t, "disk-path");
	result = disk_number(t, part, "start", &start);
	if (result == FACT_KNOWN)
		result = disk_number(t, part, "size", &size);
	if (result == FACT_KNOWN)
		str_printf(t->ret, "device=%s\ntype=%s\nregion-start=%lluM\nregion-size=%lluM",
			   t->o->disk_path, s->type, (unsigned long long)(start >> 20),
			   (unsigned long long)(size >> 19));
	return result;
}

static void put_key(struct telling *t, const char *key, const char *value)
{
	if (value)
		str_printf(t->ret, "\n%s=%s", key, value);
}

static void put_slot_keys(struct telling *t, const struct device_slot *s, const char *bootname,
			  size_t i)
{
	put_key(t, "bootname", bootname);
	if (s->parent)
		str_printf(t->ret, "\nparent=%s.%zu", s->parent, i);
	put_key(t, "readonly", s->readonly);
	put_key(t, "install-same", s->install_same);
	put_key(t, "resize", s->resize);
	put_key(t, "extra-mount-opts", s->extra_mount_opts);
	put_key(t, "extra-mkfs-opts", s->extra_mkfs_opts);
}

static enum fact_result put_slot(struct telling *t, const struct pair *class, size_t i)
{
	const struct device_slot *s = class->data;
	struct strs parts = {0}, names = {0};
	enum fact_result result;

	device_slot_partitions(s, &parts, &names);
	str_printf(t->ret, "%s[slot.%s.%zu]\n", t->ret->len ? "\n\n" : "", class->key, i);
	result = put_place(t, s, parts.items[i]);
	if (result == FACT_KNOWN)
		put_slot_keys(t, s, i < names.count ? names.items[i] : NULL, i);
	strs_clear(&parts);
	strs_clear(&names);
	return result;
}

static enum fact_result tell_rauc_slots(struct telling *t)
{
	for (size_t i = 0; i < t->o->slots.count; i++) {
		const struct pair *class = LIST_AT(t->o->slots, struct pair *, i);
		const struct device_slot *s = class->data;

		for (size_t k = 0; k < s->boot.count + s->partitions.count; k++) {
			enum fact_result result = put_slot(t, class, k);

			if (result != FACT_KNOWN)
				return result;
		}
	}
	return FACT_KNOWN;
}

/* Whether there is an environment of U-Boot. */
static enum fact_result need_uboot(struct telling *t)
{
	const struct device_bootloader *b = t->o->bootloader;

	if (b->type != LOADER_UBOOT)
		return missing(t, arena_printf(facts_arena(t->f),
					       "it is about U-Boot, and the boot loader is '%s'",
					       device_loaders[b->type]));
	return b->environment.count ? FACT_KNOWN : no_key(t, "bootloader: environment");
}

/* Offset and size of copy I of the environment. */
static enum fact_result copy_of(struct telling *t, size_t i, uint64_t *ret_at, uint64_t *ret_size)
{
	const char *area = LIST_AT(t->o->bootloader->environment, const char *, i);
	enum fact_result result =
		disk_number(t, area, disk_place_fact(t->f, t->disk, area), ret_at);

	return result == FACT_KNOWN ? disk_number(t, area, "size", ret_size) : result;
}

static enum fact_result tell_fw_env(struct telling *t)
{
	enum fact_result result = need_uboot(t);
	uint64_t at, size;

	if (result == FACT_KNOWN && !t->o->disk_path)
		return no_key(t, "disk-path");
	for (size_t i = 0; result == FACT_KNOWN && i < t->o->bootloader->environment.count; i++) {
		result = copy_of(t, i, &at, &size);
		if (result == FACT_KNOWN)
			str_printf(t->ret, "%s%s\t0x%llx\t0x%llx", i ? "\n" : "", t->o->disk_path,
				   (unsigned long long)at, (unsigned long long)size);
	}
	return result;
}

static enum fact_result tell_env_config(struct telling *t)
{
	static const char *const names[] = {"CONFIG_ENV_OFFSET", "CONFIG_ENV_OFFSET_REDUND"};
	enum fact_result result = need_uboot(t);
	uint64_t at, size = 0;

	for (size_t i = 0; result == FACT_KNOWN && i < array_len(names) &&
			   i < t->o->bootloader->environment.count;
	     i++) {
		result = copy_of(t, i, &at, &size);
		if (result == FACT_KNOWN)
			str_printf(t->ret, "%s=0x%llx\n", names[i], (unsigned long long)at);
	}
	if (result == FACT_KNOWN)
		str_printf(t->ret, "CONFIG_ENV_SIZE=0x%llx", (unsigned long long)size);
	return result;
}

static enum fact_result tell_gpt_write(struct telling *t)
{
	return disk_gpt_write(t->f, t->disk, t->ret);
}

static enum fact_result tell_json(struct telling *t)
{
	return device_json(t->f, t->o, t->disk, t->ret);
}

static const struct {
	const char *name;
	enum fact_result (*tell)(struct telling *t);
} tellers[] = {
	{"compatible", tell_compatible},       {"tries", tell_tries},
	{"bootnames", tell_bootnames},         {"boot-slots", tell_boot_slots},
	{"rauc-slots", tell_rauc_slots},       {"fw-env", tell_fw_env},
	{"support-until", tell_support_until}, {"env-config", tell_env_config},
	{"gpt-write", tell_gpt_write},         {DEVICE_FACT, tell_json},
};

/* The slot whose boot name is the LEN bytes at NAME: boot name and partition, or NULL. */
static const struct pair *boot_named(const struct device_opts *o, const char *name, size_t len)
{
	for (size_t i = 0; i < o->slots.count; i++) {
		const struct device_slot *s = LIST_AT(o->slots, struct pair *, i)->data;

		for (size_t k = 0; k < s->boot.count; k++) {
			const struct pair *boot = LIST_AT(s->boot, struct pair *, k);

			if (strlen(boot->key) == len && strncmp(boot->key, name, len) == 0)
				return boot;
		}
	}
	return NULL;
}

/* The partition of RAUC's slot that the LEN bytes at NAME are, "rootfs.0"; or NULL. */
static const char *slot_partition(const struct device_opts *o, const char *name, size_t len)
{
	const char *found = NULL;

	for (size_t i = 0; i < o->slots.count && !found; i++) {
		const struct pair *class = LIST_AT(o->slots, struct pair *, i);
		struct strs parts = {0}, names = {0};

		device_slot_partitions(class->data, &parts, &names);
		for (size_t k = 0; k < parts.count; k++) {
			char *slot cleanup_free = xasprintf("%s.%zu", class->key, k);

			if (strlen(slot) == len && strncmp(slot, name, len) == 0)
				found = parts.items[k];
		}
		strs_clear(&parts);
		strs_clear(&names);
	}
	return found;
}

/* BOOT.partition, BOOT.number, SLOT.partition */
static enum fact_result tell_boot(struct telling *t, const char *name)
{
	const char *dot = strrchr(name, '.');
	const struct pair *boot = dot ? boot_named(t->o, name, (size_t)(dot - name)) : NULL;
	const char *slot = dot && str_eq(dot, ".partition")
				   ? slot_partition(t->o, name, (size_t)(dot - name))
				   : NULL;
	uint64_t number;
	enum fact_result result;

	if (!boot && slot) {
		str_append(t->ret, slot);
		return FACT_KNOWN;
	}
	if (!boot || (!str_eq(dot, ".partition") && !str_eq(dot, ".number")))
		return FACT_UNKNOWN;
	if (str_eq(dot, ".partition")) {
		str_append(t->ret, boot->value);
		return FACT_KNOWN;
	}
	result = disk_number(t, boot->value, "number", &number);
	if (result == FACT_KNOWN)
		str_printf(t->ret, "%llu", (unsigned long long)number);
	return result;
}

enum fact_result device_fact(struct facts *f, const struct recipe *r, const char *name,
			     struct str *ret)
{
	struct telling t = {.f = f, .r = r, .o = facts_options(f, r), .ret = ret};

	t.disk = t.o ? facts_recipe(f, t.o->disk) : NULL;
	if (!t.disk || t.disk->kind != &kind_disk)
		return FACT_REFUSED;
	for (size_t i = 0; i < array_len(tellers); i++)
		if (str_eq(tellers[i].name, name))
			return tellers[i].tell(&t);
	return tell_boot(&t, name);
}

static enum fact_result put_fact_names(struct telling *t, const struct pair *boot)
{
	struct strs *names = t->arg;

	strs_push(names, arena_printf(facts_arena(t->f), "%s.partition", boot->key));
	strs_push(names, arena_printf(facts_arena(t->f), "%s.number", boot->key));
	return FACT_KNOWN;
}

void device_fact_names(struct facts *f, const struct recipe *r, struct strs *ret)
{
	struct str ignored cleanup_str = STR_INIT;
	struct telling t = {.f = f, .r = r, .o = facts_options(f, r), .ret = &ignored, .arg = ret};

	for (size_t i = 0; i < array_len(tellers); i++)
		strs_push(ret, tellers[i].name);
	if (t.o)
		(void)each_boot(&t, put_fact_names);
}
