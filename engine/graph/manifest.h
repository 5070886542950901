/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The manifest of a node: the short canonical text that everything is decided by. Its SHA-256 is
 * the node's key. Lines in this order:
 *
 *	orch-manifest 1
 *	kind image 3
 *	project "edge-device"
 *	node "root"
 *	epoch 1735689600
 *	option size "1572864000"                         schema_write()
 *	input "rootfs/" folder sha256:<hex>              a project folder: digest of its listing
 *	file "rootfs/" "etc/fstab" 0644 sha256:<hex>     what is in it: 0755 or 0644, nothing else
 *	file "rootfs/" "etc/localtime" link "/usr/share/zoneinfo/UTC"
 *	file "rootfs/" "var/empty" folder
 *	input "pki/signer.pem" file 0644 sha256:<hex>
 *	input "system:root.tar" output "root.tar" tree sha256:<hex> <bytes>
 *	input "base:/usr/lib/x" inside "root.tar" tree sha256:<hex> <bytes>
 *	input "base" node                                a node with all its outputs, one line each:
 *	output "base" "root.tar" tree sha256:<hex> <bytes>
 *	tool "rauc" "1.8"
 *
 * Content digests, never paths of this machine: an unchanged result of an input keeps the key.
 * Inputs are sorted by reference, what is in a folder by path. Times, owners and the umask do not
 * count; every entry of a folder does, whether git knows it or not.
 */
#include "graph/graph.h"

/* The versions of host programs, asked once per run: map of program name -> version text. */
struct tool_versions {
	struct map known;
	struct arena *arena;
};

/*
 * Writes the manifest of a node whose inputs are all settled (their records are known) and sets
 * n->manifest and n->key. Reads project files through the store's stat cache. ERR_USER when a
 * declared input is gone, ERR_ENV when a tool is missing.
 */
int manifest_make(struct graph *g, struct node *n, struct store *s, struct tool_versions *tools,
		  struct err **err) warn_unused;
/*
 * Whether the project files of the node are still what its manifest says (they were read while it
 * ran). 0 yes; 1 no, *ret_what names the first that changed (caller frees); -1.
 */
int manifest_recheck(struct graph *g, const struct node *n, struct store *s, char **ret_what,
		     struct err **err) warn_unused;

/* One difference between two manifests, as a sentence for people and as fields for JSON. */
struct change {
	/* "option", "input", "file", "tool", "kind", "epoch", "node", "project" */
	const char *what;
	const char *name;   /* "size", "rootfs/etc/fstab", "rauc" */
	const char *before; /* or NULL: new */
	const char *after;  /* or NULL: gone */
};
DEFINE_VEC(changes, struct change)
/*
 * Differences from OLD to NEW, files rather than the folders that hold them, elements rather than
 * indexes of a list. Strings live in ARENA; the caller clears RET.
 */
void manifest_diff(struct arena *arena, const char *old, const char *new, struct changes *ret);
/* "option size 4G -> 6G", "file rootfs/etc/fstab is new": one line, safe for a terminal. */
void change_text(const struct change *c, struct str *ret);
