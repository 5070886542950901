/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/sbom.h"

#include <stdlib.h>
#include <time.h>

#include "base/str.h"

char *sbom_time(uint64_t seconds, char buf[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		memcpy(buf, "1970-01-01T00:00:00Z", 21);
	return buf;
}

char *sbom_uuid(const json_t *o, char buf[37])
{
	char *text cleanup_free = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	unsigned char uuid[16];

	uuid_derive(uuid, "sbom", text ? text : "", NULL);
	return uuid_format(uuid, buf);
}

json_t *sbom_text(const char *text)
{
	struct str s cleanup_str = STR_INIT;
	json_t *value = text ? json_string(text) : NULL;

	if (!text || value)
		return value;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		str_printf(&s, *p < 0x80 ? "%c" : "\\x%02x", *p);
	return json_string(s.buf);
}

void sbom_set(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, sbom_text(text));
}

int sbom_maintainer(struct arena *arena, const char *text, const char **ret_name,
		    const char **ret_address)
{
	size_t name = text ? strcspn(text, "<") : 0;
	const char *address = text && text[name] ? text + name + 1 : "";

	while (name && text[name - 1] == ' ')
		name--;
	if (!name)
		return 1;
	*ret_name = arena_strndup(arena, text, name);
	*ret_address = arena_strndup(arena, address, strcspn(address, ">"));
	return 0;
}

const char *sbom_digest(const struct bill *b, const struct node *n)
{
	char *text cleanup_free = artifact_digest_string(&n->record->outputs[0]);

	return arena_strdup(b->arena, text);
}

const char *sbom_part_text(const struct bill_part *p)
{
	switch (p->type) {
	case BILL_DELIVERY:
		return p->node->recipe->kind->name;
	case BILL_SYSTEM:
		return "file system";
	case BILL_MADE:
		return "made by steps";
	case BILL_FETCHED:
		return "fetched";
	case BILL_TOOLS:
		return "programs that made something";
	}
	return "";
}
