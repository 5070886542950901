/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Between the files of identity.h:
 *
 *	identity.c		processes: birth, stops, exec, death
 *	identity_calls.c	which system calls stop, as a seccomp filter; who answers them
 *	identity_tracee.c	a stopped process: its memory, calls made in its name, its answer
 *	identity_regs.c		registers, by architecture
 *	identity_creds.c	who a process is: the kernel's rules
 *	identity_ids.c		the calls that ask for and change that
 *	identity_file.c		stat, chown, chmod
 *	identity_set_id.c	set-id bits of regular files
 *	identity_proc.c		whose files of /proc are
 *	identity_create.c	whatever makes an inode
 *	identity_attr.c		extended attributes
 *	identity_strict.c	permissions of ordinary users
 *
 * A call that the filter names stops twice: before it is done (enter) and after (exit). A handler
 * is called with the process stopped and says what comes next. In between it may make calls in the
 * process's name, tracee_stat() above all: the kernel itself resolves names, in the root and
 * directory of the process. Signals wait while it does.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/owners.h"
#include "base/vec.h"
#include "machine/sandbox/identity.h"

/* --- who a process is --- */

enum { REAL, EFFECTIVE, SAVED, FILES, ID_COUNT };
#define NO_ID UINT32_MAX /* "leave it" in calls */

/* Shared by processes that have the same; changed after creds_own() only. */
struct creds {
	unsigned users;
	uint32_t uid[ID_COUNT], gid[ID_COUNT];
	uint32_t *groups;
	size_t group_count;
	uint64_t permitted, effective, inheritable, bounding, ambient; /* capability sets */
	unsigned securebits;
	bool keep_caps, no_new_privs;
};
struct creds *creds_root(void);
struct creds *creds_share(struct creds *c);
void creds_drop(struct creds *c);
/* A copy that nobody else has, in place of *C. */
struct creds *creds_own(struct creds **c);
bool creds_can(const struct creds *c, int capability);
bool creds_in_group(const void *creds, uint32_t gid);
/* The effects of execve of a file with MODE and owners; set-id bits count if they may. */
void creds_exec(struct creds **c, mode_t mode, uint32_t uid, uint32_t gid);
/* 0 or an errno, as the system calls of these names. */
int creds_setuid(struct creds **c, uint32_t id);
int creds_setgid(struct creds **c, uint32_t id);
int creds_setreuid(struct creds **c, uint32_t real, uint32_t effective);
int creds_setregid(struct creds **c, uint32_t real, uint32_t effective);
int creds_setresuid(struct creds **c, uint32_t real, uint32_t effective, uint32_t saved);
int creds_setresgid(struct creds **c, uint32_t real, uint32_t effective, uint32_t saved);
int creds_capset(struct creds **c, uint64_t effective, uint64_t permitted, uint64_t inheritable);
/* Both return the old id. */
uint32_t creds_setfsuid(struct creds **c, uint32_t id);
uint32_t creds_setfsgid(struct creds **c, uint32_t id);

/* --- registers --- */

#if defined(__x86_64__) || defined(__aarch64__)
#define IDENTITY_POSSIBLE 1
#include <sys/user.h>
struct regs {
	struct user_regs_struct native;
	int nr; /* aarch64: of the call that is about to be made */
};
#else
#define IDENTITY_POSSIBLE 0
struct regs {
	int nr;
};
#endif

/* All: 0, or -1 when the process is gone. */
int regs_read(pid_t tid, struct regs *ret);
int regs_write(pid_t tid, const struct regs *r);
void regs_call(struct regs *r, long nr, const uint64_t args[6]);
void regs_result(struct regs *r, long value);
/* Back to the instruction that makes the call. */
void regs_rewind(struct regs *r, long nr);

/* --- a stopped process --- */

struct call;

