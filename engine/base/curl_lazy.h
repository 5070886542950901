/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * libcurl, loaded by the first fetch (see base/lazy.h): it brings thirty libraries with it.
 * Included by http.c in place of <curl/curl.h>; a function that http.c begins to use gets a line in
 * both lists.
 */
#define CURL_DISABLE_TYPECHECK /* its macros would hide ours */
#include <curl/curl.h>

#include "base/lazy.h"

/* clang-format off */
#define CURL_FUNCTIONS(X)                                                                        \
	X(easy_cleanup)                                                                          \
	X(easy_getinfo)                                                                          \
	X(easy_init) X(easy_setopt) X(easy_strerror) X(global_init) X(multi_add_handle)          \
		X(multi_cleanup) X(multi_info_read) X(multi_init) X(multi_perform) X(multi_poll) \
			X(multi_remove_handle) X(multi_strerror)
/* clang-format on */

#undef curl_easy_setopt
#undef curl_easy_getinfo
struct curl_api {
#define X(name) LAZY_FIELD(curl_, name)
	CURL_FUNCTIONS(X)
#undef X
};
extern struct curl_api curl_api;

/* Fills curl_api. ERR_ENV when the library is not installed. */
int curl_load(struct err **err) warn_unused;

#define curl_easy_cleanup(...) curl_api.easy_cleanup(__VA_ARGS__)
#define curl_easy_getinfo(...) curl_api.easy_getinfo(__VA_ARGS__)
#define curl_easy_init(...) curl_api.easy_init(__VA_ARGS__)
#define curl_easy_setopt(...) curl_api.easy_setopt(__VA_ARGS__)
#define curl_easy_strerror(...) curl_api.easy_strerror(__VA_ARGS__)
#define curl_global_init(...) curl_api.global_init(__VA_ARGS__)
#define curl_multi_add_handle(...) curl_api.multi_add_handle(__VA_ARGS__)
#define curl_multi_cleanup(...) curl_api.multi_cleanup(__VA_ARGS__)
#define curl_multi_info_read(...) curl_api.multi_info_read(__VA_ARGS__)
#define curl_multi_init(...) curl_api.multi_init(__VA_ARGS__)
#define curl_multi_perform(...) curl_api.multi_perform(__VA_ARGS__)
#define curl_multi_poll(...) curl_api.multi_poll(__VA_ARGS__)
#define curl_multi_remove_handle(...) curl_api.multi_remove_handle(__VA_ARGS__)
#define curl_multi_strerror(...) curl_api.multi_strerror(__VA_ARGS__)
