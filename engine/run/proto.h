/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the orchestrator and a worker say to each other, over one SOCK_STREAM socketpair:
 *
 *	orchestrator                      worker (descriptor 3)
 *	     | -- JOB -------------------->  |   once, first
 *	     | <------- PROGRESS | WARNING   |   any number; PROGRESS may be left out
 *	     | <------- MISUSED              |   an unpacked tree that was found changed
 *	     | <------- OUTSIDE              |   it fails in a user namespace, and may not outside
 *	     | -- ABORT ------------------>  |   at most once; a closed socket means the same
 *	     | <------- HASHED | DAMAGED ... |   one per blob of 'hash' lines, before the kind runs,
 *	     |                               |   and for each output
 *	     | <------------------- OUTPUT   |   one per output, when the kind's processes are gone
 *	     | <------------------- RESULT   |   once, last; the worker then exits with 0
 *
 * A frame is 8 bytes, "of", type, 0, length of the payload (32 bits, little-endian), then the
 * payload: lines of words (base/line.h). Each type has a size limit; whatever breaks these rules
 * is an ERR_INTERNAL on the reading side and ends the attempt. What a node printed does not travel
 * here: it goes to the log file that is the worker's stdout and stderr.
 *
 * The payload of JOB is what struct job_spec holds. It says *what* to do by the manifest, and
 * beside it only *where* things lie on this machine, so that nothing that shapes the result escapes
 * the key.
 */
#include "base/vec.h"
#include "recipe/kind.h"
#include "store/blob.h"

enum frame_type {
	FRAME_JOB = 1,
	FRAME_PROGRESS,
	FRAME_ABORT,
	FRAME_OUTPUT,
	FRAME_RESULT,
	FRAME_HASHED,
	FRAME_DAMAGED,
	FRAME_WARNING,
	FRAME_MISUSED,
	FRAME_OUTSIDE
};

#define FRAME_HEADER 8
#define FRAME_JOB_MAX (64u * 1024 * 1024)
#define FRAME_PROGRESS_MAX (8u * 1024)
#define FRAME_ABORT_MAX 256u
#define FRAME_OUTPUT_MAX 1024u
#define FRAME_RESULT_MAX (64u * 1024)
#define FRAME_HASHED_MAX (8u * 1024)
#define FRAME_DAMAGED_MAX (16u * 1024)
#define FRAME_WARNING_MAX (8u * 1024)
#define FRAME_MISUSED_MAX (8u * 1024)
#define FRAME_OUTSIDE_MAX 0u

struct frame {
	enum frame_type type;
	const char *data; /* LEN bytes; valid until the next call on its reader */
	size_t len;
};

/* Cuts a byte stream into frames. Zeroed with .in = STR_INIT; frames_release() frees it. */
struct frames {
	struct str in;
	size_t used; /* bytes of IN that were handed out */
};
#define FRAMES_INIT            \
	{                      \
		.in = STR_INIT \
	}
/* Reads what FD has, once. 0; 1 at its end (or when the peer is gone); -1. EAGAIN is 0. */
int frames_read(struct frames *f, int fd, struct err **err) warn_unused;
void frames_feed(struct frames *f, const void *data, size_t len);
/* 0 and *ret; 1 when no whole frame is there yet; -1 ERR_INTERNAL for what is no frame. */
int frames_next(struct frames *f, struct frame *ret, struct err **err) warn_unused;
void frames_release(struct frames *f);

/*
 * Appends a whole frame to OUT. Longer payloads than the limit are a programming error, except for
 * JOB, where the caller asks frame_fits() first.
 */
void frame_put(struct str *out, enum frame_type type, const struct str *payload);
bool frame_fits(enum frame_type type, size_t len);
/* "JOB" and the like. */
const char *frame_name(enum frame_type type);
/*
 * Writes as much of OUT as FD takes and removes it. 0 (OUT->len tells what
 * is left); 1 peer gone; -1.
 */
int frame_flush(struct str *out, int fd, struct err **err) warn_unused;

