/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/dial.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "base/url.h"
#include "remote/dial_tls.h"

#define NAME_POLL_MS 10
#define PROXY_ANSWER_MAX 8192

enum state { NAME, CONNECT, PROXY_ASK, PROXY_ANSWER, TLS, UP };

struct dial {
	struct dial_opts to;
	enum state state;
	uint64_t until_ms, address_until_ms;
	struct arena *arena;
	struct url proxy;               /* host "": none */
	struct gaicb *name;             /* that is asked for */
	struct addrinfo *numeric;       /* what needs no asking */
	const struct addrinfo *address; /* that is tried */
	int fd;
	short waits;     /* poll events */
	struct str line; /* what is said to the proxy, then what it answers */
	size_t said;
	struct tls *tls;
	char *why; /* the last address that failed */
};

/* ---- which way ---- */

bool dial_is_local(const char *host)
{
	return str_eq(host, "localhost") || str_eq(host, "::1") || str_skip(host, "127.");
}

static bool is_spared_by(const char *word, size_t len, const char *host)
{
	size_t n = strlen(host);

	if (len == 1 && *word == '*')
		return true;
	if (len && *word == '.')
		word++, len--;
	return len && n >= len && !strncasecmp(host + n - len, word, len) &&
	       (n == len || host[n - len - 1] == '.');
}

bool dial_spared(const char *list, const char *host)
{
	for (const char *p = list; *p;) {
		size_t len;

		p += strspn(p, ", ");
		len = strcspn(p, ", ");
		if (is_spared_by(p, len, host))
			return true;
		p += len;
	}
	return false;
}

static const char *environment(const char *lower, const char *upper)
{
	const char *value = getenv(lower);

	if (!value && upper)
		value = getenv(upper);
	return value && *value ? value : NULL;
}

/* HTTP_PROXY in capitals is what a CGI program gets from a stranger: nobody reads it. */
static void find_proxy(struct dial *d)
{
	const char *none = environment("no_proxy", "NO_PROXY");
	const char *proxy = d->to.tls ? environment("https_proxy", "HTTPS_PROXY")
				      : environment("http_proxy", NULL);
	char *text cleanup_free = NULL;

	d->proxy.host = "";
	if (!proxy || dial_is_local(d->to.host) || (none && dial_spared(none, d->to.host)))
		return;
	text = strstr(proxy, "://") ? xstrdup(proxy) : xasprintf("http://%s", proxy);
	url_split(d->arena, text, &d->proxy);
	if (!*d->proxy.port)
		d->proxy.port = "1080";
}

static bool by_proxy(const struct dial *d)
{
	return *d->proxy.host;
}

static const char *next_host(const struct dial *d)
{
	return by_proxy(d) ? d->proxy.host : d->to.host;
}

static const char *next_port(const struct dial *d)
{
	return by_proxy(d) ? d->proxy.port : d->to.port;
}

static int unreachable(struct dial *d, const char *why, struct err **err)
{
	return err_set(err, E_REMOTE_UNREACHABLE, "cannot connect to %s%s:%s: %s",
		       by_proxy(d) ? "proxy " : "", next_host(d), next_port(d), why);
}

/* ---- names ---- */

struct dial *dial_new(const struct dial_opts *opts)
{
	struct dial *d = xcalloc(1, sizeof(*d));

	d->to = *opts;
	d->fd = -1;
	d->arena = arena_new();
	d->line = (struct str)STR_INIT;
	d->until_ms = clock_ms() + DIAL_MS;
	find_proxy(d);
	return d;
}

/* A resolver that does not answer cannot be stopped: what it writes to stays its own. */
static void name_free(struct dial *d)
{
	if (d->numeric)
		freeaddrinfo(d->numeric);
	if (!d->name ||
	    (gai_error(d->name) == EAI_INPROGRESS && gai_cancel(d->name) != EAI_CANCELED))
		return;
	if (d->name->ar_result)
		freeaddrinfo(d->name->ar_result);
	free((char *)d->name->ar_name);
	free((char *)d->name->ar_service);
	free((struct addrinfo *)d->name->ar_request);
	free(d->name);
}

void dial_free(struct dial *d)
{
	if (!d)
		return;
	tls_free(d->tls);
	fd_closep(&d->fd);
	name_free(d);
	str_release(&d->line);
	arena_free(d->arena);
	free(d->why);
	free(d);
}

