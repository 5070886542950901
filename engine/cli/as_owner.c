/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/as_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "cli/own_copy.h"
#include "cli/program.h"
#include "cli/session.h"
#include "cli/sudo_env.h"
#include "machine/drop.h"

/* Whether we are root of the machine, not of a user namespace of some ordinary user. */
static bool is_root(void)
{
	struct str map cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	unsigned long inside, outside;

	if (geteuid() != 0)
		return false;
	return file_read("/proc/self/uid_map", 65536, &map, &ignored) < 0 ||
	       sscanf(map.buf, "%lu %lu", &inside, &outside) != 2 || inside == outside;
}

struct owner {
	uid_t uid;
	gid_t gid;
	char *user; /* NULL: the machine knows no name */
	char *home; /* as the machine has it, or NULL */
};

static void owner_release(struct owner *o)
{
	free(o->user);
	free(o->home);
}
#define cleanup_owner __attribute__((cleanup(owner_release)))

/* What the machine knows about UID. GID is that of what he owns; root's is nobody else's. */
static void look_up(struct owner *o, uid_t uid, gid_t gid)
{
	const struct passwd *pw = getpwuid(uid);

	o->uid = uid;
	o->gid = pw ? pw->pw_gid : gid ? gid : uid;
	if (!pw)
		return;
	o->user = xstrdup(pw->pw_name);
	o->home = pw->pw_dir && *pw->pw_dir == '/' ? xstrdup(pw->pw_dir) : NULL;
}

/* An id that sudo tells, or 0. */
static uid_t told_id(const char *name)
{
	const char *text = getenv(name);
	char *end;
	unsigned long id;

	if (!text || *text < '0' || *text > '9')
		return 0;
	id = strtoul(text, &end, 10);
	return *end || id >= UINT_MAX ? 0 : (uid_t)id;
}

/* The first of PATH and the directories above it that there is: who owns it. */
static bool owned_by(const char *path, struct stat *ret)
{
	char *at cleanup_free = xstrdup(path);

	while (stat(at, ret) < 0) {
		char *up = path_dir(at);
		bool top = str_eq(up, at);

		free(at);
		at = up;
		if (top)
			return false;
	}
	return true;
}

/* --- his environment ----------------------------------------------------------------------- */

/* A home for who has none, made by root. */
static int make_home(const struct owner *o, struct err **err)
{
	char *home cleanup_free = xasprintf("/var/cache/orch-%u", (unsigned)o->uid);
	struct stat st;

	if (mkdir(home, 0755) == 0 && lchown(home, o->uid, o->gid) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot give '%s' away", home);
	if (lstat(home, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != o->uid)
		return err_set(
			err, E_OTHER_USER,
			"user %u has no home, and '%s' is not his directory: set HOME to one "
			"that is",
			(unsigned)o->uid, home);
	setenv("HOME", home, 1);
	return 0;
}

/* A configuration directory may also be one that everybody may look into. */
static bool is_of_use(const struct owner *o, const char *name, const char *dir)
{
	struct stat st;

	if (*dir != '/' || !owned_by(dir, &st))
		return false;
	return st.st_uid == o->uid || (str_eq(name, "XDG_CONFIG_HOME") && (st.st_mode & S_IXOTH));
}

static int set_environment(const struct cli *c, const struct owner *o, struct err **err)
{
	static const char *const dirs[] = {"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
					   "XDG_STATE_HOME", "XDG_RUNTIME_DIR"};
	const char *home = getenv("HOME");
	struct stat st;

	for (size_t i = 0; i < array_len(dirs); i++) {
		const char *dir = getenv(dirs[i]);

		if (dir && !is_of_use(o, dirs[i], dir))
			unsetenv(dirs[i]);
	}
	if (o->user) {
		setenv("USER", o->user, 1);
		setenv("LOGNAME", o->user, 1);
	}
	if (home && *home == '/' && stat(home, &st) == 0 && st.st_uid == o->uid)
		return 0;
	if (o->home && stat(o->home, &st) == 0 && st.st_uid == o->uid) {
		setenv("HOME", o->home, 1);
		return 0;
	}
	unsetenv("HOME");
	return (c->store || getenv("ORCH_STORE")) ? 0 : make_home(o, err);
}

/* --- an id of its own, for root's projects ------------------------------------------------- */

struct views {
	struct drop_view items[5];
	char *paths[5];
	size_t count;
};

static void views_release(struct views *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->paths[i]);
}
#define cleanup_views __attribute__((cleanup(views_release)))

/* A directory that is there. */
static void view_add(struct views *v, const char *path, bool mapped)
{
	char *real = path ? realpath(path, NULL) : NULL;
	struct stat st;

	if (!real || stat(real, &st) < 0 || !S_ISDIR(st.st_mode)) {
		free(real);
		return;
	}
	v->paths[v->count] = real;
	v->items[v->count] = (struct drop_view){real, mapped};
	v->count++;
}

static char *config_dir(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg)
		return path_join(xdg, "orch");
	return home ? path_join(home, ".config/orch") : NULL;
}

