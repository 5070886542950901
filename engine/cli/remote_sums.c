/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/remote_sums.h"

bool remote_sums_any(const struct remote_sums *s)
{
	return s->hits || s->fetched || s->pushed || s->farmed || s->brought;
}

void remote_sums_text(const struct remote_sums *s, struct str *to)
{
	char *down cleanup_free = str_bytes(s->fetched_bytes);
	char *up cleanup_free = str_bytes(s->pushed_bytes);
	char *stayed cleanup_free = str_bytes(s->stayed_bytes);
	char *brought cleanup_free = str_bytes(s->brought_bytes);

	if (s->hits)
		str_printf(to, ", %zu from the shared cache (%s fetched)", s->hits, down);
	else if (s->fetched)
		str_printf(to, ", %s fetched from the shared cache", down);
	if (s->pushed)
		str_printf(to, ", %zu stored there (%s)", s->pushed, up);
	if (s->farmed)
		str_printf(to, ", %zu made on a farm", s->farmed);
	if (s->stayed)
		str_printf(to, " (%zu left there, %s)", s->stayed, stayed);
	if (s->brought)
		str_printf(to, ", %s fetched from a farm", brought);
}

json_t *remote_sums_json(const struct remote_sums *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "hits",
			 (json_int_t)s->hits, "fetched", (json_int_t)s->fetched, "fetched_bytes",
			 (json_int_t)s->fetched_bytes, "pushed", (json_int_t)s->pushed,
			 "pushed_bytes", (json_int_t)s->pushed_bytes, "farmed",
			 (json_int_t)s->farmed, "stayed", (json_int_t)s->stayed, "stayed_bytes",
			 (json_int_t)s->stayed_bytes, "brought", (json_int_t)s->brought,
			 "brought_bytes", (json_int_t)s->brought_bytes);
}

static uint64_t number(json_t *o, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(o, name));

	return n > 0 ? (uint64_t)n : 0;
}

void remote_sums_read(json_t *o, struct remote_sums *ret)
{
	*ret = (struct remote_sums){.hits = number(o, "hits"),
				    .fetched = number(o, "fetched"),
				    .pushed = number(o, "pushed"),
				    .farmed = number(o, "farmed"),
				    .stayed = number(o, "stayed"),
				    .stayed_bytes = number(o, "stayed_bytes"),
				    .brought = number(o, "brought"),
				    .brought_bytes = number(o, "brought_bytes"),
				    .fetched_bytes = number(o, "fetched_bytes"),
				    .pushed_bytes = number(o, "pushed_bytes")};
}
