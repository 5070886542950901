/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guest/appliance.h"

#include <ctype.h>
#include <guestfs.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "machine/board/console.h"
#include "machine/guest/appliance_seal.h"
#include "machine/guest/appliance_wall.h"
#include "machine/host.h"
#include "machine/sandbox/leftovers.h"

#define SAID_MAX 16384

struct appliance {
	guestfs_h *h;
	struct appliance_opts opts;
	struct leftovers *leftovers;
	struct str files;       /* what QEMU may see (appliance_wall.h) */
	struct console console; /* what the appliance and the library say */
	struct str said;        /* its last lines */
	bool launched;
	bool live;   /* the console is the output of what runs: straight to the log */
	int percent; /* last one reported */
};

bool appliance_supported(void)
{
	return true;
}

/*
 * libguestfs puts its sockets into a directory of its own choice. While it launches, the listening
 * socket is one of our descriptors and knows its path: that directory is noted.
 */
static void find_socket_dir(struct appliance *g)
{
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_un a = {0};
		socklen_t len = sizeof(a) - 1;

		if (getsockname(fd, (struct sockaddr *)&a, &len) == 0 && a.sun_family == AF_UNIX &&
		    strstr(a.sun_path, "/libguestfs")) {
			char *dir cleanup_free = path_dir(a.sun_path);

			leftovers_note(g->leftovers, dir);
			return;
		}
	}
}

/* A cleaned line of the appliance's console: kept until something fails. */
static void keep_line(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct appliance *g = arg;

	if (event != CONSOLE_LINE)
		return;
	if (g->live && g->opts.log) {
		g->opts.log(g->opts.arg, text);
		return;
	}
	if (g->said.len > SAID_MAX)
		str_clear(&g->said);
	str_printf(&g->said, "appliance: %s\n", text);
}

/* Gives the kept lines to the log. */
static void log_kept(struct appliance *g)
{
	char *rest, *line;

	console_end(&g->console);
	rest = g->said.buf;
	while (g->opts.log && g->said.len > 0 && (line = strsep(&rest, "\n")) && rest)
		g->opts.log(g->opts.arg, line);
	str_clear(&g->said);
}

/* The last error of the handle. WHAT says what was tried. */
static int failed(struct appliance *g, const char *what, struct err **err)
{
	const char *text = guestfs_last_error(g->h);
	char *line cleanup_free = xstrdup(text ? text : "unknown error");

	for (char *p = line; *p; p++) {
		if (*p == '\n')
			*p = p[1] ? ' ' : 0;
	}
	log_kept(g);
	return err_set(err, guestfs_last_errno(g->h) == ENOSPC ? E_IMAGE_FULL : E_GUESTFS_FAILED,
		       "libguestfs: cannot %s: %s", what, line);
}

static void report_progress(struct appliance *g, const uint64_t *array, size_t len)
{
	int percent;

	if (!g->launched)
		find_socket_dir(g);
	if (!g->launched || !g->opts.progress || len < 4 || array[3] == 0)
		return;
	percent = (int)(array[2] * 100 / array[3]);
	if (percent == g->percent)
		return;
	g->percent = percent;
	g->opts.progress(g->opts.arg, percent);
}

static void on_event(guestfs_h *h, void *opaque, uint64_t event, int handle, int flags,
		     const char *buf, size_t buf_len, const uint64_t *array, size_t array_len_)
{
	struct appliance *g = opaque;

	if (event == GUESTFS_EVENT_PROGRESS)
		report_progress(g, array, array_len_);
	else
		console_feed(&g->console, buf, buf_len);
}

/* Only letters, digits, '-' and '_' may stand in a handle's name. */
static int set_name(struct appliance *g)
{
	char *name cleanup_free = xstrdup(g->opts.name ? g->opts.name : "orch");

	for (char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			*p = '_';
	}
	return guestfs_set_identifier(g->h, name);
}

