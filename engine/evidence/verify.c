/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/verify_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "evidence/provenance.h"
#include "kinds/beside_opts.h"

#define DOCUMENT_MAX (256 * 1024 * 1024)

/* ---- policy ---- */

static const struct option policy_options[] = {
	{"keys", OPT_STRING, offsetof(struct verify_policy, keys), OPT_LIST,
	 .help = "Files with the public keys or certificates of those who may sign."},
	{"builders", OPT_STRING, offsetof(struct verify_policy, builders), OPT_LIST,
	 .help = "URIs of those who may have built it; any without it."},
	{"branches", OPT_STRING, offsetof(struct verify_policy, branches), OPT_LIST,
	 .help = "Branches that it may have been built of; any without it."},
	{"clean", OPT_BOOL, offsetof(struct verify_policy, clean), .def = "false",
	 .help = "It must have been built of a commit, without changes."},
	{"unsigned", OPT_BOOL, offsetof(struct verify_policy, is_unsigned), .def = "false",
	 .help = "Where no key is given, a statement that nobody has signed will do."},
};
static const struct schema policy_schema = SCHEMA(struct verify_policy, policy_options);

int verify_policy_read(struct arena *arena, const char *path, struct verify_policy *ret,
		       struct err_list *errors)
{
	char *dir cleanup_free = path_dir(path);
	const struct verify_policy *p = schema_read(&policy_schema, arena, path, NULL, errors);

	if (!p)
		return -1;
	*ret = *p;
	for (size_t i = 0; i < ret->keys.count; i++) {
		char *key cleanup_free = path_join(dir, LIST_AT(ret->keys, const char *, i));

		LIST_AT(ret->keys, const char *, i) = arena_strdup(arena, key);
	}
	return 0;
}

/* ---- findings ---- */

void verify_tell(struct verify *v, const char *check, bool good, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	verify_findings_push(
		v->found,
		(struct verify_finding){check, good, arena_strdup(v->arena, text ? text : "")});
	free(text);
}

static bool is_listed(const struct list *l, const char *text)
{
	for (size_t i = 0; text && i < l->count; i++) {
		if (str_eq(LIST_AT(*l, const char *, i), text))
			return true;
	}
	return false;
}

/* The text at KEY of the object O, or NULL. */
static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* ---- signature and statement ---- */

static char *document(const struct verify *v, const char *ending)
{
	return xasprintf("%s%s", v->stem, ending);
}

/* The documents of DIR/card.img.zst are those of "card", or of a name between. */
static void find_stem(struct verify *v)
{
	char *stem = arena_strdup(v->arena, v->artifact), *dot;

	v->stem = stem;
	for (;;) {
		char *plain cleanup_free = document(v, BESIDE_PROVENANCE);
		char *sealed cleanup_free = document(v, BESIDE_ENVELOPE);

		if (path_exists(plain) || path_exists(sealed))
			return;
		dot = strrchr(path_base(stem), '.');
		if (!dot || dot == path_base(stem))
			break;
		*dot = 0;
	}
	v->stem = NULL;
}

bool verify_is_sealed(struct arena *arena, const char *artifact)
{
	struct verify v = {.arena = arena, .artifact = artifact};
	char *sealed cleanup_free = NULL;

	find_stem(&v);
	sealed = v.stem ? document(&v, BESIDE_ENVELOPE) : NULL;
	return sealed && path_exists(sealed);
}

/* Strangers have published it: a pipe is not waited for. */
static int read_document(const char *path, struct str *ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file", path);
	return fd_read_all(fd, path, DOCUMENT_MAX, ret, err);
}

int verify_open_envelope(struct verify *v, const char *path, struct str *ret)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	const struct dsse_key *key;

	if (!v->keys->count) {
		verify_tell(v, "signature", false, "nobody is trusted: name a key with --key");
		return 1;
	}
	if (read_document(path, &text, &err) < 0 ||
	    dsse_open(&text, DSSE_IN_TOTO, v->keys, ret, &key, &err) < 0) {
		verify_tell(v, "signature", false, "'%s': %s", path_base(path), err->text);
		return 1;
	}
	verify_tell(v, "signature", true, "signed by key %.16s… (%s)", dsse_key_id(key),
		    dsse_key_type(key));
	return 0;
}

