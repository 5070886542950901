/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/remote_use.h"

#include <stdlib.h>

#define PUSH_WAIT_S 600

/* "90", "30s", "10m", "1h" */
static int parse_seconds(const char *text, unsigned *ret, struct err **err)
{
	static const struct {
		char unit;
		unsigned seconds;
	} units[] = {{0, 1}, {'s', 1}, {'m', 60}, {'h', 3600}};
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	for (size_t i = 0; i < array_len(units) && end > text && n <= 100000; i++) {
		if (end[0] != units[i].unit || (end[0] && end[1]))
			continue;
		*ret = (unsigned)n * units[i].seconds;
		return 0;
	}
	return err_set(err, E_USAGE, "--push-wait wants a time as in 30s, 10m or 1h, not '%s'",
		       text);
}

static int check(const struct cli *c, bool cache, struct err **err)
{
	const char *option = c->remote_write      ? "remote-write"
			     : c->remote_read     ? "remote-read"
			     : c->remote_required ? "remote-required"
						  : NULL;

	if (c->remote_read && c->remote_write)
		return err_set(err, E_USAGE,
			       "--remote-write reads, too: give it without --remote-read");
	if (option && c->offline)
		return err_set(err, E_USAGE, "--%s and --offline contradict each other", option);
	if (option && !cache)
		return err_set(err, E_USAGE,
			       "--%s: no shared cache is configured; write 'remote: {cache: URL}' "
			       "into config.yaml, or set ORCH_CACHE (docs/sharing.md)",
			       option);
	return 0;
}

int remote_use_of(const struct cli *c, const struct user_config *config, struct arena *arena,
		  struct remote_use *ret, struct err **err)
{
	struct remote_config remote;
	bool cache;

	*ret = (struct remote_use){.required = c->remote_required,
				   .fetch = (enum fetch_what)c->fetch,
				   .push_wait_s = PUSH_WAIT_S};
	user_config_remote(config, arena, &remote);
	cache = remote_config_has_cache(&remote);
	if (check(c, cache, err) < 0)
		return -1;
	if (c->push_wait && parse_seconds(c->push_wait, &ret->push_wait_s, err) < 0)
		return -1;
	ret->write = c->remote_write || (remote.mode == REMOTE_WRITE && !c->remote_read);
	if (remote.mode == REMOTE_OFF && !c->remote_read && !c->remote_write)
		cache = false;
	ret->cache = cache && !c->offline;
	ret->write = ret->write && ret->cache;
	return ret->cache ? 0 : 1;
}
