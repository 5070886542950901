/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What this machine can do. Nothing is taken for granted from a device node or a package: KVM
 * counts as usable only after a real kernel has started under it.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"

/*
 * Whether guests of this machine's own architecture can use KVM: /dev/kvm opens, and a child QEMU
 * prints a kernel's first line within 20 s. Asked once per boot, QEMU version and device: the
 * answer lies in CACHE_DIR (NULL: not kept). RET_WHY (may be NULL) gets a sentence; caller frees.
 */
int host_kvm_usable(const char *cache_dir, bool *ret, char **ret_why, struct err **err) warn_unused;

/* The newest /boot/vmlinuz-* this user can read, or NULL; caller frees. libguestfs needs one. */
char *host_kernel(void);

enum finding_level {
	FINDING_OK,
	FINDING_SLOW,    /* works, but something faster or better is missing */
	FINDING_MISSING, /* some kinds cannot work without it */
};

struct finding {
	enum finding_level level;
	const char *what; /* "kvm", "user namespaces", "tracing", "rauc" */
	const char *text; /* what was found, or what does not work without it */
	const char *fix;  /* the command that mends it; NULL when nothing is to be done */
};
DEFINE_VEC(findings, struct finding)

struct host_query {
	const char *cache_dir; /* for the KVM answer and scratch files; NULL: ask again, /tmp */
	const char *store_dir; /* whose free space is looked at; NULL: not asked */
	bool quick;            /* start no program but for versions: leaves KVM out */
};
/* All findings, in a fixed order. Never fails: what cannot be found out is a finding. */
void host_probe(struct arena *arena, const struct host_query *query, struct findings *ret);
