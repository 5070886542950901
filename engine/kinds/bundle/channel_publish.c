/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/bundle/channel_publish.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "kinds/pki/cms.h"

#define GUARD ".orch-publish.lock"
#define STAGE ".orch-publish.new" /* on the file system of the directory, so that renames do */
#define BUNDLES "bundles"

struct publishing {
	const struct channel_order *o;
	char *signed_path, *plain_path, *stage;
	struct channel was; /* serial 0: there is none */
	struct channel_published *ret;
};

static void publishing_clear(struct publishing *p)
{
	struct err *ignored cleanup_err = NULL;

	if (p->stage)
		(void)!path_remove(p->stage, &ignored);
	free(p->stage);
	free(p->signed_path);
	free(p->plain_path);
}
#define cleanup_publishing __attribute__((cleanup(publishing_clear)))

/* ---- what is there ---- */

static int no_channel(const struct publishing *p, struct err **err)
{
	const struct channel_order *o = p->o;
	char *bundles cleanup_free = path_join(o->dir, BUNDLES);

	if (o->serial && !o->halt)
		return 0;
	if (o->halt)
		return err_set(err, E_CHANNEL_LOST,
			       "'%s' has no channel '%s' that could be halted: look at DIR and at "
			       "the name",
			       o->dir, o->name);
	if (!path_exists(bundles))
		return 0;
	return err_set(err, E_CHANNEL_LOST,
		       "'%s' has bundles and no channel '%s'. If it is to begin, say --serial 1; "
		       "if its file was lost, put it back, or say --serial with a number above "
		       "all that devices have seen",
		       o->dir, o->name);
}

/* The channel as it is, by its signature; with --serial also where that is nobody's any more. */
static int read_channel(struct publishing *p, struct err **err)
{
	const struct channel_order *o = p->o;
	struct str der cleanup_str = STR_INIT, text cleanup_str = STR_INIT;
	int rc;

	if (!path_exists(p->signed_path))
		return no_channel(p, err);
	if (file_read_foreign(p->signed_path, CHANNEL_MAX, &der, err) < 0)
		return -1;
	rc = o->serial ? cms_content(p->signed_path, der.buf, der.len, &text, err)
		       : cms_open(p->signed_path, der.buf, der.len, o->keyring, &text, err);
	if (rc == 0)
		rc = channel_read(p->signed_path, &text, &p->was, err);
	return rc < 0 ? err_wrap(err, "to go on nevertheless, remove it and say --serial with a "
				      "number above all that devices have seen")
		      : 0;
}

static int refuse_other(const struct publishing *p, const struct channel *c, struct err **err)
{
	const struct channel *was = &p->was;

	if (!was->serial)
		return 0;
	if (!str_eq(was->name, c->name) || !str_eq(was->compatible, c->compatible))
		return err_set(err, E_PUBLISHED_OTHER,
			       "'%s' is channel '%s' of devices '%s', and this one is '%s' of "
			       "'%s': name another channel, or another directory",
			       p->signed_path, was->name, was->compatible, c->name, c->compatible);
	if (channel_is_newer(was->version, c->version))
		return err_set(err, E_PUBLISHED_OTHER,
			       "channel '%s' has version %s, and this bundle is %s: devices take "
			       "no older one. Raise its version, or --halt the channel",
			       c->name, was->version, c->version);
	if (c->serial <= was->serial)
		return err_set(err, E_PUBLISHED_OTHER,
			       "channel '%s' has serial %" PRIu64 " already: say --serial with a "
			       "higher number, or leave it out",
			       c->name, was->serial);
	return 0;
}

/* ---- what is to be ---- */

/* Names in it are a URL's, and lines of a shell. */
static int check_text(const char *what, const char *text, struct err **err)
{
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\' || *p == '\'')
			return err_set(err, E_WRONG_INPUT,
				       "the bundle's %s '%s' has other characters than printable "
				       "ASCII, or a quotation mark: no channel can name it",
				       what, text);
	return 0;
}

/* Of characters that devices take in a path, and that a URL has as they are: docs/channels.md. */
static bool is_for_path(const char *p, char before)
{
	return (isalnum((unsigned char)*p) || strchr("._+~-", *p)) && !(*p == '.' && before == '.');
}

static void bundle_path(struct channel *c, const char *name)
{
	char hex[DIGEST_HEX + 1], version[64];
	size_t len = 0;

	for (const char *p = c->version; *p && len < sizeof(version) - 1; p++, len++)
		version[len] = is_for_path(p, len ? version[len - 1] : '\0') ? *p : '_';
	version[len] = '\0';
	digest_hex(&c->sha256, hex);
	snprintf(c->bundle, sizeof(c->bundle), BUNDLES "/%s-%.16s/%.200s", version, hex, name);
}

