/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/startup.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/alloc.h"

#define SECOND UINT64_C(1000000)
#define DURATION_MAX (SECOND * 24 * 3600)

void startup_read(struct startup *s, const char *line)
{
	struct {
		const char *name;
		uint64_t *at;
	} const fields[] = {
		{"FirmwareTimestampMonotonic=", &s->firmware},
		{"InitRDTimestampMonotonic=", &s->initramfs},
		{"UserspaceTimestampMonotonic=", &s->userspace},
		{"FinishTimestampMonotonic=", &s->finish},
	};

	for (size_t i = 0; i < array_len(fields); i++) {
		const char *value = str_skip(line, fields[i].name);
		uint64_t n;

		if (value && str_u64(value, &n) == 0)
			*fields[i].at = n;
	}
}

uint64_t startup_total(const struct startup *s)
{
	return s->firmware + s->finish;
}

static void add(struct str *ret, const char *what, uint64_t from, uint64_t to)
{
	if (to > from)
		str_printf(ret, "%s%s %.1f s", str_ends(ret->buf, "(") ? "" : ", ", what,
			   (double)(to - from) / (double)SECOND);
}

void startup_text(const struct startup *s, struct str *ret)
{
	uint64_t kernel = s->initramfs ? s->initramfs : s->userspace;

	str_printf(ret, "%.1f s (", (double)startup_total(s) / (double)SECOND);
	add(ret, "before the kernel", 0, s->firmware);
	add(ret, "kernel", 0, kernel);
	add(ret, "initramfs", kernel, s->userspace);
	add(ret, "userspace", s->userspace, s->finish);
	str_append_char(ret, ')');
}

static uint64_t unit_of(const char *text, size_t len)
{
	static const struct {
		const char *word;
		uint64_t us;
	} units[] = {{"", SECOND},
		     {"ms", 1000},
		     {"s", SECOND},
		     {"m", 60 * SECOND},
		     {"min", 60 * SECOND}};

	for (size_t i = 0; i < array_len(units); i++) {
		if (strlen(units[i].word) == len && !strncmp(units[i].word, text, len))
			return units[i].us;
	}
	return 0;
}

int duration_parse(const char *text, uint64_t *ret)
{
	uint64_t all = 0;

	do {
		char *end;
		unsigned long long n = strtoull(text, &end, 10);
		size_t len = 0;
		uint64_t us;

		while (isalpha((unsigned char)end[len]))
			len++;
		us = unit_of(end, len);
		if (!isdigit((unsigned char)*text) || !us || n > DURATION_MAX / us)
			return 1;
		all += n * us;
		text = end + len + strspn(end + len, " ");
	} while (*text && all <= DURATION_MAX);
	*ret = all;
	return !all || all > DURATION_MAX;
}