static bool is_below(const char *path, const char *dir)
{
	const char *rest = str_skip(path, dir);

	return rest && (!*rest || *rest == '/');
}

/* Where our own programs are: this one, and the worker, which is installed elsewhere. */
static void view_add_programs(struct views *v, const char *project)
{
	struct err *told_later cleanup_err = NULL;
	char *programs[] = {realpath("/proc/self/exe", NULL), program_worker(&told_later)};
	char *last cleanup_free = NULL;

	for (size_t i = 0; i < array_len(programs); i++) {
		char *dir = programs[i] ? path_dir(programs[i]) : NULL;

		if (dir && !str_eq(dir, last ? last : "") && (!project || !is_below(dir, project)))
			view_add(v, dir, false);
		free(programs[i]);
		free(last);
		last = dir;
	}
}

/* The store's place for who may not pass where root's would be: in a home of his own. */
static int own_store(const struct cli *c, char **store, struct err **err)
{
	const struct owner own = {.uid = OWN_ID, .gid = OWN_ID};
	char *barrier cleanup_free = drop_barrier(*store, OWN_ID);

	if (make_home(&own, err) < 0)
		return -1;
	if (!barrier || c->store || getenv("ORCH_STORE"))
		return 0;
	free(*store);
	*store = path_join(getenv("HOME"), ".cache/orch");
	return 0;
}

static int act_as_own_id(struct cli *c, const char *project, struct err **err)
{
	struct views views cleanup_views = {0};
	char *store cleanup_free = NULL, *config cleanup_free = config_dir();
	struct err *why cleanup_err = NULL;
	int dir cleanup_fd = project ? open(project, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct own_copy copy = {.project = project, .dir = dir, .config = config, .id = OWN_ID};

	if (session_store_place(c, &store, err) < 0 || store_give(store, OWN_ID, OWN_ID, err) < 0)
		return -1;
	view_add(&views, project, true);
	view_add(&views, store, false);
	view_add(&views, config, true);
	view_add_programs(&views, project);
	if (drop_show(views.items, views.count, OWN_ID, &why) < 0) {
		if (own_store(c, &store, err) < 0)
			return -1;
		copy.store = store;
		copy.why = why->text;
		return own_copy_enter(&copy, c, err);
	}
	unsetenv("XDG_RUNTIME_DIR");
	return drop_to(OWN_ID, OWN_ID, NULL, err);
}

/* --- who -------------------------------------------------------------------------------------- */

static int become(const struct cli *c, const struct owner *o, struct err **err)
{
	trace(TRACE_STORE, "root acts as user %u", (unsigned)o->uid);
	if (o->uid == told_id("SUDO_UID"))
		sudo_env_restore();
	return set_environment(c, o, err) < 0 ? -1 : drop_to(o->uid, o->gid, o->user, err);
}

static bool outside_of_projects(const struct cli *c)
{
	return c->command && c->command->root == ROOT_OUTSIDE;
}

int act_as_owner(struct cli *c, struct err **err)
{
	struct owner o cleanup_owner = {0};
	char *project cleanup_free = NULL;
	struct err *outside cleanup_err = NULL;
	struct stat st = {0};

	if (!is_root())
		return 0;
	if (!outside_of_projects(c) && project_find(".", &project, &outside) == 0) {
		if (stat(project, &st) < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", project);
	} else {
		st.st_uid = told_id("SUDO_UID");
		st.st_gid = told_id("SUDO_GID");
	}
	look_up(&o, st.st_uid, st.st_gid);
	if (o.uid != 0)
		return become(c, &o, err);
	return set_environment(c, &o, err) < 0 ? -1 : act_as_own_id(c, project, err);
}

int act_as_owner_of(const struct cli *c, const char *dir, struct err **err)
{
	char *cwd cleanup_free = NULL, *path cleanup_free = NULL;
	struct owner o cleanup_owner = {0};
	struct stat st;

	if (!is_root())
		return 0;
	cwd = getcwd(NULL, 0);
	path = path_join(cwd ? cwd : "/", dir);
	if (!owned_by(path, &st) || st.st_uid == 0)
		return 0;
	look_up(&o, st.st_uid, st.st_gid);
	return become(c, &o, err);
}
