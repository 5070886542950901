/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind device: slots, boot loader and state of the devices that run what the project makes. */
#include "kinds/device/device_opts.h"

#include "base/path.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/image/image.h"
#include "kinds/kinds.h"
#include "recipe/recipe.h"
#include "scenario/chooser.h"
#include "scenario/pattern.h"

#define PARTITION_WORD "{partition}"

const char *const device_loaders[] = {"uboot",        "barebox", "grub", "efi",
				      "systemd-boot", "custom",  NULL};
static const char *const state_words[] = {"identity", NULL};

static const struct option bootloader_options[] = {
	{"type", OPT_ENUM, offsetof(struct device_bootloader, type), OPT_REQUIRED,
	 .words = device_loaders, .help = "The boot loader, as RAUC calls it, or systemd-boot."},
	{"environment", OPT_STRING, offsetof(struct device_bootloader, environment), OPT_LIST,
	 .help = "Where it keeps its state: reserved areas or partitions of the disk, the "
		 "redundant copy last.",
	 .example = "[uboot-env, uboot-env-redundant]"},
	{"tries", OPT_INT, offsetof(struct device_bootloader, tries), OPT_POSITIVE,
	 .help = "How often a slot is tried before the next one; for loaders that count."},
	{"chosen", OPT_STRING, offsetof(struct device_bootloader, chosen),
	 .help = "POSIX extended regular expression of the console line that tells the slot; its "
		 "first group is the boot name. Without it rauc.slot= of the kernel's command "
		 "line.",
	 .example = "'BOOT: slot ([^ ]+)'"},
};
static void check_bootloader(void *data, const struct yaml *map, struct err_list *errors);
static const struct schema bootloader_schema =
	SCHEMA(struct device_bootloader, bootloader_options, .check = check_bootloader);

#define SLOT(field) offsetof(struct device_slot, field)
static const struct option slot_options[] = {
	{"boot", OPT_DICT, SLOT(boot), OPT_NAME,
	 .help = "Slots that are booted: boot name and partition of each, in order of preference.",
	 .example = "{A: root-a, B: root-b}"},
	{"partitions", OPT_STRING, SLOT(partitions), OPT_LIST,
	 .help = "Slots that are not booted themselves: their partitions."},
	{"parent", OPT_STRING, SLOT(parent),
	 .help = "Class of the slots that these belong to, the first to the first."},
	{"type", OPT_STRING, SLOT(type),
	 .help = "RAUC's type; without it what the disk has there: ext4, vfat, raw.",
	 .example = "boot-gpt-switch"},
	{"install-same", OPT_STRING, SLOT(install_same),
	 .help = "RAUC's key, passed on: whether an equal image is written again."},
	{"readonly", OPT_STRING, SLOT(readonly),
	 .help = "RAUC's key, passed on: never written by an update."},
	{"resize", OPT_STRING, SLOT(resize), .help = "RAUC's key, passed on."},
	{"extra-mount-opts", OPT_STRING, SLOT(extra_mount_opts), .help = "RAUC's key, passed on."},
	{"extra-mkfs-opts", OPT_STRING, SLOT(extra_mkfs_opts), .help = "RAUC's key, passed on."},
};
static void check_slot(void *data, const struct yaml *map, struct err_list *errors);
static const struct schema slot_schema =
	SCHEMA(struct device_slot, slot_options, .check = check_slot);

static const struct option path_options[] = {
	{"owner", OPT_STRING, offsetof(struct device_path, owner), .def = "root",
	 .help = "User that it belongs to."},
	{"mode", OPT_STRING, offsetof(struct device_path, mode), .help = "Permissions, octal.",
	 .example = "\"0750\""},
};
static const struct schema path_schema = SCHEMA(struct device_path, path_options);

static const struct option reset_options[] = {
	{"keep", OPT_STRING, offsetof(struct device_reset, keep), OPT_LIST,
	 .help = "Paths of the state that a factory reset leaves, or identity.",
	 .example = "[identity]"},
};
static const struct schema reset_schema = SCHEMA(struct device_reset, reset_options);

