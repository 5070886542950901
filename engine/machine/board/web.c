/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/board/web.h"

#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"

#define HEAD_MAX 16384 /* of requests that are not answered yet */
#define PIECE 65536    /* of a file that is sent at a time */
#define ETAG_HEX 32

const char *const web_faults[] = {"none", "no-range", "length", "cut", "html", NULL};

static const char page[] = "<!DOCTYPE html><title>Welcome</title><p>Please log in.\n";

/* What is served of a path from one of its requests on. */
struct offer {
	int fd;
	uint64_t size;
	char etag[ETAG_HEX + 3];
	enum web_fault fault;
	uint64_t bytes;
	unsigned from;
};
DEFINE_VEC(offers, struct offer *)

struct place {
	char *path;
	struct offers offers;
	unsigned asked; /* requests since the first offer */
	struct web_count count;
};
DEFINE_VEC(places, struct place *)

struct conn {
	int fd;
	struct str in, out; /* what came, and head or page of the answer */
	size_t out_at;
	int file; /* the rest of the answer: LEFT bytes from AT on; -1: none */
	uint64_t at, left;
	struct place *place; /* whose bytes they are */
	bool last;           /* it is closed after this answer */
};
DEFINE_VEC(conns, struct conn *)

struct web {
	web_note_fn *note;
	void *arg;
	int fd; /* listens; -1 */
	struct places places;
	struct conns conns;
};

/* -- what is there -- */

static void offer_free(struct offer *o)
{
	fd_closep(&o->fd);
	free(o);
}

static void drop_offers(struct place *p)
{
	for (size_t i = 0; i < p->offers.count; i++)
		offer_free(p->offers.items[i]);
	offers_clear(&p->offers);
	p->asked = 0;
}

static struct place *find(const struct web *w, const char *path)
{
	for (size_t i = 0; i < w->places.count; i++)
		if (str_eq(w->places.items[i]->path, path))
			return w->places.items[i];
	return NULL;
}

/* The last one that has begun. */
static struct offer *current(const struct place *p)
{
	struct offer *found = NULL;

	for (size_t i = 0; i < p->offers.count; i++)
		if (p->offers.items[i]->from <= p->asked)
			found = p->offers.items[i];
	return found;
}

