/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/remote_config.h"

#include <stdlib.h>

#include "base/path.h"
#include "base/url.h"

static const char *const modes[] = {"read", "write", "off", NULL};

static const struct option remote_options[] = {
	{"cache", OPT_STRING, offsetof(struct remote_config, cache), OPT_LIST,
	 .help = "URL of a cache that is shared: file:, http:, https:, s3:, grpc:, grpcs:; several "
		 "are asked in order, the first is written to.",
	 .example = "grpcs://cache.example:9092"},
	{"executor", OPT_STRING, offsetof(struct remote_config, executor),
	 .help = "URL of an engine of the Bazel Remote Execution API that runs nodes: grpc:, "
		 "grpcs:.",
	 .example = "grpcs://build.example:8980"},
	{"instance", OPT_STRING, offsetof(struct remote_config, instance),
	 .help = "Instance name of the engines."},
	{"ca", OPT_STRING, offsetof(struct remote_config, ca),
	 .help = "PEM file: who may sign the servers' certificates, in place of the machine's."},
	{"cert", OPT_STRING, offsetof(struct remote_config, cert),
	 .help = "PEM file: the certificate that is shown to the servers."},
	{"key", OPT_STRING, offsetof(struct remote_config, key),
	 .help = "PEM file: the private key of `cert`."},
	{"token", OPT_STRING, offsetof(struct remote_config, token),
	 .help = "What servers want to hear: a bearer token, or USER:PASSWORD; $ORCH_CACHE_TOKEN "
		 "comes first."},
	{"region", OPT_STRING, offsetof(struct remote_config, region),
	 .help = "S3: the region; us-east-1 when not given."},
	{"trust", OPT_STRING, offsetof(struct remote_config, trust), OPT_LIST,
	 .help = "Whose results count, as `orch cache key` prints it; not given: everybody's who "
		 "may write to the cache.",
	 .example = "[ed25519:9f2c…]"},
	{"sign", OPT_STRING, offsetof(struct remote_config, sign),
	 .help = "PEM file: the Ed25519 key that signs what is written; `orch cache key FILE` "
		 "makes one."},
	{"mode", OPT_ENUM, offsetof(struct remote_config, mode), .words = modes, .def = "read",
	 .help = "Whether the cache is only read, also written, or left alone."},
	{"platform", OPT_DICT, offsetof(struct remote_config, platform),
	 .help = "What an executor's workers must be, in the words of that farm.",
	 .example = "{OSFamily: linux, ISA: x86-64}"},
	{"jobs", OPT_INT, offsetof(struct remote_config, jobs), OPT_POSITIVE,
	 .help = "How many nodes an executor is given at once; 16 when not given."},
};

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct remote_config *c = data;
	unsigned char key[SIGN_PUBLIC];

	for (size_t i = 0; i < c->trust.count; i++) {
		const char *word = LIST_AT(c->trust, const char *, i);

		if (trust_parse(word, key) != 0)
			err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "trust"),
				    "'%s' is not a key: write ed25519: and 64 hexadecimal digits, "
				    "as 'orch cache key FILE' prints them",
				    word);
	}
	if (!c->cert != !c->key)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, c->cert ? "cert" : "key"),
			    "a client has a certificate and its key: write 'cert' and 'key'");
	if (c->mode == REMOTE_WRITE && c->trust.count && !c->sign)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "mode"),
			    "with 'trust' nothing counts that is not signed: write 'sign', too, or "
			    "mode: read");
}

const struct schema remote_config_schema =
	SCHEMA(struct remote_config, remote_options, .check = check);

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static char *kept_token;

void remote_config_keep_token(void)
{
	const char *token = variable("ORCH_CACHE_TOKEN");

	if (!token)
		return;
	free(kept_token);
	kept_token = xstrdup(token);
	unsetenv("ORCH_CACHE_TOKEN");
}

static void split(struct arena *arena, const char *text, struct list *ret)
{
	char *copy = arena_strdup(arena, text), *save = NULL;
	struct strs words = {0};

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		strs_push(&words, w);
	ret->items = arena_alloc(arena, (words.count + 1) * sizeof(char *));
	if (words.count)
		memcpy(ret->items, words.items, words.count * sizeof(char *));
	ret->count = words.count;
	strs_clear(&words);
}

static void make_absolute(struct arena *arena, const char *dir, const char **path)
{
	char *joined cleanup_free = *path ? path_join(dir, *path) : NULL;

	if (joined)
		*path = arena_strdup(arena, joined);
}

void remote_config_use(const struct remote_config *c, const char *dir, struct arena *arena,
		       struct remote_config *ret)
{
	*ret = c ? *c : (struct remote_config){0};
	make_absolute(arena, dir, &ret->ca);
	make_absolute(arena, dir, &ret->cert);
	make_absolute(arena, dir, &ret->key);
	make_absolute(arena, dir, &ret->sign);
	if (getenv("ORCH_CACHE"))
		split(arena, getenv("ORCH_CACHE"), &ret->cache);
	if (kept_token)
		ret->token = kept_token;
	if (variable("ORCH_CACHE_TOKEN"))
		ret->token = variable("ORCH_CACHE_TOKEN");
}

bool remote_config_has_cache(const struct remote_config *c)
{
	return c->cache.count && c->mode != REMOTE_OFF;
}

void remote_config_access(const struct remote_config *c, struct remote_access *ret)
{
	*ret = (struct remote_access){
		.instance = c->instance,
		.ca = c->ca,
		.cert = c->cert,
		.cert_key = c->key,
		.token = c->token,
		.region = c->region ? c->region : variable("AWS_REGION"),
		.key_id = variable("AWS_ACCESS_KEY_ID"),
		.secret = variable("AWS_SECRET_ACCESS_KEY"),
	};
}

void remote_config_trust(const struct remote_config *c, struct arena *arena, struct trust *ret)
{
	ret->count = 0;
	ret->keys = arena_alloc(arena, (c->trust.count + 1) * sizeof(*ret->keys));
	for (size_t i = 0; i < c->trust.count; i++)
		if (trust_parse(LIST_AT(c->trust, const char *, i), ret->keys[ret->count]) == 0)
			ret->count++;
}

char *remote_urls_shown(const char *urls)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str text = STR_INIT;
	struct list list;

	split(arena, urls, &list);
	for (size_t i = 0; i < list.count; i++) {
		const char *url = LIST_AT(list, const char *, i);
		char *shown cleanup_free = str_skip(url, "file:") ? xstrdup(url) : url_shown(url);

		str_printf(&text, "%s%s", i ? " " : "", shown);
	}
	return str_steal(&text);
}
