/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A tree has one kernel, as far as its locks say, and so has all that the root slot is made of. The
 * kernel of the root slots, once a tree with it is in the store: it can do what RAUC needs, and has
 * room where the boot script loads it, or U-Boot unpacks it.
 */
#include <stdio.h>

#include "check/view.h"
#include "kinds/debian/debian.h"
#include "kinds/kinds.h"
#include "media/tree/tree.h"

#define MAX_CONFIG_BYTES (4 * 1024 * 1024)
#define IMAGE_HEADER 64 /* arm64: Documentation/arch/arm64/booting */
#define IMAGE_SIZE_AT 16
#define IMAGE_MAGIC_AT 56
#define IMAGE_MAGIC "ARM\x64"
#define BOOTM_LEN 0x4000000 /* U-Boot's CONFIG_SYS_BOOTM_LEN for arm64, boot/Kconfig */

/* Whether a package of this name is a kernel, as Debian names them: no metapackage, no symbols. */
static bool is_kernel(const char *package)
{
	const char *version = str_skip(package, "linux-image-");

	return version && *version >= '0' && *version <= '9' && !str_ends(package, "-dbg");
}

/* The first kernel in L with another name than NAME (NULL: any); NULL: none. */
static const char *kernel_in(const struct debian_lock *l, const char *name)
{
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];

		if (e->type == LOCK_PACKAGE && is_kernel(e->name) &&
		    !(name && str_eq(e->name, name)))
			return e->name;
	}
	return NULL;
}

/*
 * A kernel of another name than KERNEL in what O builds on, and whose lock has it; NULL: none.
 * Locks that cannot be read are left to another rule.
 */
static const char *kernel_below(const struct check_view *v, const struct debian_opts *o,
				const char *kernel, const char **ret_node)
{
	while (o->from) {
		struct debian_lock lock cleanup_lock = {0};
		struct err *err cleanup_err = NULL;
		const char *other;

		if (debian_base(v->arena, v->g->project, o, ret_node, &o, &err) < 0 ||
		    debian_lock_read(v->arena, v->g->project, *ret_node, &lock, &err) != 0)
			return NULL;
		other = kernel_in(&lock, kernel);
		if (other)
			return other;
	}
	return NULL;
}

/* Whether the tree of N has one at most; false where N is what brings its second kernel. */
static bool one_kernel(struct check_view *v, const struct node *n)
{
	const char *first, *second, *below = NULL;
	struct debian_lock lock cleanup_lock = {0};
	struct err *err cleanup_err = NULL;

	if (!n->wanted || n->recipe->kind != &kind_debian ||
	    debian_lock_read(v->arena, v->g->project, n->name, &lock, &err) != 0)
		return true;
	first = kernel_in(&lock, NULL);
	if (!first)
		return true;
	second = kernel_in(&lock, first);
	if (second) {
		check_say(v, CHECK_ONE_KERNEL, recipe_pos(n->recipe, "packages"),
			  "this tree has two kernels, '%s' and '%s': its initramfs is for one of "
			  "them, and /vmlinuz may be the other; name one in 'packages', then 'orch "
			  "lock %s'",
			  first, second, n->name);
		return false;
	}
	second = kernel_below(v, n->recipe->opts, first, &below);
	if (second)
		check_say(v, CHECK_ONE_KERNEL, recipe_pos(n->recipe, "packages"),
			  "this tree has two kernels, '%s' and, of node '%s', '%s': its "
			  "initramfs is for one of them, and /vmlinuz may be the other; leave the "
			  "kernel to '%s': 'orch lock --update PACKAGE' without a node takes a "
			  "newer one everywhere",
			  first, below, second, below);
	return !second;
}

/* Nodes still to be looked at; each once. */
struct search {
	struct nodes todo;
	bool *seen; /* by node index */
};

static void search_add(struct search *s, struct node *n)
{
	if (s->seen[n->index])
		return;
	s->seen[n->index] = true;
	nodes_push(&s->todo, n);
}

