/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What lies in out/ beside bundles and disks (kinds/beside_opts.h): bills of materials, which the
 * worker writes, because it has the libraries to look into images, and provenance. out/.beside
 * remembers what each was made of, so that one is written again only when something in it can have
 * changed, or the file has. One that the recipe no longer asks for is removed.
 */
#include "cli/session.h"

struct user_config;
/*
 * Of the results that N was made of, and of what this orch makes of them: a digest in hex; caller
 * frees. `orch sbom` refuses to write of anything else when BESIDE_MADE_OF is in its environment: a
 * file of the project may change while a build ends.
 */
char *beside_word(const struct session *s, const struct node *n);
#define BESIDE_MADE_OF "ORCH_MADE_OF"
/* Of what the statement says of the recipe and the project, as they are: SHA-256, hex; heap. */
char *beside_said(const struct session *s, const struct node *n);
/* The URI of who builds here. */
const char *beside_builder(const struct user_config *user);

/* Whether documents of N look into all that it is made of. */
bool beside_opens(const struct node *n);
/* Tells the user why a document of N is left out. */
typedef void beside_left_fn(void *arg, const struct node *n, const char *text);
/* Writes the documents of the targets of S that were placed in out/ (checkout.h). */
int beside_write(struct session *s, beside_left_fn *left, void *arg, struct err **err) warn_unused;
/*
 * Pushes the paths, relative to the project, of the documents of N that are there, and of what else
 * may change them.
 */
void beside_paths(const struct session *s, const struct node *n, struct strv *ret);