#define STATE(field) offsetof(struct device_state, field)
static const struct option state_options[] = {
	{"partition", OPT_STRING, STATE(partition), OPT_REQUIRED,
	 .help = "The partition that holds it; no update writes it.", .example = "data"},
	{"paths", OPT_DICT, STATE(paths), .sub = &path_schema, .words = state_words,
	 .help = "What is kept: a path and its owner and mode, or identity for what makes one "
		 "device different from another.",
	 .example = "{/var/lib/app: {owner: app}, /etc/machine-id: identity}"},
	{"schema", OPT_INT, STATE(schema), OPT_POSITIVE,
	 .help = "Number of the format of what the application keeps."},
	{"reads", OPT_INT, STATE(reads), OPT_LIST | OPT_POSITIVE,
	 .help = "Formats that this release's application can read."},
	{"reset", OPT_STRUCT, STATE(reset), .sub = &reset_schema,
	 .help = "What a factory reset does."},
};
static void check_state(void *data, const struct yaml *map, struct err_list *errors);
static const struct schema state_schema =
	SCHEMA(struct device_state, state_options, .check = check_state);

#define AT(field) offsetof(struct device_opts, field)
static const struct option device_options[] = {
	{"disk", OPT_STRING, AT(disk), OPT_REQUIRED,
	 .help = "The node of kind disk whose partitions and reserved areas are meant.",
	 .example = "install"},
	{"compatible", OPT_STRING, AT(compatible), OPT_REQUIRED,
	 .help = "RAUC's name of the device: it takes bundles of the same name alone."},
	{"paths", OPT_STRING, AT(paths), .def = "/dev/disk/by-partlabel/" PARTITION_WORD,
	 .help = "How the running system names a partition; " PARTITION_WORD " is its name."},
	{"disk-path", OPT_STRING, AT(disk_path), OPT_ABSPATH,
	 .help = "How the running system names the whole disk.", .example = "/dev/system/disk"},
	{"bootloader", OPT_STRUCT, AT(bootloader), OPT_REQUIRED, .sub = &bootloader_schema,
	 .help = "What chooses the slot, and where it keeps its state."},
	{"slots", OPT_DICT, AT(slots), OPT_REQUIRED | OPT_NAME, .sub = &slot_schema,
	 .help = "Classes of slots, as RAUC calls them: what an update writes.",
	 .example = "{rootfs: {boot: {A: root-a, B: root-b}}}"},
	{"state", OPT_STRUCT, AT(state), .sub = &state_schema,
	 .help = "What outlives updates: the data of applications and of the device."},
	{"support-until", OPT_STRING, AT(support_until), .help = "Month in which support ends.",
	 .example = "2032-12"},
};
static void check_device(void *data, const struct yaml *map, struct err_list *errors);
static const struct schema device_schema =
	SCHEMA(struct device_opts, device_options, .check = check_device);

bool device_counts_tries(int loader)
{
	const struct chooser *c = chooser_named(device_loaders[loader]);

	return c ? c->tries_max : loader != LOADER_EFI;
}

static void check_bootloader(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct device_bootloader *b = data;
	const struct chooser *c = chooser_named(device_loaders[b->type]);
	struct err *err cleanup_err = NULL;
	regex_t re;

	if (b->tries && !device_counts_tries(b->type))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "tries"),
			    "'%s' does not count tries: it starts a new slot once, and falls back",
			    device_loaders[b->type]);
	else if (c && b->tries > c->tries_max)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "tries"),
			    "'%s' counts at most %u tries that mean the same to everybody", c->type,
			    c->tries_max);
	if (!b->chosen)
		return;
	if (regex_compile(b->chosen, &re, &err) < 0) {
		err_list_at(errors, err->code, yaml_key_pos(map, "chosen"), "%s", err->text);
		return;
	}
	if (re.re_nsub < 1)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "chosen"),
			    "'%s' has no group: put what is the boot name in ( )", b->chosen);
	regfree(&re);
}

static void check_yes_no(const char *key, const char *value, const struct yaml *map,
			 struct err_list *errors)
{
	if (value && !str_eq(value, "true") && !str_eq(value, "false"))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, key),
			    "'%s' must be true or false, not '%s'", key, value);
}

static void check_slot(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct device_slot *s = data;

	if (!s->boot.count == !s->partitions.count)
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "a class of slots has either 'boot' or 'partitions', not empty");
	if (s->parent && s->boot.count)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "parent"),
			    "slots that are booted belong to no other: leave 'parent' out");
	check_yes_no("install-same", s->install_same, map, errors);
	check_yes_no("readonly", s->readonly, map, errors);
	check_yes_no("resize", s->resize, map, errors);
}

