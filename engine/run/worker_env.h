/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The environment of kinds and their children: who the user is and how to reach the network, and
 * otherwise the same everywhere. Temporary files belong into the work directory.
 */
#include "run/action.h"

void worker_set_environment(const struct action *a);
