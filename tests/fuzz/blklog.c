/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a disk's writes, replayed onto a card of 64 KiB of which the first half is watched. */
#include "fuzz.h"
#include "media/disk/blklog.h"

#define CARD (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file f cleanup_fuzz_file = fuzz_file(data, size);
	struct fuzz_file card cleanup_fuzz_file = fuzz_file(NULL, 0);
	static const struct replay_events events = {0};
	struct blklog *log cleanup_blklog = NULL;
	struct replay *replay cleanup_replay = NULL;
	struct err *err cleanup_err = NULL;
	struct stat st;

	assert(ftruncate(card.fd, CARD) == 0);
	if (blklog_open(f.path, &log, &err) < 0)
		return 0;
	replay_new(log, card.fd, &events, &replay);
	replay_area(replay, 0, CARD / 2, true);
	if (replay_run(replay, &err) < 0)
		assert(*err->text);
	assert(fstat(card.fd, &st) == 0 && st.st_size == CARD);
	return 0;
}
