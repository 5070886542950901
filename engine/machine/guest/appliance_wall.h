/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The wall around libguestfs' own QEMU (machine/sandbox/confined.h). libguestfs starts whatever
 * file it is told to, with QEMU's arguments, to ask for its version and to run an appliance. It is
 * told of a file whose first line names this very program: the kernel starts that as
 *
 *	orch-worker appliance FILE ARGUMENT...
 *
 * so that main() of whatever opens an appliance must hand these on to appliance_wall_main(), which
 * starts QEMU with the arguments, confined to what FILE.files names:
 *
 *	program /usr/bin/qemu-system-x86_64
 *	read /home/u/.cache/orch/appliance
 *	write /home/u/.cache/orch/work/root.1234.x/root.img
 *
 * The file has QEMU's time of change, by which libguestfs knows QEMU again.
 *
 * libguestfs (1.48 to 1.57, lib/command.c, add_string) also writes the path into a line for a
 * shell, with 118 to 126 bytes before it and up to 62 after it, in memory of 256, 512, ... bytes.
 * It asks for more only when all of that is in use, so that a word after the path may be written
 * beyond it. What is safe is a path on whose own bytes the memory grows: they are added one by one.
 */
#include "base/err.h"
#include "base/str.h"

/* Lines of FILE.files. */
void appliance_wall_program(struct str *files, const char *path);
void appliance_wall_read(struct str *files, const char *path);
void appliance_wall_write(struct str *files, const char *path);
/* The path of such a file in DIR, with as many slashes as libguestfs needs; the caller frees it. */
char *appliance_wall_path(const char *dir);
/* Makes the new file PATH, for QEMU at PROGRAM with FILES. */
int appliance_wall_make(const char *path, const char *program, const struct str *files,
			struct err **err) warn_unused;
/* main() of the program that such a file starts. ARGV[0] is the file. */
int appliance_wall_main(char *argv[]);
