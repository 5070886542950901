/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The identities of partition or file system NAME ("" for a whole image) of a node, as bytes of a
 * UUID: they depend on the project's name, that of the node's identity (recipe/recipe.h) and NAME
 * alone, so that an edit leaves them, and facts can tell them without building.
 */
void image_partition_uuid(const char *project, const char *identity, const char *name,
			  unsigned char ret[16]);
void image_filesystem_uuid(const char *project, const char *identity, const char *name,
			   unsigned char ret[16]);
/* The seed of ext4's directory hashes. */
void image_hash_seed(const char *project, const char *identity, const char *name,
		     unsigned char ret[16]);
