/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Where a place of transport_web.c is, and who we are there:
 *
 *	https://HOST/PREFIX       http:// alone for this machine, or with ?plain=yes: whoever is on
 *	                          the way can read all and answer as he likes; records that are
 *	                          signed and blobs, which are named by content, stand that
 *	s3://BUCKET/PREFIX        of Amazon in REGION, or below $AWS_ENDPOINT_URL_S3 or
 *	                          $AWS_ENDPOINT_URL; signed with the key of the configuration or of
 *	                          $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, else not
 */
#include "base/http_request.h"
#include "remote/transport.h"

struct web_place {
	const char *base; /* URL, no '/' at its end */
	bool is_s3;
	struct http_signing signing; /* key_id NULL: none */
	const char *token, *user, *password;
};
/* Strings live in ARENA or ACCESS. E_REMOTE_URL. */
int web_place_find(struct arena *arena, const char *url, const struct remote_access *access,
		   struct web_place *ret, struct err **err) warn_unused;