static int name_ask(struct dial *d, struct err **err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	int rc;

	d->name = xcalloc(1, sizeof(*d->name));
	d->name->ar_name = xstrdup(next_host(d));
	d->name->ar_service = xstrdup(next_port(d));
	d->name->ar_request = xmemdup(&hints, sizeof(hints));
	rc = getaddrinfo_a(GAI_NOWAIT, &d->name, 1, NULL);
	return rc ? unreachable(d, gai_strerror(rc), err) : 0;
}

static bool name_is_address(struct dial *d)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};

	if (getaddrinfo(next_host(d), next_port(d), &hints, &d->numeric))
		return false;
	d->address = d->numeric;
	d->state = CONNECT;
	return true;
}

static int name_step(struct dial *d, struct err **err)
{
	int rc;

	if (!d->name && name_is_address(d))
		return 0;
	if (!d->name && name_ask(d, err) < 0)
		return -1;
	rc = gai_error(d->name);
	if (rc == EAI_INPROGRESS)
		return 1;
	if (rc)
		return unreachable(d, gai_strerror(rc), err);
	d->address = d->name->ar_result;
	d->state = CONNECT;
	return 0;
}

/* ---- addresses ---- */

/* This address has failed: to the next, or that was the last. */
static int next_address(struct dial *d, const char *why, struct err **err)
{
	fd_closep(&d->fd);
	free(d->why);
	d->why = xstrdup(why);
	d->address = d->address->ai_next;
	return d->address ? 0 : unreachable(d, d->why, err);
}

/* Each that is left gets the same part of the time. */
static uint64_t address_limit(const struct dial *d)
{
	uint64_t now = clock_ms(), left = d->until_ms > now ? d->until_ms - now : 0;
	unsigned n = 0;

	for (const struct addrinfo *a = d->address; a; a = a->ai_next)
		n++;
	return now + left / n;
}

/* A machine that is gone is found out where servers do not want to be asked often. */
static void watch_peer(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){30}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){10}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){3}, sizeof(int));
}

static int address_start(struct dial *d, struct err **err)
{
	const struct addrinfo *a = d->address;

	d->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	if (d->fd < 0)
		return next_address(d, strerror(errno), err);
	setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	watch_peer(d->fd);
	d->address_until_ms = address_limit(d);
	d->waits = POLLOUT;
	if (connect(d->fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		return next_address(d, strerror(errno), err);
	return 1;
}

static void connected(struct dial *d)
{
	if (by_proxy(d))
		d->state = PROXY_ASK;
	else
		d->state = d->to.tls ? TLS : UP;
}

static int connect_step(struct dial *d, struct err **err)
{
	struct pollfd p = {.fd = d->fd, .events = POLLOUT};
	int problem = 0;

	if (d->fd < 0)
		return address_start(d, err);
	if (poll(&p, 1, 0) <= 0) {
		if (clock_ms() < d->address_until_ms)
			return 1;
		return next_address(d, "it does not answer", err);
	}
	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &problem, &(socklen_t){sizeof(problem)}) < 0)
		problem = errno;
	if (problem)
		return next_address(d, strerror(problem), err);
	connected(d);
	return 0;
}

/* ---- proxies ---- */

char *dial_basic(const char *text)
{
	size_t len = strlen(text);
	char *ret = xmalloc(sizeof("Basic ") + 4 * (len / 3 + 1));

	memcpy(ret, "Basic ", 6);
	EVP_EncodeBlock((unsigned char *)ret + 6, (const unsigned char *)text, (int)len);
	return ret;
}

