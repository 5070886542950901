/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the host's apt is told about reaching archives, as its own programs report it (apt-config,
 * apt-get indextargets): includes, both forms of sources and $APT_CONFIG are theirs to read. The
 * same settings go to our apt-get (host_apt_conf) and to our downloads (host_apt_access), whose
 * rules are those of apt-transport-http(1), apt-transport-https(1) and apt_auth.conf(5).
 *
 * A host without apt has no settings and no sources.
 */
#include "base/http.h"
#include "base/str.h"

struct host_apt {
	struct arena *arena;
	struct host_setting {
		const char *name, *value; /* "Acquire::https::CAInfo"; names of lists end in "::" */
	} * settings;
	size_t count;
	const char *auth; /* auth.conf and the files of auth.conf.d that we may read, one text */
};

/* An archive that the host's apt takes packages from. */
struct host_source {
	const char *uri; /* without '/' at the end */
	const char *suite;
	const char *origin;    /* of its Release file; "": apt has not fetched it yet */
	const char *signed_by; /* an absolute path, or a key block as text; NULL: not said */
};

int host_apt_read(struct arena *arena, struct host_apt *ret, struct err **err) warn_unused;
/* The value of a setting, whatever case NAME is in; NULL when there is none or it is empty. */
const char *host_apt_get(const struct host_apt *h, const char *name);
/* Appends the settings of the network and of dates as lines of an apt.conf. */
void host_apt_conf(const struct host_apt *h, struct str *ret);
/* Appends VALUE in the one form in which apt.conf can hold any text: unquoted, with %XX. */
void apt_conf_value(struct str *s, const char *value);
/*
 * How URL is reached. AUTH (see apt_auth.h) is asked for credentials before the host's files, where
 * a directory may have others than the archive it is in: URL is that of the file.
 */
int host_apt_access(const struct host_apt *h, const char *url, const char *auth,
		    struct http_access *ret, struct err **err) warn_unused;
/*
 * How URL is reached, to which an archive redirects: as apt does it, which asks the settings and
 * AUTH and auth.conf about URL. Nobody else says who we are there. NULL: a setting is wrong.
 */
struct http_access *host_apt_elsewhere(const struct host_apt *h, const char *url, const char *auth);
/*
 * Who we are to the server of URL, as far as files say it: AUTH, then the host's own, then
 * ~/.netrc. NULL: they do not.
 */
void host_apt_login(const struct host_apt *h, const char *url, const char *auth,
		    const char **ret_user, const char **ret_password);
/* Fills AUTH, in apt's order; a part of host_apt_read(). */
void host_apt_read_auth(struct host_apt *h);
/* Sources of binary packages, in apt's order, one per suite; *RET is an array in the arena. */
int host_apt_sources(const struct host_apt *h, struct host_source **ret, size_t *ret_count,
		     struct err **err) warn_unused;
