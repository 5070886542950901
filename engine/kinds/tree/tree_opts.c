/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option tables of kind tree, and the rules over several keys. */
#include "kinds/tree/tree_opts.h"

#include <inttypes.h>
#include <string.h>

#include "kinds/deb_inputs.h"
#include "kinds/debian/debian.h"
#include "kinds/run/step_env.h"

#define NAME_MAX_LEN 31 /* useradd(8): 32 with the NUL of utmp */

#define AT(field) offsetof(struct tree_user, field)
static const struct option user_options[] = {
	{"name", OPT_STRING, AT(name), OPT_REQUIRED, .help = "Login name.", .example = "app"},
	{"uid", OPT_INT, AT(uid), OPT_REQUIRED,
	 .help = "Number of the user; must be free in the tree, or this user's.", .example = "990"},
	{"gid", OPT_STRING, AT(gid),
	 .help = "Number of the primary group; default: that of the group with the user's name, "
		 "which is made with the user's number if the tree has none.",
	 .example = "990"},
	{"home", OPT_STRING, AT(home), OPT_ABSPATH,
	 .help = "Home directory, made for the user alone if the tree has none; default: "
		 "/nonexistent, which is not made.",
	 .example = "/var/lib/app"},
	{"shell", OPT_STRING, AT(shell), OPT_ABSPATH,
	 .help = "Login shell, which the tree must have; default: /usr/sbin/nologin.",
	 .example = "/bin/bash"},
	{"groups", OPT_STRING, AT(groups), OPT_LIST,
	 .help = "Further groups of the user, of the tree or of 'groups'.",
	 .example = "[dialout, gpio]"},
	{"keys", OPT_REF, AT(keys), .accept = ACCEPT_PATH,
	 .help = "File of public keys that may log in as this user: HOME/.ssh/authorized_keys.",
	 .example = "keys/app.pub"},
};
static void check_user(void *data, const struct yaml *map, struct err_list *errors);
static const struct schema user_schema =
	SCHEMA(struct tree_user, user_options, .check = check_user);
#undef AT

static const struct option group_options[] = {
	{"name", OPT_STRING, offsetof(struct tree_group, name), OPT_REQUIRED,
	 .help = "Name of the group.", .example = "gpio"},
	{"gid", OPT_INT, offsetof(struct tree_group, gid), OPT_REQUIRED,
	 .help = "Number of the group; must be free in the tree, or this group's.",
	 .example = "995"},
};
static void check_group(void *data, const struct yaml *map, struct err_list *errors);
static const struct schema group_schema =
	SCHEMA(struct tree_group, group_options, .check = check_group);

#define AT(field) offsetof(struct tree_opts, field)
static const struct option tree_options[] = {
	{"from", OPT_REF, AT(from), .accept = ACCEPT_TREE,
	 .help = "Tree to start with; without it from nothing, with 'arch'.", .example = "base"},
	{"arch", OPT_STRING, AT(arch), OPT_NAME,
	 .help = "Debian's name of the architecture of a tree from nothing.", .example = "arm64"},
	{"contents", OPT_STRUCT, AT(contents), OPT_LIST | OPT_PLACED, .sub = &content_schema,
	 .help = "What is laid over it, in order; later entries lie over earlier ones.",
	 .example = "[{copy: rootfs/, to: /}]"},
	{"groups", OPT_STRUCT, AT(groups), OPT_LIST | OPT_PLACED, .sub = &group_schema,
	 .help = "Groups to add.", .example = "[{name: gpio, gid: 995}]"},
	{"users", OPT_STRUCT, AT(users), OPT_LIST | OPT_PLACED, .sub = &user_schema,
	 .help = "Users to add, without a password.",
	 .example = "[{name: app, uid: 990, home: /var/lib/app, groups: [dialout]}]"},
	{"debs", OPT_REF, AT(debs), OPT_LIST, .accept = DEB_INPUTS_ACCEPT,
	 .help = "Debian packages to install: files or directories of the project, outputs of "
		 "nodes. What they depend on must be in the tree, or another of them.",
	 .example = "[\"app:app.deb\", debs/vendor.deb]"},
	{"run", OPT_STEP, AT(steps), OPT_LIST,
	 .help = "Steps, run in this order as root of the tree: a text is a /bin/sh -e script, a "
		 "list is a program and its arguments.",
	 .example = "[ldconfig, update-ca-certificates]"},
	{"env", OPT_DICT, AT(env), OPT_VALUE, .help = STEP_ENV_HELP, .example = STEP_ENV_EXAMPLE},
	{"nested", OPT_BOOL, AT(nested), .def = "false",
	 .help = "Steps may make mounts and namespaces of their own, but no user namespaces; 'orch "
		 "check' names the node."},
	{"memory", OPT_SIZE, AT(memory), OPT_UNKEYED, .def = "0",
	 .help = "Memory that a step, or the installing of packages, may hold, files in /tmp and "
		 "/run included, and that the scheduler keeps free for it; 0: three quarters of "
		 "the machine's, and none is kept free.",
	 .example = "2G"},
	{"scratch", OPT_SIZE, AT(scratch), OPT_UNKEYED, .def = "0",
	 .help = "Bytes that a step may write to the tree, and to /tmp; 0: three quarters of what "
		 "is free on the disk.",
	 .example = "10G"},
	{"emulator", OPT_REF, AT(emulator), .accept = ACCEPT_TREE,
	 .help = "Tree with qemu-user for a tree of a foreign architecture; without it this "
		 "machine's emulator is used.",
	 .example = "toolchain"},
	{"units", OPT_STRUCT, AT(units), OPT_PLACED, .sub = &units_schema,
	 .help = "systemd units to enable, disable or mask.", .example = "{enable: [app.service]}"},
	{"stamp", OPT_STRING, AT(stamp), OPT_ABSPATH,
	 .help = "File that gets IMAGE_ID and IMAGE_VERSION, name and version of the project; "
		 "links are followed inside the tree.",
	 .example = "/usr/lib/os-release"},
	{"remove", OPT_STRING, AT(remove), OPT_LIST,
	 .help = "Patterns of what is removed; ** stands for any directories.",
	 .example = "[/usr/share/doc/**]"},
	{"modes", OPT_DICT, AT(modes),
	 .help = "Pattern and octal mode, owner, or both; something must match.",
	 .example = "{/etc/shadow: \"0640 0:42\"}"},
	PLATFORM_OPTION(struct tree_opts),
};
#undef AT

