/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Trace for developers: ORCH_DEBUG=sched,store (or "all") in the environment prints lines of those
 * areas on stderr. Off by default and free when off. Users see events, never traces.
 */
#include <stdbool.h>

#include "base/alloc.h"

enum trace_area {
	TRACE_RECIPE,
	TRACE_GRAPH,
	TRACE_STORE,
	TRACE_SCHED,
	TRACE_PROTO,
	TRACE_MEDIA,
	TRACE_MACHINE,
	TRACE_KIND,
	TRACE_AREAS
};

/* Reads ORCH_DEBUG; called once by main and by the worker. */
void trace_init(void);
extern unsigned trace_mask;
void trace_print(enum trace_area area, const char *fmt, ...) printf_like(2, 3);
#define trace(area, ...)                                  \
	do {                                              \
		if (trace_mask & (1u << (area)))          \
			trace_print((area), __VA_ARGS__); \
	} while (0)
