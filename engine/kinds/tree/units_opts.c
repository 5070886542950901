/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of `units:`. */
#include <string.h>

#include "kinds/tree/units.h"

static const struct option units_options[] = {
	{"enable", OPT_STRING, offsetof(struct units, enable), OPT_LIST,
	 .help = "systemd units to enable by their [Install] section."},
	{"disable", OPT_STRING, offsetof(struct units, disable), OPT_LIST,
	 .help = "systemd units to disable, by a preset too."},
	{"mask", OPT_STRING, offsetof(struct units, mask), OPT_LIST,
	 .help = "systemd units that nothing may start."},
};

static void check_names(const struct yaml *map, const char *key, const struct list *names,
			struct err_list *errors)
{
	const struct yaml *value = yaml_get(map, key);

	for (size_t i = 0; i < names->count; i++) {
		const char *name = LIST_AT(*names, const char *, i);
		const struct yaml *y = value->type == YAML_LIST ? value->items[i] : value;

		if (strchr(name, '/') || !strchr(name, '.'))
			err_list_at(errors, E_INVALID_NAME, y->pos,
				    "'%s' is not a unit name: write it without a path and with its "
				    "suffix, as in 'app.service'",
				    name);
	}
}

static void check_units(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct units *u = data;

	check_names(map, "enable", &u->enable, errors);
	check_names(map, "disable", &u->disable, errors);
	check_names(map, "mask", &u->mask, errors);
}

const struct schema units_schema = SCHEMA(struct units, units_options, .check = check_units);
