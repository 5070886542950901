/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/file.h"

struct hasher {
	EVP_MD_CTX *ctx;
};

/* Fetched once: looking the algorithm up for every small text costs more than hashing it. */
static const EVP_MD *sha256(void)
{
	static EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!md && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
		out_of_memory(0);
	if (!md) {
		fprintf(stderr, "orch: OpenSSL offers no SHA-256\n");
		abort();
	}
	return md;
}

static struct hasher *new_hasher(const EVP_MD *md)
{
	struct hasher *h = xmalloc(sizeof(*h));

	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || EVP_DigestInit_ex2(h->ctx, md, NULL) != 1)
		out_of_memory(0);
	return h;
}

struct hasher *hasher_new(void)
{
	return new_hasher(sha256());
}

struct hasher *hasher_new_sha1(void)
{
	return new_hasher(EVP_sha1());
}

void hasher_update(struct hasher *h, const void *data, size_t len)
{
	if (EVP_DigestUpdate(h->ctx, data, len) != 1)
		out_of_memory(0);
}

void hasher_finish(struct hasher *h, struct digest *ret)
{
	if (EVP_DigestFinal_ex(h->ctx, ret->b, NULL) != 1)
		out_of_memory(0);
	hasher_free(h);
}

void hasher_finish_sha1(struct hasher *h, struct sha1 *ret)
{
	if (EVP_DigestFinal_ex(h->ctx, ret->b, NULL) != 1)
		out_of_memory(0);
	hasher_free(h);
}

void hasher_free(struct hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

static inline void hasher_freep(struct hasher **h)
{
	hasher_free(*h);
}

void digest_data(const void *data, size_t len, struct digest *ret)
{
	if (EVP_Digest(data, len, ret->b, NULL, sha256(), NULL) != 1)
		out_of_memory(0);
}

int digest_head(int fd, const char *name, uint64_t len, struct digest *ret, struct err **err)
{
	struct hasher *h __attribute__((cleanup(hasher_freep))) = hasher_new();
	const size_t size = 256 * 1024;
	char *buf cleanup_free = xmalloc(size);
	uint64_t at = 0;

	while (at < len) {
		size_t want = len - at < size ? (size_t)(len - at) : size;
		ssize_t n = pread(fd, buf, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
		if (n == 0)
			break;
		hasher_update(h, buf, (size_t)n);
		at += (uint64_t)n;
	}
	hasher_finish(steal_ptr(h), ret);
	return 0;
}

int digest_fd(int fd, const char *name, struct digest *ret, struct err **err)
{
	return digest_head(fd, name, UINT64_MAX, ret, err);
}

int digest_file(const char *path, struct digest *ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path);
	return digest_fd(fd, path, ret, err);
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
	return memcmp(a->b, b->b, DIGEST_LEN) == 0;
}

/* Writes the two digits of BYTE, without NUL; returns the place after them. */
static char *put_hex(char *to, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = digits[byte >> 4];
	*to++ = digits[byte & 15];
	return to;
}

static char *bytes_hex(const unsigned char *bytes, size_t len, char *buf)
{
	char *p = buf;

	for (size_t i = 0; i < len; i++)
		p = put_hex(p, bytes[i]);
	*p = 0;
	return buf;
}

char *digest_hex(const struct digest *d, char buf[DIGEST_HEX + 1])
{
	return bytes_hex(d->b, DIGEST_LEN, buf);
}

char *sha1_hex(const struct sha1 *d, char buf[SHA1_HEX + 1])
{
	return bytes_hex(d->b, sizeof(d->b), buf);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int digest_parse(const char *text, struct digest *ret)
{
	struct digest d;

	for (size_t i = 0; i < DIGEST_LEN; i++) {
		int hi = hex_value(text[2 * i]), lo = hi < 0 ? -1 : hex_value(text[2 * i + 1]);

		if (lo < 0)
			return 1;
		d.b[i] = (unsigned char)(hi * 16 + lo);
	}
	if (text[DIGEST_HEX])
		return 1;
	*ret = d;
	return 0;
}

void uuid_derive(unsigned char ret[16], ...)
{
	struct hasher *h = hasher_new();
	struct digest d;
	const char *part;
	va_list ap;

	va_start(ap, ret);
	while ((part = va_arg(ap, const char *)))
		hasher_update(h, part, strlen(part) + 1);
	va_end(ap);
	hasher_finish(h, &d);
	memcpy(ret, d.b, 16);
	ret[6] = (unsigned char)((ret[6] & 0x0f) | 0x80); /* version 8 */
	ret[8] = (unsigned char)((ret[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
}

char *uuid_format(const unsigned char uuid[16], char buf[37])
{
	char *p = buf;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p = put_hex(p, uuid[i]);
	}
	*p = 0;
	return buf;
}

int uuid_parse(const char *text, unsigned char ret[16])
{
	unsigned char id[16];
	const char *p = text;

	for (size_t i = 0; i < sizeof(id); i++, p += 2) {
		int hi, lo;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
			return 1;
		hi = hex_value(p[0]);
		lo = hi < 0 ? -1 : hex_value(p[1]);
		if (lo < 0)
			return 1;
		id[i] = (unsigned char)(hi << 4 | lo);
	}
	if (*p)
		return 1;
	memcpy(ret, id, sizeof(id));
	return 0;
}