/* What useradd(8) of Debian takes without a warning. */
static bool is_name(const char *s)
{
	return strchr("abcdefghijklmnopqrstuvwxyz_", s[0]) && s[0] &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(s) &&
	       strlen(s) <= NAME_MAX_LEN;
}

static void check_name(const struct yaml *map, const char *key, const char *name, const char *what,
		       struct err_list *errors)
{
	if (!is_name(name))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, key),
			    "'%s' is not a %s name: lower-case letters, digits, '_' and '-', at "
			    "most %d, not a digit first",
			    name, what, NAME_MAX_LEN);
}

/* 16-bit and 32-bit -1 mean "none" to the kernel. */
static bool is_id(int64_t n)
{
	return n >= 0 && n < UINT32_MAX && n != UINT16_MAX;
}

static void check_id(const struct yaml *map, const char *key, int64_t id, struct err_list *errors)
{
	if (!is_id(id))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, key),
			    "'%s' is 0 to 4294967294 and not 65535, found %" PRId64, key, id);
}

static void check_group(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct tree_group *g = data;

	check_name(map, "name", g->name, "group", errors);
	check_id(map, "gid", g->gid, errors);
}

static void check_path(const struct yaml *map, const char *key, const char *path,
		       struct err_list *errors)
{
	if (path && (strpbrk(path, ":\n") || (path[1] && str_ends(path, "/"))))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, key),
			    "'%s' of a user has no ':' and no '/' at its end", key);
}

static void check_user(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct tree_user *u = data;
	uint64_t gid;

	check_name(map, "name", u->name, "user", errors);
	check_id(map, "uid", u->uid, errors);
	if (u->gid && (str_u64(u->gid, &gid) || gid > INT64_MAX || !is_id((int64_t)gid)))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "gid"),
			    "'gid' is 0 to 4294967294 and not 65535, found '%s'", u->gid);
	check_path(map, "home", u->home, errors);
	check_path(map, "shell", u->shell, errors);
	for (size_t i = 0; i < u->groups.count; i++)
		check_name(map, "groups", LIST_AT(u->groups, const char *, i), "group", errors);
}

static void check_twice(const struct tree_opts *o, struct err_list *errors)
{
	for (size_t i = 0; i < o->users.count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct tree_user *u = LIST_AT(o->users, struct tree_user *, i),
					       *v = LIST_AT(o->users, struct tree_user *, k);

			if (str_eq(u->name, v->name) || u->uid == v->uid)
				err_list_at(errors, E_DUPLICATE_NAME, u->pos,
					    "user '%s' has the name or the uid of one before it",
					    u->name);
		}
	for (size_t i = 0; i < o->groups.count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct tree_group *g = LIST_AT(o->groups, struct tree_group *, i),
						*h = LIST_AT(o->groups, struct tree_group *, k);

			if (str_eq(g->name, h->name) || g->gid == h->gid)
				err_list_at(errors, E_DUPLICATE_NAME, g->pos,
					    "group '%s' has the name or the gid of one before it",
					    g->name);
		}
}

/* What dpkg_environment() sets and other kinds do not. */
static const char *const own_env[] = {
	"DEBIAN_FRONTEND",    "DEBCONF_NONINTERACTIVE_SEEN",
	"DEBCONF_NOWARNINGS", "INITRD",
	"SYSTEMD_OFFLINE",    "PERL_HASH_SEED",
	"PYTHONHASHSEED",     NULL,
};

static void check_tree(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct tree_opts *o = data;

	if (o->from && o->arch)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "arch"),
			    "'arch' is for a tree from nothing: 'from' has its own");
	else if (!o->from && !o->arch)
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "a tree has 'from', or from nothing 'arch'");
	if (o->arch && str_eq(o->arch, "build"))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "arch"),
			    "a tree does not depend on the machine that makes it: name an "
			    "architecture");
	else if (o->arch)
		debian_check_arch(map, o->arch, errors);
	if (o->env.count && !o->steps.count)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "env"),
			    "'env' is for the steps of 'run'");
	step_env_check(&o->env, own_env, errors);
	check_twice(o, errors);
	content_check_globs(&o->remove, yaml_key_pos(map, "remove"), errors);
	content_check_modes(&o->modes, errors);
}

const struct schema tree_schema = SCHEMA(struct tree_opts, tree_options, .check = check_tree);

int tree_place(const struct action *a, struct pos pos, struct err **err)
{
	return err_wrap(err, "%s", action_place(a, pos));
}
