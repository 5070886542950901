/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A web server for one board: HTTP/1.1, GET and HEAD of files under fixed paths, one Range, ETag
 * and If-None-Match, and the faults that an update server may have. It counts what it sends. No
 * thread and no process: whoever has a poll loop asks for descriptors and hands back what came.
 *
 *	struct web *web = web_new(note, arg);
 *	web_serve(web, &(struct web_file){.path = "/a.raucb", .file = "/.../a.raucb"}, err);
 *	web_open(web, listening_fd);                  // a board is on
 *	n = web_poll(web, fds, WEB_FDS); poll(...); web_take(web, fds, n);
 *	web_close(web);                               // it is off: connections end, counts stay
 *	web_count(web, "/a.raucb");
 *	web_free(web);
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum web_fault {
	WEB_WELL,
	WEB_NO_RANGE, /* a Range is not heard: all is sent */
	WEB_LENGTH,   /* says that there are .bytes bytes, and closes after what there is */
	WEB_CUT,      /* closes after .bytes bytes of each answer */
	WEB_HTML,     /* a page in its place, as of a network that wants a password */
};
/* The words of the enum, ended by NULL. */
extern const char *const web_faults[];

struct web_file {
	const char *path; /* "/stable.channel" */
	const char *file; /* on this machine; it does not change */
	enum web_fault fault;
	uint64_t bytes;        /* of the fault */
	unsigned from_request; /* the first request of the path that gets it, from 1; 0: at once */
};

/* What was asked of a path. */
struct web_count {
	unsigned requests;
	uint64_t bytes; /* sent of bodies */
};

/* NOTE gets a line for each answer: "GET /a.raucb: 206, 1024 bytes from 0". */
typedef void web_note_fn(void *arg, const char *line);

struct web;
struct web *web_new(web_note_fn *note, void *arg);
void web_free(struct web *w);
/*
 * From now on, or from that request of its path on, that is what is there; without from_request
 * nothing else that was said of the path holds any more.
 */
int web_serve(struct web *w, const struct web_file *file, struct err **err) warn_unused;
/* Since it was asked last, or since the beginning if never (web_forget()). */
struct web_count web_count(const struct web *w, const char *path);
void web_forget(struct web *w, const char *path);

/* FD listens, and is the server's from then on. Another one before it is closed. */
void web_open(struct web *w, int fd);
void web_close(struct web *w);
/* FD is a connection of somebody, and the server's from then on. */
void web_connect(struct web *w, int fd);

#define WEB_FDS 33 /* at most: the listening socket and 32 connections */
/* Fills in FDS; returns how many. */
size_t web_poll(const struct web *w, struct pollfd *fds, size_t size);
/* The same ones after poll(2). Nothing waits. */
void web_take(struct web *w, const struct pollfd *fds, size_t count);
