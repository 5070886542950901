/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/image/image_ids.h"

#include "base/digest.h"

void image_partition_uuid(const char *project, const char *identity, const char *name,
			  unsigned char ret[16])
{
	uuid_derive(ret, project, identity, "partition", name, NULL);
}

void image_filesystem_uuid(const char *project, const char *identity, const char *name,
			   unsigned char ret[16])
{
	uuid_derive(ret, project, identity, "filesystem", name, NULL);
}

void image_hash_seed(const char *project, const char *identity, const char *name,
		     unsigned char ret[16])
{
	uuid_derive(ret, project, identity, "hash-seed", name, NULL);
}
