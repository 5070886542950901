/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/trace.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

unsigned trace_mask;

static const char *const names[TRACE_AREAS] = {"recipe", "graph", "store",   "sched",
					       "proto",  "media", "machine", "kind"};

void trace_init(void)
{
	const char *want = getenv("ORCH_DEBUG");
	char *copy cleanup_free = NULL, *save = NULL;

	trace_mask = 0;
	if (!want)
		return;
	copy = xstrdup(want);
	for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		for (unsigned i = 0; i < TRACE_AREAS; i++) {
			if (str_eq(w, names[i]) || str_eq(w, "all"))
				trace_mask |= 1u << i;
		}
	}
}

void trace_print(enum trace_area area, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	struct timespec now;
	va_list ap;

	clock_gettime(CLOCK_MONOTONIC, &now);
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	fprintf(stderr, "[%ld.%03ld %s] %s\n", (long)now.tv_sec, now.tv_nsec / 1000000, names[area],
		text);
}
