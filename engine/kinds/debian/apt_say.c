/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What apt complains about, in our words: whose fault it is, which archive, what helps. apt has no
 * status that a machine could read for this (APT::Status-Fd tells of progress alone), so its lines
 * are looked through for words that versions 2.6 to 3.0 have in common in locale C.
 */
#include <stdio.h>

#include "base/file.h"
#include "base/url.h"
#include "kinds/debian/apt.h"

#define MAX_LOG (4 * 1024 * 1024)
#define MAX_SAID 600
#define UNAUTHORIZED "401  " /* the server wants to know who we are */

struct complaint {
	const char *marks[5]; /* one of these is in the line */
	const struct err_code *code;
	const char *what; /* of an archive */
	bool follows;     /* is also said when something else has gone wrong */
};

/* The first that fits a line counts. */
static const struct complaint complaints[] = {
	{{"NO_PUBKEY", "Missing key", "No key for", "public key is not available"},
	 E_ARCHIVE_SIGNATURE,
	 "is signed by a key that is not among its keys: if that key is right, put it into the "
	 "'keyring:' of the archive (Debian's own: install a newer debian-archive-keyring)"},
	{{"EXPKEYSIG", "KEYEXPIRED", "REVKEYSIG", "Expired on", "key is expired"},
	 E_ARCHIVE_SIGNATURE,
	 "is signed by a key that has expired or was revoked: get the archive's current key"},
	{{"BADSIG", "signatures were invalid", "Clearsigned file contains", "no valid OpenPGP",
	  "signature verification"},
	 E_ARCHIVE_SIGNATURE,
	 "has a signature that does not fit: its mirror is damaged or in the middle of an update"},
	{{"isn't valid, got"},
	 E_ARCHIVE_ANSWER,
	 "does not answer as an archive does: is there a page to log in at first?"},
	{{"not signed", "no longer signed"},
	 E_ARCHIVE_SIGNATURE,
	 "is not signed: only a signed archive can be locked",
	 .follows = true},
	{{"weak security", "weak algorithm"},
	 E_ARCHIVE_SIGNATURE,
	 "is signed with algorithms that are weak"},
	{{"is expired"},
	 E_ARCHIVE_EXPIRED,
	 "has a signed state that has expired: its mirror is no longer updated; if it is a "
	 "snapshot, write 'valid-until: ignore' into its entry in recipes/project.yaml"},
	{{"is not valid yet"},
	 E_ARCHIVE_EXPIRED,
	 "has a signed state of the future: is the clock of this machine right?"},
	{{"Hash Sum mismatch", "unexpected size", "Writing more data than expected"},
	 E_ARCHIVE_DAMAGED,
	 "has files that differ from its signed index: its mirror is damaged or in the middle of "
	 "an update; try again later"},
	{{UNAUTHORIZED, "403  ", "407  "},
	 E_ARCHIVE_LOGIN,
	 "refuses us: give user and password in its URL in config.yaml, in apt's auth.conf, in "
	 "~/.netrc or by a 'credential-helper:' of config.yaml"},
	{{"ertificate"},
	 E_ARCHIVE_CERTIFICATE,
	 "has a certificate that is not trusted: name the authority that signed it in apt's "
	 "setting Acquire::https::CAInfo"},
	{{"does not have a Release file", "no longer has a Release file", "404  "},
	 E_ARCHIVE_NO_SUITE,
	 "has no such suite at its URL: compare 'suites:' in recipes/project.yaml and the mirror"},
	{{"Failed to fetch", "Could not resolve", "Could not connect", "Temporary failure",
	  "Unable to fetch"},
	 E_ARCHIVE_UNREACHABLE,
	 "cannot be reached"},
};

/* "file:///x", "file:/x" and "mirror+file:/x" are one place. */
static const char *plain(const char *url)
{
	const char *path = strstr(url, "file:");

	if (!path || (path != url && !str_skip(url, "mirror+")))
		return url;
	path += strlen("file:");
	return path + (strspn(path, "/") ? strspn(path, "/") - 1 : 0);
}

