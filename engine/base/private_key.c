/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/private_key.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"

#define DER_MAX (64u * 1024)  /* bytes; an RSA key of 16384 bits has 9,300 */
#define PEM_LABEL_MAX 32      /* bytes before "PRIVATE KEY" in which the label begins */
#define PEM_HEADERS_MAX 1024  /* bytes of "Proc-Type: ..." lines before the body */
#define PEM_LINE_MIN 4        /* characters of base64 that are a key and no example */
#define PEM_ONE_LINE_MIN 48   /* the same where no line ends; Ed25519 has 64 */
#define PEM_MAX (128u * 1024) /* bytes that are decoded of the base64 of one */
#define DER_HEAD 24           /* bytes from which der_kind() can tell */
#define HEX_STEP 48           /* bytes from one look for hexadecimal to the next */
#define HEX_SAMPLE 8          /* bytes of one */
#define HEX_BEFORE 112        /* bytes before the first that finds it: two looks and a key's head */
#define JWK_MAX (16u * 1024) /* bytes of an object before and after its "kty"; RSA-8192 has 6,400 */
#define JWK_MIN 40           /* characters of a private number; Ed25519 has 43 */

/* id-PBES2 (RFC 8018 A.4) */
static const char pbes2[] = {0x06,       0x09, 0x2a, (char)0x86, 0x48, (char)0x86,
			     (char)0xf7, 0x0d, 0x01, 0x05,       0x0d};

/* Bytes that are looked at. */
struct span {
	const unsigned char *p, *end;
};

/*
 * As memmem(), for text in which the byte RARE of WHAT is seldom: memchr() is several times faster.
 */
static const unsigned char *find(const unsigned char *p, const unsigned char *end, const char *what,
				 size_t len, size_t rare)
{
	while ((size_t)(end - p) >= len) {
		p = memchr(p + rare, (unsigned char)what[rare], (size_t)(end - p) - len + 1);
		if (!p)
			break;
		p -= rare;
		if (memcmp(p, what, len) == 0)
			return p;
		p++;
	}
	return NULL;
}

/* ---- DER ---- */

/* Of a SEQUENCE (X.690, 8.1): its bytes in all, and *ret_head of them before the value. */
static size_t sequence_size(const unsigned char *p, size_t len, size_t *ret_head)
{
	size_t size = 0, octets;

	if (len < 2 || p[0] != 0x30)
		return 0;
	octets = p[1] & 0x80 ? p[1] & 0x7f : 0;
	if (octets > 3 || len < 2 + octets || p[1] == 0x80)
		return 0;
	*ret_head = 2 + octets;
	if (!octets)
		return 2 + p[1];
	for (size_t i = 0; i < octets; i++)
		size = size << 8 | p[2 + i];
	return size + *ret_head;
}

enum der_kind { DER_NONE, DER_KEY, DER_ENCRYPTED };

/* How a value begins; what it is, is then up to OpenSSL. */
static enum der_kind der_kind(const unsigned char *p, size_t len)
{
	size_t head, inner;

	if (!sequence_size(p, len, &head) || len < DER_HEAD)
		return DER_NONE;
	p += head;
	len -= head;
	/* version 0 or 1, then an algorithm, a number, or the octets of an EC key */
	if (p[0] == 0x02 && p[1] == 0x01 && p[2] <= 1 &&
	    (p[3] == 0x30 || (p[2] == 0 ? p[3] == 0x02 : p[3] == 0x04)))
		return DER_KEY;
	if (sequence_size(p, len, &inner) && len >= inner + sizeof(pbes2) &&
	    memcmp(p + inner, pbes2, sizeof(pbes2)) == 0)
		return DER_ENCRYPTED;
	return DER_NONE;
}

static bool parses(enum der_kind kind, const unsigned char *p, size_t len)
{
	EVP_PKEY *key = NULL;
	X509_SIG *sealed = NULL;
	bool good;

	if (kind == DER_KEY)
		key = d2i_AutoPrivateKey(NULL, &p, (long)len);
	else
		sealed = d2i_X509_SIG(NULL, &p, (long)len);
	good = key || sealed;
	EVP_PKEY_free(key);
	X509_SIG_free(sealed);
	ERR_clear_error();
	return good;
}