static int configure(struct appliance *g, struct err **err)
{
	char *cache cleanup_free = path_join(g->opts.cache_dir, "appliance");
	char *tmp cleanup_free = path_join(g->opts.tmp_dir, "guestfs");
	uint64_t events = GUESTFS_EVENT_PROGRESS | GUESTFS_EVENT_WARNING | GUESTFS_EVENT_LIBRARY |
			  GUESTFS_EVENT_APPLIANCE;
	bool kvm = false;
	guestfs_h *h = g->h;
	char *runtime cleanup_free = xasprintf("XDG_RUNTIME_DIR=%s", tmp);
	char *env[] = {runtime, NULL};
	int rc;

	if (path_mkdirs(cache, err) < 0 || path_mkdirs(tmp, err) < 0)
		return -1;
	leftovers_note(g->leftovers, tmp);
	/*
	 * A socket's path has at most 107 bytes, of which libguestfs needs 31; then /tmp must do.
	 */
	rc = strlen(tmp) <= 76 ? guestfs_parse_environment_list(h, env) : 0;
	if (host_kvm_usable(g->opts.cache_dir, &kvm, NULL, err) < 0)
		return -1;
	if (rc < 0 || guestfs_set_cachedir(h, cache) < 0 || guestfs_set_tmpdir(h, tmp) < 0 ||
	    guestfs_set_backend(h, "direct") < 0 ||
	    (!kvm && guestfs_set_backend_setting(h, "force_tcg", "1") < 0) ||
	    guestfs_set_memsize(h, g->opts.memory_mb ? (int)g->opts.memory_mb
						     : APPLIANCE_MEMORY_MB) < 0 ||
	    guestfs_set_smp(h, g->opts.cpus ? (int)g->opts.cpus : 1) < 0 ||
	    guestfs_set_autosync(h, 1) < 0 || set_name(g) < 0 ||
	    guestfs_set_verbose(h, (trace_mask & (1u << TRACE_MACHINE)) != 0) < 0 ||
	    guestfs_set_event_callback(h, on_event, events, 0, g) < 0)
		return failed(g, "set up the appliance", err);
	return 0;
}

int appliance_new(const struct appliance_opts *opts, struct appliance **ret, struct err **err)
{
	struct appliance *g cleanup_appliance = xcalloc(1, sizeof(*g));
	char *notes cleanup_free = path_join(opts->cache_dir, "litter");

	g->opts = *opts;
	g->percent = -1;
	g->said = (struct str)STR_INIT;
	g->files = (struct str)STR_INIT;
	g->console = (struct console)CONSOLE_INIT(NULL, keep_line, g);
	if (leftovers_open(notes, &g->leftovers, err) < 0)
		return -1;
	g->h = guestfs_create_flags(GUESTFS_CREATE_NO_ENVIRONMENT |
				    GUESTFS_CREATE_NO_CLOSE_ON_EXIT);
	if (!g->h)
		return err_errno(err, E_CANNOT_START, errno, "cannot start libguestfs");
	guestfs_set_error_handler(g->h, NULL, NULL);
	if (configure(g, err) < 0)
		return -1;
	*ret = steal_ptr(g);
	return 0;
}

void appliance_free(struct appliance *g)
{
	if (!g)
		return;
	if (g->h)
		guestfs_close(g->h);
	leftovers_close(g->leftovers);
	console_release(&g->console);
	str_release(&g->said);
	str_release(&g->files);
	free(g);
}

int appliance_add_disk(struct appliance *g, const char *path, const char *label, bool readonly,
		       struct err **err)
{
	if (guestfs_add_drive_opts(
		    g->h, path, GUESTFS_ADD_DRIVE_OPTS_FORMAT, "raw", GUESTFS_ADD_DRIVE_OPTS_LABEL,
		    label, GUESTFS_ADD_DRIVE_OPTS_READONLY, (int)readonly,
		    GUESTFS_ADD_DRIVE_OPTS_CACHEMODE, readonly ? "writeback" : "unsafe",
		    GUESTFS_ADD_DRIVE_OPTS_DISCARD, readonly ? "disable" : "besteffort", -1) < 0)
		return failed(g, "attach a disk", err);
	if (readonly)
		appliance_wall_read(&g->files, path);
	else
		appliance_wall_write(&g->files, path);
	return 0;
}

/* Lets libguestfs start QEMU behind a wall. */
static int confine(struct appliance *g, struct err **err)
{
	char *cache cleanup_free = path_join(g->opts.cache_dir, "appliance");
	char *tmp cleanup_free = path_join(g->opts.tmp_dir, "guestfs");
	char *wall cleanup_free = appliance_wall_path(g->opts.tmp_dir);
	char *program cleanup_free = guestfs_get_hv(g->h);

	if (!program)
		return failed(g, "find QEMU", err);
	appliance_wall_program(&g->files, program);
	appliance_wall_read(&g->files, cache);
	appliance_wall_write(&g->files, tmp);
	appliance_wall_write(&g->files, "/dev/kvm");
	if (appliance_wall_make(wall, program, &g->files, err) < 0)
		return -1;
	return guestfs_set_hv(g->h, wall) < 0 ? failed(g, "confine QEMU", err) : 0;
}

