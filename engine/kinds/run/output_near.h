/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The file below directory WORK that was probably meant to be its file NAME: of that name in a
 * directory, or of nearly that name; relative to WORK. NULL: none. Heap.
 */
char *output_near(const char *work, const char *name);
