/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Time that passes, for deadlines and durations: milliseconds of the kernel's monotonic clock,
 * which nobody sets and which does not count suspension (CLOCK_MONOTONIC, clock_gettime(2)).
 */
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
