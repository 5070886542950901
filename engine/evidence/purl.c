/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/bill.h"

#include <ctype.h>

#include "base/str.h"

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
