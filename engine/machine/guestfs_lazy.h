/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * libguestfs, loaded when the first guest is opened (see base/lazy.h). Included by guest.c in place
 * of <guestfs.h>; a function that guest.c begins to use gets a line in both lists.
 */
#include <guestfs.h>

#include "base/lazy.h"

/* clang-format off */
#define GUESTFS_FUNCTIONS(X) \
	X(acl_set_file) X(add_drive_opts) X(close) X(create_flags) X(debug) X(fstrim) \
	X(last_errno) X(last_error) X(launch) X(mkfs_opts_argv) X(mount_options) \
	X(parse_environment_list) X(pwrite_device) X(set_autosync) X(set_backend) \
	X(set_backend_setting) X(set_cachedir) X(set_error_handler) X(set_event_callback) \
	X(set_identifier) X(set_memsize) X(set_smp) X(set_tmpdir) X(set_uuid) \
	X(set_verbose) X(shutdown) X(tar_in_opts_argv) X(tune2fs) X(umount) X(umount_all)
/* clang-format on */

struct guestfs_api {
#define X(name) LAZY_FIELD(guestfs_, name)
	GUESTFS_FUNCTIONS(X)
#undef X
};
extern struct guestfs_api guestfs_api;

/* Fills guestfs_api. ERR_ENV when the library is not installed. */
int guestfs_load(struct err **err) warn_unused;

#define guestfs_acl_set_file(...) guestfs_api.acl_set_file(__VA_ARGS__)
#define guestfs_add_drive_opts(...) guestfs_api.add_drive_opts(__VA_ARGS__)
#define guestfs_close(...) guestfs_api.close(__VA_ARGS__)
#define guestfs_create_flags(...) guestfs_api.create_flags(__VA_ARGS__)
#define guestfs_debug(...) guestfs_api.debug(__VA_ARGS__)
#define guestfs_fstrim(...) guestfs_api.fstrim(__VA_ARGS__)
#define guestfs_last_errno(...) guestfs_api.last_errno(__VA_ARGS__)
#define guestfs_last_error(...) guestfs_api.last_error(__VA_ARGS__)
#define guestfs_launch(...) guestfs_api.launch(__VA_ARGS__)
#define guestfs_mkfs_opts_argv(...) guestfs_api.mkfs_opts_argv(__VA_ARGS__)
#define guestfs_mount_options(...) guestfs_api.mount_options(__VA_ARGS__)
#define guestfs_parse_environment_list(...) guestfs_api.parse_environment_list(__VA_ARGS__)
#define guestfs_pwrite_device(...) guestfs_api.pwrite_device(__VA_ARGS__)
#define guestfs_set_autosync(...) guestfs_api.set_autosync(__VA_ARGS__)
#define guestfs_set_backend(...) guestfs_api.set_backend(__VA_ARGS__)
#define guestfs_set_backend_setting(...) guestfs_api.set_backend_setting(__VA_ARGS__)
#define guestfs_set_cachedir(...) guestfs_api.set_cachedir(__VA_ARGS__)
#define guestfs_set_error_handler(...) guestfs_api.set_error_handler(__VA_ARGS__)
#define guestfs_set_event_callback(...) guestfs_api.set_event_callback(__VA_ARGS__)
#define guestfs_set_identifier(...) guestfs_api.set_identifier(__VA_ARGS__)
#define guestfs_set_memsize(...) guestfs_api.set_memsize(__VA_ARGS__)
#define guestfs_set_smp(...) guestfs_api.set_smp(__VA_ARGS__)
#define guestfs_set_tmpdir(...) guestfs_api.set_tmpdir(__VA_ARGS__)
#define guestfs_set_uuid(...) guestfs_api.set_uuid(__VA_ARGS__)
#define guestfs_set_verbose(...) guestfs_api.set_verbose(__VA_ARGS__)
#define guestfs_shutdown(...) guestfs_api.shutdown(__VA_ARGS__)
#define guestfs_tar_in_opts_argv(...) guestfs_api.tar_in_opts_argv(__VA_ARGS__)
#define guestfs_tune2fs(...) guestfs_api.tune2fs(__VA_ARGS__)
#define guestfs_umount(...) guestfs_api.umount(__VA_ARGS__)
#define guestfs_umount_all(...) guestfs_api.umount_all(__VA_ARGS__)
