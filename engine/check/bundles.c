/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apart from check.c, whose rules on trees link what reads them. */
#include "check/view.h"
#include "graph/variants.h"
#include "kinds/kinds.h"

static bool wants(const struct graph *g, const struct kind *kind)
{
	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		if (n->wanted && n->recipe->kind == kind &&
		    (kind == &kind_release || !check_below_tests(n)))
			return true;
	}
	return false;
}

static void take_all(struct err_list *from, struct err_list *to)
{
	for (size_t i = 0; i < from->count; i++)
		err_list_add(to, steal_ptr(from->items[i]));
	from->count = 0;
}

/* What `orch check` warns of in good time stands in the way of a release. */
static int check_releases(struct check_view *v, struct err_list *errors, struct err **err)
{
	struct check_report report = {0}, *outer = v->report;
	int rc;

	v->report = &report;
	rc = check_release_rules(v, err);
	v->report = outer;
	take_all(&report.warnings, errors);
	check_report_clear(&report);
	return rc;
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

	if (!wants(g, &kind_bundle) && !wants(g, &kind_release))
		return 0;
	rc = check_view_make(&v, err);
	for (size_t i = 0; rc == 0 && i < array_len(rules); i++)
		rc = rules[i](&v, err);
	if (rc == 0 && wants(g, &kind_release))
		rc = check_releases(&v, errors, err);
	check_view_clear(&v);
	take_all(&report.errors, errors);
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
