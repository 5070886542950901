/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Ports that a Linux system has open, as /proc/net/tcp, tcp6, udp and udp6 tell them (proc(5)), and
 * how recipes write them: "22/tcp".
 */
#include <stdbool.h>

#include "base/vec.h"
#include "base/vec.h"

struct port {
	unsigned number; /* 1 to 65535 */
	bool udp;
};
DEFINE_VEC(ports, struct port)

/* "22/tcp", "68/udp". 0, or 1 when TEXT is not one. */
int port_parse(const char *text, struct port *ret);
/*
 * A line of those files behind the name of its file: "tcp6 0: 00000000...:0016 ...". 0, or 1 when
 * it is about no port that others reach: a connection, an address of the machine alone, the
 * heading.
 */
int port_read(const char *line, struct port *ret);
/*
 * Adds those of LINES to RET, which the caller clears. 1: there is no line, not even the heading
 * that each of the files has.
 */
int ports_read(const struct strv *lines, struct ports *ret);
/* Adds it where it belongs, by number, unless it is there. */
void ports_add(struct ports *list, struct port p);
