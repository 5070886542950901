/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Maps of files on a disk that fails. A page that the disk cannot read, or that the file no longer
 * has, ends the process by SIGBUS. In between these two it reads as zeros from then on, and is
 * counted: for whoever looks at damaged media, and for no build, whose inputs must not become
 * zeros. Once in a process at a time.
 */
void map_faults_begin(void);
/* How many pages these were; the next one ends the process again. */
unsigned map_faults_end(void);
