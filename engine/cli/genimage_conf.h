/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The form of genimage's configuration, which is libconfuse's: "key = value", "key = {a, b}",
 * "section TITLE { … }", comments as in C and the shell. Nothing is known here of what keys mean.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"

struct conf_item {
	char *key, *title; /* title: of a section, or NULL */
	struct strv values;
	struct conf_item *items; /* of a section */
	size_t count;
	unsigned line;
	bool section;
	bool used; /* the reader's own */
};

/* TEXT of FILE into the items of *RET, a section without a name. ERR_USER with file and line. */
int genimage_parse(const char *file, const char *text, struct conf_item *ret,
		   struct err **err) warn_unused;
void conf_item_clear(struct conf_item *c);
#define cleanup_conf __attribute__((cleanup(conf_item_clear)))
