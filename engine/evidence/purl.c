/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Package URLs, written and read. */
#include <ctype.h>
#include <stdlib.h>

#include "base/str.h"
#include "evidence/bill.h"
#include "evidence/sbom_read.h"

/* ---- written ---- */

/* As the package-url specification has it: all but letters, digits and ".-_~:" is %XX. */
static void append_encoded(struct str *ret, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (isalnum(*p) || strchr(".-_~:", *p))
			str_append_char(ret, (char)*p);
		else
			str_printf(ret, "%%%02X", *p);
	}
}

static const char *make(struct arena *arena, const struct bill_package *p, const char *name,
			const char *version, const char *arch)
{
	struct str s cleanup_str = STR_INIT;

	str_append(&s, "pkg:deb/");
	append_encoded(&s, p->vendor ? p->vendor : "debian");
	str_append_char(&s, '/');
	append_encoded(&s, name);
	str_append_char(&s, '@');
	append_encoded(&s, version);
	str_append(&s, "?arch=");
	append_encoded(&s, arch);
	if (p->codename) {
		str_append(&s, "&distro=");
		append_encoded(&s, p->codename);
	}
	return arena_strdup(arena, s.buf);
}

const char *bill_purl(struct arena *arena, const struct bill_package *p)
{
	return make(arena, p, p->name, p->version, p->arch);
}

const char *bill_source_purl(struct arena *arena, const struct bill_package *p)
{
	return make(arena, p, p->source, p->source_version, "source");
}

const char *bill_archive_purl(struct arena *arena, const struct bill_source *s)
{
	return make(arena, &(struct bill_package){0}, s->package, s->version, "source");
}

void purl_generic(struct str *ret, const char *name, const char *version)
{
	str_append(ret, "pkg:generic/");
	append_encoded(ret, name);
	str_append_char(ret, '@');
	append_encoded(ret, version);
}

/* ---- read ---- */

/* LEN bytes from START with %XX decoded. Arena. */
static const char *decoded(struct arena *arena, const char *start, size_t len)
{
	char *text = arena_strndup(arena, start, len), *to = memchr(text, '%', len);

	for (const char *from = to; from && *from; from++) {
		char hex[3] = {0}, *end;
		long c;

		if (*from != '%' || from + 2 >= text + len) {
			*to++ = *from;
			continue;
		}
		memcpy(hex, from + 1, 2);
		c = strtol(hex, &end, 16);
		*to++ = *end || !c ? '?' : (char)c;
		from += 2;
	}
	if (to)
		*to = '\0';
	return text;
}

/* The value of a qualifier, "arch" of "...?arch=arm64&distro=trixie". Arena, or NULL. */
static const char *qualifier(struct arena *arena, const char *purl, const char *name)
{
	const char *at = strchr(purl, '?');
	size_t len = strlen(name);

	while (at) {
		at++;
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return decoded(arena, at + len + 1, strcspn(at + len + 1, "&#"));
		at = strchr(at, '&');
	}
	return NULL;
}

/* Debian's releases, as ecosystems of OSV number them (distro-info-data, debian.csv). */
static const struct {
	const char *codename, *number;
} releases[] = {{"buster", "10"}, {"bullseye", "11"}, {"bookworm", "12"},
		{"trixie", "13"}, {"forky", "14"},    {"duke", "15"}};

const char *debian_release_number(const char *codename)
{
	for (size_t i = 0; codename && i < array_len(releases); i++) {
		if (str_eq(releases[i].codename, codename))
			return releases[i].number;
	}
	return NULL;
}

/*
 * "trixie" of "debian-trixie", "debian-13", "debian-13.1" and, of Debian itself, "13" and "13.1",
 * which others write; else DISTRO, which may be NULL.
 */
static const char *codename_of(const char *vendor, const char *distro)
{
	const char *word = distro ? str_skip(distro, "debian-") : NULL;

	if (!word && str_eq(vendor, "debian"))
		word = distro;
	for (size_t i = 0; word && i < array_len(releases); i++) {
		const char *rest = str_skip(word, releases[i].number);

		if ((rest && (!*rest || *rest == '.')) || str_eq(word, releases[i].codename))
			return releases[i].codename;
	}
	return distro;
}

const char *debian_source_version(struct arena *arena, const char *version)
{
	size_t len = version ? strlen(version) : 0, end = len;

	while (end && isdigit((unsigned char)version[end - 1]))
		end--;
	if (end == len || end < 3 || strncmp(version + end - 2, "+b", 2))
		return version;
	return arena_strndup(arena, version, end - 2);
}

/* VERSION with the EPOCH that others write beside it; either may be NULL. */
static const char *with_epoch(struct arena *arena, const char *version, const char *epoch)
{
	if (!version || !epoch || !*epoch || str_eq(epoch, "0") || strchr(version, ':'))
		return version;
	return arena_printf(arena, "%s:%s", epoch, version);
}

/* What UPSTREAM, "openssl" or "openssl@3.5.1-1", says that P, whose version is VERSION, is of. */
static void take_upstream(struct arena *arena, struct sbom_package *p, const char *upstream,
			  const char *version)
{
	const char *at = strchr(upstream, '@');

	p->source = at ? arena_strndup(arena, upstream, (size_t)(at - upstream)) : upstream;
	/* Where both versions are the same without their epoch, it is that of both. */
	if (at && at[1])
		p->source_version = version && str_eq(at + 1, version) ? p->version : at + 1;
}

int sbom_purl(struct arena *arena, const char *purl, struct sbom_package *ret)
{
	const char *rest = purl ? str_skip(purl, "pkg:deb/") : NULL;
	const char *slash = rest ? strchr(rest, '/') : NULL,
		   *at = slash ? slash + strcspn(slash, "@?#") : NULL, *version, *upstream, *vendor;

	if (!at)
		return 1;
	version = *at == '@' ? decoded(arena, at + 1, strcspn(at + 1, "?#")) : NULL;
	vendor = decoded(arena, rest, (size_t)(slash - rest));
	*ret = (struct sbom_package){
		.name = decoded(arena, slash + 1, (size_t)(at - slash - 1)),
		.version = with_epoch(arena, version, qualifier(arena, purl, "epoch")),
		.arch = qualifier(arena, purl, "arch"),
		.vendor = vendor,
		.distro = codename_of(vendor, qualifier(arena, purl, "distro")),
	};
	ret->source = ret->name;
	ret->source_version = ret->arch && str_eq(ret->arch, "source")
				      ? ret->version
				      : debian_source_version(arena, ret->version);
	upstream = qualifier(arena, purl, "upstream");
	if (upstream && *upstream && *upstream != '@')
		take_upstream(arena, ret, upstream, version);
	return 0;
}
