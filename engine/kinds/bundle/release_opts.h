/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind release, and the names of its outputs. */
#include "recipe/schema.h"

struct release_opts {
	const char *at;
	struct digest install, bundle;
};

/* Names of the outputs, and of the files in the directory. */
#define RELEASE_INSTALL "install.img"
#define RELEASE_BUNDLE "bundle.raucb"

/* Whether AT is a URL, not a directory of the project. */
bool release_is_url(const char *at);
