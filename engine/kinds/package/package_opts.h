/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind package. */
#include "recipe/schema.h"

/* The merged configuration of a kernel, among `outputs:`. */
#define PACKAGE_CONFIG "kernel.config"

struct package_opts {
	struct ref *source, *debian, *root, *emulator;
	const char *arch;     /* Debian's name; NULL: that of the root */
	struct list profiles; /* of const char * */
	struct list config;   /* of struct ref *: a word of kconfig, fragments; none: no kernel */
	struct list overlays; /* of struct ref * */
	struct list device_trees; /* of struct ref * */
	struct list modules;      /* of struct ref * */
	struct list env;          /* of struct pair * */
	struct list outputs;      /* of const char * */
	const char *cache;        /* kinds/run/build_cache.h; NULL: none */
	int64_t cpus, memory, scratch, timeout;
};