static void check_paths(const struct device_state *s, struct err_list *errors)
{
	for (size_t i = 0; i < s->paths.count; i++) {
		const struct pair *p = LIST_AT(s->paths, struct pair *, i);
		const char *why = "is not absolute";

		if (p->key[0] != '/' || !path_is_project(p->key + 1, &why))
			err_list_at(errors, E_INVALID_VALUE, p->pos,
				    "path '%s' %s: a path of the state is absolute", p->key, why);
	}
}

static void check_state(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct device_state *s = data;
	bool reads = !s->reads.count || !s->schema;

	check_paths(s, errors);

	for (size_t i = 0; i < s->reads.count; i++)
		reads = reads || LIST_AT(s->reads, int64_t, i) == s->schema;
	if (!reads)
		err_list_at(errors, E_DEVICE_LAYOUT, yaml_key_pos(map, "reads"),
			    "the application keeps format %lld and cannot read it: add it",
			    (long long)s->schema);
	for (size_t i = 0; s->reset && i < s->reset->keep.count; i++) {
		const char *keep = LIST_AT(s->reset->keep, const char *, i);
		bool known = str_eq(keep, "identity");

		for (size_t k = 0; k < s->paths.count; k++)
			known = known || str_eq(keep, LIST_AT(s->paths, struct pair *, k)->key);
		if (!known)
			err_list_at(errors, E_UNKNOWN_NAME, yaml_key_pos(map, "reset"),
				    "a reset cannot keep '%s', which is none of 'paths'", keep);
	}
}

static size_t slot_count(const struct device_slot *s)
{
	return s->boot.count + s->partitions.count;
}

/* The class that CLASS names as its parent must be there, and have a slot for each of its own. */
static void check_parent(const struct device_opts *o, const struct pair *class,
			 struct err_list *errors)
{
	const struct device_slot *s = class->data, *parent = NULL;

	for (size_t i = 0; s->parent && i < o->slots.count; i++) {
		const struct pair *other = LIST_AT(o->slots, struct pair *, i);

		if (other != class && str_eq(other->key, s->parent))
			parent = other->data;
	}
	if (s->parent && !parent)
		err_list_at(errors, E_UNKNOWN_NAME, class->pos,
			    "class '%s' has no parent '%s' here", class->key, s->parent);
	else if (parent && slot_count(parent) != slot_count(s))
		err_list_at(errors, E_DEVICE_LAYOUT, class->pos,
			    "class '%s' has %zu slots and its parent '%s' %zu: each belongs to one",
			    class->key, slot_count(s), s->parent, slot_count(parent));
}

static void check_names(const struct device_opts *o, struct err_list *errors)
{
	struct map seen cleanup_map = {0};

	for (size_t i = 0; i < o->slots.count; i++) {
		const struct pair *class = LIST_AT(o->slots, struct pair *, i);
		const struct device_slot *s = class->data;

		for (size_t k = 0; k < s->boot.count; k++) {
			const struct pair *boot = LIST_AT(s->boot, struct pair *, k);

			if (map_set(&seen, boot->key, (void *)boot->key))
				err_list_at(errors, E_DUPLICATE_NAME, boot->pos,
					    "two slots have the boot name '%s'", boot->key);
		}
		check_parent(o, class, errors);
	}
	if (!seen.count && o->slots.count)
		err_list_at(errors, E_DEVICE_LAYOUT, LIST_AT(o->slots, struct pair *, 0)->pos,
			    "no class has 'boot': an update needs a slot that is booted");
}

static bool is_month(const char *text)
{
	return strlen(text) == 7 && text[4] == '-' && strspn(text, "0123456789") == 4 &&
	       strspn(text + 5, "0123456789") == 2 && strcmp(text + 5, "01") >= 0 &&
	       strcmp(text + 5, "12") <= 0;
}

