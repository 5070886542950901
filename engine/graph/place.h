/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a path of the project leads to, and those that no reference may hand out. DIRFD is the
 * project's root throughout; paths are relative to it.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/alloc.h"
#include "base/vec.h"

/* Every link followed. */
struct place {
	char type; /* 'f' file, 'd' directory, 's' something else, 'o' leads out, 0 nothing there */
	dev_t dev;
	ino_t ino;
	char *real; /* relative to the project's root; NULL: not known */
};
struct place place_find(int dirfd, const char *path);
void place_clear(struct place *p);
#define cleanup_place __attribute__((cleanup(place_clear)))
/* The type alone. */
char place_type(int dirfd, const char *path);
/* The entry of the path's directory that is written most alike; caller frees; NULL: none. */
char *place_near(int dirfd, const char *path);

/* A file or directory that no reference may hand out: a private key, pki/private. */
struct hidden {
	const char *path; /* as it is named, relative to the project's root */
	const char *real; /* the same with every link followed; NULL: not known */
	bool exists;      /* DEV and INO are known */
	dev_t dev;
	ino_t ino;
};
DEFINE_VEC(hidden_list, struct hidden)

/* Adds PATH, which must live as long as the list; what else it takes lives in ARENA. */
void place_hide(struct hidden_list *list, struct arena *arena, int dirfd, const char *path);
/*
 * What of the list PATH, which is place P, is, holds or lies in: by its text, by where its links
 * lead, or by another name of the same file. NULL: nothing.
 */
const char *place_hidden(const struct hidden_list *list, const char *path, const struct place *p);
