/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the delta*.c files share. */
#include "base/map.h"
#include "evidence/delta.h"

/* A row about NAME in a section of P. */
struct delta_row *delta_add(struct delta_part *p, enum delta_section section, const char *name,
			    const char *change);
/* delta_disk.c: partitions, and the bytes beside them; A, B: the disks before and after. */
int delta_disk(struct delta_part *p, struct arena *arena, const struct look *a,
	       const struct look *b, struct err **err) warn_unused;
/* delta_system.c: all sections but files and partitions; BEFORE or AFTER may be NULL. */
void delta_system(struct delta_part *p, struct arena *arena, struct tree *before,
		  struct tree *after);
/* delta_files.c, after delta_system(): changes the user fields of inodes. */
void delta_files(struct delta_part *p, struct arena *arena, struct tree *before,
		 struct tree *after);