/* Adds what N is made of. What a machine did on the way may have been done by another kernel. */
static void search_inputs(struct search *s, const struct node *n)
{
	if (n->recipe->kind == &kind_vm || n->recipe->kind == &kind_test)
		return;
	for (size_t i = 0; i < n->in.count; i++) {
		if (n->in.items[i].from)
			search_add(s, n->in.items[i].from);
	}
}

/* The kernel in the lock of N, and the architecture of the lock; NULL: it has neither. */
static const char *kernel_of(const struct check_view *v, const struct node *n,
			     const char **ret_arch)
{
	struct debian_lock lock cleanup_lock = {0};
	struct err *err cleanup_err = NULL;

	if (n->recipe->kind != &kind_debian ||
	    debian_lock_read(v->arena, v->g->project, n->name, &lock, &err) != 0)
		return NULL;
	*ret_arch = lock.arch;
	return kernel_in(&lock, NULL);
}

/* The slot's initramfs may be made in another tree than the one that ships. */
static void one_kernel_in_slot(struct check_view *v, struct node *image)
{
	struct search s = {.seen = xcalloc(v->g->nodes.count + 1, sizeof(bool))};
	const struct node *first_node = NULL;
	const char *first = NULL, *first_arch = NULL;

	search_add(&s, image);
	for (size_t i = 0; i < s.todo.count; i++) {
		const struct node *n = s.todo.items[i];
		const char *arch = NULL, *kernel = kernel_of(v, n, &arch);

		search_inputs(&s, n);
		if (!kernel)
			continue;
		if (!first) {
			first = kernel;
			first_arch = arch;
			first_node = n;
		} else if (str_eq(arch, first_arch) && !str_eq(kernel, first)) {
			check_say(v, CHECK_ONE_KERNEL, recipe_pos(n->recipe, "packages"),
				  "the slot of image '%s' is made with two kernels, '%s' of node "
				  "'%s' and '%s' of node '%s': one's initramfs would "
				  "find the other's modules; 'orch lock --update PACKAGE' without "
				  "a node takes the same for both",
				  image->name, first, first_node->name, kernel, n->name);
			break;
		}
	}
	nodes_clear(&s.todo);
	free(s.seen);
}

static const struct tree_entry *first_with(struct tree *t, const char *prefix)
{
	size_t count, n = strlen(prefix);
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		if (strncmp(entries[i]->path, prefix, n) == 0 && S_ISREG(entries[i]->inode->mode))
			return entries[i];
	}
	return NULL;
}

/* The tree among the outputs of N that has a kernel; NULL: none, or N is not built. */
static int kernel_tree_of(const struct check_view *v, const struct node *n, struct tree **ret,
			  struct err **err)
{
	for (size_t i = 0; n->record && i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];
		struct tree *t cleanup_tree = NULL;
		char *path cleanup_free = NULL;

		if (a->type != OUTPUT_TREE)
			continue;
		path = cas_path(v->store_dir, a->type, &a->digest);
		t = tree_new(0, NULL);
		if (tree_read_tar(t, "/", path, TREE_FOLLOW | TREE_REPLACE, err) < 0)
			return -1;
		if (first_with(t, "boot/config-")) {
			*ret = steal_ptr(t);
			return 0;
		}
	}
	return 0;
}

int check_find_kernel(const struct check_view *v, struct node *image, struct tree **ret,
		      const struct node **ret_from, const struct node **ret_unbuilt,
		      struct err **err)
{
	struct search s = {.seen = xcalloc(v->g->nodes.count + 1, sizeof(bool))};
	int rc = 0;

	search_add(&s, image);
	for (size_t i = 0; rc == 0 && !*ret && i < s.todo.count; i++) {
		struct node *n = s.todo.items[i];

		rc = kernel_tree_of(v, n, ret, err);
		*ret_from = n;
		if (!n->record && n != image && !*ret_unbuilt && n->outputs.count &&
		    n->outputs.items[0].type == OUTPUT_TREE)
			*ret_unbuilt = n;
		for (size_t k = 0; k < n->in.count; k++) {
			if (n->in.items[k].from)
				search_add(&s, n->in.items[k].from);
		}
	}
	nodes_clear(&s.todo);
	free(s.seen);
	return rc;
}

