/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * SQLite, loaded with the first database that is opened: binding its symbols was a fifth of what
 * `orch --version` took, and completion opens none for most words. Its functions are called as
 * sqlite.NAME(), which are sqlite3_NAME() of its manual; constants and types are its header's.
 */
#include <sqlite3.h>

#include "base/err.h"

#define SQLITE_CALLS(X)          \
	X(bind_blob)             \
	X(bind_blob64)           \
	X(bind_double)           \
	X(bind_int)              \
	X(bind_int64)            \
	X(bind_null)             \
	X(bind_text)             \
	X(bind_value)            \
	X(busy_handler)          \
	X(close)                 \
	X(column_blob)           \
	X(column_bytes)          \
	X(column_count)          \
	X(column_double)         \
	X(column_int)            \
	X(column_int64)          \
	X(column_text)           \
	X(column_type)           \
	X(column_value)          \
	X(db_config)             \
	X(errcode)               \
	X(errmsg)                \
	X(errstr)                \
	X(exec)                  \
	X(extended_result_codes) \
	X(finalize)              \
	X(get_autocommit)        \
	X(last_insert_rowid)     \
	X(open_v2)               \
	X(prepare_v2)            \
	X(prepare_v3)            \
	X(reset)                 \
	X(step)                  \
	X(system_errno)          \
	X(wal_checkpoint_v2)

#define SQLITE_POINTER(name) __typeof__(sqlite3_##name) *name;
struct sqlite_calls {
	SQLITE_CALLS(SQLITE_POINTER)
};

/* Valid after sqlite_load(). */
extern struct sqlite_calls sqlite;
/* Nothing when it is loaded already. ERR_ENV. */
int sqlite_load(struct err **err) warn_unused;
