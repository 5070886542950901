/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A store's record as it travels: a text that says what a node made and where the bytes are, signed
 * by who wrote it,
 *
 *	orch-record 1
 *	key sha256:<hex>
 *	node "root"
 *	seconds 10.3
 *	built 1764322450
 *	by "ci.example" "0.2.0" "x86_64" "libarchive 3.6.2, libext2fs 1.47.0, libfdisk 2.38.1"
 *	log sha256:<hex> <bytes>                                        or: log -
 *	output "root.img" image chunks:<hex> <size> <allocated> parts <sha256> <bytes>
 *	output "boot.txt" file sha256:<hex> <size> <allocated> blob
 *	output "x.img" image chunks:<hex> <size> <allocated> none
 *	signature ed25519:<public key> <hex>                            over all lines before
 *
 * within the message ActionResult of the REAPI, as its stdout_raw: so that servers know which blobs
 * it needs, the message names them again (output_files, output_directories NAME.parts, of several
 * volumes NAME.parts/000 and so on, stderr_digest).
 *
 * `parts` is followed by the REAPI Directory that holds map and parts (parts.h), or of several
 * volumes those Directories: what an executor's input names. It and all of the message but the text
 * are hints: bytes count when the artifact's identity comes out.
 */
#include "remote/sign.h"
#include "store/store.h"

#define RESULT_TEXT_MAX (64u * 1024)
#define RESULT_OUTPUTS_MAX 512u
/* Files of at most that many bytes travel as one blob. */
#define RESULT_BLOB_MAX (256u * 1024)

enum result_form {
	RESULT_NONE,  /* not stored: made again by who needs it */
	RESULT_BLOB,  /* one blob, named by the artifact's digest */
	RESULT_PARTS, /* see parts.h */
};
/* A blob of the shared place: what it is called and how long it is. */
struct result_blob {
	struct digest digest;
	uint64_t size;
};
struct result_output {
	struct artifact artifact;
	enum result_form form;
	struct result_blob directory; /* RESULT_PARTS */
	struct result_blob *trees;    /* RESULT_PARTS: the REAPI Tree of each volume, in order */
	struct result_blob *maps;     /* or, in place of TREES, the map of each; else NULL */
	size_t tree_count;
	uint64_t bytes; /* roughly, that its parts have: what fetching it moves at most */
};
/* Everything lives in the arena it was made in. */
struct result {
	struct digest key;
	const char *node;
	double seconds;
	int64_t built_at;
	const char *host, *version, *machine; /* who made it */
	/*
	 * And with which releases of the libraries that shape bytes: another machine's may make
	 * others of the same key.
	 */
	const char *libraries;
	/*
	 * Bytes of the manifest, when it lies beside the result: places that look whether all of a
	 * result is there look at it, too, and keep it. 0: not said.
	 */
	uint64_t manifest_size;
	bool has_log;
	struct result_blob log;
	struct result_output *outputs;
	size_t output_count;
	bool is_signed;                 /* by one of whom the reader trusts */
	char signer[SIGN_WORD_LEN + 1]; /* "ed25519:…" of who signed; "": nobody, or not trusted */
};

/* What `libraries` is here, as this orch was built. */
extern const char result_libraries[];

/* The message of R, signed by SIGNER (NULL: not), appended to RET. */
void result_encode(const struct result *r, const struct signer *signer, struct str *ret);
/*
 * Reads a message that comes from anywhere and should be the result of KEY. With TRUST, whose count
 * is not 0, it must be signed by one of those. 0; 1 it is none that may be used, and *RET_WHY
 * (heap) says why: "is not signed by anybody whom 'trust:' names". Strings live in ARENA.
 */
int result_decode(const void *message, size_t len, const struct digest *key,
		  const struct trust *trust, struct arena *arena, struct result **ret,
		  char **ret_why);
/*
 * Whether the outputs are those WANTED: names, types and their order. Of WANTED only name and type
 * are looked at.
 */
bool result_fits(const struct result *r, const struct artifact *wanted, size_t count);
/* Whether both have the same outputs by name and digest. */
bool result_same(const struct result *a, const struct result *b);
/*
 * R as the store's record; MANIFEST is the caller's. The log is that of R only when it lies in the
 * store, which is the caller's to say: LOG may be NULL.
 */
void result_to_record(const struct result *r, const char *manifest, const struct digest *log,
		      struct arena *arena, struct record *ret);
