/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/doctor_remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/executor.h"
#include "kinds/user_config.h"

struct look {
	struct arena *arena;
	struct remote_config config;
	struct findings *ret;
};

static void add(const struct look *l, enum finding_level level, const char *what, const char *text,
		const char *fix)
{
	struct finding *f = findings_at_end(l->ret);

	*f = (struct finding){.level = level, .what = what, .text = text, .fix = fix};
}

static const char *text_of(const struct look *l, struct err *err)
{
	char *text cleanup_free = err_string(err);

	err_free(err);
	return arena_strdup(l->arena, text);
}

static const char *remedy(const struct err *err)
{
	if (err->code == E_REMOTE_URL)
		return "docs/sharing.md has every form of URL";
	if (err->code == E_REMOTE_UNREACHABLE)
		return "builds go on without it; see that it runs and that this machine reaches it";
	return "builds go on without it; ask who runs it for rights";
}

/* Connects, and says what it is. An executor is no good that is a cache alone. */
static void look_at(const struct look *l, const char *what, const char *url, bool executes)
{
	struct remote_access access;
	struct transport *t = NULL;
	struct str said cleanup_str = STR_INIT;
	struct err *err = NULL;

	remote_config_access(&l->config, &access);
	if (transport_open(url, &access, &t, &err) < 0 || t->type->hello(t, &said, &err) < 0) {
		const char *fix = remedy(err);

		add(l, FINDING_SLOW, what, text_of(l, err), fix);
	} else if (executes && !strstr(said.buf, TRANSPORT_EXECUTES)) {
		add(l, FINDING_SLOW, what,
		    arena_printf(l->arena, "%s: %s, but it runs no actions", t->shown, said.buf),
		    "all nodes are made here; name an engine that executes, or ask who runs it");
	} else {
		add(l, FINDING_OK, what, arena_printf(l->arena, "%s: %s", t->shown, said.buf),
		    NULL);
	}
	transport_close(t);
}

static void look_at_program(const struct look *l, const char *url, const char *path)
{
	if (access(path, X_OK) == 0)
		add(l, FINDING_OK, "executor", url, NULL);
	else
		add(l, FINDING_SLOW, "executor",
		    arena_printf(l->arena, "%s: it cannot be started: %s", url, strerror(errno)),
		    "all nodes are made here; name a program that is there and executable");
}

/* Whether there are any. */
static bool look_at_executors(const struct look *l, const struct cli *c,
			      const struct user_config *config)
{
	struct farm farm cleanup_farm = {0};
	struct err *err = NULL;

	if (executor_find(l->arena, c, config, &farm, &err) < 0) {
		add(l, FINDING_SLOW, "executor", text_of(l, err),
		    "docs/sharing.md has every form of URL");
		return true;
	}
	for (size_t i = 0; i < farm.urls.count; i++) {
		const char *url = farm.urls.items[i], *path = str_skip(url, "program:");

		if (path)
			look_at_program(l, url, path);
		else
			look_at(l, "executor", url, true);
	}
	return farm.urls.count > 0;
}

static void look_at_trust(const struct look *l)
{
	const struct list *trust = &l->config.trust;
	struct str keys cleanup_str = STR_INIT;

	for (size_t i = 0; i < trust->count; i++)
		str_printf(&keys, "%s%.*s...", i ? ", " : "", 8 + 12,
			   LIST_AT(*trust, const char *, i));
	if (trust->count)
		add(l, FINDING_OK, "believed",
		    arena_printf(l->arena, "results that are signed by %s", keys.buf), NULL);
	else
		add(l, FINDING_SLOW, "believed", "results of whoever may write into the caches",
		    "name the keys of those who may with 'remote: trust:' in config.yaml");
}

static void look_at_key(const struct look *l)
{
	struct signer *signer = NULL;
	struct err *err = NULL;

	if (!l->config.sign) {
		add(l, FINDING_SLOW, "signed by",
		    "nobody: results are stored without a signature, and readers that have "
		    "'trust:' take none of them",
		    "make a key and name it with 'remote: sign:' (docs/sharing.md)");
	} else if (signer_load(l->config.sign, &signer, &err) < 0) {
		add(l, FINDING_SLOW, "signed by", text_of(l, err),
		    "nothing is stored in shared caches until the key can be read");
	} else {
		add(l, FINDING_OK, "signed by", arena_strdup(l->arena, signer_word(signer)), NULL);
		signer_free(signer);
	}
}

void doctor_remote(struct session *s, struct findings *ret)
{
	struct look l = {.arena = s->arena, .ret = ret};
	struct user_config config = {0};
	struct err *err = NULL;
	bool farm;

	if (user_config_read(s->arena, &config, &err) < 0) {
		add(&l, FINDING_SLOW, "config.yaml", text_of(&l, err), NULL);
		return;
	}
	user_config_remote(&config, s->arena, &l.config);
	for (size_t i = 0; i < l.config.cache.count; i++)
		look_at(&l, "shared cache", LIST_AT(l.config.cache, const char *, i), false);
	farm = look_at_executors(&l, s->cli, &config);
	if (!l.config.cache.count && !l.config.executor && !farm)
		return;
	if (l.config.mode == REMOTE_OFF)
		add(&l, FINDING_SLOW, "sharing", "is switched off ('remote: mode: off')", NULL);
	look_at_trust(&l);
	if (l.config.mode == REMOTE_WRITE)
		look_at_key(&l);
}
