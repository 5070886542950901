/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * libarchive, loaded when the first tree is read or written (see base/lazy.h): it brings fifteen
 * libraries with it, ICU among them. Included by the files of trees in place of <archive.h>; a
 * function that they begin to use gets a line in both lists.
 */
#include <archive.h>
#include <archive_entry.h>

#include "base/lazy.h"

/* clang-format off */
#define ARCHIVE_FUNCTIONS(X) \
	X(entry_acl_next) X(entry_acl_reset) X(entry_acl_types) X(entry_clear) \
	X(entry_copy_hardlink) X(entry_copy_pathname) X(entry_copy_symlink) X(entry_free) \
	X(entry_gid) X(entry_hardlink) X(entry_hardlink_utf8) X(entry_mode) X(entry_mtime) \
	X(entry_new) X(entry_pathname) X(entry_pathname_utf8) X(entry_rdevmajor) \
	X(entry_rdevminor) X(entry_set_gid) X(entry_set_mode) X(entry_set_mtime) \
	X(entry_set_rdevmajor) X(entry_set_rdevminor) X(entry_set_size) X(entry_set_uid) \
	X(entry_size) X(entry_sparse_count) X(entry_symlink) X(entry_symlink_utf8) X(entry_uid) \
	X(entry_xattr_add_entry) X(entry_xattr_next) X(entry_xattr_reset) \
	X(error_string) X(filter_bytes) X(read_append_filter) X(read_data_block) X(read_free) \
	X(read_header_position) \
	X(read_new) X(read_next_header) X(read_open_memory) X(read_support_format_empty) \
	X(read_support_format_raw) X(read_support_format_tar) \
	X(write_close) X(write_data) X(write_free) \
	X(write_header) X(write_new) X(write_open_fd) X(write_set_bytes_in_last_block) \
	X(write_set_bytes_per_block) X(write_set_format_pax_restricted) \
	X(write_set_options)
/* clang-format on */

struct archive_api {
#define X(name) LAZY_FIELD(archive_, name)
	ARCHIVE_FUNCTIONS(X)
#undef X
	__typeof__(&archive_errno) number; /* 'errno' is a macro and can go through no other */
};
extern struct archive_api archive_api;

/* Fills archive_api. ERR_ENV when the library is not installed. */
int archive_load(struct err **err) warn_unused;

