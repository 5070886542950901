/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration that our apt-get runs with: all of it lies in the request's directory. */
#include "base/file.h"
#include "base/path.h"
#include "kinds/apt.h"

#define DEBIAN_KEYRING "/usr/share/keyrings/debian-archive-keyring"

int apt_write(const struct apt_request *q, const char *rel, const struct str *text,
	      struct err **err)
{
	char *path cleanup_free = path_join(q->dir, rel);

	return file_write(path, text->buf, text->len, 0644, false, err);
}

static int write_conf(const struct apt_request *q, struct err **err)
{
	struct str s cleanup_str = STR_INIT;

	if (mirror_apt_settings(&s, err) < 0)
		return -1;
	str_printf(
		&s,
		"Dir \"%s/\";\nDir::Etc \"etc\";\nDir::Etc::sourcelist \"/dev/null\";\n"
		"Dir::Etc::sourceparts \"sources.d\";\nDir::Etc::main \"/dev/null\";\n"
		"Dir::Etc::parts \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n"
		"Dir::Etc::trusted \"/dev/null\";\nDir::Etc::trustedparts \"/dev/null\";\n"
		"Dir::State \"state\";\nDir::State::status \"%s/state/status\";\nDir::Cache "
		"\"cache\";\n"
		"APT::Architecture \"%s\";\nAPT::Architectures { \"%s\"; };\n"
		"APT::Install-Recommends \"%s\";\nAPT::Install-Suggests \"false\";\n"
		"APT::Sandbox::User \"root\";\nAPT::Update::Error-Mode \"any\";\n"
		"Acquire::Languages \"none\";\nAcquire::ForceHash \"SHA256\";\nDir::Log \"log\";\n",
		q->dir, q->dir, q->arch, q->arch, q->recommends ? "true" : "false");
	return apt_write(q, "apt.conf", &s, err);
}

static int keyring_of(const struct apt_request *q, const struct archive *a, const char **ret,
		      struct err **err)
{
	static const char *const suffixes[] = {".gpg", ".pgp"};

	if (a->keyring) {
		*ret = arena_printf(q->arena, "%s/%s", q->project_dir, a->keyring->text);
		return 0;
	}
	for (size_t i = 0; i < array_len(suffixes); i++) {
		*ret = arena_printf(q->arena, DEBIAN_KEYRING "%s", suffixes[i]);
		if (path_exists(*ret))
			return 0;
	}
	return err_set(
		err, ERR_ENV,
		"no keys to verify archive '%s' with: install debian-archive-keyring, or give it a "
		"'keyring:' in recipes/project.yaml",
		a->alias);
}

static void append_words(struct str *s, const char *key, const struct list *words)
{
	str_printf(s, "%s:", key);
	for (size_t i = 0; i < words->count; i++)
		str_printf(s, " %s", LIST_AT(*words, const char *, i));
	str_append(s, "\n");
}

static int write_sources(struct apt_request *q, struct err **err)
{
	struct str s cleanup_str = STR_INIT;

	q->urls = arena_alloc(q->arena, (q->archives.count + 1) * sizeof(*q->urls));
	for (size_t i = 0; i < q->archives.count; i++) {
		const struct archive *a = LIST_AT(q->archives, const struct archive *, i);
		const struct lock_archive place = debian_archive_of(a);
		const char *keyring;

		if (mirror_url(q->arena, &place, &q->urls[i], err) < 0 ||
		    keyring_of(q, a, &keyring, err) < 0)
			return -1;
		str_printf(&s, "Types: deb deb-src\nURIs: %s\n", q->urls[i]);
		append_words(&s, "Suites", &a->suites);
		append_words(&s, "Components", &a->components);
		str_printf(&s, "Signed-By: %s\n\n", keyring);
	}
	return apt_write(q, "etc/sources.d/orch.sources", &s, err);
}

static int make_dirs(const struct apt_request *q, struct err **err)
{
	static const char *const dirs[] = {"etc/sources.d", "state/lists/partial",
					   "cache/archives/partial", "log"};
	struct str empty cleanup_str = STR_INIT;

	for (size_t i = 0; i < array_len(dirs); i++) {
		char *path cleanup_free = path_join(q->dir, dirs[i]);

		if (path_mkdirs(path, err) < 0)
			return -1;
	}
	return apt_write(q, "state/status", &empty, err);
}

int apt_configure(struct apt_request *q, struct err **err)
{
	if (make_dirs(q, err) < 0 || write_conf(q, err) < 0)
		return -1;
	return write_sources(q, err);
}
