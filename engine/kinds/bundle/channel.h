/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Channels: what a fleet is offered, as a signed file that any web server shows (docs/channels.md).
 * Devices read its text by lines, so there is one way to write it: a key a line, in this order.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

#define CHANNEL_NAME_MAX 32
#define CHANNEL_SERIAL_MAX UINT64_C(999999999999999) /* what a shell counts to in any case */
#define CHANNEL_MAX (64 << 10)                       /* of the signed file, bytes */

struct channel {
	char name[CHANNEL_NAME_MAX + 1];
	char compatible[256], version[256];  /* the bundle's */
	char bundle[320];                    /* its path, from the directory of the channel */
	uint64_t serial, size;               /* size: of the bundle, bytes */
	int64_t issued, not_before, expires; /* seconds since 1970 */
	unsigned percent;                    /* of the devices, 0 to 100 */
	bool halt;                           /* nobody takes it */
	struct digest sha256, manifest; /* of the bundle's file, of its manifest as RAUC has it */
};

/* Whether NAME can be a channel's: small letters, digits and '-', CHANNEL_NAME_MAX at most. */
bool channel_is_name(const char *name);
void channel_write(const struct channel *c, struct str *ret);
/* The text that channel_write() makes, to the byte; PATH is for messages. E_SIGNED_UNREADABLE. */
int channel_read(const char *path, const struct str *text, struct channel *ret,
		 struct err **err) warn_unused;
/* "2026-11-30T20:00:00Z"; BUF of 24 bytes; returns BUF. */
char *channel_time(int64_t seconds, char buf[24]);
/*
 * What the bundle at PATH says of itself, without a look at its signature: compatible, version,
 * size, sha256 and manifest.
 */
int channel_look_at(const char *path, struct channel *ret, struct err **err) warn_unused;
/*
 * Whether a device that runs version B takes A as newer, in the order of semver.org: numbers by
 * value, what follows '-' is before the release, what follows '+' counts nothing.
 */
bool channel_is_newer(const char *a, const char *b);