/* The alias of the archive that LINE names, the one with the longest URL; NULL: none. */
static const char *alias_in(const struct apt_request *q, const char *line)
{
	const char *best = NULL;
	size_t len = 0;

	for (size_t i = 0; i < q->archives.count; i++) {
		const char *url = plain(q->urls[i]);

		if (strlen(url) > len && strstr(line, url)) {
			best = LIST_AT(q->archives, const struct archive *, i)->alias;
			len = strlen(url);
		}
	}
	return best;
}

static bool fits(const struct complaint *c, const char *line)
{
	for (size_t i = 0; i < array_len(c->marks) && c->marks[i]; i++)
		if (strstr(line, c->marks[i]))
			return true;
	return false;
}

static const struct complaint *complaint_of(const char *line)
{
	for (size_t i = 0; i < array_len(complaints); i++)
		if (fits(&complaints[i], line))
			return &complaints[i];
	return NULL;
}

/* apt's words without the files that only we know. */
static void append_said(const struct apt_request *q, const char *line, struct str *ret)
{
	const char *at;

	while (ret->len < MAX_SAID && (at = strstr(line, q->dir))) {
		str_append_len(ret, line, (size_t)(at - line));
		line = at + strlen(q->dir);
		line += strspn(line, "/");
	}
	str_append(ret, line);
}

/* The text of a line that complains, or NULL. */
static const char *line_text(const char *line)
{
	static const char *const heads[] = {"E: ", "W: ", "Error: ", "Warning: "};

	for (size_t i = 0; i < array_len(heads); i++)
		if (str_skip(line, heads[i]))
			return str_skip(line, heads[i]);
	return NULL;
}

/* What has been read so far: the gravest complaint, and apt's errors in a row. */
struct reading {
	const struct complaint *worst;
	const char *alias;
	struct str said, errors;
};

/* A wrong signature before a server that is away; with an archive's name before without. */
static int rank(const struct complaint *c, const char *alias)
{
	int gravity = !c ? 0 : c->follows ? 1 : c->code->cls == ERR_NET ? 2 : 3;

	return 2 * gravity + (alias != NULL);
}

static void read_line(const struct apt_request *q, const char *line, struct reading *r)
{
	const char *text = line_text(line), *alias;
	const struct complaint *c = text ? complaint_of(text) : NULL;

	if (!text)
		return;
	if (*line == 'E' && r->errors.len < 2000) {
		str_append(&r->errors, r->errors.len ? "; " : "");
		append_said(q, text, &r->errors);
	}
	alias = alias_in(q, text);
	if (!c || rank(c, alias) <= rank(r->worst, r->alias))
		return;
	r->worst = c;
	r->alias = alias;
	str_clear(&r->said);
	append_said(q, text, &r->said);
}

int apt_complain(struct apt_request *q, const char *log, struct err **err)
{
	struct reading r = {.said = STR_INIT, .errors = STR_INIT};
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	char *save = NULL;

	if ((*err)->code->cls != ERR_BUILD || file_read(log, MAX_LOG, &text, &ignored) < 0)
		return -1;
	for (char *l = strtok_r(text.buf, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		read_line(q, l, &r);
	if (r.worst || r.errors.len)
		err_free(steal_ptr(*err));
	q->blamed = r.worst ? r.alias : NULL;
	q->unknown = r.worst && strstr(r.said.buf, UNAUTHORIZED);
	if (r.worst && r.alias)
		err_set(err, r.worst->code, "archive '%s' %s (apt: %s)", r.alias, r.worst->what,
			r.said.buf);
	else if (r.worst)
		err_set(err, r.worst->code, "apt: %s", r.said.buf);
	else if (r.errors.len)
		err_set(err, E_APT_FAILED, "apt: %s", r.errors.buf);
	str_release(&r.said);
	str_release(&r.errors);
	return -1;
}
