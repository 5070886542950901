/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/shared_downloads.h"

#include "base/path.h"
#include "kinds/user_config.h"
#include "remote/share.h"

static void on_warning(void *arg, const char *text)
{
	action_log(arg, "shared cache: %s", text);
}

static size_t get_all(struct action *a, struct share *s, const struct digest *all, size_t n)
{
	size_t came = 0;

	for (size_t i = 0; i < n; i++) {
		struct err *err cleanup_err = NULL;
		int rc = share_download_get(s, &all[i], UINT64_MAX, &err);

		came += rc == 0;
		if (rc < 0) {
			action_log(a, "shared cache: %s", err->text);
			break;
		}
	}
	return came;
}

void shared_downloads_get(struct action *a, const struct digest *all, size_t n)
{
	char *store cleanup_free = path_dir(a->cache_dir);
	struct err *err cleanup_err = NULL;
	struct user_config user;
	struct remote_config config;
	struct share *s = NULL;
	size_t came = 0;

	if (a->offline || !n || user_config_read(a->arena, &user, &err) < 0)
		return;
	user_config_remote(&user, a->arena, &config);
	if (!remote_config_has_cache(&config))
		return;
	config.mode = REMOTE_READ;
	if (share_open(&config, store, &s, &err) < 0) {
		action_log(a, "shared cache: %s", err->text);
		return;
	}
	share_on_warning(s, on_warning, a);
	came = get_all(a, s, all, n);
	share_close(s);
	if (came)
		action_log(a, "%zu of %zu downloads came from a shared cache", came, n);
}
