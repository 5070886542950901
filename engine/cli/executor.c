/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/executor.h"

#include <stdlib.h>
#include <string.h>

int executor_find(struct arena *arena, const struct cli *cli, const struct user_config *config,
		  struct farm *ret, struct err **err)
{
	const char *env = getenv("ORCH_EXECUTOR");
	struct remote_config c;
	char *words, *word;

	user_config_remote(config, arena, &c);
	if (cli->offline || c.mode == REMOTE_OFF || !(env ? *env != 0 : c.executor != NULL))
		return 0;
	words = arena_strdup(arena, env ? env : c.executor);
	while ((word = strsep(&words, " "))) {
		if (*word)
			strs_push(&ret->urls, word);
	}
	for (size_t i = 0; i < c.platform.count; i++) {
		const struct pair *p = LIST_AT(c.platform, struct pair *, i);

		farm_words_push(&ret->platform, (struct farm_word){p->key, p->value});
	}
	ret->instance = c.instance;
	ret->ca = c.ca;
	ret->cert = c.cert;
	ret->cert_key = c.key;
	ret->token = c.token;
	ret->jobs = (unsigned)c.jobs;
	return farm_check(ret, err);
}
