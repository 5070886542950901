/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"

#define TEXT_MAX 4096 /* bytes of a file of the kernel */
#define RUN "orch-run-"
#define STEP "orch-step-"
#define STEPS_MAX 1000     /* at the same time */
#define PAUSE_NS 2000000   /* between two tries to remove a group */
#define REMOVE_TRIES 1000u /* of killed processes, the last may take its time */

const struct cgroup_hierarchy cgroup_own = {"/sys/fs/cgroup", "/proc/self/cgroup"};

struct cgroup_run {
	char *base, *leaf;
};

struct cgroup {
	char *dir, *in;
	int fd; /* of IN */
};

/* ---- files of the kernel ---- */

static bool read_text(const char *path, char text[TEXT_MAX])
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_MAX - 1);

	text[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

static bool read_file(const char *dir, const char *name, char text[TEXT_MAX])
{
	char *path cleanup_free = path_join(dir, name);

	return read_text(path, text);
}

/* One write(), as the kernel wants it. */
static bool write_file(const char *dir, const char *name, const char *text)
{
	char *path cleanup_free = path_join(dir, name);
	int fd cleanup_fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool has_file(const char *dir, const char *name, int mode)
{
	char *path cleanup_free = path_join(dir, name);

	return access(path, mode) == 0;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += len)
		if ((p == text || p[-1] == ' ') && strchr(" \n", p[len]))
			return true;
	return false;
}

/* The number that follows WORD in lines "WORD NUMBER". */
static uint64_t number_of(const char *text, const char *word)
{
	uint64_t n = 0;

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (str_skip(p, word) && p[strlen(word)] == ' ')
			(void)sscanf(p + strlen(word), " %" SCNu64, &n);
	}
	return n;
}

/* ---- */

/* The directory of this process' group; heap, or NULL. */
static char *own_group(const struct cgroup_hierarchy *h)
{
	char text[TEXT_MAX];
	const char *path = NULL;

	if (!read_text(h->self, text))
		return NULL;
	for (const char *p = text; p && !path; p = strchr(p, '\n')) {
		p += *p == '\n';
		path = str_skip(p, "0::/");
	}
	if (!path)
		return NULL;
	text[path - text + (ptrdiff_t)strcspn(path, "\n")] = '\0';
	return *path ? path_join(h->root, path) : xstrdup(h->root);
}

static bool is_run(const char *group)
{
	return str_skip(strrchr(group, '/') + 1, RUN);
}

/* Kills what is in the group of a step and removes it. */
static void remove_step(const char *dir)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	char *in cleanup_free = path_join(dir, "in");

	(void)write_file(dir, "cgroup.kill", "1"); /* Linux 5.14 */
	for (unsigned i = 0; i < REMOVE_TRIES; i++) {
		rmdir(in);
		if (rmdir(dir) == 0 || errno != EBUSY)
			return;
		nanosleep(&pause, NULL);
	}
}

/* Removes what killed runs left: nobody else makes such groups here, see cgroup_run_open(). */
static void sweep(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path cleanup_free = path_join(base, e->d_name);

		if (str_skip(e->d_name, STEP))
			remove_step(path);
		else if (str_skip(e->d_name, RUN))
			rmdir(path);
	}
	if (d)
		closedir(d);
}

/* Whether this process is the only one of the group. */
static bool is_alone(const char *base)
{
	char text[TEXT_MAX], own[32];

	snprintf(own, sizeof(own), "%d\n", (int)getpid());
	return read_file(base, "cgroup.procs", text) && str_eq(text, own);
}

static bool is_delegated(const char *base)
{
	char text[TEXT_MAX];

	return read_file(base, "cgroup.controllers", text) && has_word(text, "memory") &&
	       has_word(text, "pids") && access(base, W_OK) == 0 &&
	       has_file(base, "cgroup.procs", W_OK) &&
	       has_file(base, "cgroup.subtree_control", W_OK);
}

static void run_free(struct cgroup_run *r)
{
	free(r->base);
	free(r->leaf);
	free(r);
}

struct cgroup_run *cgroup_run_open(const struct cgroup_hierarchy *h)
{
	char *base cleanup_free = own_group(h);
	struct cgroup_run *r;

	if (!base || is_run(base) || !is_delegated(base) || !is_alone(base))
		return NULL;
	sweep(base);
	r = xcalloc(1, sizeof(*r));
	r->leaf = xasprintf("%s/" RUN "%d", base, (int)getpid());
	r->base = steal_ptr(base);
	if (mkdir(r->leaf, 0755) < 0) {
		run_free(r);
		return NULL;
	}
	if (write_file(r->leaf, "cgroup.procs", "0") &&
	    write_file(r->base, "cgroup.subtree_control", "+memory +pids"))
		return r;
	cgroup_run_close(r);
	return NULL;
}

void cgroup_run_close(struct cgroup_run *r)
{
	if (!r)
		return;
	sweep(r->base); /* steps of workers that were killed */
	if (write_file(r->base, "cgroup.subtree_control", "-memory -pids"))
		(void)write_file(r->base, "cgroup.procs", "0");
	rmdir(r->leaf);
	run_free(r);
}

/* ---- a sandbox ---- */

/* A new directory below BASE; heap, or NULL. */
static char *make_step(const char *base)
{
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		char *dir cleanup_free = xasprintf("%s/" STEP "%u", base, i);

		if (mkdir(dir, 0755) == 0)
			return steal_ptr(dir);
		if (errno != EEXIST)
			break;
	}
	return NULL;
}

static bool set_limits(const char *dir, uint64_t memory, unsigned processes)
{
	char bytes[32], count[32];

	snprintf(bytes, sizeof(bytes), "%" PRIu64, memory);
	snprintf(count, sizeof(count), "%u", processes);
	/* A kernel without swap has no limit of it. */
	return write_file(dir, "memory.max", bytes) && write_file(dir, "memory.oom.group", "1") &&
	       write_file(dir, "pids.max", count) &&
	       (!has_file(dir, "memory.swap.max", F_OK) || write_file(dir, "memory.swap.max", "0"));
}

struct cgroup *cgroup_new(const struct cgroup_hierarchy *h, uint64_t memory, unsigned processes)
{
	char *own cleanup_free = own_group(h), *base cleanup_free = NULL, *dir;
	struct cgroup *g;

	if (!own || !is_run(own))
		return NULL;
	base = path_dir(own);
	dir = make_step(base);
	if (!dir)
		return NULL;
	g = xcalloc(1, sizeof(*g));
	*g = (struct cgroup){.dir = dir, .in = path_join(dir, "in"), .fd = -1};
	if (mkdir(g->in, 0755) == 0 && set_limits(g->dir, memory, processes))
		g->fd = open(g->in, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->fd >= 0)
		return g;
	cgroup_free(g);
	return NULL;
}

int cgroup_fd(const struct cgroup *g)
{
	return g->fd;
}

enum cgroup_killed cgroup_killed(const struct cgroup *g)
{
	char text[TEXT_MAX];

	if (!read_file(g->dir, "memory.events", text) || !number_of(text, "oom_kill"))
		return CGROUP_NOT_KILLED;
	/* "oom" counts what this group's own limit has refused. */
	return number_of(text, "oom") ? CGROUP_KILLED_BY_LIMIT : CGROUP_KILLED_FOR_OTHERS;
}

void cgroup_free(struct cgroup *g)
{
	if (!g)
		return;
	if (g->fd >= 0)
		close(g->fd);
	remove_step(g->dir);
	free(g->dir);
	free(g->in);
	free(g);
}
