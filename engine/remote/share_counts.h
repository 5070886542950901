/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What this store's runs and commands had of shared caches, added up, for `orch cache stats`. */
#include "remote/share.h"

int share_counts_read(struct store *s, struct share_counts *ret, struct err **err) warn_unused;
/* What is lost here is lost to statistics alone. */
void share_counts_add(struct store *s, const struct share_counts *more, struct err **err);
