/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/http_request.h"

#include <curl/curl.h>
#include <stdio.h>

#include "base/http_priv.h"

#define CONNECT_MS 5000L
#define SILENCE_S 30L
#define REDIRECTS_MOST 5L
#define BODY_OF_ERROR 4096u /* as much of it as may be looked at */

struct slot {
	struct http_client *client;
	struct http_request *request; /* NULL: free */
	CURL *easy;
	struct curl_slist *headers;
	char text[HTTP_TEXT_SIZE];
};

struct http_client {
	struct http_client_opts opts;
	struct http_access access;
	CURLM *multi;
	struct slot *slots;
	char *bearer, *signature, *login;
};

void http_request_release(struct http_request *r)
{
	if (r->answer.buf)
		str_release(&r->answer);
	free(steal_ptr(r->why));
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct slot *s = arg;
	struct http_request *r = s->request;
	size_t len = size * count;
	long status = 0;

	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 != 2) {
		size_t room = r->answer.len < BODY_OF_ERROR ? BODY_OF_ERROR - r->answer.len : 0;

		str_append_len(&r->answer, data, len < room ? len : room);
		return len;
	}
	if (len > r->max - r->answer.len) {
		r->too_large = true;
		return 0;
	}
	str_append_len(&r->answer, data, len);
	return len;
}

static void add_header(struct slot *s, const char *line)
{
	struct curl_slist *more = curl_slist_append(s->headers, line);

	if (!more)
		out_of_memory(0);
	s->headers = more;
}

static void set_body(struct slot *s)
{
	const struct http_request *r = s->request;

	if (str_eq(r->method, "HEAD"))
		curl_easy_setopt(s->easy, CURLOPT_NOBODY, 1L);
	if (!str_eq(r->method, "PUT"))
		return;
	curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, "PUT");
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, r->body ? r->body : "");
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	add_header(s, "Content-Type: application/octet-stream");
	if (!s->client->opts.signing)     /* libcurl would sign what it does not send */
		add_header(s, "Expect:"); /* no round more for it */
}

/* Amazon's signature is over the SHA-256 of the body, too. */
static void sign(struct slot *s)
{
	const struct http_signing *how = s->client->opts.signing;
	char hex[DIGEST_HEX + 1];
	struct digest d;
	char *line cleanup_free = NULL;

	digest_data(s->request->body_len ? s->request->body : "", s->request->body_len, &d);
	line = xasprintf("x-amz-content-sha256: %s", digest_hex(&d, hex));
	add_header(s, line);
	if (how->session) {
		char *session cleanup_free = xasprintf("x-amz-security-token: %s", how->session);

		add_header(s, session);
	}
	curl_easy_setopt(s->easy, CURLOPT_AWS_SIGV4, s->client->signature);
	curl_easy_setopt(s->easy, CURLOPT_USERPWD, s->client->login);
}

