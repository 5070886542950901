/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/ports.h"

#include <stdio.h>

#include "base/str.h"

#define ADDRESS_MAX 32 /* digits */
#define TCP_LISTEN 0x0a
#define UDP_OPEN 0x07

int port_parse(const char *text, struct port *ret)
{
	const char *slash = strchr(text, '/');
	char *number cleanup_free = NULL;
	uint64_t n;

	if (!slash || (!str_eq(slash, "/tcp") && !str_eq(slash, "/udp")))
		return 1;
	number = xstrndup(text, (size_t)(slash - text));
	if (str_u64(number, &n) || !n || n > 65535)
		return 1;
	*ret = (struct port){(unsigned)n, str_eq(slash, "/udp")};
	return 0;
}

/*
 * 127.0.0.0/8, ::1, and the former as IPv6. An address is told as words of 32 bits, in the order of
 * the machine: the first byte of each is the last, but for machines that nobody emulates here.
 */
static bool is_own(const char *address)
{
	size_t len = strlen(address);

	if (len == 8)
		return str_eq(address + 6, "7F");
	return str_eq(address, "00000000000000000000000001000000") ||
	       (str_skip(address, "0000000000000000FFFF0000") && str_eq(address + 30, "7F"));
}

int port_read(const char *line, struct port *ret)
{
	char file[8], local[ADDRESS_MAX + 1], remote[ADDRESS_MAX + 1];
	unsigned port, other, state;
	bool udp;

	if (sscanf(line, "%7s %*u: %32[0-9A-F]:%4X %32[0-9A-F]:%4X %2X", file, local, &port, remote,
		   &other, &state) != 6)
		return 1;
	udp = str_skip(file, "udp");
	if (state != (udp ? UDP_OPEN : TCP_LISTEN) || other || !port || is_own(local))
		return 1;
	*ret = (struct port){port, udp};
	return 0;
}

void ports_add(struct ports *list, struct port p)
{
	size_t at = 0;

	while (at < list->count &&
	       (list->items[at].number < p.number ||
		(list->items[at].number == p.number && !list->items[at].udp && p.udp)))
		at++;
	if (at < list->count && list->items[at].number == p.number && list->items[at].udp == p.udp)
		return;
	ports_push(list, p);
	memmove(list->items + at + 1, list->items + at,
		(list->count - 1 - at) * sizeof(*list->items));
	list->items[at] = p;
}

int ports_read(const struct strv *lines, struct ports *ret)
{
	struct port p;

	for (size_t i = 0; i < lines->count; i++) {
		if (port_read(lines->items[i], &p) == 0)
			ports_add(ret, p);
	}
	return !lines->count;
}
