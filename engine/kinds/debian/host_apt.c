/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/debian/host_apt.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <strings.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/url.h"
#include "kinds/debian/apt_auth.h"
#include "kinds/fetch/login.h"

#define MAX_OUTPUT (16 * 1024 * 1024)
#define MAX_FILE (4 * 1024 * 1024)

/* ---- settings ---- */

/* Runs a program of apt; 1 when this host has none. */
static int ask(char *const argv[], struct str *ret, struct err **err)
{
	struct proc_opts opts = {0};
	char *program cleanup_free = path_program(argv[0]);

	if (!program)
		return 1;
	return proc_output(argv, &opts, MAX_OUTPUT, ret, err);
}

int host_apt_read(struct arena *arena, struct host_apt *ret, struct err **err)
{
	char *const argv[] = {"apt-config", "dump", "--format", "%F=%V%n", NULL};
	struct str dump cleanup_str = STR_INIT;
	size_t lines = 1;
	char *save = NULL;

	*ret = (struct host_apt){.arena = arena, .auth = ""};
	if (ask(argv, &dump, err) < 0)
		return err_wrap(err, "cannot read the host's apt configuration");
	for (const char *p = dump.buf; *p; p++)
		lines += *p == '\n';
	ret->settings = arena_alloc(arena, lines * sizeof(*ret->settings));
	for (char *l = strtok_r(dump.buf, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *equals = strchr(l, '=');

		if (!equals)
			continue;
		*equals = '\0';
		ret->settings[ret->count++] =
			(struct host_setting){url_decode(arena, l), url_decode(arena, equals + 1)};
	}
	host_apt_read_auth(ret);
	return 0;
}

const char *host_apt_get(const struct host_apt *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (strcasecmp(h->settings[i].name, name) == 0 && *h->settings[i].value)
			return h->settings[i].value;
	return NULL;
}

/* The second of two '/' begins a comment; '%' is an escape. */
void apt_conf_value(struct str *s, const char *value)
{
	char before = 0;

	if (!*value)
		str_append(s, "\"\"");
	for (; *value; before = *value++) {
		if (isalnum((unsigned char)*value) || strchr("._+-", *value) ||
		    (*value == '/' && before != '/'))
			str_append_char(s, *value);
		else
			str_printf(s, "%%%02x", (unsigned char)*value);
	}
}

static void append_setting(struct str *s, const char *name, const char *value)
{
	apt_conf_value(s, name);
	str_append(s, " ");
	apt_conf_value(s, value);
	str_append(s, ";\n");
}

/* The manual says Acquire::https::OPTION::HOST for these, apt looks for ...::HOST::OPTION. */
static void append_turned(const struct host_apt *h, struct str *s, const struct host_setting *one)
{
	static const char *const options[] = {"CAInfo", "CRLFile",     "SSLCert",
					      "SSLKey", "Verify-Peer", "Verify-Host"};
	static const char prefix[] = "Acquire::https::";
	const char *rest = one->name + strlen(prefix);

	if (strncasecmp(one->name, prefix, strlen(prefix)) != 0)
		return;
	for (size_t i = 0; i < array_len(options); i++) {
		size_t n = strlen(options[i]);

		if (strncasecmp(rest, options[i], n) == 0 && str_skip(rest + n, "::"))
			append_setting(s,
				       arena_printf(h->arena, "%s%s::%s", prefix, rest + n + 2,
						    options[i]),
				       one->value);
	}
}

/* What would let an unsigned archive be taken (AllowInsecureRepositories) is not among them. */
void host_apt_conf(const struct host_apt *h, struct str *ret)
{
	static const char *const kept[] = {
		"Acquire::http::",        "Acquire::https::",        "Acquire::Retries",
		"Acquire::ForceIPv",      "Acquire::Connect",        "Acquire::Socks",
		"Acquire::Queue-Mode",    "Acquire::By-Hash",        "Acquire::PDiffs",
		"Acquire::EnableSrv",     "Acquire::Check-",         "Acquire::Max-ValidTime",
		"Acquire::Min-ValidTime", "Acquire::Max-FutureTime", "Dir::Bin::methods",
	};

	for (size_t i = 0; i < h->count; i++) {
		const struct host_setting *one = &h->settings[i];

		for (size_t k = 0; *one->value && k < array_len(kept); k++)
			if (strncasecmp(one->name, kept[k], strlen(kept[k])) == 0) {
				append_setting(ret, one->name, one->value);
				append_turned(h, ret, one);
				break;
			}
	}
}

/* ---- access ---- */

/* A setting for a host: its own before that of all hosts, https before what http has. */
static const char *lookup(const struct host_apt *h, const struct url *u, const char *option)
{
	const char *schemes[] = {u->scheme, "http"};

	for (size_t i = 0; i < array_len(schemes); i++) {
		const char *names[] = {
			arena_printf(h->arena, "Acquire::%s::%s::%s", schemes[i], option, u->host),
			arena_printf(h->arena, "Acquire::%s::%s::%s", schemes[i], u->host, option),
			arena_printf(h->arena, "Acquire::%s::%s", schemes[i], option)};

		for (size_t k = 0; k < array_len(names); k++) {
			const char *value = host_apt_get(h, names[k]);

			if (value)
				return value;
		}
	}
	return NULL;
}

static bool is_off(const char *value)
{
	static const char *const words[] = {"false", "no", "without", "off", "disable", "0"};

	for (size_t i = 0; value && i < array_len(words); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

/* Asks the program of Proxy-Auto-Detect; NULL when it has nothing to say. */
static const char *detect_proxy(const struct host_apt *h, const struct url *u, const char *url)
{
	const char *program = lookup(h, u, "Proxy-Auto-Detect");
	struct str said cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	struct proc_opts opts = {0};
	const char *start;

	program = program ? program : lookup(h, u, "ProxyAutoDetect");
	if (!program)
		return NULL;
	if (proc_output((char *const[]){(char *)program, (char *)url, NULL}, &opts, MAX_FILE, &said,
			&ignored) < 0)
		return NULL;
	start = said.buf + strspn(said.buf, " \t\n");
	return *start ? arena_strndup(h->arena, start, strcspn(start, " \t\n")) : NULL;
}

/* Whether the environment names a proxy for SCHEME itself; apt ignores all_proxy. */
static bool has_env_proxy(const char *scheme)
{
	if (str_eq(scheme, "https"))
		return getenv("https_proxy") || getenv("HTTPS_PROXY");
	return getenv("http_proxy") != NULL;
}

/* apt's order: the host's own, a program, that of all hosts, the environment. */
static const char *proxy_for(const struct host_apt *h, const struct url *u, const char *url)
{
	const char *own = host_apt_get(
		h, arena_printf(h->arena, "Acquire::%s::Proxy::%s", u->scheme, u->host));
	const char *proxy = own;

	if (!proxy && str_eq(u->scheme, "https"))
		proxy = host_apt_get(h,
				     arena_printf(h->arena, "Acquire::http::Proxy::%s", u->host));
	if (!proxy)
		proxy = detect_proxy(h, u, url);
	if (!proxy)
		proxy = lookup(h, u, "Proxy");
	if (!proxy && str_eq(u->scheme, "https") && !getenv("https_proxy"))
		proxy = getenv("http_proxy");
	if (proxy ? strcasecmp(proxy, "DIRECT") == 0 || is_off(proxy) : !has_env_proxy(u->scheme))
		return "";
	return proxy;
}

static const char *auth_path(const struct host_apt *h, const char *name, const char *otherwise)
{
	const char *root = host_apt_get(h, "Dir"), *etc = host_apt_get(h, "Dir::Etc"),
		   *file = host_apt_get(h, name);
	char *dir cleanup_free = path_join(root ? root : "/", etc ? etc : "etc/apt");
	char *path cleanup_free = path_join(dir, file ? file : otherwise);

	return arena_strdup(h->arena, path);
}

static void append_file(const char *path, struct str *ret)
{
	struct err *ignored cleanup_err = NULL;

	if (file_read(path, MAX_FILE, ret, &ignored) == 0)
		str_append_char(ret, '\n');
}

void host_apt_read_auth(struct host_apt *h)
{
	const char *parts = auth_path(h, "Dir::Etc::netrcparts", "auth.conf.d");
	struct str text cleanup_str = STR_INIT;
	struct strv files cleanup_strv = {0};
	DIR *dir = opendir(parts);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (*e->d_name != '.' && (str_ends(e->d_name, ".conf") || !strchr(e->d_name, '.')))
			strv_printf(&files, "%s/%s", parts, e->d_name);
	if (dir)
		closedir(dir);
	strv_sort(&files);
	append_file(auth_path(h, "Dir::Etc::netrc", "auth.conf"), &text);
	for (size_t i = 0; i < files.count; i++)
		append_file(files.items[i], &text);
	h->auth = arena_strdup(h->arena, text.buf);
}

void host_apt_login(const struct host_apt *h, const char *url, const char *auth,
		    const char **ret_user, const char **ret_password)
{
	*ret_user = *ret_password = NULL;
	if (apt_auth_find(h->arena, auth, url, ret_user, ret_password) != 0 &&
	    apt_auth_find(h->arena, h->auth, url, ret_user, ret_password) != 0)
		login_netrc(h->arena, url, ret_user, ret_password);
}

int host_apt_access(const struct host_apt *h, const char *url, const char *auth,
		    struct http_access *ret, struct err **err)
{
	const char *number;
	uint64_t n;
	struct url u;

	*ret = (struct http_access){0};
	url_split(h->arena, url, &u);
	if (!str_eq(u.scheme, "http") && !str_eq(u.scheme, "https"))
		return 0;
	*ret = (struct http_access){
		.proxy = proxy_for(h, &u, url),
		.ca_file = lookup(h, &u, "CAInfo"),
		.crl_file = lookup(h, &u, "CRLFile"),
		.client_cert = lookup(h, &u, "SSLCert"),
		.client_key = lookup(h, &u, "SSLKey"),
		.any_peer = is_off(lookup(h, &u, "Verify-Peer")),
		.any_host = is_off(lookup(h, &u, "Verify-Host")),
		.ask = login_ask,
		.ask_arg = h->arena,
	};
	if (ret->ca_file && !path_exists(ret->ca_file))
		return err_set(
			err, E_ARCHIVE_AUTHORITY,
			"apt's setting Acquire::https::CAInfo names '%s', which is not there",
			ret->ca_file);
	number = lookup(h, &u, "Timeout");
	if (number && str_u64(number, &n) == 0 && n <= 3600)
		ret->timeout_s = (unsigned)n;
	number = lookup(h, &u, "Dl-Limit"); /* KiB per second */
	if (number && str_u64(number, &n) == 0 && n <= UINT32_MAX)
		ret->bytes_per_second = n * 1024;
	host_apt_login(h, url, auth, &ret->user, &ret->password);
	return 0;
}

struct http_access *host_apt_elsewhere(const struct host_apt *h, const char *url, const char *auth)
{
	struct http_access *access = arena_alloc(h->arena, sizeof(*access));
	struct err *ignored cleanup_err = NULL;

	if (host_apt_access(h, url, auth, access, &ignored) < 0)
		return NULL;
	access->ask = NULL;
	access->user = access->password = NULL;
	if (apt_auth_find(h->arena, auth, url, &access->user, &access->password) != 0)
		apt_auth_find(h->arena, h->auth, url, &access->user, &access->password);
	return access;
}
