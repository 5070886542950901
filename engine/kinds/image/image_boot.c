/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * systemd-boot as bootctl installs it, taken from the tree (package systemd-boot-efi), and one
 * entry by the Boot Loader Specification, type 1. The kernel is copied: firmware and loader read
 * only the ESP.
 */
#include <ctype.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "kinds/image/image_opts.h"

#define LOADERS "usr/lib/systemd/boot/efi/systemd-boot"
#define KERNELS "boot/vmlinuz-"
#define MAX_OS_RELEASE (64 * 1024)

struct kernel {
	const char *path;   /* in the tree; arena of the tree */
	const char *initrd; /* or NULL */
	const char *version;
};

/* A copy of the file at FROM, links followed, at TO: 0644 0:0. */
static int copy_file(struct tree *t, const char *from, const char *to, struct err **err)
{
	struct tree_entry *e = tree_resolve(t, from);
	struct tree_inode *inode;

	if (!e || !S_ISREG(e->inode->mode))
		return err_set(err, E_IMAGE_LACKS, "the image has no file '/%s'", from);
	inode = tree_inode_new(t, S_IFREG | 0644, 0, 0, e->inode->mtime);
	inode->size = e->inode->size;
	inode->segments = e->inode->segments; /* both are read only and live as long as the tree */
	inode->segment_count = e->inode->segment_count;
	return tree_link(t, to, inode, TREE_FOLLOW, err);
}

/* EFI/BOOT/BOOTAA64.EFI and EFI/systemd/systemd-bootaa64.efi for each loader in the tree. */
static int install_loaders(struct tree *t, const char *esp, struct err **err)
{
	struct strv found cleanup_strv = {0};
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const char *arch = str_skip(entries[i]->path, LOADERS);

		if (arch && str_ends(arch, ".efi") && !strchr(arch, '/') &&
		    S_ISREG(entries[i]->inode->mode))
			strv_push(&found, entries[i]->path);
	}
	for (size_t i = 0; i < found.count; i++) {
		const char *name = path_base(found.items[i]),
			   *arch = found.items[i] + strlen(LOADERS);
		char *own cleanup_free = xasprintf("%s/EFI/systemd/%s", esp, name);
		char *fallback cleanup_free = xasprintf("%s/EFI/BOOT/BOOT%s", esp, arch);

		for (char *p = strrchr(fallback, '/'); *p; p++)
			*p = (char)toupper((unsigned char)*p);
		if (copy_file(t, found.items[i], own, err) < 0 ||
		    copy_file(t, found.items[i], fallback, err) < 0)
			return -1;
	}
	if (!found.count)
		return err_set(err, E_IMAGE_LACKS,
			       "bootloader: the image has no /" LOADERS
			       "*.efi: install package systemd-boot-efi");
	return 0;
}

/* The newest boot/vmlinuz-VERSION by version order, or NULL. */
static const char *newest_kernel(struct tree *t)
{
	const char *best = NULL;
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const char *version = str_skip(entries[i]->path, KERNELS);

		if (version && !strchr(version, '/') && S_ISREG(entries[i]->inode->mode) &&
		    (!best || strverscmp(version, best) > 0))
			best = version;
	}
	return best;
}

static bool is_file(struct tree *t, const char *path)
{
	struct tree_entry *e = tree_resolve(t, path);

	return e && S_ISREG(e->inode->mode);
}

static const char *first_file(struct tree *t, const char *const *paths)
{
	while (*paths && !is_file(t, *paths))
		paths++;
	return *paths;
}

static int find_kernel(struct tree *t, struct kernel *ret, struct err **err)
{
	static const char *const kernels[] = {"boot/vmlinuz", "vmlinuz", NULL};
	const char *version = newest_kernel(t);
	char *own_kernel cleanup_free = xasprintf(KERNELS "%s", version ? version : "");
	char *own_initrd cleanup_free = xasprintf("boot/initrd.img-%s", version ? version : "");
	const char *const initrds[] = {version ? own_initrd : "boot/initrd.img", "boot/initrd.img",
				       "initrd.img", NULL};

	ret->path = version ? tree_strdup(t, own_kernel) : first_file(t, kernels);
	ret->version = version ? tree_strdup(t, version) : "linux";
	ret->initrd = first_file(t, initrds);
	if (ret->initrd)
		ret->initrd = tree_strdup(t, ret->initrd);
	if (!ret->path)
		return err_set(err, E_IMAGE_LACKS,
			       "bootloader: the image has no kernel (/boot/vmlinuz-* or "
			       "/vmlinuz): install a linux-image package");
	return 0;
}

/* PRETTY_NAME of the tree's os-release, or TOKEN; caller frees. */
static char *title_of(struct tree *t, const char *token)
{
	struct tree_entry *e = tree_resolve(t, "usr/lib/os-release");
	char *text cleanup_free = e ? tree_inode_text(e->inode, MAX_OS_RELEASE) : NULL;
	const char *p = text ? strstr(text, "PRETTY_NAME=\"") : NULL;

	if (!p)
		return xstrdup(token);
	p += strlen("PRETTY_NAME=\"");
	return xstrndup(p, strcspn(p, "\"\n"));
}

static char *kernel_arguments(const struct image_boot *b)
{
	const char *given = b->cmdline ? b->cmdline : "";

	if (str_skip(given, "root=") || strstr(given, " root=") || !b->root_partuuid)
		return xstrdup(given);
	return xasprintf("root=PARTUUID=%s rw%s%s", b->root_partuuid, *given ? " " : "", given);
}

static int write_text(struct tree *t, const char *esp, const char *name, const struct str *text,
		      struct err **err)
{
	char *path cleanup_free = path_join(esp, name);

	return tree_add_file(t, path, 0644, text->buf, text->len, err);
}

static int write_entry(struct tree *t, const struct image_boot *b, const struct kernel *k,
		       struct err **err)
{
	struct str text cleanup_str = STR_INIT, loader cleanup_str = STR_INIT;
	char *title cleanup_free = title_of(t, b->token),
		    *arguments cleanup_free = kernel_arguments(b);
	char *name cleanup_free = xasprintf("loader/entries/%s-%s.conf", b->token, k->version);

	str_printf(&text, "title %s\nversion %s\nlinux /%s/%s/linux\n", title, k->version, b->token,
		   k->version);
	if (k->initrd)
		str_printf(&text, "initrd /%s/%s/initrd.img\n", b->token, k->version);
	str_printf(&text, "options %s\n", arguments);
	str_printf(&loader, "timeout 0\ndefault %s-%s.conf\n", b->token, k->version);
	if (write_text(t, b->esp, name, &text, err) < 0)
		return -1;
	return write_text(t, b->esp, "loader/loader.conf", &loader, err);
}

int image_install_boot(struct tree *t, const struct image_boot *b, struct err **err)
{
	struct kernel k;
	char *linux_path cleanup_free = NULL, *initrd_path cleanup_free = NULL;

	if (find_kernel(t, &k, err) < 0 || install_loaders(t, b->esp, err) < 0)
		return -1;
	linux_path = xasprintf("%s/%s/%s/linux", b->esp, b->token, k.version);
	initrd_path = xasprintf("%s/%s/%s/initrd.img", b->esp, b->token, k.version);
	if (copy_file(t, k.path, linux_path, err) < 0)
		return -1;
	if (k.initrd && copy_file(t, k.initrd, initrd_path, err) < 0)
		return -1;
	return write_entry(t, b, &k, err);
}