static bool is_der(const unsigned char *p, size_t len)
{
	enum der_kind kind = der_kind(p, len);
	size_t head, size = kind ? sequence_size(p, len, &head) : 0;

	return kind && size <= len && size <= DER_MAX && parses(kind, p, size);
}

/* Whether a SEQUENCE whose value begins at AT, which is in S, is a key. */
static bool der_before(const struct span *s, const unsigned char *at)
{
	for (size_t head = 2; head <= 5 && head <= (size_t)(at - s->p); head++) {
		const unsigned char *p = at - head;
		size_t found;

		if (p[0] == 0x30 && sequence_size(p, (size_t)(s->end - p), &found) &&
		    found == head && is_der(p, (size_t)(s->end - p)))
			return true;
	}
	return false;
}

/* A key begins with its version, an encrypted one with an algorithm: PBES2. */
static bool has_der(const struct span *s)
{
	const unsigned char *p = s->p;

	while ((p = memchr(p, 0x02, (size_t)(s->end - p)))) {
		if (s->end - p >= 4 && p[1] == 0x01 && p[2] <= 1 && der_before(s, p))
			return true;
		p++;
	}
	for (p = s->p; (p = find(p, s->end, pbes2, sizeof(pbes2), 6)); p++) {
		for (size_t head = 2; head <= 5 && head <= (size_t)(p - s->p); head++)
			if (p[-(ptrdiff_t)head] == 0x30 && der_before(s, p - head))
				return true;
	}
	return false;
}

/* ---- base64 ---- */

static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/*
 * The end of a line within base64, as it is or escaped as in JSON, with what closes it and what
 * indents or opens the next one. 0: P is none.
 */
static size_t line_break(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start = p;
	bool ends = false;

	for (; p < end; p++) {
		if (*p == '\\' && end - p >= 2 && strchr("nr\r\n", p[1]) && p[1])
			ends |= *++p != 'r';
		else if (*p == '\\' && end - p >= 2 && p[1] == '\\')
			continue; /* escaped twice */
		else if (*p == '\n' || *p == '\r')
			ends = true;
		else if (!*p || !strchr("\"', \t", *p))
			break;
	}
	return ends ? (size_t)(p - start) : 0;
}

/* Decodes what stands at P, at most MAX bytes to OUT. *ret_chars: how many characters that were. */
static size_t base64_decode(const unsigned char *p, const unsigned char *end, unsigned char *out,
			    size_t max, size_t *ret_chars)
{
	uint32_t bits = 0;
	size_t chars = 0, n = 0;

	while (p < end && n < max) {
		int value = base64_value(*p);
		size_t gap = value < 0 ? line_break(p, end) : 0;

		if (value < 0 && !gap)
			break;
		p += gap ? gap : 1;
		if (gap)
			continue;
		bits = bits << 6 | (uint32_t)value;
		if (++chars % 4 != 1)
			out[n++] = (unsigned char)(bits >> (8 - chars % 4 * 2) % 8);
	}
	*ret_chars = chars;
	return n;
}

/* What base64 that begins at P holds. */
static bool is_base64_key(const unsigned char *p, const unsigned char *end)
{
	unsigned char head[DER_HEAD], *all cleanup_free = NULL;
	size_t chars, n = base64_decode(p, end, head, sizeof(head), &chars), skip, size;

	if (n < sizeof(head) || !der_kind(head, n))
		return false;
	size = sequence_size(head, n, &skip);
	if (size > DER_MAX)
		return false;
	all = xmalloc(size);
	return base64_decode(p, end, all, size, &chars) == size && is_der(all, size);
}

/* A SEQUENCE of up to 64 KiB begins with 'M' and, by its length, one of 'B' to 'I'. */
static bool has_base64(const struct span *s)
{
	const unsigned char *p = s->p;

	for (; (p = memchr(p, 'M', (size_t)(s->end - p))); p++) {
		if (s->end - p > DER_HEAD && p[1] >= 'B' && p[1] <= 'I' &&
		    (p == s->p || base64_value(p[-1]) < 0 || (p - s->p >= 2 && p[-2] == '\\')) &&
		    is_base64_key(p, s->end))
			return true;
	}
	return false;
}

