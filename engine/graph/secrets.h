/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The contents that no input may have: those of private keys. That a path leads to one, resolve.h
 * sees; a copy of one under another name has nothing in common with it but its bytes.
 */
#include "base/digest.h"
#include "base/vec.h"

struct secret {
	const char *path; /* relative to the project's root */
	struct digest digest;
};
DEFINE_VEC(secrets, struct secret)

/*
 * Adds the file PATH below DIRFD, or those files of the directory PATH that hold a private key
 * (base/private_key.h): certificates may lie beside it. What cannot be read is left out: who cannot
 * read it has no copy of it. PATH is copied into ARENA.
 */
void secrets_add(struct secrets *s, struct arena *arena, int dirfd, const char *path);
/* The path of the secret with this content, or NULL. */
const char *secrets_find(const struct secrets *s, const struct digest *digest);
