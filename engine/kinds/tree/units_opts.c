/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of `units:`. */
#include "kinds/tree/units.h"

static const struct option units_options[] = {
	{"enable", OPT_STRING, offsetof(struct units, enable), OPT_LIST,
	 .help = "systemd units to enable by their [Install] section."},
	{"disable", OPT_STRING, offsetof(struct units, disable), OPT_LIST,
	 .help = "systemd units to disable, by a preset too."},
	{"mask", OPT_STRING, offsetof(struct units, mask), OPT_LIST,
	 .help = "systemd units that nothing may start."},
};
const struct schema units_schema = SCHEMA(struct units, units_options);
