/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/user_config.h"

#include <stdlib.h>

#include "base/path.h"
#include "kinds/test/board_config.h"
#include "recipe/yaml.h"

static const struct option config_options[] = {
	{"mirrors", OPT_DICT, offsetof(struct user_config, mirrors), OPT_LIST,
	 .help = "URL of each package archive by its alias in project.yaml; several are tried in "
		 "order."},
	{"pools", OPT_DICT, offsetof(struct user_config, pools), OPT_LIST,
	 .help = "Directories and URLs that keep packages for longer than archives do, by the "
		 "alias of an archive, or 'debian' for all of Debian packages; `orch lock` fills "
		 "the first directory of each list."},
	{"credential-helper", OPT_STRING, offsetof(struct user_config, credential_helper), OPT_LIST,
	 .help = "Program, with its arguments, that is asked for user and password of a server; it "
		 "speaks the protocol of git-credential(1)."},
	{"jobs", OPT_INT, offsetof(struct user_config, jobs), OPT_POSITIVE,
	 .help = "Default of build -j."},
	{"download-pace", OPT_SIZE, offsetof(struct user_config, download_pace), OPT_POSITIVE,
	 .help = "Bytes per second, on average, that a server must send at least; 16K when not "
		 "given."},
	{"download-size", OPT_SIZE, offsetof(struct user_config, download_size), OPT_POSITIVE,
	 .help = "Refuse to download larger files, whatever recipes and locks say."},
	{"store-size", OPT_SIZE, offsetof(struct user_config, store_size), OPT_POSITIVE,
	 .help = "How large the store may be; what was not used for the longest time goes."},
	{"trust-emulators", OPT_BOOL, offsetof(struct user_config, trust_emulators), .def = "false",
	 .help = "Let a board's `emulator:` come out of any tree: it runs on this machine, on the "
		 "board's files alone; where nobody can make namespaces, with all that you may "
		 "do."},
	{"trust-tools", OPT_BOOL, offsetof(struct user_config, trust_tools), .def = "false",
	 .help = "Let a bundle's `tools:` come out of any tree: its rauc reads the signing key."},
	{"builder", OPT_STRING, offsetof(struct user_config, builder),
	 .help = "URI that provenance names as the builder; without it that of this version of "
		 "orch."},
	{"pin-file", OPT_STRING, offsetof(struct user_config, pin_file), OPT_ABSPATH,
	 .help = "A file whose first line is the PIN of the tokens that sign; `ORCH_PIN` is asked "
		 "before.",
	 .example = "/run/user/1000/pin"},
	{"pkcs11-module", OPT_STRING, offsetof(struct user_config, pkcs11_module), OPT_ABSPATH,
	 .help = "The library of the tokens that sign (PKCS #11); without it, all that p11-kit "
		 "knows.",
	 .example = "/usr/lib/softhsm/libsofthsm2.so"},
	{"provenance-key", OPT_STRING, offsetof(struct user_config, provenance_key),
	 .help = "Private key (PEM) that signs the provenance of bundles and disks."},
	{"boards", OPT_DICT, offsetof(struct user_config, boards), OPT_NAME,
	 .sub = &board_config_schema,
	 .help = "Boards of `machine: remote` by their names: the commands that reach them "
		 "(docs/hardware.md)."},
	{"remote", OPT_STRUCT, offsetof(struct user_config, remote), .sub = &remote_config_schema,
	 .help = "Caches and executors that are shared with other machines (docs/sharing.md)."},
};
static void check_pool(const struct pair *p, const char *text, struct err_list *errors)
{
	bool url = strstr(text, "://") || str_skip(text, "file:/");

	if (url && !str_skip(text, "http://") && !str_skip(text, "https://") &&
	    !str_skip(text, "file:/"))
		err_list_at(errors, E_INVALID_URL, p->pos,
			    "a pool of '%s' must begin with https://, http:// or file:/, or be a "
			    "directory",
			    p->key);
	else if (url && text[strcspn(text, " \t\r\n")])
		err_list_at(errors, E_INVALID_URL, p->pos,
			    "the URL of a pool of '%s' has a space: write %%20", p->key);
	else if (!*text)
		err_list_at(errors, E_INVALID_VALUE, p->pos, "a pool of '%s' has no name", p->key);
}

static void check_config(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct user_config *c = data;

	(void)map;
	for (size_t i = 0; i < c->pools.count; i++) {
		const struct pair *p = LIST_AT(c->pools, struct pair *, i);
		const struct list *items = p->data;

		for (size_t k = 0; k < items->count; k++)
			check_pool(p, LIST_AT(*items, const char *, k), errors);
	}
}

const struct schema user_config_schema =
	SCHEMA(struct user_config, config_options, .check = check_config);

char *user_config_path(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return xasprintf("%s/orch/config.yaml", xdg);
	return home && *home == '/' ? xasprintf("%s/.config/orch/config.yaml", home) : NULL;
}

int user_config_parse(struct arena *arena, const struct yaml **ret_map, struct user_config *ret,
		      struct err **err)
{
	char *path cleanup_free = user_config_path();
	struct err_list errors cleanup_err_list = {0};
	const struct user_config *c;

	*ret_map = NULL;
	*ret = (struct user_config){0};
	if (!path || !path_exists(path))
		return 0;
	c = schema_read(&user_config_schema, arena, path, ret_map, &errors);
	if (!c)
		return err_all(err, &errors);
	*ret = *c;
	return 0;
}

int user_config_read(struct arena *arena, struct user_config *ret, struct err **err)
{
	const struct yaml *map;

	return user_config_parse(arena, &map, ret, err);
}

static void value_text(const struct yaml *value, struct str *ret)
{
	if (value->type == YAML_SCALAR)
		str_append(ret, value->text);
	for (size_t i = 0; value->type == YAML_LIST && i < value->count; i++) {
		str_append(ret, i ? " " : "");
		value_text(value->items[i], ret);
	}
	for (size_t i = 0; value->type == YAML_MAP && i < value->count; i++) {
		str_printf(ret, "%s%s=", i ? " " : "", value->keys[i]->text);
		value_text(value->items[i], ret);
	}
}

bool user_config_said(const struct yaml *map, const char *key, struct str *ret_text,
		      struct pos *ret_pos)
{
	const char *dot = strchr(key, '.');
	char *top cleanup_free = dot ? xstrndup(key, (size_t)(dot - key)) : NULL;
	const struct yaml *value;

	if (dot)
		map = map ? yaml_get(map, top) : NULL;
	key = dot ? dot + 1 : key;
	value = map && map->type == YAML_MAP ? yaml_get(map, key) : NULL;
	if (!value)
		return false;
	value_text(value, ret_text);
	*ret_pos = yaml_key_pos(map, key);
	return true;
}

void user_config_remote(const struct user_config *c, struct arena *arena, struct remote_config *ret)
{
	char *path cleanup_free = user_config_path();
	char *dir cleanup_free = path ? path_dir(path) : xstrdup("/");

	remote_config_use(c->remote, dir, arena, ret);
}

char *user_config_provenance_key(const struct user_config *c)
{
	char *path cleanup_free = user_config_path();
	char *dir cleanup_free = path ? path_dir(path) : xstrdup("/");

	return c->provenance_key ? path_join(dir, c->provenance_key) : NULL;
}

void user_config_limit(const struct user_config *c, struct http_opts *opts)
{
	opts->pace = c->download_pace;
	opts->max_size = c->download_size;
}
