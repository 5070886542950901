/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What makes the outputs of each kind: a file NAME_run.c ends in a const struct maker. A worker has
 * them; whoever only reads recipes and plans has kinds/kinds.h and links none of this.
 */
#include "kinds/kinds.h"
#include "run/action.h"

/* The makers of all kinds, ended by NULL. */
extern const struct maker *const makers_all[];

extern const struct maker maker_board;
extern const struct maker maker_budget;
extern const struct maker maker_bundle;
extern const struct maker maker_debian;
extern const struct maker maker_device;
extern const struct maker maker_disk;
extern const struct maker maker_fetch;
extern const struct maker maker_fit;
extern const struct maker maker_group;
extern const struct maker maker_image;
extern const struct maker maker_package;
extern const struct maker maker_pki;
extern const struct maker maker_policy;
extern const struct maker maker_release;
extern const struct maker maker_repository;
extern const struct maker maker_shipped;
extern const struct maker maker_run;
extern const struct maker maker_test;
extern const struct maker maker_tree;
extern const struct maker maker_vm;