static void proxy_write_request(struct dial *d)
{
	const char *form = strchr(d->to.host, ':') ? "[%s]:%s" : "%s:%s";
	char *peer cleanup_free = xasprintf(form, d->to.host, d->to.port);

	str_printf(&d->line, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", peer, peer);
	if (d->proxy.user) {
		char *login cleanup_free = xasprintf("%s:%s", d->proxy.user, d->proxy.password);
		char *basic cleanup_free = dial_basic(login);

		str_printf(&d->line, "Proxy-Authorization: %s\r\n", basic);
	}
	str_append(&d->line, "\r\n");
}

static int proxy_ask_step(struct dial *d, struct err **err)
{
	ssize_t n;

	if (!d->line.len)
		proxy_write_request(d);
	d->waits = POLLOUT;
	n = send(d->fd, d->line.buf + d->said, d->line.len - d->said, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 1 : unreachable(d, strerror(errno), err);
	d->said += (size_t)n;
	if (d->said < d->line.len)
		return 1;
	str_clear(&d->line);
	d->state = PROXY_ANSWER;
	return 0;
}

static int proxy_judge(struct dial *d, struct err **err)
{
	const char *status = strchr(d->line.buf, ' ');
	struct str said cleanup_str = STR_INIT;
	char *why cleanup_free = NULL;

	if (str_skip(d->line.buf, "HTTP/1.") && status && status[1] == '2') {
		d->state = d->to.tls ? TLS : UP;
		return 0;
	}
	str_escape(&said, d->line.buf, strcspn(d->line.buf, "\r\n"));
	why = xasprintf("it does not lead to %s:%s (\"%s\")", d->to.host, d->to.port, said.buf);
	return unreachable(d, why, err);
}

/* Byte by byte: what follows the empty line is the server's. */
static int proxy_answer_step(struct dial *d, struct err **err)
{
	char c;
	ssize_t n;

	d->waits = POLLIN;
	while ((n = recv(d->fd, &c, 1, 0)) == 1) {
		str_append_char(&d->line, c);
		if (str_ends(d->line.buf, "\r\n\r\n"))
			return proxy_judge(d, err);
		if (!c || d->line.len > PROXY_ANSWER_MAX)
			return unreachable(d, "its answer is not one of HTTP", err);
	}
	if (n < 0 && errno == EAGAIN)
		return 1;
	return unreachable(d, n < 0 ? strerror(errno) : "it closed the connection", err);
}

/* ---- TLS, and all together ---- */

static int tls_step(struct dial *d, bool *ret_lasting, struct err **err)
{
	int rc;

	if (!d->tls && !(d->tls = tls_new(&d->to, d->fd, err))) {
		*ret_lasting = true;
		return -1;
	}
	rc = tls_shake(d->tls, &d->waits);
	if (!rc)
		d->state = UP;
	if (rc >= 0)
		return rc;
	*ret_lasting = tls_is_lasting(d->tls);
	return err_set(err, E_REMOTE_UNREACHABLE, "%s:%s: %s", d->to.host, d->to.port,
		       tls_why(d->tls));
}

static int step_once(struct dial *d, bool *ret_lasting, struct err **err)
{
	switch (d->state) {
	case NAME:
		return name_step(d, err);
	case CONNECT:
		return connect_step(d, err);
	case PROXY_ASK:
		return proxy_ask_step(d, err);
	case PROXY_ANSWER:
		return proxy_answer_step(d, err);
	case TLS:
		return tls_step(d, ret_lasting, err);
	case UP:
		break;
	}
	return 0;
}

static const char *late_words(const struct dial *d)
{
	switch (d->state) {
	case NAME:
		return "its name has no answer";
	case CONNECT:
		return d->why ? d->why : "it does not answer";
	case TLS:
		return "it does not answer in TLS";
	default:
		return "it does not answer";
	}
}

int dial_step(struct dial *d, bool *ret_lasting, struct err **err)
{
	int rc = 0;

	*ret_lasting = false;
	while (!rc && d->state != UP)
		rc = step_once(d, ret_lasting, err);
	if (rc <= 0 || clock_ms() < d->until_ms)
		return rc;
	return unreachable(d, late_words(d), err);
}

void dial_wait(const struct dial *d, struct pollfd *ret, int *ret_ms)
{
	uint64_t now = clock_ms(), until = d->state == CONNECT ? d->address_until_ms : d->until_ms;

	*ret = (struct pollfd){.fd = d->fd, .events = d->waits};
	*ret_ms = until > now ? (int)(until - now) + 1 : 0;
	if (d->state == NAME)
		*ret_ms = NAME_POLL_MS;
}

ssize_t dial_read(struct dial *d, void *buf, size_t len)
{
	return d->tls ? tls_read(d->tls, buf, len) : recv(d->fd, buf, len, 0);
}

ssize_t dial_write(struct dial *d, const void *data, size_t len)
{
	return d->tls ? tls_write(d->tls, data, len) : send(d->fd, data, len, MSG_NOSIGNAL);
}

bool dial_pending(const struct dial *d)
{
	return d->tls && tls_pending(d->tls);
}

const char *dial_why(const struct dial *d)
{
	return d->tls ? tls_why(d->tls) : NULL;
}

bool dial_is_lasting(const struct dial *d)
{
	return d->tls && tls_is_lasting(d->tls);
}

size_t dial_unsent(const struct dial *d)
{
	int n = 0;

	return d->fd >= 0 && ioctl(d->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}
