/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/sandbox/sandbox_limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "machine/sandbox/sandbox.h"

#define PROCESSES 4096
#define FILE_SIZE (1ull << 40)
#define SCRATCH_PAUSE_MS 500       /* between two looks at files */
#define SCRATCH_LEAST (1ull << 30) /* below, a full disk says enough */
#define TEXT_MAX 4096              /* of a file in /proc */
#define PROCESSES_SEEN (4 * PROCESSES)
#define NAMELESS_SEEN 4096

static int set_soft_limits(struct err **err)
{
	static const struct {
		int what;
		rlim_t soft;
		const char *name;
	} told[] = {{RLIMIT_NOFILE, 1024, "open files to 1024 (ulimit -Hn)"},
		    {RLIMIT_STACK, 8 << 20, "stack to 8 MiB (ulimit -Hs)"}};

	for (size_t i = 0; i < array_len(told); i++) {
		struct rlimit limit;

		if (getrlimit(told[i].what, &limit) < 0)
			return err_errno(err, E_SANDBOX_SETUP, errno, "cannot read a limit");
		if (limit.rlim_max < told[i].soft)
			return err_set(err, E_SANDBOX_SETUP,
				       "the sandbox limits %s, and orch may have less: raise it",
				       told[i].name);
		limit.rlim_cur = told[i].soft;
		if (setrlimit(told[i].what, &limit) < 0)
			return err_errno(err, E_SANDBOX_SETUP, errno, "cannot limit %s",
					 told[i].name);
	}
	return 0;
}

int limits_apply(const struct sandbox_limits *l, struct err **err)
{
	struct rlimit processes = {PROCESSES, PROCESSES};
	struct rlimit file = {l->scratch ? l->scratch : FILE_SIZE,
			      l->scratch ? l->scratch : FILE_SIZE};
	struct rlimit had;

	/* A lower one of the user's stays. */
	if (getrlimit(RLIMIT_NPROC, &had) == 0 && had.rlim_max < PROCESSES)
		processes = had;
	if (getrlimit(RLIMIT_FSIZE, &had) == 0 && had.rlim_max < file.rlim_max)
		file = had;
	if (setrlimit(RLIMIT_NPROC, &processes) < 0 || setrlimit(RLIMIT_FSIZE, &file) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot limit the sandbox");
	return set_soft_limits(err);
}

static uint64_t memory_of(const struct sandbox_limits *l)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	return l->memory ? l->memory : machine / 4 * 3;
}

void limits_segments(const struct sandbox_limits *l)
{
	char pages[32];
	int fd cleanup_fd = open("/proc/sys/kernel/shmall", O_WRONLY | O_CLOEXEC);

	snprintf(pages, sizeof(pages), "%" PRIu64, memory_of(l) / (uint64_t)sysconf(_SC_PAGESIZE));
	/* An older kernel has given the file to its own root: no limit then, and no error. */
	(void)!(fd >= 0 && write(fd, pages, strlen(pages)) > 0);
}

struct cgroup *limits_group(const struct sandbox_limits *l)
{
	return cgroup_new(&cgroup_own, memory_of(l), PROCESSES);
}

static int too_much_memory(const char *name, uint64_t held, uint64_t limit, struct err **err)
{
	char *has cleanup_free = str_bytes(held), *most cleanup_free = str_bytes(limit);

	return err_set(err, E_MEMORY_LIMIT,
		       "'%s' was stopped: it held %s of memory, files in /tmp and /run included; "
		       "the limit is %s (the recipe's 'memory:' raises it)",
		       name, has, most);
}

/* --- what processes hold --- */

static ssize_t read_text(const char *path, char text[TEXT_MAX])
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_MAX - 1);

	if (n >= 0)
		text[n] = '\0';
	return n;
}

/* The number after WORD, in bytes where the file has kB. */
static uint64_t kib_after(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	uint64_t n = 0;

	if (at)
		(void)sscanf(at + strlen(word), " %" SCNu64, &n);
	return n * 1024;
}

/* Pages of a process: its own, and those of files in memory that it has mapped. */
struct pages {
	uint64_t anonymous, files;
};

/* What is its alone and what it shares, counted in full: cheap, and never too little. */
static void resident(pid_t pid, struct pages *sum)
{
	char path[64], text[TEXT_MAX];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (read_text(path, text) <= 0)
		return;
	sum->anonymous += kib_after(text, "RssAnon:");
	sum->files += kib_after(text, "RssShmem:");
}

/* With its part of what is shared; the kernel walks its pages for this. */
static void proportional(pid_t pid, struct pages *sum)
{
	char path[64], text[TEXT_MAX];

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (read_text(path, text) <= 0) {
		resident(pid, sum);
		return;
	}
	sum->anonymous += kib_after(text, "Pss_Anon:");
	sum->files += kib_after(text, "Pss_Shmem:");
}

struct pids {
	pid_t items[PROCESSES_SEEN];
	size_t count;
};

