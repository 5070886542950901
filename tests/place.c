/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * place URL WORD...: does something with a shared place (engine/remote/transport.h), as tests want
 * it. Words, in order:
 *
 *	hello              what it says of itself
 *	blobs N SIZE SEED  from now on: N blobs of about SIZE bytes, the same for the same SEED
 *	missing            how many of them it has not
 *	put                stores those that are missing
 *	get                fetches them; how many are there, all compared with what they should be
 *	take               the same, each as it comes, before the rest is there
 *	result NAME TEXT   stores TEXT, a message ActionResult, under the digest of NAME
 *	find NAME          whether there is a result of that name
 *	results TEXT       stores TEXT as a result for each of the blobs, as if it were a manifest
 *	ask                asks for all of these at once
 *	clock              the milliseconds since the last such word, on stderr
 *	batch SIZE         pretends that a server of the REAPI takes batches of SIZE bytes
 *	again              opens the place once more
 *
 * The environment has the access: PLACE_CA, PLACE_CERT, PLACE_KEY, PLACE_TOKEN, PLACE_INSTANCE,
 * PLACE_ID and PLACE_SECRET. Exits with the exit code of the error's class.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "remote/transport.h"
#ifdef ORCH_GRPC
#include "remote/transport_reapi_priv.h"
#endif

static struct transport *place;
static struct remote_access access_;
static const char *url;
static struct remote_blob *blobs;
static size_t count;

static void check(int rc, struct err **err)
{
	char *text cleanup_free = NULL;

	if (rc >= 0)
		return;
	text = err_string(*err);
	printf("error: %s\n", text);
	fflush(stdout);
	_exit(err_exit_code((*err)->code->cls));
}

static void open_place(void)
{
	struct err *err = NULL;

	transport_close(place);
	place = NULL;
	check(transport_open(url, &access_, &place, &err), &err);
}

/* Bytes of which half can be packed. */
static void fill(char *data, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		data[i] = (char)(i % 2 ? seed >> 56 : seed >> 62);
	}
}

static void make_blobs(size_t n, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < count; i++) {
		free((void *)blobs[i].data);
		free(blobs[i].got);
	}
	free(blobs);
	count = n;
	blobs = xcalloc(n, sizeof(*blobs));
	for (size_t i = 0; i < n; i++) {
		size_t len = size ? size / 2 + (i * 7919 + seed) % size : 0;
		char *data = xmalloc(len + 1);

		fill(data, len, seed * 1000003 + i);
		digest_data(data, len, &blobs[i].digest);
		blobs[i] = (struct remote_blob){
			.digest = blobs[i].digest, .size = len, .data = data, .missing = true};
	}
}

static void get(void)
{
	struct err *err = NULL;
	size_t there = 0;
	int rc;

	for (size_t i = 0; i < count; i++)
		free(steal_ptr(blobs[i].got));
	rc = place->type->get(place, blobs, count, &err);
	for (size_t i = 0; i < count; i++) {
		if (!blobs[i].got)
			continue;
		there++;
		if (memcmp(blobs[i].got, blobs[i].data, blobs[i].size))
			printf("WRONG BYTES\n");
	}
	printf("got %zu of %zu\n", there, count);
	check(rc, &err);
}

static size_t taken, in_time;

static void on_arrived(void *arg, struct remote_blob *b)
{
	size_t came = 0;

	for (size_t i = 0; i < count; i++)
		came += blobs[i].got || blobs[i].taken;
	in_time += came < count;
	if (memcmp(b->got, b->data, b->size))
		printf("WRONG BYTES\n");
	free(steal_ptr(b->got));
	b->taken = true;
	taken++;
}

static void take(void)
{
	struct err *err = NULL;
	int rc;

	for (size_t i = 0; i < count; i++)
		free(steal_ptr(blobs[i].got));
	taken = in_time = 0;
	place->arrived = on_arrived;
	rc = place->type->get(place, blobs, count, &err);
	place->arrived = NULL;
	printf("took %zu of %zu%s\n", taken, count, in_time ? ", as they came" : "");
	check(rc, &err);
}

static void find(const char *name)
{
	struct str message cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct digest key;
	int rc;

	digest_data(name, strlen(name), &key);
	rc = transport_result_get(place, &key, strlen(name), &message, &err);
	check(rc, &err);
	printf("%s: %s (%zu)\n", name, rc ? "none" : "found", message.len);
}

/* An ActionResult whose stdout_raw is TEXT and which needs all blobs. */
static void pack_result(const char *text, struct str *ret)
{
	size_t len = strlen(text);

	str_append_char(ret, 0x2a);
	str_append_char(ret, (char)len);
	str_append_len(ret, text, len);
	for (size_t i = 0; i < count; i++) {
		char hex[DIGEST_HEX + 1];
		char size[10];
		size_t n = 0;

		for (size_t s = blobs[i].size; n == 0 || s; s >>= 7)
			size[n++] = (char)((s & 0x7f) | (s > 0x7f ? 0x80 : 0));
		str_append_char(ret, 0x12);
		str_append_char(ret, (char)(2 + 1 + 2 + 2 + 64 + 1 + n));
		str_append_len(ret, "\x0a\x01x\x12", 4);
		str_append_char(ret, (char)(2 + 64 + 1 + n));
		str_append_len(ret, "\x0a\x40", 2);
		str_append(ret, digest_hex(&blobs[i].digest, hex));
		str_append_char(ret, 0x10);
		str_append_len(ret, size, n);
	}
}

