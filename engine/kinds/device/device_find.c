/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which device is meant: one in a project needs no naming. */
#include "kinds/device/device_opts.h"
#include "kinds/kinds.h"
#include "recipe/facts.h"
#include "recipe/recipe.h"

static const struct recipe *find_named(const struct map *recipes, const char *name, struct str *ret)
{
	const struct recipe *r = map_get(recipes, name);

	if (r && r->kind == &kind_device)
		return r;
	str_printf(ret, r ? "'%s' is not a node of kind device" : "unknown node '%s'", name);
	return NULL;
}

/* The node that R's `disk` names, as it stands there. */
static bool is_of_disk(const struct recipe *r, const char *disk)
{
	const struct device_opts *o = r->opts;

	return o && str_eq(o->disk, disk);
}

const struct recipe *device_find(const struct map *recipes, const char *name, const char *disk,
				 const char *remedy, struct str *ret)
{
	const struct recipe *only = NULL;
	struct str all cleanup_str = STR_INIT;
	size_t count = 0;

	if (name)
		return find_named(recipes, name, ret);
	for (size_t i = 0; i < recipes->count; i++) {
		const struct recipe *r = recipes->entries[i].value;

		if (r->kind != &kind_device)
			continue;
		if (disk && is_of_disk(r, disk))
			return r;
		str_printf(&all, "%s%s", count++ ? ", " : "", r->name);
		only = r;
	}
	if (count == 1)
		return only;
	if (count)
		str_printf(ret, "there are several devices (%s): %s", all.buf, remedy);
	else
		str_append(ret, "there is no device: describe slots and boot loader in a node of "
				"kind device ('orch kinds device')");
	return NULL;
}

/* Whether there are files of which not even the kind is known. */
static bool some_unread(const struct project *p)
{
	for (size_t i = 0; i < p->unsound.count; i++)
		if (!map_get(facts_recipes(p->facts), p->unsound.entries[i].key))
			return true;
	return false;
}

bool device_is_missing(const struct kind_ctx *ctx, const char *name, struct str *ret)
{
	if (device_find(facts_recipes(ctx->project->facts), name, NULL, "name one in 'device'",
			ret))
		return false;
	return !some_unread(ctx->project); /* perhaps that one is it */
}

enum fact_result device_of_recipe(struct facts *f, const struct recipe *r, struct str *ret)
{
	const char *wanted = facts_scalar(f, r->map, "device");
	struct str why cleanup_str = STR_INIT;
	const struct recipe *device = device_find(facts_recipes(f), wanted, NULL, "", &why);

	return device ? facts_of(f, device->name, DEVICE_FACT, ret) : FACT_REFUSED;
}
