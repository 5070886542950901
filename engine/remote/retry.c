/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/retry.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"

#define PAUSE_MS 100
#define DOUBLED_MOST 6

/* 0 to MOST, evenly enough. */
static unsigned chance(unsigned most)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) < 0)
		r = (uint32_t)clock_ms();
	return (unsigned)((uint64_t)r * (most + 1) >> 32);
}

int retry_pause(struct retry *r, bool known)
{
	unsigned ms = PAUSE_MS << (r->failed < DOUBLED_MOST ? r->failed : DOUBLED_MOST);
	uint64_t now = clock_ms();

	if (!r->failed++)
		r->since_ms = now;
	ms += chance(ms / 2);
	if (r->failed >= RETRY_TRIES || (!known && now - r->since_ms + ms > RETRY_STRANGER_MS))
		return -1;
	return (int)ms;
}

void retry_sleep(int ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

bool breaker_lets(struct breaker *b)
{
	uint64_t now = clock_ms();

	if (!b->open)
		return true;
	if (now < b->until_ms)
		return false;
	b->until_ms = now + BREAKER_OFF_MS;
	return true;
}

bool breaker_would_let(const struct breaker *b)
{
	return !b->open || clock_ms() >= b->until_ms;
}

void breaker_answered(struct breaker *b)
{
	b->open = false;
}

bool breaker_failed(struct breaker *b)
{
	bool news = !b->open;

	b->open = true;
	b->until_ms = clock_ms() + BREAKER_OFF_MS;
	return news;
}
