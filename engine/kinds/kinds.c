/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/kinds.h"

const struct kind *const kinds_all[] = {
	&kind_fetch,  &kind_debian,  &kind_tree,    &kind_run,    &kind_package, &kind_repository,
	&kind_vm,     &kind_image,   &kind_disk,    &kind_device, &kind_fit,     &kind_pki,
	&kind_bundle, &kind_release, &kind_shipped, &kind_board,  &kind_test,    &kind_budget,
	&kind_policy, &kind_group,   NULL,
};