/* The plain statement beside an envelope must be the signed one. */
static int compare_plain(struct verify *v, const char *path, const struct str *sealed)
{
	struct str plain cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;

	if (!path_exists(path))
		return 0;
	if (read_document(path, &plain, &err) < 0 || plain.len != sealed->len ||
	    memcmp(plain.buf, sealed->buf, plain.len) != 0) {
		verify_tell(v, "statement", false, "'%s' is not what was signed", path_base(path));
		return 1;
	}
	return 0;
}

static int read_statement(struct verify *v, struct str *ret)
{
	char *plain cleanup_free = document(v, BESIDE_PROVENANCE);
	char *sealed cleanup_free = document(v, BESIDE_ENVELOPE);
	struct err *err cleanup_err = NULL;

	if (path_exists(sealed))
		return verify_open_envelope(v, sealed, ret) || compare_plain(v, plain, ret);
	/* Or whoever takes the envelope away could take the key away. */
	if (!v->policy->is_unsigned || v->keys->count) {
		verify_tell(v, "signature", false,
			    "'%s' is not there: nobody has signed the provenance",
			    path_base(sealed));
		return 1;
	}
	if (read_document(plain, ret, &err) < 0) {
		verify_tell(v, "statement", false, "%s", err->text);
		return 1;
	}
	verify_tell(v, "signature", true,
		    v->policy->is_covered ? "that of the release covers it: it has none of its own"
					  : "nobody has signed it, and the policy asks for nobody");
	return 0;
}

static int parse_statement(struct verify *v, const struct str *text)
{
	const char *type, *predicate, *build, *builder, *from, *to, *node;
	json_t *subject, *parts, *dependencies;

	v->statement = json_loadb(text->buf, text->len, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(v->statement,
			"{s:s, s:s, s:o, s:{s:{s:s, s:{s:s}, s:o}, s:{s:{s:s}, s:{s:s, s:s}, "
			"s:o}}}",
			"_type", &type, "predicateType", &predicate, "subject", &subject,
			"predicate", "buildDefinition", "buildType", &build, "externalParameters",
			"node", &node, "resolvedDependencies", &dependencies, "runDetails",
			"builder", "id", &builder, "metadata", "startedOn", &from, "finishedOn",
			&to, "byproducts", &parts) ||
	    !json_is_array(subject) || !json_is_array(dependencies) || !json_is_array(parts)) {
		verify_tell(v, "statement", false, "it is not provenance as orch writes it");
		return 1;
	}
	if (!str_eq(type, PROVENANCE_STATEMENT) || !str_eq(predicate, PROVENANCE_PREDICATE) ||
	    !str_eq(build, PROVENANCE_BUILD_TYPE)) {
		verify_tell(v, "statement", false, "it is of another type: %s, %s, %s", type,
			    predicate, build);
		return 1;
	}
	/* Else whoever names the envelope says which bills are looked at. */
	if (!str_eq(path_base(node), path_base(v->stem))) {
		verify_tell(v, "statement", false,
			    "it is of node '%s', and the documents here are called '%s'", node,
			    path_base(v->stem));
		return 1;
	}
	verify_tell(v, "statement", true, "node '%s', built %s to %s by %s", node, from, to,
		    builder);
	return 0;
}

/* ---- what it says ---- */

/* The SHA-256 that LIST of resource descriptors has for NAME, or NULL. */
static const char *listed_sha256(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *is = text_at(item, "name");

		if (is && str_eq(is, name))
			return text_at(json_object_get(item, "digest"), "sha256");
	}
	return NULL;
}

