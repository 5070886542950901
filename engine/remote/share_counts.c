/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/share_counts.h"

#include <inttypes.h>
#include <stdio.h>

#define NOTE "share-counts"

int share_counts_read(struct store *s, struct share_counts *ret, struct err **err)
{
	struct share_counts n = {0};
	struct str text cleanup_str = STR_INIT;

	*ret = n;
	if (store_note_get(s, NOTE, &text, err) < 0)
		return -1;
	if (sscanf(text.buf,
		   "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64,
		   &n.asked, &n.hits, &n.refused, &n.damaged, &n.pushed, &n.known, &n.sent,
		   &n.received) == 8)
		*ret = n;
	return 0;
}

void share_counts_add(struct store *s, const struct share_counts *more, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	struct share_counts n;

	if (share_counts_read(s, &n, err) < 0)
		return;
	str_printf(&text,
		   "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		   " %" PRIu64 " %" PRIu64 "\n",
		   n.asked + more->asked, n.hits + more->hits, n.refused + more->refused,
		   n.damaged + more->damaged, n.pushed + more->pushed, n.known + more->known,
		   n.sent + more->sent, n.received + more->received);
	(void)!store_note_put(s, NOTE, &text, err);
}