#define archive_entry_acl_next(...) archive_api.entry_acl_next(__VA_ARGS__)
#define archive_entry_acl_reset(...) archive_api.entry_acl_reset(__VA_ARGS__)
#define archive_entry_acl_types(...) archive_api.entry_acl_types(__VA_ARGS__)
#define archive_entry_clear(...) archive_api.entry_clear(__VA_ARGS__)
#define archive_entry_copy_hardlink(...) archive_api.entry_copy_hardlink(__VA_ARGS__)
#define archive_entry_copy_pathname(...) archive_api.entry_copy_pathname(__VA_ARGS__)
#define archive_entry_copy_symlink(...) archive_api.entry_copy_symlink(__VA_ARGS__)
#define archive_entry_free(...) archive_api.entry_free(__VA_ARGS__)
#define archive_entry_gid(...) archive_api.entry_gid(__VA_ARGS__)
#define archive_entry_hardlink(...) archive_api.entry_hardlink(__VA_ARGS__)
#define archive_entry_hardlink_utf8(...) archive_api.entry_hardlink_utf8(__VA_ARGS__)
#define archive_entry_mode(...) archive_api.entry_mode(__VA_ARGS__)
#define archive_entry_mtime(...) archive_api.entry_mtime(__VA_ARGS__)
#define archive_entry_new(...) archive_api.entry_new(__VA_ARGS__)
#define archive_entry_pathname(...) archive_api.entry_pathname(__VA_ARGS__)
#define archive_entry_pathname_utf8(...) archive_api.entry_pathname_utf8(__VA_ARGS__)
#define archive_entry_rdevmajor(...) archive_api.entry_rdevmajor(__VA_ARGS__)
#define archive_entry_rdevminor(...) archive_api.entry_rdevminor(__VA_ARGS__)
#define archive_entry_set_gid(...) archive_api.entry_set_gid(__VA_ARGS__)
#define archive_entry_set_mode(...) archive_api.entry_set_mode(__VA_ARGS__)
#define archive_entry_set_mtime(...) archive_api.entry_set_mtime(__VA_ARGS__)
#define archive_entry_set_rdevmajor(...) archive_api.entry_set_rdevmajor(__VA_ARGS__)
#define archive_entry_set_rdevminor(...) archive_api.entry_set_rdevminor(__VA_ARGS__)
#define archive_entry_set_size(...) archive_api.entry_set_size(__VA_ARGS__)
#define archive_entry_set_uid(...) archive_api.entry_set_uid(__VA_ARGS__)
#define archive_entry_size(...) archive_api.entry_size(__VA_ARGS__)
#define archive_entry_sparse_count(...) archive_api.entry_sparse_count(__VA_ARGS__)
#define archive_entry_symlink(...) archive_api.entry_symlink(__VA_ARGS__)
#define archive_entry_symlink_utf8(...) archive_api.entry_symlink_utf8(__VA_ARGS__)
#define archive_entry_uid(...) archive_api.entry_uid(__VA_ARGS__)
#define archive_entry_xattr_add_entry(...) archive_api.entry_xattr_add_entry(__VA_ARGS__)
#define archive_entry_xattr_next(...) archive_api.entry_xattr_next(__VA_ARGS__)
#define archive_entry_xattr_reset(...) archive_api.entry_xattr_reset(__VA_ARGS__)
#define archive_errno(...) archive_api.number(__VA_ARGS__)
#define archive_error_string(...) archive_api.error_string(__VA_ARGS__)
#define archive_filter_bytes(...) archive_api.filter_bytes(__VA_ARGS__)
#define archive_read_append_filter(...) archive_api.read_append_filter(__VA_ARGS__)
#define archive_read_data_block(...) archive_api.read_data_block(__VA_ARGS__)
#define archive_read_header_position(...) archive_api.read_header_position(__VA_ARGS__)
#define archive_read_free(...) archive_api.read_free(__VA_ARGS__)
#define archive_read_new(...) archive_api.read_new(__VA_ARGS__)
#define archive_read_next_header(...) archive_api.read_next_header(__VA_ARGS__)
#define archive_read_open_memory(...) archive_api.read_open_memory(__VA_ARGS__)
#define archive_read_support_format_empty(...) archive_api.read_support_format_empty(__VA_ARGS__)
#define archive_read_support_format_raw(...) archive_api.read_support_format_raw(__VA_ARGS__)
#define archive_read_support_format_tar(...) archive_api.read_support_format_tar(__VA_ARGS__)
#define archive_write_close(...) archive_api.write_close(__VA_ARGS__)
#define archive_write_data(...) archive_api.write_data(__VA_ARGS__)
#define archive_write_free(...) archive_api.write_free(__VA_ARGS__)
#define archive_write_header(...) archive_api.write_header(__VA_ARGS__)
#define archive_write_new(...) archive_api.write_new(__VA_ARGS__)
#define archive_write_open_fd(...) archive_api.write_open_fd(__VA_ARGS__)
#define archive_write_set_bytes_in_last_block(...) \
	archive_api.write_set_bytes_in_last_block(__VA_ARGS__)
#define archive_write_set_bytes_per_block(...) archive_api.write_set_bytes_per_block(__VA_ARGS__)
#define archive_write_set_format_pax_restricted(...) \
	archive_api.write_set_format_pax_restricted(__VA_ARGS__)
#define archive_write_set_options(...) archive_api.write_set_options(__VA_ARGS__)
