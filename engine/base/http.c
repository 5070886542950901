/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/curl_lazy.h"
#include "base/file.h"
#include "base/path.h"
#include "base/vec.h"

#define DEFAULT_PARALLEL 4
#define DEFAULT_MAX_SIZE (4ull << 30)
#define TRIES 4
#define CONNECT_TIMEOUT_S 30L
#define LOW_SPEED_BYTES 1024L /* per second, over LOW_SPEED_TIME_S: a slower transfer is dead */
#define LOW_SPEED_TIME_S 30L
#define MAX_REDIRECTS 10L

enum transfer_state { TRANSFER_WAITING, TRANSFER_RUNNING, TRANSFER_DONE };

struct transfer {
	struct http_item *item;
	struct fetch *fetch;
	enum transfer_state state;
	unsigned tries;
	uint64_t not_before; /* milliseconds, monotonic */
	CURL *easy;
	int fd;
	char *part;
	struct hasher *hasher;
	uint64_t got; /* bytes of this try */
	char text[CURL_ERROR_SIZE];
	struct err *err; /* of the body callback: over the cap, disk full */
};

struct fetch {
	const struct http_opts *opts;
	CURLM *multi;
	struct transfer *transfers;
	size_t count;
	unsigned running;
	uint64_t done_bytes, total_bytes;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t cap_of(const struct http_item *item)
{
	if (item->size)
		return item->size;
	return item->max_size ? item->max_size : DEFAULT_MAX_SIZE;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * count;

	if (t->got + len > cap_of(t->item)) {
		err_set(&t->err, ERR_INTEGRITY, "%s is larger than the %llu bytes expected",
			t->item->name, (unsigned long long)cap_of(t->item));
		return 0;
	}
	if (fd_write_all(t->fd, t->part, data, len, &t->err) < 0)
		return 0;
	hasher_update(t->hasher, data, len);
	t->got += len;
	t->fetch->done_bytes += len;
	return len;
}

/* Forgets the current try; a partial file never stays. */
static void transfer_reset(struct transfer *t)
{
	if (t->easy) {
		curl_multi_remove_handle(t->fetch->multi, t->easy);
		curl_easy_cleanup(t->easy);
		t->easy = NULL;
		t->fetch->running--;
	}
	if (t->part)
		unlink(t->part);
	free(t->part);
	t->part = NULL;
	fd_closep(&t->fd);
	hasher_free(t->hasher);
	t->hasher = NULL;
	t->fetch->done_bytes -= t->got;
	t->got = 0;
}

static void set_limits(CURL *easy, const struct transfer *t)
{
	/* Plain http is fine when the digest is known beforehand, and only then. */
	const char *web = t->item->sha256 ? "http,https" : "https";

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
			 str_skip(t->item->url, "http:") ? "http,https" : web);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, MAX_REDIRECTS);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_TIME_S);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)cap_of(t->item));
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "orch/" ORCH_VERSION);
}

static int transfer_start(struct transfer *t, struct err **err)
{
	t->part = xasprintf("%s.XXXXXX.part", t->item->dest);
	t->fd = mkostemps(t->part, 5, O_CLOEXEC);
	if (t->fd < 0) {
		err_errno(err, ERR_ENV, errno, "cannot make a file beside '%s'", t->item->dest);
		free(t->part);
		t->part = NULL;
		return -1;
	}
	t->easy = curl_easy_init();
	if (!t->easy)
		return err_set(err, ERR_RESOURCE, "libcurl cannot start a transfer");
	t->hasher = hasher_new();
	t->text[0] = 0;
	set_limits(t->easy, t);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->item->url);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->text);
	if (t->fetch->opts->proxy)
		curl_easy_setopt(t->easy, CURLOPT_PROXY, t->fetch->opts->proxy);
	t->tries++;
	t->fetch->running++;
	t->state = TRANSFER_RUNNING;
	curl_multi_add_handle(t->fetch->multi, t->easy);
	return 0;
}

/* The complete body is there: right size, right digest, then its name. */
static int transfer_accept(struct transfer *t, struct err **err)
{
	struct http_item *item = t->item;
	char want[DIGEST_HEX + 1], have[DIGEST_HEX + 1];
	struct digest d;

	hasher_finish(steal_ptr(t->hasher), &d);
	if (item->size && t->got != item->size)
		return err_set(err, ERR_INTEGRITY, "%s has %llu bytes instead of %llu", item->name,
			       (unsigned long long)t->got, (unsigned long long)item->size);
	if (item->sha256 && !digest_eq(&d, item->sha256))
		return err_set(err, ERR_INTEGRITY,
			       "%s has sha256 %s instead of %s; nothing was kept", item->name,
			       digest_hex(&d, have), digest_hex(item->sha256, want));
	if (fchmod(t->fd, 0444) < 0 || rename(t->part, item->dest) < 0)
		return err_errno(err, ERR_ENV, errno, "cannot make '%s'", item->dest);
	free(t->part);
	t->part = NULL;
	t->got = 0; /* stays counted in done_bytes */
	return 0;
}