static void store(const char *name, const char *text)
{
	struct str message cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct digest key;

	digest_data(name, strlen(name), &key);
	pack_result(text, &message);
	check(place->type->result_put(place, &key, strlen(name), &message, &err), &err);
	printf("stored %s\n", name);
}

static void store_all(const char *text)
{
	struct str message cleanup_str = STR_INIT;
	struct err *err = NULL;
	size_t n = count;

	count = 0; /* they need no others */
	pack_result(text, &message);
	count = n;
	for (size_t i = 0; i < count; i++)
		check(place->type->result_put(place, &blobs[i].digest, blobs[i].size, &message,
					      &err),
		      &err);
	printf("stored %zu\n", count);
}

static void ask_all(void)
{
	struct remote_question *q = xcalloc(count + 1, sizeof(*q));
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		q[i] = (struct remote_question){.key = blobs[i].digest,
						.manifest_size = blobs[i].size,
						.message = STR_INIT};
	place->type->results_get(place, q, count);
	for (size_t i = 0; i < count; i++) {
		check(q[i].rc, &q[i].err);
		found += q[i].rc == 0 && q[i].message.len;
		remote_question_release(&q[i]);
	}
	free(q);
	printf("found %zu of %zu\n", found, count);
}

static void tell_clock(void)
{
	static uint64_t last;
	uint64_t now = clock_ms();

	fprintf(stderr, "%llu\n", last ? (unsigned long long)(now - last) : 0);
	last = now;
}

static void hello(void)
{
	struct str said cleanup_str = STR_INIT;
	struct err *err = NULL;

	check(place->type->hello(place, &said, &err), &err);
	printf("hello: %s\n", said.buf);
}

static void missing(void)
{
	struct err *err = NULL;
	size_t n = 0;

	check(place->type->missing(place, blobs, count, &err), &err);
	for (size_t i = 0; i < count; i++)
		n += blobs[i].missing;
	printf("missing %zu of %zu\n", n, count);
}

static void put(void)
{
	struct err *err = NULL;

	check(place->type->put(place, blobs, count, &err), &err);
	printf("put\n");
}

static char **do_word(char **w)
{
	if (str_eq(*w, "hello")) {
		hello();
	} else if (str_eq(*w, "blobs")) {
		make_blobs(strtoul(w[1], NULL, 10), strtoul(w[2], NULL, 10),
			   strtoul(w[3], NULL, 10));
		return w + 4;
	} else if (str_eq(*w, "missing")) {
		missing();
	} else if (str_eq(*w, "put")) {
		put();
	} else if (str_eq(*w, "get")) {
		get();
	} else if (str_eq(*w, "take")) {
		take();
	} else if (str_eq(*w, "result")) {
		store(w[1], w[2]);
		return w + 3;
	} else if (str_eq(*w, "find")) {
		find(w[1]);
		return w + 2;
	} else if (str_eq(*w, "results")) {
		store_all(w[1]);
		return w + 2;
	} else if (str_eq(*w, "ask")) {
		ask_all();
	} else if (str_eq(*w, "clock")) {
		tell_clock();
	} else if (str_eq(*w, "again")) {
		open_place();
#ifdef ORCH_GRPC
	} else if (str_eq(*w, "batch")) {
		((struct reapi *)place)->batch_max = strtoul(w[1], NULL, 10);
		return w + 2;
#endif
	} else {
		fprintf(stderr, "place: '%s' is unknown\n", *w);
		_exit(2);
	}
	return w + 1;
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

int main(int argc, char **argv)
{
	uint64_t start = clock_ms();

	if (argc < 2)
		return 2;
	url = argv[1];
	access_ = (struct remote_access){.ca = setting("PLACE_CA"),
					 .cert = setting("PLACE_CERT"),
					 .cert_key = setting("PLACE_KEY"),
					 .token = setting("PLACE_TOKEN"),
					 .instance = setting("PLACE_INSTANCE"),
					 .key_id = setting("PLACE_ID"),
					 .secret = setting("PLACE_SECRET")};
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_place();
	for (char **w = argv + 2; w < argv + argc;)
		w = do_word(w);
	fprintf(stderr, "sent %llu received %llu calls %llu retries %llu ms %llu\n",
		(unsigned long long)place->sent, (unsigned long long)place->received,
		(unsigned long long)place->calls, (unsigned long long)place->retries,
		(unsigned long long)(clock_ms() - start));
	make_blobs(0, 0, 0);
	free(blobs);
	transport_close(place);
	return 0;
}