static void add_children(struct pids *all, pid_t pid, const char *task)
{
	char path[96];
	FILE *f cleanup_file = NULL;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, task);
	f = fopen(path, "re");
	while (f && all->count < PROCESSES_SEEN && fscanf(f, "%d", &child) == 1)
		all->items[all->count++] = child;
}

/* The first process and all below it: orphans become its children. */
static void find_processes(struct pids *all, pid_t first)
{
	all->items[0] = first;
	all->count = 1;
	for (size_t i = 0; i < all->count; i++) {
		char path[64];
		DIR *dir;

		snprintf(path, sizeof(path), "/proc/%d/task", (int)all->items[i]);
		dir = opendir(path);
		for (struct dirent *e; dir && (e = readdir(dir));)
			if (e->d_name[0] != '.')
				add_children(all, all->items[i], e->d_name);
		if (dir)
			closedir(dir);
	}
}

/* FILES: bytes of files in memory, of which what is mapped may be a part. */
static uint64_t held_by(const struct pids *all, void (*add)(pid_t, struct pages *), uint64_t files)
{
	struct pages sum = {0};

	for (size_t i = 0; i < all->count; i++)
		add(all->items[i], &sum);
	return sum.anonymous + (sum.files > files ? sum.files : files);
}

/* Files of the sandbox's own file systems, which lie in memory. */
static uint64_t in_files(pid_t first, const struct sandbox_opts *o)
{
	/* The last two are its own where the root is not the caller's. */
	static const char *const dirs[] = {"tmp", "run", "dev", "var/tmp", "."};
	uint64_t sum = 0;

	for (size_t i = 0; i < (o->root_writable ? 3 : array_len(dirs)); i++) {
		char path[64];
		struct statfs st;

		snprintf(path, sizeof(path), "/proc/%d/root/%s", (int)first, dirs[i]);
		if (statfs(path, &st) == 0 && st.f_type == TMPFS_MAGIC)
			sum += (uint64_t)(st.f_blocks - st.f_bfree) * (uint64_t)st.f_bsize;
	}
	return sum;
}

/* Files that have no name and are open still; descriptors share them. */
struct nameless {
	struct nameless_file {
		dev_t dev;
		ino_t ino;
	} items[NAMELESS_SEEN];
	size_t count;
	uint64_t bytes;
};

static void count_nameless(struct nameless *seen, const struct stat *st)
{
	if (seen->count == NAMELESS_SEEN)
		return;
	for (size_t i = 0; i < seen->count; i++)
		if (seen->items[i].dev == st->st_dev && seen->items[i].ino == st->st_ino)
			return;
	seen->items[seen->count++] = (struct nameless_file){st->st_dev, st->st_ino};
	seen->bytes += (uint64_t)st->st_blocks * 512;
}

/* Bytes of those on the devices that COUNTS is true for. */
static uint64_t held_without_name(const struct limits_watch *w, const struct pids *all,
				  bool (*counts)(const struct limits_watch *w, dev_t dev))
{
	struct nameless seen = {0};

	for (size_t i = 0; i < all->count; i++) {
		char path[64];
		struct stat st;
		DIR *dir;

		snprintf(path, sizeof(path), "/proc/%d/fd", (int)all->items[i]);
		dir = opendir(path);
		for (struct dirent *e; dir && (e = readdir(dir));)
			if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
			    !st.st_nlink && counts(w, st.st_dev))
				count_nameless(&seen, &st);
		if (dir)
			closedir(dir);
	}
	return seen.bytes;
}

/* What memfd_create() makes; whoever has it need not map it. */
static bool is_in_memory(const struct limits_watch *w, dev_t dev)
{
	return w->memory_dev && dev == w->memory_dev;
}

static int check_processes(struct limits_watch *w, const char *name, struct err **err)
{
	struct pids all;
	uint64_t files = in_files(w->pid, w->opts), held;

	find_processes(&all, w->pid);
	if (all.count > PROCESSES)
		return err_set(err, E_PROCESS_LIMIT,
			       "'%s' was stopped: it started more than %d processes", name,
			       PROCESSES);
	if (clock_ms() >= w->next_nameless) {
		w->nameless = held_without_name(w, &all, is_in_memory);
		w->next_nameless = clock_ms() + SCRATCH_PAUSE_MS;
	}
	files += w->nameless;
	held = held_by(&all, resident, files);
	if (held > w->memory)
		held = held_by(&all, proportional, files);
	return held <= w->memory ? 0 : too_much_memory(name, held, w->memory, err);
}

/* --- what was written --- */

/* nftw() has no argument for its caller. */
static struct {
	time_t since; /* files that changed earlier do not count */
	uint64_t bytes;
} counted;

static int count(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)ftw;
	if ((type == FTW_F || type == FTW_SL) && st->st_ctime >= counted.since)
		counted.bytes += (uint64_t)st->st_blocks * 512;
	return 0;
}

