/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sources of the host's apt: where they are, as apt-get indextargets lists them. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "kinds/debian/host_apt.h"

#define MAX_OUTPUT (16 * 1024 * 1024)
#define FORMAT "$(REPO_URI)\t$(RELEASE)\t$(SOURCESENTRY)\t$(ORIGIN)"
#define WORDS 4

/* ---- Signed-By, which apt does not tell ---- */

/* A key block in a .sources file: lines are indented, "." stands for an empty one. */
static const char *key_block(struct arena *arena, const char *text)
{
	struct str s cleanup_str = STR_INIT;

	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *line = text + strspn(text, " \t");
		size_t len = n - (size_t)(line - text);

		if (!(len == 1 && *line == '.'))
			str_append_len(&s, line, len);
		str_append(&s, "\n");
		text += n + (text[n] == '\n');
	}
	return arena_strdup(arena, s.buf);
}

/* The value of field Signed-By of the stanza that begins at TEXT, continued lines included. */
static char *stanza_field(const char *text)
{
	static const char name[] = "Signed-By:";

	for (; *text && *text != '\n'; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *value, *end;

		if (strncasecmp(text, name, strlen(name)) != 0)
			continue;
		value = text + strlen(name);
		end = value + strcspn(value, "\n");
		while (*end && (end[1] == ' ' || end[1] == '\t'))
			end += 1 + strcspn(end + 1, "\n");
		value += strspn(value, " \t\n");
		return value < end ? xstrndup(value, (size_t)(end - value)) : NULL;
	}
	return NULL;
}

/* The stanza that is number N of a .sources file, from 1. */
static const char *stanza_at(const char *text, unsigned n)
{
	bool inside = false;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		bool empty = text[strspn(text, " \t")] == '\n';

		if (!empty && !inside && *text != '#' && --n == 0)
			return text;
		inside = !empty && (inside || *text != '#');
	}
	return "";
}

/* The option signed-by of line N of a .list file. */
static char *line_option(const char *text, unsigned n)
{
	const char *open, *close, *at;

	while (--n && *text)
		text += strcspn(text, "\n"), text += *text == '\n';
	open = memchr(text, '[', strcspn(text, "\n"));
	close = open ? strchr(open, ']') : NULL;
	at = open ? strcasestr(open, "signed-by=") : NULL;
	if (!close || !at || at > close)
		return NULL;
	at += strlen("signed-by=");
	return xstrndup(at, strcspn(at, " \t]"));
}

/* ENTRY is FILE:NUMBER of a line or stanza. Fingerprints say nothing of where a key is. */
static const char *signed_by(struct arena *arena, const char *entry)
{
	const char *colon = strrchr(entry, ':');
	char *path cleanup_free = colon ? xstrndup(entry, (size_t)(colon - entry)) : NULL;
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	unsigned n = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	char *value cleanup_free = NULL;

	if (!n || file_read(path, MAX_OUTPUT, &text, &ignored) < 0)
		return NULL;
	value = str_ends(path, ".sources") ? stanza_field(stanza_at(text.buf, n))
					   : line_option(text.buf, n);
	if (value && *value == '/')
		return arena_strndup(arena, value, strcspn(value, ", \t\n"));
	if (value && strstr(value, "-----BEGIN"))
		return key_block(arena, value);
	return NULL;
}

/* ---- the list ---- */

static char *without_slash(struct arena *arena, const char *uri)
{
	size_t n = strlen(uri);

	while (n && uri[n - 1] == '/')
		n--;
	return arena_strndup(arena, uri, n);
}

static bool is_known(const struct host_source *all, size_t count, const struct host_source *s)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(all[i].uri, s->uri) && str_eq(all[i].suite, s->suite))
			return true;
	return false;
}

static void read_line(struct arena *arena, char *line, struct host_source *all, size_t *count)
{
	char *words[WORDS], *next = line;
	struct host_source s;

	for (size_t i = 0; i < WORDS; i++) {
		words[i] = strsep(&next, "\t");
		if (!words[i])
			return;
	}
	s = (struct host_source){.uri = without_slash(arena, words[0]),
				 .suite = arena_strdup(arena, words[1]),
				 .origin = *words[3] == '$' ? "" : arena_strdup(arena, words[3])};
	if (is_known(all, *count, &s))
		return;
	s.signed_by = signed_by(arena, words[2]);
	all[(*count)++] = s;
}

int host_apt_sources(const struct host_apt *h, struct host_source **ret, size_t *ret_count,
		     struct err **err)
{
	/* First those whose Release file apt has, with its Origin, then those it only knows of. */
	static char *const modes[] = {"--release-info", "--no-release-info"};
	struct str texts[array_len(modes)] = {STR_INIT, STR_INIT};
	char *program cleanup_free = path_program("apt-get");
	struct proc_opts opts = {0};
	size_t lines = 2;
	int rc = 0;

	*ret = NULL;
	*ret_count = 0;
	for (size_t i = 0; program && rc == 0 && i < array_len(modes); i++) {
		char *const argv[] = {"apt-get", "indextargets",         modes[i], "--format",
				      FORMAT,    "Created-By: Packages", NULL};

		rc = proc_output(argv, &opts, MAX_OUTPUT, &texts[i], err);
		for (const char *p = texts[i].buf; *p; p++)
			lines += *p == '\n';
	}
	if (rc == 0)
		*ret = arena_alloc(h->arena, lines * sizeof(**ret));
	for (size_t i = 0; rc == 0 && i < array_len(modes); i++) {
		char *save = NULL;

		for (char *l = strtok_r(texts[i].buf, "\n", &save); l;
		     l = strtok_r(NULL, "\n", &save))
			read_line(h->arena, l, *ret, ret_count);
	}
	for (size_t i = 0; i < array_len(modes); i++)
		str_release(&texts[i]);
	return rc < 0 ? err_wrap(err, "cannot read the sources of the host's apt") : 0;
}
