/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind shipped, and the names of its outputs. */
#include "recipe/schema.h"

struct shipped_opts {
	const char *at;
	struct digest install, bundle;
	struct digest device; /* all zero: not given */
};

/* Names of the outputs, and of the files in the directory. */
#define SHIPPED_INSTALL "install.img"
#define SHIPPED_BUNDLE "bundle.raucb"

/* Whether AT is a URL, not a directory of the project. */
bool shipped_is_url(const char *at);
bool shipped_has_device(const struct shipped_opts *o);