static uint64_t held_in_directories(const struct sandbox_opts *o, time_t since)
{
	counted.since = since;
	counted.bytes = 0;
	for (size_t i = 0; i < o->bind_count; i++)
		if (o->binds[i].writable)
			(void)nftw(o->binds[i].from, count, 32, FTW_PHYS | FTW_MOUNT);
	if (o->root_writable)
		(void)nftw(o->root, count, 32, FTW_PHYS | FTW_MOUNT);
	return counted.bytes;
}

/* Whether it is on a disk that the sandbox may write to: files in memory count as memory does. */
static bool is_on_disk(const struct limits_watch *w, dev_t dev)
{
	const struct sandbox_opts *o = w->opts;
	struct stat st;

	for (size_t i = 0; i < o->bind_count; i++)
		if (o->binds[i].writable && stat(o->binds[i].from, &st) == 0 && st.st_dev == dev)
			return true;
	return o->root_writable && stat(o->root, &st) == 0 && st.st_dev == dev;
}

/* The least that is free of what it may write to. */
static uint64_t free_for(const struct sandbox_opts *o)
{
	struct err *ignored cleanup_err = NULL;
	uint64_t least = UINT64_MAX, bytes;

	for (size_t i = 0; i < o->bind_count; i++)
		if (o->binds[i].writable &&
		    file_free_bytes(o->binds[i].from, &bytes, &ignored) == 0 && bytes < least)
			least = bytes;
	if (o->root_writable && file_free_bytes(o->root, &bytes, &ignored) == 0 && bytes < least)
		least = bytes;
	return least;
}

static int exceeded(const struct limits_watch *w, const char *name, uint64_t bytes,
		    struct err **err)
{
	char *has cleanup_free = str_bytes(bytes), *limit cleanup_free = str_bytes(w->scratch);

	if (w->opts->limits.scratch)
		return err_set(err, E_SCRATCH_LIMIT,
			       "'%s' was stopped: it wrote %s, more than the limit of %s (the "
			       "recipe's 'scratch:' raises it)",
			       name, has, limit);
	return err_set(
		err, E_SCRATCH_LIMIT,
		"'%s' was stopped: it wrote %s, more than three quarters of what was free on "
		"the disk, %s (make room, or set another limit with the recipe's "
		"'scratch:')",
		name, has, limit);
}

/* Whether there is less room than at the start by more than the limit: it may be others' doing. */
static bool is_disk_filling(const struct limits_watch *w)
{
	uint64_t left = free_for(w->opts);

	return left < w->free_at_start && w->free_at_start - left > w->scratch;
}

static int check_scratch(struct limits_watch *w, const char *name, struct err **err)
{
	uint64_t start = clock_ms(), wrote;
	struct pids all;

	if (start < w->next_scratch || (!w->opts->limits.scratch && !is_disk_filling(w)))
		return 0;
	find_processes(&all, w->pid);
	wrote = held_in_directories(w->opts, w->since) + held_without_name(w, &all, is_on_disk);
	w->next_scratch = clock_ms() + SCRATCH_PAUSE_MS + 20 * (clock_ms() - start);
	wrote = wrote > w->held_at_start ? wrote - w->held_at_start : 0;
	return wrote <= w->scratch ? 0 : exceeded(w, name, wrote, err);
}

/* --- */

void limits_watch(struct limits_watch *w, pid_t pid, const struct sandbox_opts *opts,
		  const struct cgroup *group)
{
	int memory cleanup_fd = memfd_create("limits", MFD_CLOEXEC);
	struct stat st;

	*w = (struct limits_watch){.opts = opts, .group = group, .pid = pid};
	if (memory >= 0 && fstat(memory, &st) == 0)
		w->memory_dev = st.st_dev;
	w->memory = memory_of(&opts->limits);
	w->free_at_start = free_for(opts);
	w->scratch = opts->limits.scratch;
	if (w->scratch) {
		w->held_at_start = held_in_directories(opts, 0);
	} else {
		w->scratch = w->free_at_start / 4 * 3;
		if (w->scratch < SCRATCH_LEAST)
			w->scratch = SCRATCH_LEAST;
		w->since = time(NULL) - 1; /* file systems' clocks are coarse */
	}
}

int limits_check_end(const struct limits_watch *w, const char *name, struct err **err)
{
	switch (w->group ? cgroup_killed(w->group) : CGROUP_NOT_KILLED) {
	case CGROUP_NOT_KILLED:
		break;
	case CGROUP_KILLED_BY_LIMIT:
		return too_much_memory(name, w->memory, w->memory, err);
	case CGROUP_KILLED_FOR_OTHERS:
		return err_set(err, E_NO_MEMORY,
			       "'%s' was stopped by the kernel: there is no memory left for all "
			       "that runs here (a smaller 'jobs:' needs less)",
			       name);
	}
	return 0;
}

int limits_check(struct limits_watch *w, const char *name, struct err **err)
{
	if (w->group ? limits_check_end(w, name, err) < 0 : check_processes(w, name, err) < 0)
		return -1;
	return check_scratch(w, name, err);
}
