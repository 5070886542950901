/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/debian/build_depends.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "media/deb/deb.h"

#define MAX_CONTROL (1024 * 1024)

bool build_depends_of_source(const struct debian_opts *o, const char *word)
{
	for (size_t i = 0; i < o->sources.count; i++)
		if (str_eq(LIST_AT(o->sources, const char *, i), word))
			return true;
	return false;
}

const char *build_depends_fields(struct arena *arena, const char *stanza)
{
	static const char *const names[] = {"Build-Depends", "Build-Depends-Arch",
					    "Build-Depends-Indep"};
	struct str all cleanup_str = STR_INIT;

	for (size_t i = 0; i < array_len(names); i++) {
		char *value cleanup_free = deb_field(stanza, names[i]);

		if (value && value[strspn(value, " \t\n,")])
			str_printf(&all, "%s%s", all.len ? ", " : "", value);
	}
	return arena_strdup(arena, all.buf);
}

/* The first stanza of TEXT without its comments (deb-src-control(5)). */
static void first_stanza(const char *text, struct str *ret)
{
	while (*text) {
		size_t n = strcspn(text, "\n"), used = strspn(text, " \t\r");

		if (used >= n && ret->len)
			return;
		if (used < n && *text != '#') {
			str_append_len(ret, text, n);
			str_append_char(ret, '\n');
		}
		text += n + (text[n] == '\n');
	}
}

int build_depends_read(struct arena *arena, const struct project *p, const char *word,
		       const char **ret, struct err **err)
{
	const char *rel = arena_printf(arena, "%s/debian/control", word);
	char *path cleanup_free = path_join(p->dir, rel), *source cleanup_free = NULL;
	struct str text cleanup_str = STR_INIT, stanza cleanup_str = STR_INIT;
	int dir cleanup_fd = -1, fd cleanup_fd = -1;

	if (!path_exists(path))
		return err_set(err, E_FILE_MISSING,
			       "'%s' has no debian/control, and is none of 'sources'", word);
	dir = open(p->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", p->dir);
	fd = path_open_beneath(dir, rel, O_RDONLY, err);
	if (fd < 0 || fd_read_all(fd, rel, MAX_CONTROL, &text, err) < 0)
		return -1;
	first_stanza(text.buf, &stanza);
	source = deb_field(stanza.buf, "Source");
	if (!source)
		return err_set(err, E_WRONG_INPUT,
			       "'%s/debian/control' does not begin with a source package: its "
			       "first stanza has no field Source",
			       word);
	*ret = build_depends_fields(arena, stanza.buf);
	return 0;
}

/* ---- restrictions ---- */

/* Whether ARCH is what PATTERN says: "arm64", "any", "linux-any", "any-arm64", "linux-arm64". */
static bool is_arch(const char *pattern, size_t n, const char *arch)
{
	char *text cleanup_free = xstrndup(pattern, n);
	const char *cpu = str_skip(text, "linux-");

	if (!cpu)
		cpu = str_skip(text, "any-");
	if (!cpu)
		cpu = text;
	return str_eq(cpu, arch) || str_eq(cpu, "any");
}

/* "[amd64 arm64]", "[!armhf]": the words between the brackets. */
static bool arch_allows(const char *words, size_t n, const char *arch)
{
	bool allows = true, negative = false;

	for (const char *end = words + n, *w = words; w < end;) {
		size_t len = strcspn(w, " \t\n]");
		bool not = *w == '!';

		len = len < (size_t)(end - w) ? len : (size_t)(end - w);
		if (w == words)
			allows = negative = not ;
		if (len && is_arch(w + not, len - not, arch))
			return !negative;
		w += len + 1;
	}
	return allows;
}

/* "<!nocheck !cross>": no profile is on, so each word must be one that is not wanted. */
static bool profile_allows(const char *words, size_t n)
{
	bool allows = true;

	for (size_t i = 0; i < n; i++)
		if (words[i] != ' ' && (i == 0 || words[i - 1] == ' '))
			allows &= words[i] == '!';
	return allows;
}

/* Of several "<...>" one must allow; RET gets what is left of the alternative. */
static bool alternative_counts(const char *text, size_t n, const char *arch, struct str *ret)
{
	bool by_arch = true, profiles = false, by_profile = false;

	for (size_t i = 0; i < n; i++) {
		char close = text[i] == '[' ? ']' : text[i] == '<' && ret->len ? '>' : '\0';
		const char *end = close ? memchr(text + i, close, n - i) : NULL;
		const char *native = str_skip(text + i, ":native");
		size_t len = end ? (size_t)(end - text) - i - 1 : 0;

		if (text[i] == '(') { /* "(<< 2)" is a version */
			size_t version = strcspn(text + i, ")") + 1;

			version = version < n - i ? version : n - i;
			str_append_len(ret, text + i, version);
			i += version - 1;
		} else if (end && close == ']') {
			by_arch = arch_allows(text + i + 1, len, arch);
			i += len + 1;
		} else if (end) {
			profiles = true;
			by_profile |= profile_allows(text + i + 1, len);
			i += len + 1;
		} else if (native) {
			i += strlen(":native") - 1;
		} else if (ret->len || !strchr(" \t\n", text[i])) {
			str_append_char(ret, text[i] == '\n' || text[i] == '\t' ? ' ' : text[i]);
		}
	}
	return by_arch && (by_profile || !profiles) && ret->len;
}

/* The alternatives of one group, "a [amd64] | b". */
static void reduce_group(const char *text, size_t n, const char *arch, struct str *ret)
{
	struct str group cleanup_str = STR_INIT;

	for (const char *end = text + n; text < end;) {
		struct str one cleanup_str = STR_INIT;
		size_t len = strcspn(text, "|");

		len = len < (size_t)(end - text) ? len : (size_t)(end - text);
		if (alternative_counts(text, len, arch, &one)) {
			while (one.buf[one.len - 1] == ' ')
				one.buf[--one.len] = '\0';
			str_printf(&group, "%s%s", group.len ? " | " : "", one.buf);
		}
		text += len + 1;
	}
	if (group.len)
		str_printf(ret, ", %s", group.buf);
}

const char *build_depends_reduce(struct arena *arena, const char *fields, const char *arch)
{
	struct str all cleanup_str = STR_INIT;

	str_append(&all, "build-essential");
	while (*fields) {
		size_t n = strcspn(fields, ",");

		reduce_group(fields, n, arch, &all);
		fields += n + (fields[n] == ',');
	}
	return arena_strdup(arena, all.buf);
}
