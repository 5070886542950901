/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/str.h"
#include "remote/transport_dir.h"

/* One descriptor per file transport_NAME.c. */
extern const struct transport_type transport_web, transport_reapi;

static const struct transport_type *const types[] = {
	&transport_dir,
#ifdef ORCH_GRPC
	&transport_reapi,
#endif
	&transport_web,
	NULL,
};

static bool has_scheme(const struct transport_type *type, const char *url, size_t len)
{
	for (const char *p = type->schemes; *p; p += strspn(p, " ")) {
		size_t word = strcspn(p, " ");

		if (word == len && !strncmp(p, url, len))
			return true;
		p += word;
	}
	return false;
}

int transport_open(const char *url, const struct remote_access *access, struct transport **ret,
		   struct err **err)
{
	const char *end = strstr(url, "://");
	struct str all cleanup_str = STR_INIT;

	for (size_t i = 0; end && types[i]; i++) {
		if (has_scheme(types[i], url, (size_t)(end - url)))
			return types[i]->open(url, access, ret, err);
	}
#ifndef ORCH_GRPC
	if (str_skip(url, "grpc://") || str_skip(url, "grpcs://"))
		return err_set(
			err, E_REMOTE_URL,
			"this orch was built without gRPC, which engines of the REAPI speak: "
			"use https:// or file://, or an orch that has it");
#endif
	for (size_t i = 0; types[i]; i++)
		str_printf(&all, "%s%s", i ? " " : "", types[i]->schemes);
	return err_set(err, E_REMOTE_URL,
		       "'%.*s' is no scheme of a shared cache, which is SCHEME://… with one of: %s",
		       end ? (int)(end - url) : 20, url, all.buf);
}

void transport_close(struct transport *t)
{
	if (t)
		t->type->close(t);
}

void transport_arrived(struct transport *t, struct remote_blob *b)
{
	if (t->arrived && b->got)
		t->arrived(t->arrived_arg, b);
}

void remote_question_release(struct remote_question *q)
{
	str_release(&q->message);
	err_free(steal_ptr(q->err));
}

int transport_result_get(struct transport *t, const struct digest *key, size_t manifest_size,
			 struct str *ret, struct err **err)
{
	struct remote_question q = {
		.key = *key, .manifest_size = manifest_size, .message = STR_INIT};

	t->type->results_get(t, &q, 1);
	str_append_len(ret, q.message.buf, q.message.len);
	if (q.rc < 0)
		*err = steal_ptr(q.err);
	remote_question_release(&q);
	return q.rc;
}
