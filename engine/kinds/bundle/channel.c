/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/bundle/channel.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <time.h>

#include "base/file.h"
#include "kinds/pki/cms.h"
#include "media/deb/deb.h"
#include "recipe/recipe.h"

bool channel_is_name(const char *name)
{
	size_t len = strlen(name);

	return len && len <= CHANNEL_NAME_MAX && *name != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

char *channel_time(int64_t seconds, char buf[24])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	strftime(buf, 24, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	return buf;
}

/* ---- the text ---- */

static void write_text(struct str *s, const char *key, const char *text, const char *end)
{
	json_t *value = json_string(text);
	char *quoted cleanup_free = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	str_printf(s, "\"%s\": %s%s\n", key, quoted ? quoted : "\"\"", end);
	json_decref(value);
}

void channel_write(const struct channel *c, struct str *ret)
{
	char issued[24], from[24], until[24], hex[DIGEST_HEX + 1];

	str_append(ret, "{\n\"orch-channel\": 1,\n");
	write_text(ret, "channel", c->name, ",");
	write_text(ret, "compatible", c->compatible, ",");
	str_printf(ret, "\"serial\": %" PRIu64 ",\n", c->serial);
	write_text(ret, "issued", channel_time(c->issued, issued), ",");
	write_text(ret, "not-before", channel_time(c->not_before, from), ",");
	write_text(ret, "expires", channel_time(c->expires, until), ",");
	str_printf(ret, "\"halt\": %s,\n\"percent\": %u,\n", c->halt ? "true" : "false",
		   c->percent);
	write_text(ret, "version", c->version, ",");
	write_text(ret, "bundle", c->bundle, ",");
	str_printf(ret, "\"size\": %" PRIu64 ",\n", c->size);
	write_text(ret, "sha256", digest_hex(&c->sha256, hex), ",");
	write_text(ret, "manifest", digest_hex(&c->manifest, hex), "");
	str_append(ret, "}\n");
}

static void take_text(json_t *o, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (text && strlen(text) < size)
		memcpy(ret, text, strlen(text) + 1);
}

static uint64_t take_number(json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

static int64_t take_time(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	uint64_t seconds;

	return text && times_parse(text, &seconds) == 0 ? (int64_t)seconds : 0;
}

static void take_digest(json_t *o, const char *key, struct digest *ret)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (text)
		(void)digest_parse(text, ret);
}

int channel_read(const char *path, const struct str *text, struct channel *ret, struct err **err)
{
	json_t *o = json_loadb(text->buf, text->len, 0, NULL);
	struct str again cleanup_str = STR_INIT;
	struct channel c = {0};

	take_text(o, "channel", c.name, sizeof(c.name));
	take_text(o, "compatible", c.compatible, sizeof(c.compatible));
	take_text(o, "version", c.version, sizeof(c.version));
	take_text(o, "bundle", c.bundle, sizeof(c.bundle));
	c.serial = take_number(o, "serial");
	c.size = take_number(o, "size");
	c.percent = (unsigned)take_number(o, "percent");
	c.halt = json_is_true(json_object_get(o, "halt"));
	c.issued = take_time(o, "issued");
	c.not_before = take_time(o, "not-before");
	c.expires = take_time(o, "expires");
	take_digest(o, "sha256", &c.sha256);
	take_digest(o, "manifest", &c.manifest);
	json_decref(o);
	channel_write(&c, &again);
	if (!c.serial || again.len != text->len || memcmp(again.buf, text->buf, text->len) != 0)
		return err_set(err, E_SIGNED_UNREADABLE,
			       "'%s' is signed, and is not a channel as this orch writes it", path);
	*ret = c;
	return 0;
}

/* ---- the bundle ---- */

/* At its end stands a signature, the manifest in it, and in 8 bytes how long that is. */
static int read_manifest(int fd, const char *path, uint64_t size, struct str *ret, struct err **err)
{
	struct str der cleanup_str = STR_INIT;
	uint64_t len = 0;
	ssize_t n =
		size > sizeof(len) ? pread(fd, &len, sizeof(len), (off_t)(size - sizeof(len))) : 0;

	len = be64toh(len);
	if (n != sizeof(len) || !len || len > (1 << 20) || len + sizeof(len) > size)
		return err_set(err, E_WRONG_INPUT, "'%s' is not a signed bundle", path);
	if (pread(fd, str_reserve(&der, len), len, (off_t)(size - sizeof(len) - len)) !=
	    (ssize_t)len)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	der.len = len;
	return cms_content(path, der.buf, der.len, ret, err);
}

/* The value of KEY in section [update]. */
static void find_value(const char *manifest, const char *key, char *ret, size_t size)
{
	bool inside = false;
	size_t key_len = strlen(key);

	for (const char *line = manifest; *line;) {
		size_t len = strcspn(line, "\n");

		if (*line == '[')
			inside = len == strlen("[update]") && memcmp(line, "[update]", len) == 0;
		else if (inside && len > key_len && line[key_len] == '=' &&
			 memcmp(line, key, key_len) == 0 && len - key_len <= size) {
			memcpy(ret, line + key_len + 1, len - key_len - 1);
			ret[len - key_len - 1] = '\0';
		}
		line += len + (line[len] == '\n');
	}
}

int channel_look_at(const char *path, struct channel *ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct str manifest cleanup_str = STR_INIT;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	ret->size = (uint64_t)st.st_size;
	if (read_manifest(fd, path, ret->size, &manifest, err) < 0 ||
	    digest_fd(fd, path, &ret->sha256, err) < 0)
		return -1;
	digest_data(manifest.buf, manifest.len, &ret->manifest);
	find_value(manifest.buf, "compatible", ret->compatible, sizeof(ret->compatible));
	find_value(manifest.buf, "version", ret->version, sizeof(ret->version));
	return *ret->compatible && *ret->version
		       ? 0
		       : err_set(err, E_WRONG_INPUT,
				 "the manifest of '%s' has no compatible or no version", path);
}

/* ---- versions ---- */

/* As Debian orders them: '~' is before nothing at all. */
static char *debian_version(const char *version)
{
	char *text = xstrndup(version, strcspn(version, "+"));

	for (char *p = text; *p; p++)
		if (*p == '-')
			*p = '~';
	return text;
}

bool channel_is_newer(const char *a, const char *b)
{
	char *one cleanup_free = debian_version(a), *two cleanup_free = debian_version(b);

	return deb_version_compare(one, two) > 0;
}