/* What is said here becomes lines of system.conf, fw_env.config and scripts. */
static void check_lines(const struct yaml *y, struct err_list *errors)
{
	if (y->type == YAML_SCALAR && strpbrk(y->text, "\r\n"))
		err_list_at(errors, E_INVALID_VALUE, y->pos, "must be one line");
	for (size_t i = 0; i < y->count; i++) {
		if (y->keys)
			check_lines(y->keys[i], errors);
		check_lines(y->items[i], errors);
	}
}

static void check_device(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct device_opts *o = data;

	check_lines(map, errors);
	check_names(o, errors);
	if (o->paths[0] != '/' || !strstr(o->paths, PARTITION_WORD))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "paths"),
			    "'%s' is not an absolute path with " PARTITION_WORD " in it", o->paths);
	if (o->support_until && !is_month(o->support_until))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "support-until"),
			    "'%s' is not a month like 2032-12", o->support_until);
}

void device_slot_partitions(const struct device_slot *s, struct strs *ret, struct strs *names)
{
	for (size_t i = 0; i < s->boot.count; i++) {
		strs_push(ret, LIST_AT(s->boot, struct pair *, i)->value);
		if (names)
			strs_push(names, LIST_AT(s->boot, struct pair *, i)->key);
	}
	for (size_t i = 0; i < s->partitions.count; i++)
		strs_push(ret, LIST_AT(s->partitions, const char *, i));
}

