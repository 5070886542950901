/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * URLs: their parts, and how they are shown. What stands before the '@' is a secret, and so
 * may be a query (signed links): neither is ever logged or part of a message.
 */
#include <stdbool.h>

#include "base/alloc.h"

struct url {
	const char *scheme;          /* "https"; "" when TEXT has none */
	const char *user, *password; /* percent-decoded; NULL: none */
	const char *host;            /* without the brackets of an IPv6 address; "" for file: */
	const char *port;            /* digits, or "" */
	const char *path;            /* from the '/' on, with the query; "" when there is none */
};

/* Takes TEXT apart; strings live in ARENA. */
void url_split(struct arena *arena, const char *text, struct url *ret);
/* TEXT without what stands before the '@'. Arena. */
const char *url_without_user(struct arena *arena, const char *text);
bool url_has_user(const char *text);
/* For people: TEXT without secrets; a query is shown as "?...". Caller frees. */
char *url_shown(const char *text);
/* Undoes %XX; a '%' that no two hex digits follow stands for itself. Arena. */
char *url_decode(struct arena *arena, const char *text);
/* PATH as it stands in a URL: everything but printable ASCII and "%?#" as %XX. Arena. */
char *url_encode_path(struct arena *arena, const char *path);
