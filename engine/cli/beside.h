/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What lies in out/ beside bundles and disks (kinds/beside_opts.h): bills of materials, which the
 * worker writes, because it has the libraries to look into images, and provenance. out/.beside
 * remembers what each
 * was made of, so that one is written again only when something in it can have changed, or the file
 * has. One that the recipe no longer asks for is removed.
 */
#include "cli/session.h"

struct user_config;
/* The URI of who builds here. */
const char *beside_builder(const struct user_config *user);

/* Tells the user why a document of N is left out. */
typedef void beside_left_fn(void *arg, const struct node *n, const char *text);
/* Writes the documents of the targets of S that were placed in out/ (checkout.h). */
int beside_write(struct session *s, beside_left_fn *left, void *arg, struct err **err) warn_unused;
/*
 * Pushes the paths, relative to the project, of the documents of N that are there, and of what else
 * may change them.
 */
void beside_paths(const struct session *s, const struct node *n, struct strv *ret);
