/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Who the user is to a server: what ~/.netrc has for its host, or else what the program says that
 * `credential-helper:` of config.yaml names. A helper speaks git's protocol (git-credential(1),
 * gitcredentials(7)): it is started with "get" as its last argument, reads
 *
 *	protocol=https
 *	host=example.org:8443
 *
 * and an empty line on stdin, and answers "username=" and "password=" lines, or nothing. Those that
 * git has work as they are.
 *
 * Both are asked by the process that fetches. What they say is in its memory alone: never in an
 * argv, an environment, a file or a message. So a helper's stderr is dropped, and the process
 * leaves no core dump from then on.
 */
#include "base/http.h"

#define LOGIN_HELPER_S 30 /* a helper has so many seconds */

/* What ~/.netrc has for the host of URL. 0, or 1 when it has nothing. Arena. */
int login_netrc(struct arena *arena, const char *url, const char **ret_user,
		const char **ret_password);
/*
 * ~/.netrc, then the helper: for http_access.ask, with an arena as ARG. 0; 1: nobody knows; or -1
 * when the helper fails, takes too long or cannot be understood.
 */
int login_ask(void *arg, const char *url, const char **ret_user, const char **ret_password,
	      struct err **err) warn_unused;

/* ---- for tests ---- */

/* login_netrc() for the text of a file. */
int login_netrc_find(struct arena *arena, const char *text, const char *url, const char **ret_user,
		     const char **ret_password);
/* What a helper answered. 0; 1: it does not know; -1: it is not such an answer. */
int login_answer_parse(struct arena *arena, const struct str *text, const char **ret_user,
		       const char **ret_password);