/* 'y', 'm', or 'n' when the configuration does not have KEY. */
static char config_value(const char *config, const char *key)
{
	char *line cleanup_free = xasprintf("\n%s=", key);
	const char *p = strstr(config, line);

	if (!p)
		return 'n';
	return p[strlen(line)];
}

static bool has_module(struct tree *t, const char *file)
{
	char *part cleanup_free = xasprintf("/%s", file);
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		if (strstr(entries[i]->path, "lib/modules/") && strstr(entries[i]->path, part))
			return true;
	}
	return false;
}

static void kernel_can(struct check_view *v, struct tree *t, const struct node *from)
{
	static const struct {
		const char *key, *module, *why;
	} needs[] = {
		{"CONFIG_DM_VERITY", "dm-verity.ko", "RAUC verifies a bundle by dm-verity"},
		{"CONFIG_SQUASHFS", "squashfs.ko", "a bundle is a squashfs"},
		{"CONFIG_BLK_DEV_LOOP", "loop.ko", "RAUC mounts a bundle by a loop device"},
	};
	const struct tree_entry *entry = first_with(t, "boot/config-");
	char *config cleanup_free = tree_inode_text(entry->inode, MAX_CONFIG_BYTES);
	struct pos pos = {from->recipe->file, 1, 1};

	for (size_t i = 0; config && i < array_len(needs); i++) {
		char value = config_value(config, needs[i].key);

		if (value != 'y' && value != 'm')
			check_say(
				v, CHECK_KERNEL_FEATURES, pos,
				"the kernel of node '%s' (%s) has no %s: %s, so no update could be "
				"installed",
				from->name, entry->path, needs[i].key, needs[i].why);
		else if (value == 'm' && !has_module(t, needs[i].module))
			check_say(
				v, CHECK_KERNEL_FEATURES, pos,
				"node '%s' lacks the module %s of its kernel (%s has %s=m): %s, so "
				"no update could be installed",
				from->name, needs[i].module, entry->path, needs[i].key,
				needs[i].why);
	}
}

/* "kernel_offset=0x3000000" in the boot script. */
static const struct conf_entry *load_address(const struct check_text *script, const char *name,
					     uint64_t *ret)
{
	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];
		const char *value = str_skip(e->key, name);

		if (value && *value == '=' && conf_number(value + 1, ret) == 0)
			return e;
	}
	return NULL;
}

/* What the boot script names next above ADDRESS: "ramdisk_offset=0x9000000". */
static const struct conf_entry *next_address(const struct check_text *script, uint64_t address,
					     uint64_t *ret)
{
	const struct conf_entry *next = NULL;

	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];
		const char *eq = strchr(e->key, '=');
		uint64_t n;

		if (!eq || !str_skip(eq + 1, "0x") || conf_number(eq + 1, &n) != 0 ||
		    n <= address || (next && n >= *ret))
			continue;
		next = e;
		*ret = n;
	}
	return next;
}

static const struct tree_entry *kernel_image(struct tree *t)
{
	static const char *const names[] = {"vmlinuz", "boot/vmlinuz", "Image", "boot/Image"};

	for (size_t i = 0; i < array_len(names); i++) {
		const struct tree_entry *e = tree_resolve(t, names[i]);

		if (e && S_ISREG(e->inode->mode))
			return e;
	}
	return first_with(t, "boot/vmlinuz-");
}

/* The bytes that an arm64 kernel takes in memory, which are more than its file has. */
static bool memory_of(const struct tree_entry *kernel, uint64_t *ret)
{
	unsigned char h[IMAGE_HEADER];

	if (kernel->inode->size < sizeof(h))
		return false;
	tree_inode_read(kernel->inode, 0, h, sizeof(h));
	if (memcmp(h + IMAGE_MAGIC_AT, IMAGE_MAGIC, 4) != 0)
		return false;
	*ret = 0;
	for (int i = 7; i >= 0; i--)
		*ret = *ret << 8 | h[IMAGE_SIZE_AT + i];
	return true;
}