struct tracee {
	struct identity *self;
	pid_t tid;
	struct tracee *next;
	struct creds *creds;
	char *script;  /* the maintainer script it is part of, or NULL */
	char *program; /* what was executed last, or NULL */
	bool born;     /* its parent told of it */
	bool waiting;  /* stopped until its parent does */
	bool strict;   /* has the second filter, see identity_strict.c */
	bool gone;     /* died, or runs again by an exec elsewhere: LAST_STATUS tells, unless -1 */
	int last_status;
	int held_signal; /* came while signals had to wait */

	/* The current call. */
	const struct call *call;
	uint64_t nr, args[6], sp;
	long result; /* at exit */
	struct regs entry;
	bool has_entry, at_exit, signals_blocked;
	uint64_t signals;

	/* From enter to exit. */
	bool existed, through_link;
	struct stat exec_file;
	bool exec_known;
};

struct identity {
	struct owners *owners;
	int list; /* file descriptor */
	char *list_name;
	int proc;       /* /proc, if it shows this pid namespace; else -1 */
	dev_t proc_dev; /* of /proc, where names say whose a file is */
	pid_t command;
	int command_status;
	bool ended;
	struct tracee *slots[1024];
	size_t unborn;
	struct err *failure; /* ends the run */
};

/* What a handler wants to happen next. */
enum next {
	RUN,        /* on, without another stop for this call */
	STOP_LATER, /* on, and call EXIT when the call is done */
	GONE        /* the process does not exist any more */
};

struct tracee *identity_find(struct identity *self, pid_t tid);
/* Ends the run: names script, program and call. */
enum next tracee_fail(struct tracee *t, const char *why);

/* Copies; 0 or -1 (no such memory). */
int tracee_read(struct tracee *t, uint64_t from, void *to, size_t len);
int tracee_write(struct tracee *t, uint64_t to, const void *from, size_t len);
/* A string of less than LIMIT bytes. 0, or an errno as the kernel's: EFAULT, ENAMETOOLONG. */
int tracee_string(struct tracee *t, uint64_t from, size_t limit, char *to);

/* How a call names a file. */
struct target {
	int dirfd;
	uint64_t path; /* in the process's memory; 0: the file DIRFD itself */
	int flags;     /* AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH */
};
/* From the arguments, as the table of calls describes them. */
struct target tracee_target(const struct tracee *t);

/* Makes a call that the filter stops. 0 with *ret, or -1: the process is gone. */
int tracee_call(struct tracee *t, long nr, const uint64_t args[6], long *ret);
/* *ret_error: 0 or the errno of the call. Owners are the kernel's, but for files of /proc. */
int tracee_stat(struct tracee *t, const struct target *target, struct stat *ret, int *ret_error);
/* The same for a path that is not in its memory. */
int tracee_stat_path(struct tracee *t, int dirfd, const char *path, int flags, struct stat *ret,
		     int *ret_error);
int tracee_stat_fd(struct tracee *t, int fd, struct stat *ret, int *ret_error);
/* The directory that a path ends in. */
int tracee_stat_parent(struct tracee *t, const struct target *target, struct stat *ret,
		       int *ret_error);
/* Puts SIZE bytes of DATA below the stack, at *RET; appends what was there, if anything was. */
int tracee_put(struct tracee *t, const void *data, size_t size, uint64_t *ret, struct str *ret_was);
int tracee_chmod(struct tracee *t, const struct target *target, mode_t mode, int *ret_error);
/* Whether C may do WANT (4, 2, 1) with a file. */
bool identity_may(const struct identity *self, const struct creds *c, const struct stat *st,
		  unsigned want);
/* Sets the owners of ST, TARGET's, which is in /proc. */
void proc_owner(struct tracee *t, const struct target *target, struct stat *st);
/* The mode of a file as its programs see it, but for its type. */
mode_t identity_mode(const struct identity *self, const struct stat *st);
/*
 * Puts the set-id bits of a file, TARGET, to where they are right for T's writing to it, which
 * begins; ST, the kernel's, follows. 0, or -1: the process is gone.
 */
