/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* All kinds of this build, ended by NULL, in the order of `orch kinds`. */
#include "recipe/kind.h"

extern const struct kind *const kinds_all[];

extern const struct kind kind_board;
extern const struct kind kind_budget;
extern const struct kind kind_bundle;
extern const struct kind kind_debian;
extern const struct kind kind_device;
extern const struct kind kind_disk;
extern const struct kind kind_fetch;
extern const struct kind kind_fit;
extern const struct kind kind_group;
extern const struct kind kind_image;
extern const struct kind kind_package;
extern const struct kind kind_pki;
extern const struct kind kind_policy;
extern const struct kind kind_release;
extern const struct kind kind_repository;
extern const struct kind kind_shipped;
extern const struct kind kind_run;
extern const struct kind kind_test;
extern const struct kind kind_tree;
extern const struct kind kind_vm;
