/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What apt knows of packages: their records, their suites, why they cannot be had together. */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/debian/apt.h"
#include "media/deb/deb.h"

/* ---- records ---- */

/* The next stanza of *P, ended by NUL in place; NULL: there is none. */
static char *next_stanza(char **p)
{
	char *start = *p + strspn(*p, "\n"), *end;

	if (!*start)
		return NULL;
	end = strstr(start, "\n\n");
	*p = end ? end + 2 : start + strlen(start);
	if (end)
		end[1] = '\0';
	return start;
}

void apt_parse_records(struct arena *arena, char *text, struct apt_records *ret)
{
	for (char *stanza; (stanza = next_stanza(&text));) {
		char *sum cleanup_free = deb_field(stanza, "SHA256");
		struct apt_record r;

		if (sum && digest_parse(sum, &r.sha256) == 0 &&
		    deb_package_parse(arena, stanza, &r.package) == 0)
			apt_records_push(ret, r);
	}
}

/* What `apt-cache VERB` prints of packages. */
static int ask_cache(struct apt_request *q, const char *verb, const struct strv *names,
		     struct str *ret, struct err **err)
{
	struct strv argv cleanup_strv = {0};

	strv_push(&argv, "apt-cache");
	strv_push(&argv, verb);
	strv_push(&argv, "--");
	for (size_t i = 0; i < names->count; i++)
		strv_push(&argv, names->items[i]);
	return apt_run(q, strv_argv(&argv), ret, err);
}

int apt_records(struct apt_request *q, const struct strv *names, struct apt_records *ret,
		struct err **err)
{
	struct str out cleanup_str = STR_INIT;

	if (!names->count)
		return 0;
	if (ask_cache(q, "show", names, &out, err) < 0) {
		if ((*err)->code->cls != ERR_USER) /* it found none of them */
			return -1;
		err_free(steal_ptr(*err));
		return 0;
	}
	apt_parse_records(q->arena, out.buf, ret);
	return 0;
}

/*
 * " hello | 2.10-3 | URL trixie/main amd64 Packages". A line of "Sources" is about the source of a
 * package: its version may be another one.
 */
static void parse_place(const struct apt_request *q, char *line, struct apt_places *ret)
{
	bool packages = str_ends(line, " Packages");
	char *words = NULL, *name = strtok_r(line, " |", &words),
	     *version = strtok_r(NULL, " |", &words), *url = strtok_r(NULL, " |", &words),
	     *suite = strtok_r(NULL, " ", &words);
	const char *rest, *archive = packages && suite ? apt_archive_of(q, url, &rest) : NULL;

	if (!archive)
		return;
	if (strrchr(suite, '/') && !str_ends(suite, "/")) /* its component */
		*strrchr(suite, '/') = '\0';
	apt_places_push(ret, (struct apt_place){arena_strdup(q->arena, name),
						arena_strdup(q->arena, version), archive,
						arena_strdup(q->arena, suite)});
}

void apt_parse_places(const struct apt_request *q, char *text, struct apt_places *ret)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		parse_place(q, l, ret);
}

int apt_places(struct apt_request *q, const struct strv *names, struct apt_places *ret,
	       struct err **err)
{
	struct str out cleanup_str = STR_INIT;

	if (!names->count)
		return 0;
	if (ask_cache(q, "madison", names, &out, err) < 0)
		return -1;
	apt_parse_places(q, out.buf, ret);
	return 0;
}

/* ---- what is in the way ---- */

/* What apt's word for a relation means: everything else is needed. */
static const char *verb_of(const char *relation)
{
	if (str_skip(relation, "Conflicts:"))
		return "conflicts with";
	return str_skip(relation, "Breaks:") ? "breaks" : "needs";
}

/*
 * "Depends: b (>= 2) but 1 is to be installed or"; an alternative lacks the first word, and what is
 * only provided, in another version, all from "but" on.
 */
static void parse_relation(struct arena *arena, const char *package, char *text,
			   struct apt_unmets *ret)
{
	char *word = text + strspn(text, " "), *colon = strstr(word, ": "), *but;
	struct apt_unmet u = {.package = package, .verb = verb_of(word)};

	if (colon && (size_t)(colon - word) == strcspn(word, " :"))
		word = colon + 2;
	but = strstr(word, " but ");
	if (!*word)
		return;
	if (but)
		*but = '\0';
	else if (str_ends(word, " or"))
		word[strlen(word) - 3] = '\0';
	u.text = arena_strdup(arena, word);
	u.name = arena_strndup(arena, word, strcspn(word, " :"));
	u.absent = but && str_skip(but + 5, "it is not going to be installed");
	apt_unmets_push(ret, u);
}

void apt_parse_unmet(struct arena *arena, char *text, struct apt_unmets *ret)
{
	char *at = strstr(text, "have unmet dependencies:\n"), *save = NULL;
	const char *package = NULL;

	if (!at)
		return;
	at = strchr(at, '\n');
	for (char *l = strtok_r(at, "\n", &save); l && *l == ' '; l = strtok_r(NULL, "\n", &save)) {
		char *colon = strstr(l, " : ");

		if (colon) {
			char *name = l + strspn(l, " ");

			package = arena_strndup(arena, name, strcspn(name, " :"));
		}
		if (package)
			parse_relation(arena, package, colon ? colon + 3 : l, ret);
	}
}

/* ---- packages that no index has ---- */

static int append_deb(const char *dir, const char *file, struct str *text, struct err **err)
{
	char *path cleanup_free = path_join(dir, file);
	struct deb_set set cleanup_deb_set = {0};
	struct digest d;
	char hex[DIGEST_HEX + 1];
	struct stat st;

	if (deb_open(&set, path, NULL, err) < 0 || digest_file(path, &d, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot look at '%s'", path);
	str_printf(text, "%sFilename: ./%s\nSize: %llu\nSHA256: %s\n\n", set.items[0]->control,
		   file, (unsigned long long)st.st_size, digest_hex(&d, hex));
	return 0;
}

int apt_write_pool(const char *dir, const struct strv *files, struct err **err)
{
	char *path cleanup_free = path_join(dir, "Packages");
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < files->count; i++)
		if (append_deb(dir, files->items[i], &text, err) < 0)
			return -1;
	return file_write(path, text.buf, text.len, 0644, false, err);
}