/* ---- hexadecimal ---- */

static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes at most MAX bytes that stand at P, with what may stand between two of them. */
static size_t hex_decode(const unsigned char *p, const unsigned char *end, unsigned char *out,
			 size_t max)
{
	size_t n = 0;

	while (n < max && end - p >= 2) {
		int high = hex_value(p[0]), low = hex_value(p[1]);

		if (high >= 0 && low >= 0) {
			out[n++] = (unsigned char)(high << 4 | low);
			p += 2;
		} else if (*p && strchr(": \t\r\n\\", *p)) {
			p += p[0] == '\\' ? 2 : 1; /* \n within a string */
		} else {
			break;
		}
	}
	return n;
}

static bool is_hex_key(const unsigned char *p, const unsigned char *end)
{
	unsigned char head[DER_HEAD], *all cleanup_free = NULL;
	size_t skip, size;

	if (hex_decode(p, end, head, sizeof(head)) < sizeof(head) ||
	    der_kind(head, sizeof(head)) != DER_KEY)
		return false;
	size = sequence_size(head, sizeof(head), &skip);
	if (size > DER_MAX)
		return false;
	all = xmalloc(size);
	return hex_decode(p, end, all, size) == size && is_der(all, size);
}

/*
 * A key that begins in PART of S. Its version comes after the head of its SEQUENCE, two to five
 * bytes.
 */
static bool has_hex_of(const struct span *s, const struct span *part, const char *version,
		       ptrdiff_t stride)
{
	const unsigned char *p = part->p;

	for (; (p = memmem(p, (size_t)(part->end - p), version, strlen(version))); p++)
		for (ptrdiff_t head = 2; head <= 5 && head * stride <= p - s->p; head++) {
			const unsigned char *start = p - head * stride;

			if (start[0] == '3' && start[1] == '0' && is_hex_key(start, s->end))
				return true;
		}
	return false;
}

/* Whether most of the HEX_SAMPLE bytes at P are digits, and the others between them. */
static bool looks_hex(const unsigned char *p)
{
	enum { OTHER, BETWEEN, DIGIT };
	static const unsigned char kinds[256] = {
		['0' ... '9'] = DIGIT, ['A' ... 'F'] = DIGIT, ['a' ... 'f'] = DIGIT,
		[':'] = BETWEEN,       [' '] = BETWEEN,       ['\t'] = BETWEEN,
		['\r'] = BETWEEN,      ['\n'] = BETWEEN,
	};
	unsigned digits = 0;

	for (size_t i = 0; i < HEX_SAMPLE; i++) {
		if (kinds[p[i]] == OTHER)
			return false;
		digits += kinds[p[i]] == DIGIT;
	}
	return digits > HEX_SAMPLE / 2;
}

/* The shortest key has 96 digits: a look every HEX_STEP bytes misses none. */
static bool has_hex(const struct span *s)
{
	const unsigned char *p = s->p;

	while (s->end - p >= HEX_SAMPLE) {
		struct span part = {p - s->p > HEX_BEFORE ? p - HEX_BEFORE : s->p, s->end};

		if (!looks_hex(p)) {
			p += HEX_STEP;
			continue;
		}
		while (s->end - p >= HEX_SAMPLE && looks_hex(p))
			p += HEX_STEP;
		if (p < s->end)
			part.end = p;
		if (has_hex_of(s, &part, "02010", 2) || has_hex_of(s, &part, "02:01:0", 3) ||
		    has_hex_of(s, &part, "02 01 0", 3))
			return true;
	}
	return false;
}

/* ---- JSON Web Keys ---- */

/* The bounds of the object that AT is in. */
static struct span object_around(const struct span *s, const unsigned char *at)
{
	struct span o = {at, at};
	int depth = 0;

