/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file systems of a sandbox. What is taken from the host is opened first, as detached copies of
 * mounts; then the new root is built on /tmp, everything is attached beneath it, and it becomes /.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/path.h"
#include "base/vec.h"
#include "machine/sandbox/sandbox_internal.h"

#define NEW_ROOT "/tmp"

/* Something of the host that will stand at TO, relative to the new root. */
struct piece {
	char *to;
	int fd;       /* a detached mount, or -1 */
	char *target; /* a symbolic link instead */
	bool dir, writable;
};
DEFINE_VEC(pieces, struct piece)

static void pieces_free(struct pieces *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free(v->items[i].to);
		free(v->items[i].target);
		if (v->items[i].fd >= 0)
			close(v->items[i].fd);
	}
	pieces_clear(v);
}
#define cleanup_pieces __attribute__((cleanup(pieces_free)))

static int take(struct pieces *v, const char *from, const char *to, bool writable, struct err **err)
{
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	struct piece *p;
	struct stat st;
	int fd cleanup_fd =
		open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot take '%s' into the sandbox",
				 from);
	if (!writable && mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro, sizeof(ro)) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot make '%s' read-only in the sandbox", from);
	p = pieces_at_end(v);
	*p = (struct piece){
		.to = xstrdup(to), .fd = fd, .dir = S_ISDIR(st.st_mode), .writable = writable};
	fd = -1;
	return 0;
}

/* One entry of a root's top level. */
static int take_entry(struct pieces *v, const char *root, const char *name, struct err **err)
{
	char *from cleanup_free = path_join(root, name);
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return take(v, from, name, false, err);
	target[n] = '\0';
	*pieces_at_end(v) =
		(struct piece){.to = xstrdup(name), .fd = -1, .target = xstrdup(target)};
	return 0;
}

/* Fresh in every sandbox. */
static bool is_fresh(const char *name)
{
	static const char *const fresh[] = {".",   "..",  "proc", "dev",
					    "sys", "run", "tmp",  "lost+found"};

	for (size_t i = 0; i < array_len(fresh); i++)
		if (str_eq(name, fresh[i]))
			return true;
	return false;
}

/* What of the host is in view when it is the root itself: programs. Of /etc see etc_enter(). */
static bool is_host_part(const char *name)
{
	return str_eq(name, "usr") || str_eq(name, "opt") || str_eq(name, "bin") ||
	       str_eq(name, "sbin") || str_skip(name, "lib");
}

static int take_root(struct pieces *v, const struct sandbox_opts *opts, struct err **err)
{
	const char *root = opts->root ? opts->root : "/";
	DIR *dir = opendir(root);
	int r = 0;

	if (!dir)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot read '%s'", root);
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (!is_fresh(e->d_name) && (opts->root || is_host_part(e->d_name)))
			r = take_entry(v, root, e->d_name, err);
	closedir(dir);
	return r;
}

/* "tty" is the controlling terminal of whoever opens it: in a sandbox its own, or none. */
static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};