struct job_secret {
	const char *node, *option, *path; /* as struct action_secret */
};
DEFINE_VEC(job_secrets, struct job_secret)

DEFINE_VEC(artifacts, struct artifact)

struct farm_word {
	const char *name, *value;
};
DEFINE_VEC(farm_words, struct farm_word)
/* An output of the node of KEY. */
struct job_left {
	struct digest key;
	struct artifact artifact; /* by the name that its node gives it */
};
DEFINE_VEC(job_lefts, struct job_left)
/* The machines on which it is made in place of this one (run/farm.h). */
struct job_farm {
	const char *url;                                     /* NULL: here */
	const char *instance, *ca, *cert, *cert_key, *token; /* as struct remote_access */
	struct farm_words platform;                          /* what they shall be */
	unsigned timeout_s;                                  /* the node's */
	bool again;            /* it failed there before: an answer from memory is no use */
	bool leave;            /* the bytes of its outputs stay there (remote/left.h) */
	struct digest key;     /* then: of the node */
	struct job_lefts left; /* inputs whose bytes are there alone */
};

struct job_spec {
	const char *store, *project_dir, *outdir, *workdir, *cache_dir; /* absolute */
	const char *pool_dir; /* absolute, or NULL: the project has none */
	unsigned cpus;
	bool offline;
	long owner;       /* pid of the orchestrator, for the names of temporary directories */
	int64_t began_ns; /* when its run began, since 1970 */
	struct output_specs outputs;
	struct job_secrets secrets;
	/*
	 * Blobs among the inputs to be hashed before the kind runs. Where another machine is told:
	 * those that nobody has hashed yet.
	 */
	struct artifacts hash;
	const char *manifest; /* whole: with unkeyed options, and where the inputs lie */
	struct job_farm farm;
};
void job_spec_write(const struct job_spec *spec, struct str *ret);
/* Everything lives in ARENA; the vectors of *RET are to be cleared with job_spec_clear(). */
int job_spec_read(struct arena *arena, const char *data, size_t len, struct job_spec *ret,
		  struct err **err) warn_unused;
void job_spec_clear(struct job_spec *spec);
/* The same where the outputs belong to somebody else. */
void job_spec_clear_lists(struct job_spec *spec);

struct job_progress {
	int percent;     /* -1: unknown */
	uint64_t loaded; /* bytes that the attempt has downloaded */
	const char *text;
};
/* PROGRESS: the text is cut to what fits. */
void progress_put(struct str *out, const struct job_progress *p);
int progress_read(struct arena *arena, const struct frame *f, struct job_progress *ret,
		  struct err **err) warn_unused;
/* WARNING: TEXT is cut to what fits. */
void warning_put(struct str *out, const char *text);
int warning_read(struct arena *arena, const struct frame *f, const char **ret_text,
		 struct err **err) warn_unused;
/* OUTPUT; it has a sixth word, "left", when it is shared: a farm keeps the bytes. */
void output_put(struct str *out, const struct artifact *a);
int output_read(struct arena *arena, const struct frame *f, struct artifact *ret,
		struct err **err) warn_unused;
/* HASHED: A is good; DAMAGED: state->why tells how it is not. */
void blob_put(struct str *out, const struct artifact *a, const struct blob_state *state);
/* Both; ret_state->why is the caller's. The name is a copy in ARENA. */
int blob_read(struct arena *arena, const struct frame *f, struct artifact *ret,
	      struct blob_state *ret_state, struct err **err) warn_unused;
/* MISUSED: what was unpacked of A had changed after second SINCE; A itself is good. */
void misused_put(struct str *out, const struct artifact *a, int64_t since);
int misused_read(struct arena *arena, const struct frame *f, struct artifact *ret,
		 int64_t *ret_since, struct err **err) warn_unused;
/* OUTSIDE */
void outside_put(struct str *out);
/* RESULT: RESULT_ERR NULL means success. Its text is cut to what fits. */
void result_put(struct str *out, const struct err *result_err);
int result_read(struct arena *arena, const struct frame *f, struct err **ret_result_err,
		struct err **err) warn_unused;
