/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates, and the facts that they name. */
#include "fuzz.h"
#include "recipe/facts.h"
#include "recipe/template.h"

/* A node whose size is known, and whose other facts are not there, not built, wrong. */
static enum fact_result fact(struct facts *f, const struct recipe *r, const char *name,
			     struct str *ret)
{
	if (str_eq(name, "size")) {
		str_append(ret, "1048576");
		return FACT_KNOWN;
	}
	str_append(ret, "a size");
	return str_eq(name, "later") ? FACT_MISSING
	       : str_eq(name, "bad") ? FACT_REFUSED
				     : FACT_UNKNOWN;
}

static void names(struct facts *f, const struct recipe *r, struct strs *ret)
{
	strs_push(ret, "size");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kind kind = {.name = "demo", .fact = fact, .fact_names = names};
	struct recipe r = {.name = "root", .kind = &kind};
	struct arena *arena cleanup_arena = arena_new();
	struct project p = {.name = "p"};
	struct err_list errors cleanup_err_list = {0};
	struct str filled cleanup_str = STR_INIT;
	struct value_refs values = {0};

	map_set(&p.parsed, r.name, &r);
	map_set(&p.vars, "board", (void *)"rpi");
	p.facts = facts_new(arena, &p, &p.parsed);
	/* a fact with a mistake elsewhere says nothing here */
	template_fill(arena, &p, "x.conf", (const char *)data, size, &filled, &values, &errors);
	for (size_t i = 0; i < errors.count; i++)
		assert(errors.items[i]->line && errors.items[i]->col && *errors.items[i]->text);
	for (size_t i = 0; i < values.count; i++) {
		const struct value_ref *ref = &values.items[i];
		const char *name = arena_printf(arena, "{{%s:%s}}", ref->node, ref->output);

		assert(ref->at + ref->len <= filled.len && ref->len == strlen(name));
		assert(memcmp(filled.buf + ref->at, name, ref->len) == 0);
	}
	value_refs_clear(&values);
	map_clear(&p.parsed);
	map_clear(&p.vars);
	return 0;
}
