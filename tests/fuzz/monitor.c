/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's monitor, in pieces as long as the first byte says; what rauc says of slots, as JSON. */
#include <jansson.h>

#include "fuzz.h"
#include "machine/board/scene_priv.h"
#include "scenario/rauc_status.h"

static void ignore(void *arg, enum scene_source source, const char *line)
{
}

static void feed_monitor(const uint8_t *data, size_t size)
{
	struct scene s = {.o.log = ignore, .monitor = STR_INIT};
	size_t step = (size_t)data[0] + 1;

	s.agent = (struct agent)AGENT_INIT(scene_agent_said, &s);
	for (size_t at = 1; at < size; at += step)
		scene_monitor_feed(&s, (const char *)data + at,
				   size - at < step ? size - at : step);
	assert(s.monitor.len <= MONITOR_LINE_MAX);
	for (size_t i = 0; i < s.lines.count; i++)
		free(s.lines.items[i].text);
	scene_lines_clear(&s.lines);
	agent_release(&s.agent);
	str_release(&s.monitor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"booted", "primary", "A"};
	char *text cleanup_free = fuzz_text(data, size);
	json_t *root = json_loads(text, 0, NULL);

	for (size_t i = 0; i < array_len(keys); i++) {
		const char *value = rauc_status_value(root, keys[i]);

		assert(!value || strlen(value) <= size);
	}
	json_decref(root);
	if (size)
		feed_monitor(data, size);
	return 0;
}