static int next_channel(const struct publishing *p, struct channel *c, struct err **err)
{
	const struct channel_order *o = p->o;

	if (o->halt) {
		*c = p->was;
		c->halt = true;
	} else {
		snprintf(c->name, sizeof(c->name), "%s", o->name);
		if (channel_look_at(o->bundle, c, err) < 0 ||
		    check_text("compatible", c->compatible, err) < 0 ||
		    check_text("version", c->version, err) < 0)
			return -1;
		bundle_path(c, o->bundle_name);
		c->percent = o->percent;
	}
	c->not_before = o->halt ? c->not_before : o->not_before;
	c->issued = o->now;
	c->expires = o->expires;
	c->serial = o->serial ? o->serial : p->was.serial + 1;
	if (p->was.issued > c->issued)
		return err_set(err, E_PUBLISHED_OTHER,
			       "channel '%s' is from the future: look at the clock of this machine",
			       o->name);
	return refuse_other(p, c, err);
}

/* ---- the bundle ---- */

static int check_there(const struct channel *c, const char *path, struct err **err)
{
	struct digest d;

	if (digest_file(path, &d, err) < 0)
		return -1;
	if (digest_eq(&d, &c->sha256))
		return 0;
	return err_set(err, E_PUBLISHED_OTHER,
		       "'%s' was published with other bytes: the file is damaged, remove it", path);
}

/* What a step left behind is on the disk: directory REL of the order's, and those above it. */
static int sync_above(const char *path, const char *top, struct err **err)
{
	char *at cleanup_free = xstrdup(path);
	size_t len = strlen(top);

	while (strlen(at) > len) {
		char *up = path_dir(at);

		if (file_sync_parent(at, err) < 0) {
			free(up);
			return -1;
		}
		free(at);
		at = up;
	}
	return 0;
}

static int place(const char *stage, const char *path, struct err **err)
{
	int fd cleanup_fd = open(stage, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", stage);
	if (fd_sync(fd, stage, err) < 0)
		return -1;
	if (rename(stage, path) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path);
	return 0;
}

static int place_bundle(struct publishing *p, const struct channel *c, struct err **err)
{
	const char *dir = p->o->dir;
	char *path cleanup_free = path_join(dir, c->bundle);
	char *above cleanup_free = path_dir(c->bundle);

	if (path_exists(path))
		return check_there(c, path, err) < 0 ? -1 : sync_above(path, dir, err);
	if (!p->o->bundle)
		return err_set(err, E_PUBLISHED_OTHER, "'%s' is gone: publish it again", path);
	p->ret->added = true;
	if (path_remove(p->stage, err) < 0 || file_copy(p->o->bundle, p->stage, 0644, err) < 0 ||
	    check_there(c, p->stage, err) < 0 || path_mkdirs_within(dir, above, err) < 0 ||
	    place(p->stage, path, err) < 0)
		return -1;
	return sync_above(path, dir, err);
}

/* ---- the channel ---- */

/* A server tells times in whole seconds, and two states may be published in one. */
static int settle(const char *stage, const char *path, int64_t now, struct err **err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = now}};
	struct stat st;

	if (stat(path, &st) == 0 && st.st_mtim.tv_sec >= now)
		times[1].tv_sec = st.st_mtim.tv_sec + 1;
	if (utimensat(AT_FDCWD, stage, times, 0) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot change '%s'", stage);
	return 0;
}

static int place_text(const struct publishing *p, const struct str *text, const char *path,
		      struct err **err)
{
	if (file_write(p->stage, text->buf, text->len, 0644, false, err) < 0 ||
	    settle(p->stage, path, p->o->now, err) < 0 || place(p->stage, path, err) < 0)
		return -1;
	return file_sync_parent(path, err);
}

/* Signed, and read as devices will: nobody publishes what they refuse. */
static int sign_channel(const struct publishing *p, const struct str *text, struct str *ret,
			struct err **err)
{
	const struct channel_order *o = p->o;
	struct str read cleanup_str = STR_INIT;

	if (cms_sign(o->cert, o->key, text->buf, text->len, ret, err) < 0)
		return -1;
	return cms_open(p->signed_path, ret->buf, ret->len, o->keyring, &read, err);
}

static int publish(struct publishing *p, struct err **err)
{
	struct channel *c = &p->ret->channel;
	struct str text cleanup_str = STR_INIT, der cleanup_str = STR_INIT;

	if (read_channel(p, err) < 0 || next_channel(p, c, err) < 0)
		return -1;
	channel_write(c, &text);
	if (sign_channel(p, &text, &der, err) < 0)
		return -1;
	if ((!c->halt || p->o->bundle) && place_bundle(p, c, err) < 0)
		return -1;
	if (place_text(p, &der, p->signed_path, err) < 0)
		return -1;
	return place_text(p, &text, p->plain_path, err);
}

int channel_publish(const struct channel_order *o, struct channel_published *ret, struct err **err)
{
	struct publishing p cleanup_publishing = {.o = o, .ret = ret};
	char *guard cleanup_free = path_join(o->dir, GUARD);
	int fd cleanup_fd = -1;
	bool there = path_exists(o->dir);

	*ret = (struct channel_published){0};
	p.signed_path = xasprintf("%s/%s.channel", o->dir, o->name);
	p.plain_path = xasprintf("%s/%s.json", o->dir, o->name);
	if (path_mkdirs(o->dir, err) < 0 || (!there && file_sync_parent(o->dir, err) < 0) ||
	    lock_file(guard, LOCK_EXCLUSIVE, true, &fd, err) < 0)
		return -1;
	p.stage = path_join(o->dir, STAGE);
	return publish(&p, err);
}