static bool may_retry(CURLcode code, long status)
{
	switch (code) {
	case CURLE_HTTP_RETURNED_ERROR:
		return status >= 500 || status == 408 || status == 429;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_FILE_COULDNT_READ_FILE:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_WRITE_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return false;
	default:
		return true;
	}
}

static int transfer_failed(struct transfer *t, CURLcode code, struct err **err)
{
	const char *why = t->text[0] ? t->text : curl_easy_strerror(code);

	if (t->err) {
		*err = steal_ptr(t->err);
		return -1;
	}
	if (code == CURLE_FILESIZE_EXCEEDED)
		return err_set(err, ERR_INTEGRITY, "%s is larger than the %llu bytes expected",
			       t->item->name, (unsigned long long)cap_of(t->item));
	if (!may_retry(code, t->item->status) || t->tries >= TRIES)
		return err_set(err, ERR_NET, "cannot fetch %s: %s", t->item->name, why);
	transfer_reset(t);
	t->state = TRANSFER_WAITING;
	t->not_before = now_ms() + (500ull << t->tries);
	return 0;
}

static int handle_finished(struct fetch *f, struct err **err)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left))) {
		CURLcode code = msg->data.result;
		struct transfer *t = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->item->status);
		if (code == CURLE_FILE_COULDNT_READ_FILE)
			t->item->status = 404; /* what a server says of such a file */
		if (code != CURLE_OK) {
			if (transfer_failed(t, code, err) < 0)
				return -1;
			continue;
		}
		if (transfer_accept(t, err) < 0)
			return -1;
		transfer_reset(t);
		t->state = TRANSFER_DONE;
	}
	return 0;
}

/* Starts what may start. *ret_left is the number of transfers that are not done. */
static int start_waiting(struct fetch *f, size_t *ret_left, struct err **err)
{
	unsigned parallel = f->opts->parallel ? f->opts->parallel : DEFAULT_PARALLEL;
	uint64_t now = now_ms();

	*ret_left = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct transfer *t = &f->transfers[i];

		if (t->state == TRANSFER_DONE)
			continue;
		++*ret_left;
		if (t->state == TRANSFER_WAITING && f->running < parallel && t->not_before <= now &&
		    transfer_start(t, err) < 0)
			return -1;
	}
	return 0;
}

static int fetch_loop(struct fetch *f, struct err **err)
{
	for (;;) {
		CURLMcode mc;
		size_t left;
		int running;

		if (start_waiting(f, &left, err) < 0)
			return -1;
		if (!left)
			return 0;
		mc = curl_multi_perform(f->multi, &running);
		if (handle_finished(f, err) < 0)
			return -1;
		/* with nothing under way: the next waits for its turn, or all are done */
		if (mc == CURLM_OK)
			mc = curl_multi_poll(f->multi, NULL, 0, running ? 200 : 5, NULL);
		if (mc != CURLM_OK)
			return err_set(err, ERR_NET, "libcurl: %s", curl_multi_strerror(mc));
		if (f->opts->progress)
			f->opts->progress(f->opts->arg, f->done_bytes, f->total_bytes);
	}
}

int http_fetch(struct http_item *items, size_t count, const struct http_opts *opts,
	       struct err **err)
{
	static const struct http_opts defaults;
	struct fetch f = {.opts = opts ? opts : &defaults, .count = count};
	static bool ready;
	int rc;

	if (!count)
		return 0;
	if (curl_load(err) < 0)
		return -1;
	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_ENV, "libcurl cannot start");
	ready = true;
	f.multi = curl_multi_init();
	if (!f.multi)
		return err_set(err, ERR_RESOURCE, "libcurl cannot start");
	f.transfers = xcalloc(count, sizeof(*f.transfers));
	for (size_t i = 0; i < count; i++) {
		items[i].status = 0;
		f.transfers[i] = (struct transfer){.item = &items[i], .fetch = &f, .fd = -1};
		f.total_bytes += items[i].size;
	}
	rc = fetch_loop(&f, err);
	for (size_t i = 0; i < count; i++) {
		transfer_reset(&f.transfers[i]);
		err_free(f.transfers[i].err);
	}
	free(f.transfers);
	curl_multi_cleanup(f.multi);
	return rc;
}
