/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/doctor_pools.h"

#include <unistd.h>

#include "base/path.h"
#include "base/url.h"
#include "kinds/kinds.h"
#include "kinds/package_pool.h"

static void add(struct findings *ret, enum finding_level level, const char *text, const char *fix)
{
	struct finding *f = findings_at_end(ret);

	*f = (struct finding){.level = level, .what = "pool", .text = text, .fix = fix};
}

static bool is_filled(const struct pools *p, const char *dir)
{
	for (size_t i = 0; i < p->filled_count; i++)
		if (str_eq(p->filled[i], dir))
			return true;
	return false;
}

static void look_at(struct arena *arena, const struct pools *p, const char *dir,
		    struct findings *ret)
{
	const char *files = arena_printf(arena, "%s/sha256", dir);
	char *above cleanup_free = path_dir(dir);
	bool filled = is_filled(p, dir);

	if (filled && access(path_exists(dir) ? dir : above, W_OK) < 0)
		add(ret, FINDING_SLOW,
		    arena_printf(arena, "%s: %s", dir,
				 path_exists(dir) ? "cannot be written"
						  : "is not there and cannot be made"),
		    "mount it, or give yourself the right to write there: 'orch lock' fills it");
	else if (!path_exists(files))
		add(ret, FINDING_SLOW, arena_printf(arena, "%s: has no packages yet", dir),
		    filled ? "orch lock" : "mount it, or take it out of config.yaml");
	else
		add(ret, FINDING_OK,
		    arena_printf(arena, "%s: %s", dir,
				 filled ? "is filled by 'orch lock'" : "is read"),
		    NULL);
}

static const char *own_pool(struct session *s)
{
	struct err_list mistakes cleanup_err_list = {0};
	struct err *outside cleanup_err = NULL;
	char *dir cleanup_free = NULL;
	const struct strv none = {0};
	const struct project *p;

	if (project_find(".", &dir, &outside))
		return NULL;
	p = project_load(s->arena, arena_strdup(s->arena, dir), kinds_all, &none, &mistakes);
	return p ? project_pool_dir(s->arena, p) : NULL;
}

void doctor_pools(struct session *s, struct findings *ret)
{
	struct err *told_elsewhere cleanup_err = NULL;
	struct user_config config = {0};
	struct pools p;

	if (user_config_read(s->arena, &config, &told_elsewhere) < 0)
		return;
	pools_find(s->arena, &config, own_pool(s), NULL, &p);
	for (size_t i = 0; i < p.dir_count; i++)
		look_at(s->arena, &p, p.dirs[i], ret);
	for (size_t i = 0; i < p.url_count; i++) {
		char *shown cleanup_free = url_shown(p.urls[i]);

		add(ret, FINDING_OK, arena_printf(s->arena, "%s: is read", shown), NULL);
	}
}