/* Up to what SCRIPT loads next above the kernel of SIZE, which it loads at START (line AT). */
static void room_above(struct check_view *v, const struct check_text *script,
		       const struct node *from, const struct conf_entry *at, uint64_t start,
		       uint64_t size)
{
	uint64_t end = 0;
	const struct conf_entry *next = next_address(script, start, &end);

	if (next && size > end - start)
		check_say(
			v, CHECK_KERNEL_ROOM, next->pos,
			"the kernel of node '%s' takes 0x%llx bytes of memory from 0x%llx (%s:%u) "
			"on and would be overwritten by what is loaded at 0x%llx",
			from->name, (unsigned long long)size, (unsigned long long)start,
			at->pos.file, at->pos.line, (unsigned long long)end);
}

/* Where bootm unpacks it: a place of U-Boot's own choice, that has a limit. */
static void room_unpacked(struct check_view *v, const struct check_text *script,
			  const struct node *from, uint64_t size)
{
	const struct conf_entry *set = conf_find(&v->kconfig, "", "CONFIG_SYS_BOOTM_LEN");
	uint64_t limit = BOOTM_LEN;

	if ((set && conf_number(set->value, &limit) != 0) || size <= limit)
		return;
	check_say(
		v, CHECK_KERNEL_ROOM, set ? set->pos : (struct pos){script->path, 1, 1},
		"the kernel of node '%s' takes 0x%llx bytes of memory, and U-Boot unpacks at most "
		"0x%llx: set CONFIG_SYS_BOOTM_LEN",
		from->name, (unsigned long long)size, (unsigned long long)limit);
}

static bool has_bootm(const struct check_text *script)
{
	for (size_t i = 0; i < script->lines.count; i++)
		if (str_eq(script->lines.items[i].key, "bootm"))
			return true;
	return false;
}

static void kernel_has_room(struct check_view *v, const struct check_text *script, struct tree *t,
			    const struct node *from)
{
	const struct tree_entry *kernel = kernel_image(t);
	struct pos pos = {script->path, 1, 1};
	const struct conf_entry *at;
	uint64_t start, size;

	at = load_address(script, "kernel_offset", &start);
	if (!kernel || !memory_of(kernel, &size))
		check_note(v, CHECK_KERNEL_ROOM, pos,
			   "not checked: node '%s' has no arm64 kernel that U-Boot could start as "
			   "it is",
			   from->name);
	else if (at)
		room_above(v, script, from, at, start, size);
	else if (has_bootm(script))
		room_unpacked(v, script, from, size);
	else
		check_note(v, CHECK_KERNEL_ROOM, pos,
			   "not checked: the script has no 'kernel_offset=' for the kernel of node "
			   "'%s'",
			   from->name);
}

struct node *check_root_image(const struct check_view *v)
{
	for (size_t i = 0; i < v->system.count; i++) {
		const struct check_partition *p = check_slot_partition(v, &v->system.items[i]);

		if (p && p->from)
			return graph_node(v->g, p->from->name);
	}
	return NULL;
}

int check_kernel_rules(struct check_view *v, struct err **err)
{
	struct node *image = check_root_image(v);
	const struct node *from = NULL, *unbuilt = NULL;
	struct tree *t cleanup_tree = NULL;
	bool one = true;

	for (size_t i = 0; i < v->g->nodes.count; i++)
		one &= one_kernel(v, v->g->nodes.items[i]);
	if (!image)
		return 0;
	if (one)
		one_kernel_in_slot(v, image);
	if (v->store_dir && check_find_kernel(v, image, &t, &from, &unbuilt, err) < 0)
		return -1;
	if (t) {
		kernel_can(v, t, from);
		for (size_t i = 0; i < v->texts.count; i++)
			if (v->texts.items[i].starts_kernel)
				kernel_has_room(v, &v->texts.items[i], t, from);
		return 0;
	}
	check_note(v, CHECK_KERNEL_FEATURES, (struct pos){image->recipe->file, 1, 1},
		   unbuilt ? "not checked until node '%s' is built: the kernel"
			   : "not checked: nothing that node '%s' is made of has /boot/config-*",
		   unbuilt ? unbuilt->name : image->name);
	return 0;
}
