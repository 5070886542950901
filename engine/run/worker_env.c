/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/worker_env.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"
#include "remote/remote_config.h"

void worker_set_environment(const struct action *a)
{
	static const char *const kept[] = {
		"PATH",
		"HOME",
		"USER",
		"LOGNAME",
		"XDG_CONFIG_HOME",
		"XDG_CACHE_HOME",
		"XDG_RUNTIME_DIR",
		"http_proxy",
		"https_proxy",
		"HTTP_PROXY",
		"HTTPS_PROXY",
		"ALL_PROXY",
		"all_proxy",
		"NO_PROXY",
		"no_proxy",
		"SSL_CERT_FILE",
		"SSL_CERT_DIR",
		"CURL_CA_BUNDLE",
		"APT_CONFIG",
		"LIBGUESTFS_BACKEND",
		"LIBGUESTFS_BACKEND_SETTINGS",
		"LIBGUESTFS_HV",
		"LIBGUESTFS_PATH",
		"LIBGUESTFS_CACHEDIR",
		"LIBGUESTFS_DEBUG",
		"LIBGUESTFS_TRACE",
		"ORCH_CACHE",
		"ORCH_DEBUG",
		"ORCH_SANDBOX",
		"ASAN_OPTIONS",
		"UBSAN_OPTIONS",
		"LSAN_OPTIONS",
	};
	char *values[array_len(kept)], epoch[32];

	for (size_t i = 0; i < array_len(kept); i++) {
		const char *v = getenv(kept[i]);

		values[i] = v ? xstrdup(v) : NULL;
	}
	remote_config_keep_token();
	clearenv();
	for (size_t i = 0; i < array_len(kept); i++) {
		if (values[i])
			setenv(kept[i], values[i], 1);
		free(values[i]);
	}
	snprintf(epoch, sizeof(epoch), "%ju", (uintmax_t)a->epoch);
	setenv("SOURCE_DATE_EPOCH", epoch, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TZ", "UTC", 1);
	setenv("TMPDIR", a->workdir, 1);
}
