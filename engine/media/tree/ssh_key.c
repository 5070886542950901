/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/ssh_key.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

/* Of a type's strings, that at FIXED has LEN bytes; LEN 0: none is known. */
static const struct key_type {
	const char *name;
	unsigned strings, fixed;
	size_t len;
} types[] = {
	{"ssh-ed25519", 2, 1, 32},
	{"ssh-rsa", 3, 0, 0},
	{"ecdsa-sha2-nistp256", 3, 2, 65},
	{"ecdsa-sha2-nistp384", 3, 2, 97},
	{"ecdsa-sha2-nistp521", 3, 2, 133},
	{"sk-ssh-ed25519@openssh.com", 3, 1, 32},
	{"sk-ecdsa-sha2-nistp256@openssh.com", 4, 2, 65},
};

static const struct key_type *find_type(const char *word, size_t len)
{
	for (size_t i = 0; i < array_len(types); i++) {
		if (strlen(types[i].name) == len && memcmp(types[i].name, word, len) == 0)
			return &types[i];
	}
	return NULL;
}

/* What follows a word, of which spaces in quotes are a part: options. */
static const char *behind_word(const char *p)
{
	for (bool quoted = false; *p && (quoted || !strchr(" \t", *p)); p++) {
		if (*p == '\\' && p[1] == '"')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

/* The strings of a key, one after the other. */
struct blob {
	const unsigned char *data;
	size_t len;
};

static bool next_string(struct blob *b, struct blob *ret)
{
	uint32_t len;

	if (b->len < sizeof(len))
		return false;
	memcpy(&len, b->data, sizeof(len));
	len = be32toh(len);
	if (len > b->len - sizeof(len))
		return false;
	*ret = (struct blob){b->data + sizeof(len), len};
	b->data += sizeof(len) + len;
	b->len -= sizeof(len) + len;
	return true;
}

static char *strings_wrong(const struct key_type *t, struct blob b)
{
	struct blob s;

	for (unsigned i = 0; i < t->strings; i++) {
		if (!next_string(&b, &s))
			return xasprintf("is cut: string %u of the %u of a key of type %s is not "
					 "whole",
					 i + 1, t->strings, t->name);
		if (i == 0 && (s.len != strlen(t->name) || memcmp(s.data, t->name, s.len) != 0))
			return xasprintf("says %s, and its bytes are a key of type '%.*s'", t->name,
					 s.len < 64 ? (int)s.len : 64, (const char *)s.data);
		if (!s.len || (t->len && i == t->fixed && s.len != t->len))
			return xasprintf("is damaged: string %u of a key of type %s has %zu bytes",
					 i + 1, t->name, s.len);
	}
	return b.len ? xasprintf("is damaged: %zu bytes follow a key of type %s", b.len, t->name)
		     : NULL;
}

static char *base64_wrong(const struct key_type *t, const char *text, size_t len)
{
	unsigned char *data cleanup_free = xmalloc(len / 4 * 3 + 4);
	size_t padding = len > 1 ? (size_t)(text[len - 1] == '=') + (text[len - 2] == '=') : 0;
	int n = len && len % 4 == 0 && len < INT_MAX
			? EVP_DecodeBlock(data, (const unsigned char *)text, (int)len)
			: -1;

	if (n < (int)padding)
		return xasprintf("is cut or damaged: %zu characters that are not base64 follow %s",
				 len, t->name);
	return strings_wrong(t, (struct blob){data, (size_t)n - padding});
}

char *ssh_key_wrong(const char *line)
{
	const char *p = line + strspn(line, " \t"), *end = p + strcspn(p, " \t\r");
	const struct key_type *t = find_type(p, (size_t)(end - p));

	if (!t) {
		p = behind_word(p);
		p += strspn(p, " \t");
		end = p + strcspn(p, " \t\r");
		t = find_type(p, (size_t)(end - p));
	}
	if (!t)
		return xstrdup("is not a public key that OpenSSH takes ('ssh-ed25519 AAAA…')");
	p = end + strspn(end, " \t");
	return base64_wrong(t, p, strcspn(p, " \t\r"));
}