static void say_who(struct slot *s)
{
	const struct http_client *c = s->client;

	if (c->opts.signing) {
		sign(s);
	} else if (c->bearer) {
		add_header(s, c->bearer);
	} else if (c->access.user) {
		curl_easy_setopt(s->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(s->easy, CURLOPT_USERNAME, c->access.user);
		curl_easy_setopt(s->easy, CURLOPT_PASSWORD, c->access.password);
	} else if (c->opts.netrc) {
		curl_easy_setopt(s->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(s->easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	}
}

static void set_limits(struct slot *s)
{
	const char *to = str_skip(s->request->url, "https:") ? "https" : "http,https";
	bool follows = !s->client->opts.signing && !str_eq(s->request->method, "PUT");

	curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, to);
	curl_easy_setopt(s->easy, CURLOPT_REDIR_PROTOCOLS_STR, to);
	curl_easy_setopt(s->easy, CURLOPT_FOLLOWLOCATION, follows ? 1L : 0L);
	curl_easy_setopt(s->easy, CURLOPT_MAXREDIRS, REDIRECTS_MOST);
	curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
	curl_easy_setopt(s->easy, CURLOPT_USERAGENT, "orch/" ORCH_VERSION);
}

static void start(struct slot *s, struct http_request *r)
{
	bool again = r->why != NULL;

	s->request = r;
	s->text[0] = 0;
	http_request_release(r);
	r->answer = (struct str)STR_INIT;
	r->length = UINT64_MAX;
	r->too_large = r->lasting = false;
	if (!s->easy && !(s->easy = curl_easy_init()))
		out_of_memory(0);
	curl_easy_reset(s->easy); /* connections stay */
	set_limits(s);
	set_body(s);
	say_who(s);
	http_set_access(s->easy, &s->client->access);
	if (again) /* the connection may have bytes that answer nothing */
		curl_easy_setopt(s->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(s->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
	curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->text);
	curl_multi_add_handle(s->client->multi, s->easy);
}

static void finish(struct slot *s)
{
	curl_multi_remove_handle(s->client->multi, s->easy);
	curl_slist_free_all(steal_ptr(s->headers));
	s->request = NULL;
}

/* As X509_V_ERR_* of OpenSSL. */
static bool is_about_time(long verified)
{
	return verified == 9 || verified == 10;
}

static bool is_about_issuer(long verified)
{
	return verified == 2 || (verified >= 18 && verified <= 21);
}

/* What has failed, in words. */
static char *words(const struct slot *s, CURLcode code)
{
	const char *text = s->text[0] ? s->text : curl_easy_strerror(code);
	time_t now = time(NULL);
	struct tm tm;
	char clock[32] = "";
	long verified = 0;

	curl_easy_getinfo(s->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
	if (code != CURLE_PEER_FAILED_VERIFICATION)
		return xstrdup(text);
	if (is_about_time(verified) && gmtime_r(&now, &tm) &&
	    strftime(clock, sizeof(clock), "%F %H:%M UTC", &tm))
		return xasprintf("%s; the clock of this machine says %s", text, clock);
	if (is_about_issuer(verified))
		return xasprintf("%s; name a file of who signs it with 'ca:' in config.yaml", text);
	return xstrdup(text);
}

/* Whether bytes that are none of an answer have come, on a connection that had one before. */
static bool is_leftover(const struct slot *s, CURLcode code)
{
	long opened = 1;

	curl_easy_getinfo(s->easy, CURLINFO_NUM_CONNECTS, &opened);
	return code == CURLE_UNSUPPORTED_PROTOCOL && !s->request->status && !opened;
}

/* The try has failed with CODE. */
static void failed(struct slot *s, CURLcode code)
{
	struct http_request *r = s->request;
	bool cut = r->status / 100 == 2 && code != CURLE_OPERATION_TIMEDOUT;

	r->cuts = !cut ? 0 : r->cuts && r->cut_at == r->answer.len ? r->cuts + 1 : 1;
	r->cut_at = r->answer.len;
	r->lasting = !http_may_retry(code) && !is_leftover(s, code);
	r->status = 0;
	r->why = words(s, code);
}

static void ended(struct slot *s, CURLcode code)
{
	struct http_request *r = s->request;
	curl_off_t length = -1;

	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &r->status);
	curl_easy_getinfo(s->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (length >= 0)
		r->length = (uint64_t)length;
	if (code != CURLE_OK && !r->too_large)
		failed(s, code);
	finish(s);
	if (r->came && r->status / 100 == 2)
		r->came(r);
}

/* Whether the server could not be reached. */
static bool take_ended(struct http_client *c)
{
	bool away = false;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		struct slot *s = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s);
		away |= http_not_reached(code);
		ended(s, code);
	}
	return away;
}

/* Fills free slots; how many are at work. */
static unsigned start_some(struct http_client *c, struct http_request *list, size_t count,
			   size_t *next)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < c->opts.parallel; i++) {
		while (!c->slots[i].request && *next < count) {
			struct http_request *r = &list[(*next)++];

			if (!r->status && !r->lasting)
				start(&c->slots[i], r);
		}
		busy += c->slots[i].request != NULL;
	}
	return busy;
}

static void leave_rest(struct http_request *list, size_t count, size_t next)
{
	const char *why = NULL;

	for (size_t i = 0; i < next && !why; i++)
		why = list[i].status ? NULL : list[i].why;
	for (size_t i = next; i < count; i++) {
		if (list[i].status || list[i].lasting)
			continue;
		free(list[i].why);
		list[i].why = xstrdup(why ? why : "it cannot be reached");
	}
}

void http_client_run(struct http_client *c, struct http_request *requests, size_t count)
{
	size_t next = 0;
	bool away = false;
	int running;

	for (;;) {
		unsigned busy = start_some(c, requests, away ? 0 : count, &next);

		if (!busy)
			break;
		curl_multi_perform(c->multi, &running);
		away |= take_ended(c);
		if (running)
			curl_multi_poll(c->multi, NULL, 0, 1000, NULL);
	}
	leave_rest(requests, count, next);
}

int http_client_new(const struct http_client_opts *opts, struct http_client **ret, struct err **err)
{
	struct http_client *c;

	if (http_init(err) < 0)
		return -1;
	c = xcalloc(1, sizeof(*c));
	c->opts = *opts;
	if (opts->access)
		c->access = *opts->access;
	c->multi = curl_multi_init();
	if (!c->multi)
		out_of_memory(0);
	c->slots = xcalloc(opts->parallel, sizeof(*c->slots));
	for (unsigned i = 0; i < opts->parallel; i++)
		c->slots[i].client = c;
	if (opts->bearer)
		c->bearer = xasprintf("Authorization: Bearer %s", opts->bearer);
	if (opts->signing) {
		c->signature = xasprintf("aws:amz:%s:s3", opts->signing->region);
		c->login = xasprintf("%s:%s", opts->signing->key_id, opts->signing->secret);
	}
	*ret = c;
	return 0;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->opts.parallel; i++)
		curl_easy_cleanup(c->slots[i].easy);
	curl_multi_cleanup(c->multi);
	free(c->slots);
	free(c->bearer);
	free(c->signature);
	free(c->login);
	free(c);
}
