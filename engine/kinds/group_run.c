/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a group: there is nothing to make. */
#include "kinds/makers.h"

static int group_run(struct action *a, struct err **err)
{
	return 0;
}

const struct maker maker_group = {
	.kind = &kind_group,
	.run = group_run,
};