/* The partition of D called NAME, or an error at POS. */
static const struct disk_part *find_part(const struct disk_opts *d, const char *disk,
					 const char *name, struct pos pos, struct err_list *errors)
{
	const char **names cleanup_free = xcalloc(d->partitions.count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < d->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(d->partitions, struct disk_part *, i);

		names[i] = p->name;
		if (str_eq(p->name, name))
			return p;
	}
	near = str_nearest(name, names, d->partitions.count);
	err_list_at(errors, E_UNKNOWN_PARTITION, pos, "disk '%s' has no partition '%s'%s%s%s", disk,
		    name, near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

/* RAUC switches the first entry of the table to the other half of the region after it. */
static void check_switched(const struct device_opts *o, const struct disk_opts *d,
			   const struct disk_part *p, struct pos pos, struct err_list *errors)
{
	const struct disk_part *first = LIST_AT(d->partitions, struct disk_part *, 0);

	if (!p->region)
		err_list_at(errors, E_DEVICE_LAYOUT, pos,
			    "boot-gpt-switch writes the half after partition '%s': give it "
			    "'region: 2x' in '%s'",
			    p->name, o->disk);
	if (p != first)
		err_list_at(errors, E_DEVICE_LAYOUT, pos,
			    "boot-gpt-switch is about the first partition of a disk, which is '%s' "
			    "of '%s', not '%s'",
			    first->name, o->disk, p->name);
}

static void check_class(const struct device_opts *o, const struct disk_opts *d,
			const struct pair *class, struct map *taken, struct err_list *errors)
{
	const struct device_slot *s = class->data;
	struct strs parts = {0};

	device_slot_partitions(s, &parts, NULL);
	for (size_t i = 0; i < parts.count; i++) {
		const struct disk_part *p =
			find_part(d, o->disk, parts.items[i], class->pos, errors);
		const char *other = p ? map_set(taken, p->name, (void *)class->key) : NULL;

		if (other)
			err_list_at(errors, E_DEVICE_LAYOUT, class->pos,
				    "partition '%s' is a slot of '%s', too", p->name, other);
		if (p && s->type && str_eq(s->type, "boot-gpt-switch"))
			check_switched(o, d, p, class->pos, errors);
	}
	strs_clear(&parts);
}

/* Whether D has an area or a partition called NAME; *RET: its bytes, 0: it does not say. */
static bool place_size(const struct disk_opts *d, const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < d->reserved.count; i++) {
		const struct disk_area *a = LIST_AT(d->reserved, struct disk_area *, i);

		*ret = a->size;
		if (str_eq(a->name, name))
			return true;
	}
	for (size_t i = 0; i < d->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(d->partitions, struct disk_part *, i);

		*ret = p->size;
		if (str_eq(p->name, name))
			return true;
	}
	return false;
}

static void check_environment(const struct device_opts *o, const struct disk_opts *d,
			      const struct map *taken, const struct yaml *map,
			      struct err_list *errors)
{
	const struct list *names = &o->bootloader->environment;
	struct pos pos = yaml_key_pos(yaml_get(map, "bootloader"), "environment");
	uint64_t size = 0;

	for (size_t i = 0; i < names->count; i++) {
		const char *name = LIST_AT(*names, const char *, i);
		uint64_t found;

		if (!place_size(d, name, &found))
			err_list_at(errors, E_UNKNOWN_PARTITION, pos,
				    "disk '%s' has no reserved area or partition '%s'", o->disk,
				    name);
		else if (size && found && found != size)
			err_list_at(errors, E_DEVICE_LAYOUT, pos,
				    "the copies of the environment are not equal in size: '%s' has "
				    "%llu bytes, the one before %llu",
				    name, (unsigned long long)found, (unsigned long long)size);
		else
			size = found;
		if (map_get(taken, name))
			err_list_at(errors, E_DEVICE_LAYOUT, pos,
				    "partition '%s' is a slot of '%s', too", name,
				    (const char *)map_get(taken, name));
	}
}

#define BY_LABEL "/dev/disk/by-partlabel/"

/* Only a GPT has names of partitions in it. */
static void check_gpt_names(const struct device_opts *o, const struct disk_opts *d,
			    const struct yaml *map, struct err_list *errors)
{
	if (layout_has_gpt((enum layout_table)d->table) || !str_skip(o->paths, BY_LABEL))
		return;
	err_list_at(
		errors, E_DEVICE_LAYOUT,
		yaml_key_pos(map, yaml_get(map, "paths") ? "paths" : "disk"),
		"the partitions of disk '%s' have no names in its table, so there is no " BY_LABEL
		": give 'paths' that a udev rule of the device makes",
		o->disk);
}

/* What the disk must have. */
static void device_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct device_opts *o = ctx->opts;
	const struct recipe *r = map_get(&ctx->project->recipes, o->disk);
	struct map taken cleanup_map = {0};
	const char *class;

	if (!r && map_get(&ctx->project->unsound, o->disk))
		return; /* its own mistakes are reported */
	if (!r || r->kind != &kind_disk) {
		err_list_at(errors, r ? E_WRONG_KIND : E_UNKNOWN_NODE,
			    yaml_key_pos(ctx->map, "disk"),
			    r ? "'%s' is not a node of kind disk" : "unknown node '%s'", o->disk);
		return;
	}
	for (size_t i = 0; i < o->slots.count; i++)
		check_class(o, r->opts, LIST_AT(o->slots, struct pair *, i), &taken, errors);
	check_environment(o, r->opts, &taken, ctx->map, errors);
	check_gpt_names(o, r->opts, ctx->map, errors);
	if (!o->state)
		return;
	find_part(r->opts, o->disk, o->state->partition,
		  yaml_key_pos(yaml_get(ctx->map, "state"), "partition"), errors);
	class = map_get(&taken, o->state->partition);
	if (class)
		err_list_at(errors, E_DEVICE_LAYOUT,
			    yaml_key_pos(yaml_get(ctx->map, "state"), "partition"),
			    "partition '%s' is a slot of '%s': an update would write over the "
			    "state",
			    o->state->partition, class);
}

static void device_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	output_specs_push(ret, (struct output_spec){DEVICE_OUTPUT, OUTPUT_FILE});
}

const struct kind kind_device = {
	.name = "device",
	.summary = "what is promised to devices in the field: slots, boot loader, state",
	.manual = "Says once what configuration files, boot scripts and scenarios need to know of "
		  "the device. They take it from here by facts: in a recipe ${device#tries}, in a "
		  "template {{device#rauc-slots}}, which is the [slot.*] sections of RAUC's "
		  "system.conf.\n\n"
		  "Names of partitions and reserved areas are those of the 'disk'; where they lie "
		  "and what they hold comes from it. " DEVICE_OUTPUT " has all of it for other "
		  "programs. Of boot loaders orch can read U-Boot's environment, and GRUB's "
		  "environment block where that is all of a reserved area or partition, or file "
		  "grubenv of a tar there; fw-env and "
		  "env-config are U-Boot's alone.",
	.version = 1,
	.usual_s = 0.2,
	.schema = &device_schema,
	.outputs = device_outputs,
	.check = device_check,
	.fact_help = device_fact_help,
	.fact = device_fact,
	.fact_names = device_fact_names,
	.input_fact = DEVICE_FACT,
};