static int open_offer(struct offer *o, const char *file, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	struct digest digest;
	struct stat st;

	o->fd = open(file, O_RDONLY | O_CLOEXEC);
	if (o->fd < 0 || fstat(o->fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", file);
	if (digest_fd(o->fd, file, &digest, err) < 0)
		return -1;
	o->size = (uint64_t)st.st_size;
	snprintf(o->etag, sizeof(o->etag), "\"%.*s\"", ETAG_HEX, digest_hex(&digest, hex));
	return 0;
}

/* What is being sent ends with what it is sent of. */
static void end_conns(struct web *w, const struct place *p);

int web_serve(struct web *w, const struct web_file *file, struct err **err)
{
	struct place *p = find(w, file->path);
	struct offer *o = xcalloc(1, sizeof(*o));

	o->fault = file->fault;
	o->bytes = file->bytes;
	o->from = file->from_request;
	if (open_offer(o, file->file, err) < 0) {
		offer_free(o);
		return -1;
	}
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->path = xstrdup(file->path);
		places_push(&w->places, p);
	}
	if (!file->from_request) {
		end_conns(w, p);
		drop_offers(p);
	}
	offers_push(&p->offers, o);
	return 0;
}

struct web_count web_count(const struct web *w, const char *path)
{
	const struct place *p = find(w, path);

	return p ? p->count : (struct web_count){0};
}

void web_forget(struct web *w, const char *path)
{
	struct place *p = find(w, path);

	if (p)
		p->count = (struct web_count){0};
}

/* -- a request -- */

/* The value of a line "NAME: ..." of the head, whose end is the line's; NULL: there is none. */
static const char *header(const char *head, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

static bool header_has(const char *head, const char *name, const char *text)
{
	const char *value = header(head, name);
	const char *end = value ? strstr(value, "\r\n") : NULL;
	const char *at = value ? strstr(value, text) : NULL;

	return at && (!end || at < end);
}

static int read_decimal(const char **text, uint64_t *ret)
{
	size_t digits = strspn(*text, "0123456789");
	char number[20];

	if (!digits || digits >= sizeof(number))
		return 1;
	memcpy(number, *text, digits);
	number[digits] = 0;
	*text += digits;
	return str_u64(number, ret);
}

struct range {
	uint64_t at, end; /* end: after the last byte */
};

/*
 * "bytes=0-1023" of SIZE bytes. 0; 1: there is none to be heard; 2: it is outside. Of several
 * ranges none is heard, as RFC 9110 allows.
 */
static int read_range(const char *text, uint64_t size, struct range *ret)
{
	uint64_t last;

	text = text ? str_skip(text, "bytes=") : NULL;
	if (!text)
		return 1;
	if (*text == '-') {
		text++;
		if (read_decimal(&text, &last) || *text != '\r')
			return 1;
		*ret = (struct range){last < size ? size - last : 0, size};
		return last && size ? 0 : 2;
	}
	if (read_decimal(&text, &ret->at) || *text++ != '-')
		return 1;
	last = UINT64_MAX - 1;
	if (*text != '\r' && (read_decimal(&text, &last) || *text != '\r' || last < ret->at))
		return 1;
	ret->end = last < size ? last + 1 : size;
	return ret->at < size ? 0 : 2;
}

/* -- the answer -- */

struct request {
	const char *method, *path, *head;
	bool body; /* GET */
};

static void note(struct web *w, const struct request *q, const char *fmt, ...) printf_like(3, 4);
static void note(struct web *w, const struct request *q, const char *fmt, ...)
{
	struct str line cleanup_str = STR_INIT;
	char *what cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	str_printf(&line, "%s ", q->method);
	str_escape(&line, q->path, strlen(q->path));
	str_printf(&line, ": %s", what);
	w->note(w->arg, line.buf);
}

static void begin(struct conn *c, const char *status, uint64_t length, const char *type)
{
	str_printf(&c->out,
		   "HTTP/1.1 %s\r\nContent-Length: %" PRIu64 "\r\nContent-Type: %s\r\n"
		   "Connection: %s\r\n",
		   status, length, type, c->last ? "close" : "keep-alive");
}

static void answer_short(struct web *w, struct conn *c, const struct request *q, const char *status)
{
	begin(c, status, 0, "text/plain");
	str_append(&c->out, "\r\n");
	note(w, q, "%s", status);
}

static void answer_page(struct web *w, struct conn *c, const struct request *q)
{
	begin(c, "200 OK", sizeof(page) - 1, "text/html");
	str_append(&c->out, "\r\n");
	note(w, q, "200, a page");
	if (!q->body)
		return;
	str_append(&c->out, page);
	c->place->count.bytes += sizeof(page) - 1;
}

/* The part of O that the head has promised. */
static void send_body(struct conn *c, const struct offer *o, struct range r)
{
	c->at = r.at;
	c->left = r.at < o->size ? (r.end < o->size ? r.end : o->size) - r.at : 0;
	if (o->fault == WEB_LENGTH)
		c->last = true;
	if (o->fault == WEB_CUT && c->left > o->bytes) {
		c->left = o->bytes;
		c->last = true;
	}
	c->file = fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
	if (c->file < 0)
		c->last = true;
}

static void answer_file(struct web *w, struct conn *c, const struct request *q,
			const struct offer *o)
{
	uint64_t size = o->fault == WEB_LENGTH ? o->bytes : o->size;
	const char *range = o->fault == WEB_NO_RANGE ? NULL : header(q->head, "Range");
	struct range r = {0, size};
	int part = read_range(range, size, &r);

	if (part == 2) {
		str_append(&c->out, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n");
		str_printf(&c->out, "Content-Range: bytes */%" PRIu64 "\r\n\r\n", size);
		note(w, q, "416");
		return;
	}
	if (part == 1)
		r = (struct range){0, size};
	begin(c, part ? "200 OK" : "206 Partial Content", r.end - r.at, "application/octet-stream");
	str_printf(&c->out, "ETag: %s\r\n", o->etag);
	if (o->fault != WEB_NO_RANGE)
		str_append(&c->out, "Accept-Ranges: bytes\r\n");
	if (!part)
		str_printf(&c->out, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
			   r.at, r.end - 1, size);
	str_append(&c->out, "\r\n");
	note(w, q, "%d, %" PRIu64 " bytes from %" PRIu64, part ? 200 : 206, r.end - r.at, r.at);
	if (q->body)
		send_body(c, o, r);
}

static void answer(struct web *w, struct conn *c, const struct request *q)
{
	const struct offer *o;

	c->place = find(w, q->path);
	c->last = header_has(q->head, "Connection", "close");
	if (!q->body && !str_eq(q->method, "HEAD")) {
		c->last = true; /* there may be a body */
		answer_short(w, c, q, "405 Method Not Allowed");
		return;
	}
	if (!c->place) {
		answer_short(w, c, q, "404 Not Found");
		return;
	}
	c->place->asked++;
	c->place->count.requests++;
	o = current(c->place);
	if (!o)
		answer_short(w, c, q, "404 Not Found");
	else if (o->fault == WEB_HTML)
		answer_page(w, c, q);
	else if (header_has(q->head, "If-None-Match", o->etag))
		answer_short(w, c, q, "304 Not Modified");
	else
		answer_file(w, c, q, o);
}

/* The head of a request, LEN bytes with the empty line. 1: it is none. */
static int hear(struct web *w, struct conn *c, size_t len)
{
	char *head cleanup_free = xstrndup(c->in.buf, len);
	char *line cleanup_free = xstrndup(head, strcspn(head, "\r\n"));
	char *path = strchr(line, ' '), *version = path ? strchr(path + 1, ' ') : NULL;
	struct request q = {line, NULL, head, false};

	if (!version || !str_skip(version + 1, "HTTP/1."))
		return 1;
	*path = *version = 0;
	q.path = path + 1;
	q.body = str_eq(line, "GET");
	answer(w, c, &q);
	return 0;
}

/* -- connections -- */

static void conn_free(struct conn *c)
{
	fd_closep(&c->fd);
	fd_closep(&c->file);
	str_release(&c->in);
	str_release(&c->out);
	free(c);
}

static bool is_sending(const struct conn *c)
{
	return c->out_at < c->out.len || c->file >= 0;
}

/* Answers the next request that is there whole. 1: the connection is over. */
static int next(struct web *w, struct conn *c)
{
	const char *end;
	size_t len;

	if (is_sending(c))
		return 0;
	if (c->last)
		return 1;
	end = c->in.len ? strstr(c->in.buf, "\r\n\r\n") : NULL;
	if (!end)
		return 0;
	len = (size_t)(end - c->in.buf) + 4;
	str_clear(&c->out);
	c->out_at = 0;
	if (hear(w, c, len))
		return 1;
	memmove(c->in.buf, c->in.buf + len, c->in.len - len + 1);
	c->in.len -= len;
	return 0;
}

/* 1: the connection is over. What waits for an answer that nobody reads has an end, too. */
static int receive(struct conn *c)
{
	char buf[4096];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0 && !memchr(buf, 0, (size_t)n))
		str_append_len(&c->in, buf, (size_t)n);
	else if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		return 1;
	return c->in.len > HEAD_MAX;
}

static ssize_t push(struct conn *c, const void *data, size_t len)
{
	ssize_t n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

/* Some bytes of the answer. 1: nobody takes them. */
static int transmit(struct conn *c)
{
	char buf[PIECE];
	ssize_t n;

	if (c->out_at < c->out.len) {
		n = push(c, c->out.buf + c->out_at, c->out.len - c->out_at);
		c->out_at += n > 0 ? (size_t)n : 0;
		return n < 0;
	}
	n = pread(c->file, buf, c->left < PIECE ? (size_t)c->left : PIECE, (off_t)c->at);
	if (n <= 0)
		return 1;
	n = push(c, buf, (size_t)n);
	if (n < 0)
		return 1;
	c->at += (uint64_t)n;
	c->left -= (uint64_t)n;
	c->place->count.bytes += (uint64_t)n;
	if (!c->left)
		fd_closep(&c->file);
	return 0;
}

/* 1: the connection is over. */
static int serve_conn(struct web *w, struct conn *c, short events)
{
	if ((events & (POLLIN | POLLHUP | POLLERR)) && receive(c))
		return 1;
	if ((events & POLLOUT) && is_sending(c) && transmit(c))
		return 1;
	if (c->file >= 0 && !c->left)
		fd_closep(&c->file);
	return next(w, c);
}

static void drop_conn(struct web *w, size_t i)
{
	conn_free(w->conns.items[i]);
	w->conns.items[i] = w->conns.items[--w->conns.count];
}

static void end_conns(struct web *w, const struct place *p)
{
	for (size_t i = w->conns.count; i-- > 0;)
		if (w->conns.items[i]->place == p && is_sending(w->conns.items[i]))
			drop_conn(w, i);
}

void web_connect(struct web *w, int fd)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	*c = (struct conn){.fd = fd, .file = -1, .in = STR_INIT, .out = STR_INIT};
	conns_push(&w->conns, c);
}

static void take_conn(struct web *w)
{
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	/* Head and body are two writes: the second would wait until the first is acknowledged. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
		errno = 0; /* slower, no more */
	web_connect(w, fd);
}

size_t web_poll(const struct web *w, struct pollfd *fds, size_t size)
{
	size_t n = 0;

	if (w->fd >= 0 && size && w->conns.count < WEB_FDS - 1)
		fds[n++] = (struct pollfd){.fd = w->fd, .events = POLLIN};
	for (size_t i = 0; i < w->conns.count && n < size; i++) {
		const struct conn *c = w->conns.items[i];

		fds[n++] = (struct pollfd){.fd = c->fd,
					   .events = is_sending(c) ? POLLIN | POLLOUT : POLLIN};
	}
	return n;
}

static const struct pollfd *of_fd(const struct pollfd *fds, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i].fd == fd)
			return &fds[i];
	return NULL;
}

