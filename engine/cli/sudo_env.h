/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * sudo hands on few variables. Those that say where the store and the configuration are, and are
 * not set, are taken from the environment that sudo itself was started with, as long as it waits
 * for us. For root who is about to become the one who called sudo: nobody else gets what he set.
 */
void sudo_env_restore(void);
