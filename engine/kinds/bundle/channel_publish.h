/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Laying a bundle and its channel out where a web server shows them (docs/channels.md):
 *
 *	DIR/bundles/VERSION-DIGEST/NAME.raucb   never changed, so any cache may keep it
 *	DIR/CHANNEL.channel                     the signed text, which devices ask for
 *	DIR/CHANNEL.json                        the same text for people
 *
 * The bundle is there, and on the disk, before a channel names it; a channel becomes another at
 * once, and by a second younger at least, which is what servers tell times in.
 */
#include "kinds/bundle/channel.h"

struct channel_order {
	const char *dir, *name;
	const char *bundle;               /* a file; NULL: the one that the channel has */
	const char *bundle_name;          /* "bundle.raucb" */
	const char *cert, *keyring, *key; /* as cms_sign() and cms_open() have them */
	int64_t now, not_before, expires; /* seconds since 1970 */
	uint64_t serial;                  /* 0: the next one */
	unsigned percent;
	bool halt; /* all else as it is */
};

/* How what is offered is: the channel, and whether the bundle was not there yet. */
struct channel_published {
	struct channel channel;
	bool added;
};

/*
 * Refused, and DIR is as it was (E_PUBLISHED_OTHER, E_CHANNEL_LOST): a channel that is of
 * other devices, that is not there though bundles are, that has a newer version or a higher serial,
 * or that nobody signed whom the keyring believes, unless `serial` says where to go on; a bundle
 * that was published with other bytes.
 */
int channel_publish(const struct channel_order *o, struct channel_published *ret,
		    struct err **err) warn_unused;