void web_take(struct web *w, const struct pollfd *fds, size_t count)
{
	const struct pollfd *p;

	for (size_t i = w->conns.count; i-- > 0;) {
		p = of_fd(fds, count, w->conns.items[i]->fd);
		if (p && p->revents && serve_conn(w, w->conns.items[i], p->revents))
			drop_conn(w, i);
	}
	p = w->fd >= 0 ? of_fd(fds, count, w->fd) : NULL;
	if (p && p->revents)
		take_conn(w);
}

/* -- making -- */

void web_open(struct web *w, int fd)
{
	web_close(w);
	w->fd = fd;
}

void web_close(struct web *w)
{
	while (w->conns.count)
		drop_conn(w, w->conns.count - 1);
	fd_closep(&w->fd);
}

struct web *web_new(web_note_fn *fn, void *arg)
{
	struct web *w = xcalloc(1, sizeof(*w));

	w->note = fn;
	w->arg = arg;
	w->fd = -1;
	return w;
}

void web_free(struct web *w)
{
	if (!w)
		return;
	web_close(w);
	conns_clear(&w->conns);
	for (size_t i = 0; i < w->places.count; i++) {
		drop_offers(w->places.items[i]);
		free(w->places.items[i]->path);
		free(w->places.items[i]);
	}
	places_clear(&w->places);
	free(w);
}