	while (o.p > s->p && at - o.p < (ptrdiff_t)JWK_MAX && depth >= 0) {
		o.p--;
		depth += (*o.p == '}') - (*o.p == '{');
	}
	for (depth = 0; o.end < s->end && o.end - at < (ptrdiff_t)JWK_MAX && depth >= 0; o.end++)
		depth += (*o.end == '{') - (*o.end == '}');
	return o;
}

/* Whether "d" stands at P, which is after its first quote, with a number. */
static bool is_private_number(const unsigned char *p, const unsigned char *end)
{
	size_t chars = 0, colons = 0;

	if (p == end || *p++ != 'd')
		return false;
	for (; p < end && *p && strchr("\\\": \t\r\n", *p); p++)
		colons += *p == ':';
	while (p + chars < end && base64_value(p[chars]) >= 0)
		chars++;
	return colons == 1 && chars >= JWK_MIN;
}

/* RFC 7517; the private number of EC and OKP keys (RFC 8037) and of RSA is "d" (RFC 7518, 6). */
static bool has_jwk(const struct span *s)
{
	const unsigned char *p = s->p;

	for (; (p = memchr(p, 'k', (size_t)(s->end - p))); p++) {
		struct span o;
		const unsigned char *q;

		if (p == s->p || p[-1] != '"' || s->end - p < 4 || memcmp(p, "kty", 3) != 0)
			continue;
		o = object_around(s, p);
		q = o.p;
		while ((q = memchr(q, '"', (size_t)(o.end - q))))
			if (is_private_number(++q, o.end))
				return true;
	}
	return false;
}

/* ---- PEM and OpenSSH ---- */

/* Whether base64 follows the dashes after the words, with a space between them at most. */
static bool has_body_in_line(const unsigned char *p, const unsigned char *end)
{
	size_t chars = 0;

	while (p < end && (*p == '-' || *p == ' '))
		p++;
	while (p + chars < end && base64_value(p[chars]) >= 0)
		chars++;
	return chars >= PEM_ONE_LINE_MIN;
}

/* Whether a line of base64 follows soon: programs and manuals have the words alone. */
static bool has_body(const unsigned char *p, const unsigned char *end)
{
	if (has_body_in_line(p, end))
		return true;
	if ((size_t)(end - p) > PEM_HEADERS_MAX)
		end = p + PEM_HEADERS_MAX;
	for (; p < end; p++) {
		size_t gap = line_break(p, end), chars = 0;
		const unsigned char *line = p + gap;

		while (gap && line + chars < end && base64_value(line[chars]) >= 0)
			chars++;
		line += chars;
		if (chars >= PEM_LINE_MIN && (line == end || *line == '=' || line_break(line, end)))
			return true;
	}
	return false;
}

static bool has_pem(const struct span *s)
{
	static const char words[] = "PRIVATE KEY", begin[] = "-----BEGIN ";
	const unsigned char *p = s->p;

	while ((p = find(p, s->end, words, sizeof(words) - 1, 3))) {
		size_t before = (size_t)(p - s->p);
		const unsigned char *label = before > PEM_LABEL_MAX ? p - PEM_LABEL_MAX : s->p;

		if (memmem(label, (size_t)(p - label), begin, sizeof(begin) - 1) &&
		    has_body(p + sizeof(words) - 1, s->end))
			return true;
		p += sizeof(words) - 1;
	}
	return false;
}

/* As variables of a CI and secrets of Kubernetes have it. */
static bool has_base64_of_pem(const struct span *s)
{
	static const char begin[] = "LS0tLS1CRUdJTi"; /* "-----BEGIN " */
	const unsigned char *p = s->p;

	while ((p = find(p, s->end, begin, sizeof(begin) - 1, 11))) {
		unsigned char *text cleanup_free = xmalloc(PEM_MAX);
		size_t chars, len = base64_decode(p, s->end, text, PEM_MAX, &chars);
		const struct span decoded = {text, text + len};

		if (has_pem(&decoded))
			return true;
		p += chars;
	}
	return false;
}

/*
 * As some editors and shells of Windows write it: each letter with a zero before it (big endian) or
 * after it; seen from a letter on, both are the same.
 */
