/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The libguestfs appliance: a small Linux that edits images for an ordinary user. The only part of
 * orch that knows libguestfs; built without it (-Dguestfs=disabled), appliance_new() says so.
 *
 *	struct appliance *g cleanup_appliance = NULL;
 *	appliance_new(&opts, &g, err);
 *	appliance_add_disk(g, "disk.img", "image", false, err);	// APPLIANCE_DISK "image"
 *	appliance_launch(g, err);				// 10 to 30 s without KVM
 *	appliance_mkfs(g, ...); appliance_mount(g, ...); appliance_tar_in(g, ...);
 *	appliance_finish(g, err);				// write errors show up here
 *
 * Disks are raw and never probed; there is no network; nothing is read from the environment. Where
 * namespaces can be made, QEMU is confined to the appliance, the disks and tmp_dir
 * (appliance_wall.h). The appliance is built once per user and kernel in cache_dir, and looked at
 * before it is used again (appliance_seal.h). Temporary files lie below tmp_dir; what libguestfs
 * puts elsewhere (sockets of root, or where tmp_dir is too long a path for them) is noted in
 * cache_dir and removed by the next appliance if this process is killed (leftovers.h). A handle
 * belongs to one thread. Device names are the appliance's, paths those of its mounted tree.
 *
 * A disk has the name APPLIANCE_DISK LABEL in calls and in scripts (udev makes it of the serial
 * number that the label becomes), its partition N that name with N after it. /dev/sda and so on say
 * in which order the kernel found the disks, which nobody promises.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Memory of an appliance in MiB, for the scheduler. */
#define APPLIANCE_MEMORY_MB 1024

struct appliance;

struct appliance_opts {
	const char *name;      /* of the node, for libguestfs' own messages */
	const char *cache_dir; /* for the appliance and the answer about KVM; made if missing */
	const char *tmp_dir;   /* private to this handle */
	unsigned memory_mb;    /* 0: APPLIANCE_MEMORY_MB */
	unsigned cpus;         /* 0: 1 */
	/* Called with a line for the log; may be NULL. */
	void (*log)(void *arg, const char *line);
	/* Percent of the running operation; may be NULL. */
	void (*progress)(void *arg, int percent);
	void *arg;
};

/* Whether this build has libguestfs. */
bool appliance_supported(void);
int appliance_new(const struct appliance_opts *opts, struct appliance **ret,
		  struct err **err) warn_unused;
/* Ends the appliance, without caring for what was not written; NULL is fine. */
void appliance_free(struct appliance *g);
static inline void appliance_freep(struct appliance **g)
{
	appliance_free(*g);
}
#define cleanup_appliance __attribute__((cleanup(appliance_freep)))

#define APPLIANCE_DISK "/dev/disk/guestfs/"
/*
 * Before appliance_launch(). LABEL: at most 20 letters, another for each disk. READONLY: writes go
 * to a temporary overlay and PATH is not changed.
 */
int appliance_add_disk(struct appliance *g, const char *path, const char *label, bool readonly,
		       struct err **err) warn_unused;
int appliance_launch(struct appliance *g, struct err **err) warn_unused;
/* Unmounts, flushes and powers off; only after it are the disks complete. G must still be freed. */
int appliance_finish(struct appliance *g, struct err **err) warn_unused;

struct appliance_fs {
	const char *type;          /* "ext4", "vfat", "xfs", "btrfs", ... */
	const char *label;         /* or NULL */
	const char *uuid;          /* or NULL; where the file system can have one given */
	const unsigned char *seed; /* ext4: 16 bytes, hash seed of directories; or NULL: random */
	unsigned reserved_percent; /* ext4: blocks kept for root */
};
/*
 * ext4 is made with features that U-Boot and older kernels know, and without checksums of metadata:
 * so it can be made equal to another one of the same content afterwards (ext4_settle).
 */
#define APPLIANCE_EXT4_FEATURES "^metadata_csum,^metadata_csum_seed,^64bit,^orphan_file"
#define APPLIANCE_EXT4_SEED_AT (1024 + 0xec) /* s_hash_seed; the superblock has no checksum */
int appliance_mkfs(struct appliance *g, const char *device, const struct appliance_fs *fs,
		   struct err **err) warn_unused;
/*
 * OPTIONS as for mount -o, "" for none. With APPLIANCE_STEADY ext4 gives equal files equal blocks,
 * whatever the load of the machine: blocks are chosen while writing and not when the kernel finds
 * time.
 */
#define APPLIANCE_STEADY "nodelalloc,noinit_itable,noatime"
int appliance_mount(struct appliance *g, const char *device, const char *path, const char *options,
		    struct err **err) warn_unused;
int appliance_unmount(struct appliance *g, const char *path, struct err **err) warn_unused;
/*
 * Unpacks an uncompressed tar of the host below PATH. XATTRS: with extended attributes,
 * capabilities and ACLs; a file system without owners (vfat) takes neither.
 */
int appliance_tar_in(struct appliance *g, const char *tar, const char *path, bool xattrs,
		     struct err **err) warn_unused;
/*
 * Sets an ACL of PATH: TYPE is "access" or "default", TEXT like
 * "u::rwx,g::r-x,o::r-x", ids as numbers.
 */
int appliance_set_acl(struct appliance *g, const char *path, const char *type, const char *text,
		      struct err **err) warn_unused;
/*
 * Tells the disk about the free blocks of the file system mounted at PATH, so
 * that the image stays sparse.
 */
int appliance_trim(struct appliance *g, const char *path, struct err **err) warn_unused;
/*
 * Runs SCRIPT with /bin/sh of the appliance itself, as root; what is mounted stands below
 * APPLIANCE_ROOT. *ret_stdout (heap) is what it printed. What it writes to /dev/console goes to the
 * log as it comes. A script that fails is ERR_BUILD with the text of its stderr.
 */
#define APPLIANCE_ROOT "/sysroot"
int appliance_shell(struct appliance *g, const char *script, char **ret_stdout,
		    struct err **err) warn_unused;