static int take_all(struct pieces *root, struct pieces *extra, const struct sandbox_opts *opts,
		    struct err **err)
{
	if (opts->root_writable ? take(root, opts->root, ".", true, err)
				: take_root(root, opts, err))
		return -1;
	for (size_t i = 0; i < array_len(devices); i++) {
		char *from cleanup_free = xasprintf("/dev/%s", devices[i]);

		/* Read-only is for the node, not the device: an owner could change its mode. */
		if (take(extra, from, from + 1, false, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < opts->bind_count; i++) {
		const struct sandbox_bind *b = &opts->binds[i];

		if (take(extra, b->from, b->to + strspn(b->to, "/"), b->writable, err) < 0)
			return -1;
	}
	return 0;
}

/* Mounts it on what is there. */
static int attach(const struct piece *p, struct err **err)
{
	if (move_mount(p->fd, "", AT_FDCWD, p->to, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot mount '/%s' in the sandbox",
				 p->to);
	return 0;
}

/* Relative to the new root, which is the current directory. */
static int place(const struct piece *p, struct err **err)
{
	if (p->target) {
		if (symlink(p->target, p->to) < 0)
			return err_errno(err, E_SANDBOX_SETUP, errno,
					 "cannot link '/%s' in the sandbox", p->to);
		return 0;
	}
	if (p->dir) {
		if (path_mkdirs(p->to, err) < 0)
			return err_wrap(err, "sandbox");
	} else {
		int fd cleanup_fd = -1;

		if (path_mkparents(p->to, err) < 0)
			return err_wrap(err, "sandbox");
		fd = open(p->to, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd < 0 && !path_exists(p->to))
			return err_errno(err, E_SANDBOX_SETUP, errno,
					 "cannot create '/%s' in the sandbox", p->to);
	}
	return attach(p, err);
}

static int fresh_tmpfs(const char *to, const char *mode, const struct sandbox_opts *opts,
		       struct err **err)
{
	uint64_t scratch = opts->limits.scratch;
	char *how cleanup_free = scratch ? xasprintf("mode=%s,size=%" PRIu64, mode, scratch)
					 : xasprintf("mode=%s", mode);

	if (path_mkdirs(to, err) < 0)
		return err_wrap(err, "sandbox");
	if (mount("tmpfs", to, "tmpfs", MS_NOSUID | MS_NODEV, how) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot mount a tmpfs on '/%s' in the sandbox", to);
	return 0;
}

/* As other runtimes have it: runc's readonlyPaths and maskedPaths, moby's and systemd's beside. */
static const char *const proc_read_only[] = {"proc/sys", "proc/sysrq-trigger", "proc/bus",
					     "proc/fs", "proc/irq"};
static const char *const proc_hidden[] = {
	"proc/acpi",        "proc/asound",     "proc/interrupts",  "proc/kallsyms",
	"proc/kcore",       "proc/key-users",  "proc/keys",        "proc/kmsg",
	"proc/kpagecgroup", "proc/kpagecount", "proc/kpageflags",  "proc/latency_stats",
	"proc/mtrr",        "proc/scsi",       "proc/sched_debug", "proc/timer_list",
	"proc/timer_stats", "proc/vmallocinfo"};

int mounts_lay_over(const char *path, const char *from, struct err **err)
{
	struct pieces piece cleanup_pieces = {0};

	if (take(&piece, from, path, false, err) < 0)
		return -1;
	return attach(&piece.items[0], err);
}

/* Lays something over PATH that has nothing in it and takes nothing. */
static int hide(const char *path, bool is_dir, struct err **err)
{
	if (!is_dir)
		return mounts_lay_over(path, "/dev/null", err);
	if (mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0555,size=4k") < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot hide '/%s' in the sandbox",
				 path);
	return 0;
}

/* To root, and to owners of what a namespace has of its own, /proc is more than information. */
static int guard_proc(struct err **err)
{
	struct stat st; /* not every kernel has all of them */

	for (size_t i = 0; i < array_len(proc_read_only); i++) {
		const char *path = proc_read_only[i];

		if (lstat(path, &st) == 0 && mounts_lay_over(path, path, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < array_len(proc_hidden); i++) {
		const char *path = proc_hidden[i];

		/* What even root may not read here, being an ordinary user, needs no hiding. */
		if (lstat(path, &st) == 0 && access(path, R_OK) == 0 &&
		    hide(path, S_ISDIR(st.st_mode), err) < 0)
			return -1;
	}
	return 0;
}

/*
 * A /proc of the new pid namespace; in a container that hides parts of /proc, the host's has to do.
 * The registry of emulators is the namespace's own: it may change.
 */
static int fresh_proc(struct piece *host, const struct mounts_how *how, struct err **err)
{
	if (path_mkdirs("proc", err) < 0)
		return err_wrap(err, "sandbox");
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 &&
	    place(host, err) < 0)
		return -1;
	if (!how->whole_proc && guard_proc(err) < 0)
		return -1;
	if (how->own_binfmt)
		mount("binfmt_misc", "proc/sys/fs/binfmt_misc", "binfmt_misc", MS_NOSUID | MS_NODEV,
		      NULL);
	return 0;
}

static int fresh_dev(const struct sandbox_opts *opts, struct err **err)
{
	static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
					       {"/proc/self/fd/0", "dev/stdin"},
					       {"/proc/self/fd/1", "dev/stdout"},
					       {"/proc/self/fd/2", "dev/stderr"},
					       {"pts/ptmx", "dev/ptmx"}};

	/*
	 * Not sticky: a shell's "> /dev/null" in a sticky directory would be
	 * refused to all but the owner.
	 */
	if (fresh_tmpfs("dev", "0755", opts, err) < 0 || path_mkdirs("dev/pts", err) < 0 ||
	    path_mkdirs("dev/shm", err) < 0)
		return -1;
	if (chmod("dev/shm", 01777) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot open '/dev/shm' to all users");
	for (size_t i = 0; i < array_len(links); i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			return err_errno(err, E_SANDBOX_SETUP, errno,
					 "cannot link '/%s' in the sandbox", links[i][1]);
	/* Terminals are a comfort: not every container lets us have them. */
	mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	      "newinstance,ptmxmode=0666,mode=620");
	return 0;
}

static int build_root(struct pieces *root, struct pieces *extra, struct piece *proc,
		      const struct sandbox_opts *opts, const struct mounts_how *how,
		      struct err **err)
{
	if (opts->root_writable) {
		if (move_mount(root->items[0].fd, "", AT_FDCWD, NEW_ROOT, MOVE_MOUNT_F_EMPTY_PATH) <
		    0)
			return err_errno(err, E_SANDBOX_SETUP, errno, "cannot mount '%s'",
					 opts->root);
	} else if (mount("tmpfs", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0) {
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot mount a tmpfs");
	}
	if (chdir(NEW_ROOT) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot enter the new root");
	for (size_t i = 0; !opts->root_writable && i < root->count; i++)
		if (place(&root->items[i], err) < 0)
			return -1;
	if (!opts->root && etc_enter(err) < 0)
		return -1;
	if (fresh_proc(proc, how, err) < 0 || fresh_dev(opts, err) < 0 ||
	    fresh_tmpfs("run", "0755", opts, err) < 0 ||
	    fresh_tmpfs("tmp", "1777", opts, err) < 0 || path_mkdirs("run/lock", err) < 0 ||
	    path_mkdirs("sys", err) < 0)
		return -1;
	if (!opts->root_writable && path_exists("var/tmp") &&
	    fresh_tmpfs("var/tmp", "1777", opts, err) < 0)
		return -1;
	for (size_t i = 0; i < extra->count; i++)
		if (place(&extra->items[i], err) < 0)
			return -1;
	return opts->root ? 0 : etc_close(err);
}

int mounts_enter(const struct sandbox_opts *opts, const struct mounts_how *how, struct err **err)
{
	struct pieces root cleanup_pieces = {0}, extra cleanup_pieces = {0},
			   proc cleanup_pieces = {0};

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot make mounts private");
	if (take_all(&root, &extra, opts, err) < 0 || take(&proc, "/proc", "proc", true, err) < 0 ||
	    build_root(&root, &extra, &proc.items[0], opts, how, err) < 0)
		return -1;
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot change the root");
	return 0;
}