static bool has_wide_pem(const struct span *s)
{
	static const char words[] = "P\0R\0I\0V\0A\0T\0E\0 \0K\0E\0Y";
	const unsigned char *p = memchr(s->p, 0, (size_t)(s->end - s->p)); /* text has none */

	while (p && (p = find(p, s->end, words, sizeof(words) - 1, 6))) {
		size_t before = (size_t)(p - s->p) / 2, n = 0;
		const unsigned char *q = p - 2 * (before > PEM_LABEL_MAX ? PEM_LABEL_MAX : before);
		unsigned char *text cleanup_free = xmalloc(PEM_MAX);
		struct span narrow = {text, text};

		for (; q < s->end && n < PEM_MAX && (q < p || q + 1 == s->end || !q[1]); q += 2)
			text[n++] = *q;
		narrow.end = text + n;
		if (has_pem(&narrow))
			return true;
		p += sizeof(words) - 1;
	}
	return false;
}

/* The name of a cipher follows, 32 bits of length first; in programs, other text does. */
static bool has_openssh(const struct span *s)
{
	static const char magic[] = "openssh-key-v1"; /* with its NUL */
	static const char base64[] = "b3BlbnNzaC1rZXktdjEAAAAA";
	const unsigned char *p = s->p;

	for (; (p = find(p, s->end, magic, sizeof(magic), 8)); p++) {
		if ((size_t)(s->end - p) > sizeof(magic) + 4 &&
		    memcmp(p + sizeof(magic), "\0\0\0", 3) == 0 && p[sizeof(magic) + 3])
			return true;
	}
	return find(s->p, s->end, base64, sizeof(base64) - 1, 12);
}

const char *private_key_in(const void *data, size_t len)
{
	const struct span s = {data, (const unsigned char *)data + len};

	if (len < DER_HEAD)
		return NULL;
	if (has_pem(&s))
		return "PEM";
	if (has_base64_of_pem(&s))
		return "base64 of PEM";
	if (has_openssh(&s))
		return "OpenSSH";
	if (has_der(&s))
		return "DER";
	if (has_base64(&s))
		return "base64 of DER";
	if (has_hex(&s))
		return "hexadecimal of DER";
	if (has_jwk(&s))
		return "JWK";
	return has_wide_pem(&s) ? "PEM in UTF-16" : NULL;
}

#define KEY_MAX (1024 * 1024) /* bytes; far more than any has */

/* The directory of the key PATH, or where it is REALLY: others could put their own in its place. */
static int check_directory(int dirfd, const char *path, const char *key, struct err **err)
{
	char *dir cleanup_free = path_dir(path);
	struct stat st;

	if (fstatat(dirfd, dir, &st, 0) < 0 || !(st.st_mode & 0022) || st.st_mode & S_ISVTX)
		return 0;
	return err_set(err, E_PRIVATE_KEY_WRITABLE,
		       "others than its owner can write the directory '%s' (mode %04o) of the "
		       "private key '%s': see that the key still is yours, then chmod 700 the "
		       "directory",
		       dir, st.st_mode & 07777, key);
}

int private_key_check_place(int dirfd, const char *path, mode_t *ret_mode, struct err **err)
{
	int fd cleanup_fd = openat(dirfd, path, O_PATH | O_CLOEXEC);
	char link[64], real[PATH_MAX];
	struct stat st;
	ssize_t n;

	*ret_mode = 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	*ret_mode = st.st_mode;
	if (st.st_mode & 0022)
		return err_set(err, E_PRIVATE_KEY_WRITABLE,
			       "others than its owner can write the private key '%s' (mode %04o): "
			       "see that it still is yours, then chmod 600 it",
			       path, st.st_mode & 07777);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_KEY_UNUSABLE, "the private key '%s' is not a file", path);
	if (st.st_size > KEY_MAX)
		return err_set(err, E_KEY_UNUSABLE,
			       "'%s' is too large for a private key: name a PEM file", path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, sizeof(real) - 1);
	real[n > 0 ? n : 0] = 0;
	if (check_directory(dirfd, path, path, err) < 0)
		return -1;
	return n > 0 ? check_directory(AT_FDCWD, real, path, err) : 0;
}
