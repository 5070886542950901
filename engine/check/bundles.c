/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apart from check.c, whose rules on trees link what reads them. */
#include "check/view.h"
#include "graph/variants.h"
#include "kinds/kinds.h"

static bool wants_bundle(const struct graph *g)
{
	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		if (n->wanted && n->recipe->kind == &kind_bundle && !check_is_test(n))
			return true;
	}
	return false;
}

static int check_variant(const struct graph *g, int64_t now, struct err_list *errors,
			 struct err **err)
{
	check_fn *const rules[] = {
		check_disk_rules,      check_boot_rules,     check_environment_rules,
		check_device_rules,    check_name_rules,     check_unit_rules,
		check_target_rules,    check_script_rules,   check_rauc_rules,
		check_bundle_rules,    check_firmware_rules, check_health_rules,
		check_restart_rules,   check_grub_rules,     check_grub_module_rules,
		check_emergency_rules, check_identity_rules};
	struct check_report report = {0};
	struct check_view v = {.g = g, .arena = g->arena, .now = now, .report = &report};
	int rc;

	if (!wants_bundle(g))
		return 0;
	rc = check_view_make(&v, err);
	for (size_t i = 0; rc == 0 && i < array_len(rules); i++)
		rc = rules[i](&v, err);
	check_view_clear(&v);
	for (size_t i = 0; i < report.errors.count; i++)
		err_list_add(errors, steal_ptr(report.errors.items[i]));
	report.errors.count = 0;
	check_report_clear(&report);
	return rc;
}

int check_bundles(struct graph *g, int64_t now, struct err_list *errors, struct err **err)
{
	int rc = 0;

	graph_tell_variants(g);
	if (!g->variant_count)
		return check_variant(g, now, errors, err);
	for (size_t i = 0; i < g->variant_count && rc == 0; i++)
		if (g->chosen[i])
			rc = check_variant(g->variants[i], now, errors, err);
	err_list_sort(errors);
	return rc;
}
