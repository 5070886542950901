/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "remote/share_priv.h"

static int open_all(struct share *s, const struct remote_config *c, struct err **err)
{
	s->all = arena_alloc(s->arena, (c->cache.count + 1) * sizeof(*s->all));
	for (size_t i = 0; i < c->cache.count; i++) {
		const char *url = LIST_AT(c->cache, const char *, i);

		if (transport_open(url, &s->access, &s->all[i], err) < 0)
			return -1;
		s->count++;
	}
	if (!s->count)
		return err_set(err, E_REMOTE_URL,
			       "no shared cache is configured: write 'remote: {cache: URL}' into "
			       "config.yaml, or set ORCH_CACHE");
	if (c->mode == REMOTE_WRITE && s->trust.count && !c->sign)
		return err_set(err, E_INVALID_VALUE,
			       "with 'trust' nothing counts that is not signed: write 'sign' into "
			       "'remote' of config.yaml, too");
	if (c->mode == REMOTE_WRITE && c->sign)
		return signer_load(c->sign, &s->signer, err);
	return 0;
}

int share_open(const struct remote_config *c, const char *store_dir, struct share **ret,
	       struct err **err)
{
	struct share *s = xcalloc(1, sizeof(*s));

	s->arena = arena_new();
	s->store = arena_strdup(s->arena, store_dir);
	remote_config_access(c, &s->access);
	remote_config_trust(c, s->arena, &s->trust);
	if (open_all(s, c, err) < 0) {
		share_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void share_close(struct share *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		transport_close(s->all[i]);
	signer_free(s->signer);
	arena_free(s->arena);
	free(s);
}

size_t share_count(const struct share *s)
{
	return s->count;
}

struct transport *share_transport(const struct share *s, size_t i)
{
	return s->all[i];
}

void share_counts(const struct share *s, struct share_counts *ret)
{
	*ret = s->counts;
	for (size_t i = 0; i < s->count; i++) {
		ret->sent += s->all[i]->sent;
		ret->received += s->all[i]->received;
	}
}

void share_on_warning(struct share *s, void (*warn)(void *arg, const char *text), void *arg)
{
	s->warn = warn;
	s->warn_arg = arg;
}

void share_on_bytes(struct share *s, void (*moved)(void *arg, uint64_t bytes), void *arg)
{
	s->moved = moved;
	s->moved_arg = arg;
}

void share_warn(struct share *s, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (s->warn)
		s->warn(s->warn_arg, text);
}

void share_tell(struct share *s)
{
	uint64_t now = 0;

	for (size_t i = 0; i < s->count; i++)
		now += s->all[i]->sent + s->all[i]->received;
	if (s->moved && now > s->told)
		s->moved(s->moved_arg, now - s->told);
	s->told = now;
}

int share_ask(struct share *s, size_t i, const struct digest *key, size_t manifest_size,
	      const struct trust *trust, struct arena *arena, struct result **ret, char **ret_why,
	      struct err **err)
{
	struct transport *t = s->all[i];
	struct str message cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];
	int rc = t->type->result_get(t, key, manifest_size, &message, err);

	share_tell(s);
	if (rc < 0 && (*err)->code == E_REMOTE_DAMAGED) {
		s->counts.damaged++;
		share_warn(s, "%s", (*err)->text);
		err_free(steal_ptr(*err));
		return 1;
	}
	if (rc != 0)
		return rc;
	if (result_decode(message.buf, message.len, key, trust, arena, ret, ret_why) == 0)
		return 0;
	s->counts.refused++;
	share_warn(s, "the result %.12s in %s %s; it is not used", digest_hex(key, hex), t->shown,
		   *ret_why);
	return 1;
}

/* Keeps the first error, for when nobody answers. */
static void keep(struct err **first, struct err *err)
{
	if (*first)
		err_free(err);
	else
		*first = err;
}

/*
 * Whether R was made with the libraries that we have: what they render may differ in bytes. Said
 * once: it is so for all results of a machine.
 */
static bool made_alike(struct share *s, const struct transport *t, const struct result *r,
		       char **ret_why)
{
	if (str_eq(r->libraries, result_libraries))
		return true;
	*ret_why = xasprintf("was made with %s, and here it is %s", r->libraries, result_libraries);
	s->counts.refused++;
	if (!s->told_libraries)
		share_warn(s, "the result of '%s' in %s %s; such results are not used", r->node,
			   t->shown, *ret_why);
	s->told_libraries = true;
	return false;
}

int share_result_get(struct share *s, const struct digest *key, size_t manifest_size,
		     const struct artifact *wanted, size_t count, struct arena *arena,
		     struct result **ret, char **ret_why, struct err **err)
{
	struct err *first cleanup_err = NULL;
	size_t answers = 0;

	*ret_why = NULL;
	s->counts.asked++;
	for (size_t i = 0; i < s->count; i++) {
		char *why cleanup_free = NULL;
		struct err *e = NULL;
		struct result *r;
		int rc = share_ask(s, i, key, manifest_size, &s->trust, arena, &r, &why, &e);

		if (rc == 0 && !made_alike(s, s->all[i], r, &why))
			rc = 1;
		if (rc == 0 && result_fits(r, wanted, count)) {
			free(steal_ptr(*ret_why));
			s->counts.hits++;
			*ret = r;
			return 0;
		}
		if (rc == 0) {
			s->counts.refused++;
			why = xstrdup("has other outputs than the node");
			share_warn(s, "the result of '%s' in %s %s; it is not used", r->node,
				   s->all[i]->shown, why);
		}
		answers += rc >= 0;
		if (rc < 0)
			keep(&first, e);
		if (why && !*ret_why)
			*ret_why = steal_ptr(why);
	}
	if (answers || !first)
		return 1;
	free(steal_ptr(*ret_why));
	*err = steal_ptr(first);
	return -1;
}

/* --- blobs --------------------------------------------------------------------------------- */

/* Those that are still missing, moved together: the transport sees no others. */
static size_t pick_missing(struct remote_blob *blobs, size_t n, struct remote_blob **ret)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (!blobs[i].got)
			ret[k++] = &blobs[i];
	return k;
}

static int get_from(struct share *s, struct transport *t, struct remote_blob **wanted, size_t n,
		    struct err **err)
{
	struct remote_blob *copy cleanup_free = xcalloc(n, sizeof(*copy));
	int rc;

	for (size_t i = 0; i < n; i++)
		copy[i] = *wanted[i];
	rc = t->type->get(t, copy, n, err);
	for (size_t i = 0; i < n; i++)
		wanted[i]->got = copy[i].got;
	share_tell(s);
	return rc;
}

int share_get(struct share *s, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct remote_blob **wanted cleanup_free = xcalloc(n + 1, sizeof(struct remote_blob *));
	struct err *first cleanup_err = NULL;
	size_t answers = 0, left = pick_missing(blobs, n, wanted);

	for (size_t i = 0; left && i < s->count; i++) {
		struct err *e = NULL;
		int rc = get_from(s, s->all[i], wanted, left, &e);

		if (rc < 0 && e->code == E_REMOTE_DAMAGED) {
			s->counts.damaged++;
			share_warn(s, "%s", e->text);
			err_free(steal_ptr(e));
			answers++;
		} else if (rc < 0) {
			keep(&first, e);
		} else {
			answers++;
		}
		left = pick_missing(blobs, n, wanted);
	}
	if (!left)
		return 0;
	if (answers || !first)
		return 1;
	*err = steal_ptr(first);
	return -1;
}

void share_free_got(struct remote_blob *blobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(blobs[i].got);
		blobs[i].got = NULL;
	}
}