int set_id_write(struct tracee *t, const struct target *target, struct stat *st);
/* The bits of MODE, with which T calls chmod, that are for the table if it is a regular file's. */
mode_t set_id_to_hold(const struct tracee *t, mode_t mode);
/* What a change of owner by T, from group GID, takes of the bits in the table. */
void set_id_chown(const struct tracee *t, struct owner *file, const struct stat *st, uint32_t gid);
/* The owners of a file as its programs see them; of one in /proc they stand in ST. */
void identity_owner(const struct identity *self, const struct stat *st, uint32_t *ret_uid,
		    uint32_t *ret_gid);

/* The call ends with VALUE: it is not made, or its own result is replaced. */
enum next tracee_return(struct tracee *t, long value);
/* At enter, after calls in its name: the call itself is due again, with ARGS. */
enum next tracee_again(struct tracee *t, const uint64_t args[6], enum next next);
/* Goes on by PTRACE_CONT, or PTRACE_SYSCALL to the end of the call. */
void tracee_resume(struct tracee *t, int request);

/* Appends a path; as tracee_string(). */
int tracee_path(struct tracee *t, uint64_t from, struct str *ret);

/* --- the calls --- */

struct call {
	const char *name;
	int nr;
	enum next (*enter)(struct tracee *t); /* NULL: STOP_LATER */
	enum next (*exit)(struct tracee *t);
	/* Which argument says what, counted from 1; 0: none. */
	unsigned char dirfd, path, flags,
		more; /* MORE: buffer, mode, first id: as EXIT or ENTER needs */
	int fixed;    /* flags of the call itself, or what its handler says */
	bool strict;  /* stops for ordinary users only, or for them more often */
};
const struct call *call_find(uint64_t nr);
/* Whether ARCH, as audit has it, is the interface of the table. */
bool calls_is_native(uint32_t arch);
/*
 * Puts the second filter into the process's memory; *ret_args: of the call that sets it, the third
 * being where it lies; appends what was there.
 */
int strict_filter(struct tracee *t, uint64_t ret_args[6], struct str *ret_was);
/* For this process and all it starts. */
int calls_filter(struct err **err) warn_unused;

/* From now on all that an ordinary user does with files stops. 0, or -1: gone. */
int strict_begin(struct tracee *t);
/* *ret_error: EACCES if an ordinary user may not pass the directories of a path. */
int strict_way(struct tracee *t, const struct target *target, int *ret_error);
enum next remove_enter(struct tracee *t);
enum next rename_enter(struct tracee *t);
enum next want_enter(struct tracee *t);
enum next truncate_enter(struct tracee *t);
enum next times_enter(struct tracee *t);
enum next privilege_enter(struct tracee *t);
enum next kill_enter(struct tracee *t);
enum next exec_enter(struct tracee *t);
enum next stat_exit(struct tracee *t);
enum next statx_exit(struct tracee *t);
enum next chown_enter(struct tracee *t);
enum next chown_exit(struct tracee *t);
enum next chmod_enter(struct tracee *t);
enum next chmod_exit(struct tracee *t);
enum next access_enter(struct tracee *t);
enum next open_enter(struct tracee *t);
enum next open_exit(struct tracee *t);
enum next create_enter(struct tracee *t);
enum next mknod_enter(struct tracee *t);
enum next create_exit(struct tracee *t);
enum next bind_exit(struct tracee *t);
enum next pipe_exit(struct tracee *t);
enum next attr_set_enter(struct tracee *t);
enum next attr_get_enter(struct tracee *t);
enum next attr_remove_enter(struct tracee *t);
enum next attr_list_exit(struct tracee *t);
enum next id_get_enter(struct tracee *t);
enum next id_get3_enter(struct tracee *t);
enum next id_set_enter(struct tracee *t);
enum next groups_get_enter(struct tracee *t);
enum next groups_set_enter(struct tracee *t);
enum next caps_get_exit(struct tracee *t);
enum next caps_set_enter(struct tracee *t);
enum next prctl_enter(struct tracee *t);
enum next peer_exit(struct tracee *t);
