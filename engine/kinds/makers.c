/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/makers.h"

const struct maker *const makers_all[] = {
	&maker_fetch,   &maker_debian,     &maker_tree,    &maker_run,
	&maker_package, &maker_repository, &maker_vm,      &maker_image,
	&maker_disk,    &maker_device,     &maker_fit,     &maker_pki,
	&maker_bundle,  &maker_release,    &maker_shipped, &maker_board,
	&maker_test,    &maker_budget,     &maker_policy,  &maker_group,
	NULL,
};
