/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Root file systems that others made: files of the project and images of nodes that hold one, which
 * a disk or a bundle takes as they are, or which 'unpack' lays into a tree.
 */
#include "check/view.h"
#include "media/tree/tree.h"

/*
 * The file that REF means, heap. NULL: it is the output of *ret_unbuilt, which is not built; or
 * nothing that is a file.
 */
char *check_file_of(const struct check_view *v, const struct ref *ref,
		    const struct node **ret_unbuilt);
/* Adds the tree that image or archive FILE holds at INSIDE (NULL: all of it) to T. */
int check_add_file(const struct check_view *v, struct tree *t, const char *file, const char *inside,
		   struct err **err) warn_unused;
/*
 * Whether REF, of a disk's partition or a bundle, is a root file system that no recipe here puts
 * together: a file of the project, a download, what a step made of these alone, or an image with
 * one of them in it.
 */
bool check_is_foreign(const struct check_view *v, const struct ref *ref);
/*
 * Adds what of these IMAGE unpacks to T; *ret_unbuilt as for check_read_trees(), which does the
 * same for trees of nodes.
 */
int check_add_unpacked(const struct check_view *v, const struct node *image, struct tree *t,
		       const struct node **ret_unbuilt, struct err **err) warn_unused;