int appliance_launch(struct appliance *g, struct err **err)
{
	struct appliance_seal seal cleanup_appliance_seal = {0};
	char *cache cleanup_free = path_join(g->opts.cache_dir, "appliance");
	char *kernel cleanup_free = host_kernel();

	if (!kernel)
		return err_set(
			err, E_GUESTFS_UNAVAILABLE,
			"libguestfs needs a kernel it can read, and there is no readable "
			"/boot/vmlinuz-*: apt install linux-image-cloud-amd64 or chmod 0644 it");
	if (confine(g, err) < 0 || appliance_seal_check(cache, &seal, err) < 0)
		return -1;
	if (seal.changed && g->opts.log)
		g->opts.log(g->opts.arg, "the cached appliance has changed: it is built again");
	if (guestfs_launch(g->h) < 0) {
		failed(g, "start the appliance", err);
		(*err)->code = E_GUESTFS_UNAVAILABLE;
		return err_wrap(err, "see `orch doctor`");
	}
	g->launched = true;
	return appliance_seal_make(cache, &seal, err);
}

int appliance_finish(struct appliance *g, struct err **err)
{
	if (guestfs_umount_all(g->h) < 0)
		return failed(g, "unmount", err);
	if (guestfs_shutdown(g->h) < 0)
		return failed(g, "write everything to the disk", err);
	return 0;
}

int appliance_mkfs(struct appliance *g, const char *device, const struct appliance_fs *fs,
		   struct err **err)
{
	bool ext4 = str_eq(fs->type, "ext4");
	struct guestfs_mkfs_opts_argv o = {.bitmask = 0};

	if (fs->label && *fs->label) {
		o.bitmask |= GUESTFS_MKFS_OPTS_LABEL_BITMASK;
		o.label = fs->label;
	}
	if (ext4) {
		o.bitmask |= GUESTFS_MKFS_OPTS_FEATURES_BITMASK;
		o.features = APPLIANCE_EXT4_FEATURES;
	}
	if (guestfs_mkfs_opts_argv(g->h, fs->type, device, &o) < 0)
		return failed(g, "make a file system", err);
	if (fs->uuid && !str_eq(fs->type, "vfat") && guestfs_set_uuid(g->h, device, fs->uuid) < 0)
		return failed(g, "name the file system", err);
	if (ext4 && fs->seed &&
	    guestfs_pwrite_device(g->h, device, (const char *)fs->seed, 16,
				  APPLIANCE_EXT4_SEED_AT) != 16)
		return failed(g, "set the hash seed", err);
	if (ext4 && guestfs_tune2fs(g->h, device, GUESTFS_TUNE2FS_RESERVEDBLOCKSPERCENTAGE,
				    (int)fs->reserved_percent, -1) < 0)
		return failed(g, "reserve blocks", err);
	return 0;
}

int appliance_mount(struct appliance *g, const char *device, const char *path, const char *options,
		    struct err **err)
{
	if (guestfs_mount_options(g->h, options, device, path) < 0)
		return failed(g, "mount a file system", err);
	return 0;
}

int appliance_unmount(struct appliance *g, const char *path, struct err **err)
{
	if (guestfs_umount(g->h, path) < 0)
		return failed(g, "unmount", err);
	return 0;
}

/*
 * Where ext4 begins to look for free blocks depends on the process id of the writer: let tar always
 * have the same one. What is lost where that does not work is only that equal trees give equal
 * bytes.
 */
static void fix_next_pid(struct appliance *g)
{
	char *const args[] = {(char *)"echo 20000 >/proc/sys/kernel/ns_last_pid", NULL};

	free(guestfs_debug(g->h, "sh", args));
}

int appliance_tar_in(struct appliance *g, const char *tar, const char *path, bool xattrs,
		     struct err **err)
{
	struct guestfs_tar_in_opts_argv o = {.bitmask = 0};

	if (xattrs) {
		o.bitmask = GUESTFS_TAR_IN_OPTS_XATTRS_BITMASK | GUESTFS_TAR_IN_OPTS_ACLS_BITMASK;
		o.xattrs = 1;
		o.acls = 1;
	}
	fix_next_pid(g);
	if (guestfs_tar_in_opts_argv(g->h, tar, path, &o) < 0)
		return failed(g, "unpack a tree", err);
	return 0;
}

int appliance_set_acl(struct appliance *g, const char *path, const char *type, const char *text,
		      struct err **err)
{
	if (guestfs_acl_set_file(g->h, path, type, text) < 0)
		return failed(g, "set an ACL", err);
	return 0;
}

int appliance_trim(struct appliance *g, const char *path, struct err **err)
{
	if (guestfs_fstrim(g->h, path, -1) < 0)
		return failed(g, "trim a file system", err);
	return 0;
}

int appliance_shell(struct appliance *g, const char *script, char **ret_stdout, struct err **err)
{
	char *const args[] = {(char *)script, NULL};
	char *said;

	console_end(&g->console); /* of the start, which went well */
	str_clear(&g->said);
	g->live = true;
	said = guestfs_debug(g->h, "sh", args);
	console_end(&g->console);
	g->live = false;
	if (!said)
		return failed(g, "run a script in the appliance", err);
	*ret_stdout = said;
	return 0;
}
