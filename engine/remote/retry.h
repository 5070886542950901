/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Servers that fail for a while: how long to wait before something is tried again, and when not to
 * ask a server at all.
 */
#include <stdbool.h>
#include <stdint.h>

/* The first try and those after it. */
#define RETRY_TRIES 8
/* A server that has never answered is tried again for so long. */
#define RETRY_STRANGER_MS 2000

/* One thing that is tried; all zero: not yet. */
struct retry {
	unsigned failed;
	uint64_t since_ms; /* of the first failure; clock_ms() */
};

/*
 * After a try that failed: milliseconds to wait before the next (0.1 to 6.4 s, doubled each time,
 * and up to half of that more by chance, so that many do not come back at once), or -1: that was
 * the last. KNOWN: this server has answered before.
 */
int retry_pause(struct retry *r, bool known);

void retry_sleep(int ms);

/* A server that is left alone for OFF after it failed, then asked once. All zero: it is asked. */
#define BREAKER_OFF_MS 30000

struct breaker {
	bool open;
	uint64_t until_ms; /* clock_ms() */
};

/* Whether the server may be asked. True once after each pause: that is the probe. */
bool breaker_lets(struct breaker *b);
/* The same, without taking the probe. */
bool breaker_would_let(const struct breaker *b);
/* What came of it: an answer, or nothing after all tries. */
void breaker_answered(struct breaker *b);
/* Returns true when it had been asked until now: time to tell the user. */
bool breaker_failed(struct breaker *b);