static int check_subject(struct verify *v, struct err **err)
{
	const json_t *list = json_object_get(v->statement, "subject");
	const char *name = path_base(v->artifact), *said = listed_sha256(list, name);
	char hex[DIGEST_HEX + 1];
	struct digest d;

	if (digest_file(v->artifact, &d, err) < 0)
		return -1;
	digest_hex(&d, hex);
	if (!said)
		verify_tell(v, "subject", false, "the provenance is not about a file '%s'", name);
	else if (!str_eq(said, hex))
		verify_tell(v, "subject", false,
			    "'%s' was changed: its SHA-256 is %.16s…, not %.16s…", name, hex, said);
	else
		verify_tell(v, "subject", true, "SHA-256 %s", hex);
	return 0;
}

static const json_t *predicate_part(const struct verify *v, const char *part, const char *key)
{
	const json_t *predicate = json_object_get(v->statement, "predicate");

	return json_object_get(json_object_get(predicate, part), key);
}

static void check_bill(struct verify *v, const char *ending)
{
	char *path cleanup_free = document(v, ending);
	const char *name = path_base(path);
	const char *said = listed_sha256(predicate_part(v, "runDetails", "byproducts"), name);
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	char hex[DIGEST_HEX + 1];
	struct digest d;

	if (!path_exists(path)) {
		if (said)
			verify_tell(v, "bill", true, "'%s' is not here, and was not looked at",
				    name);
		return;
	}
	if (read_document(path, &text, &err) < 0) {
		verify_tell(v, "bill", false, "%s", err->text);
		return;
	}
	digest_data(text.buf, text.len, &d);
	digest_hex(&d, hex);
	if (!said)
		verify_tell(v, "bill", false, "the provenance does not know '%s'", name);
	else if (!str_eq(said, hex))
		verify_tell(v, "bill", false, "'%s' was changed", name);
	else
		verify_tell(v, "bill", true, "'%s' is the one that was written with it", name);
}

static const json_t *find_commit(const struct verify *v)
{
	const json_t *list = predicate_part(v, "buildDefinition", "resolvedDependencies");
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (text_at(json_object_get(item, "digest"), "gitCommit"))
			return item;
	}
	return NULL;
}

static void check_builder(struct verify *v)
{
	const char *id = text_at(predicate_part(v, "runDetails", "builder"), "id");

	if (v->policy->builders.items)
		verify_tell(v, "builder", is_listed(&v->policy->builders, id), "%s",
			    id ? id : "unknown");
}

static void check_commit(struct verify *v)
{
	const json_t *commit = find_commit(v), *notes = json_object_get(commit, "annotations");
	const char *branch = text_at(notes, "branch");
	const char *id = text_at(json_object_get(commit, "digest"), "gitCommit");
	bool clean = id && json_is_false(json_object_get(notes, "dirty"));

	if (v->policy->branches.items)
		verify_tell(v, "branch", is_listed(&v->policy->branches, branch), "built of %s",
			    branch ? branch : "no branch that is known");
	if (v->policy->clean)
		verify_tell(v, "commit", clean, "built of %s%s",
			    id ? id : "no commit that is known",
			    !id || clean ? "" : " and changes that it does not have");
}

int verify_artifact(struct arena *arena, const char *artifact, const struct dsse_keys *keys,
		    const struct verify_policy *policy, struct verify_findings *ret,
		    struct err **err)
{
	struct verify v = {
		.arena = arena, .artifact = artifact, .keys = keys, .policy = policy, .found = ret};
	struct str text cleanup_str = STR_INIT;
	struct stat st;
	int rc = 0;

	if (stat(artifact, &st) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", artifact);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file", artifact);
	find_stem(&v);
	if (!v.stem) {
		verify_tell(&v, "statement", false, "there is no provenance beside it (NAME%s)",
			    BESIDE_PROVENANCE);
		return 0;
	}
	if (read_statement(&v, &text) == 0 && parse_statement(&v, &text) == 0) {
		rc = check_subject(&v, err);
		for (int f = 0; f < BESIDE_FORMATS; f++)
			check_bill(&v, beside_endings[f]);
		check_builder(&v);
		check_commit(&v);
	}
	json_decref(v.statement);
	return rc;
}
