/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the agent in a guest answers, in pieces as long as the first byte says. */
#include "fuzz.h"
#include "machine/board/agent.h"

static void event(void *arg, enum agent_event event, unsigned id, const char *text, int status)
{
	if (event == AGENT_LINE)
		assert(strlen(text) <= AGENT_LINE_MAX && !strchr(text, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent a = AGENT_INIT(event, NULL);
	size_t step = size ? (size_t)data[0] + 1 : 1;

	for (size_t at = 1; at < size; at += step)
		agent_feed(&a, data + at, size - at < step ? size - at : step);
	agent_reset(&a);
	agent_release(&a);
	return 0;
}
