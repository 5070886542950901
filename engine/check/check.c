/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/check.h"

#include "check/view.h"
#include "graph/variants.h"

/* What is known of check.ignore of all variants together. */
struct ignored_so_far {
	bool *used;
	bool noted[CHECK_COUNT];
};

/* LAST: nothing is looked at after it. */
static int check_variant(const struct graph *g, const char *store_dir, int64_t now,
			 struct ignored_so_far *so_far, bool last, struct check_report *ret,
			 struct err **err)
{
	check_fn *const rules[] = {
		check_graph_rules,       check_disk_rules,     check_boot_rules,
		check_environment_rules, check_device_rules,   check_name_rules,
		check_unit_rules,        check_target_rules,   check_script_rules,
		check_rauc_rules,        check_bundle_rules,   check_sign_rules,
		check_kernel_rules,      check_test_rules,     check_link_rules,
		check_fit_rules,         check_word_rules,     check_unit_name_rules,
		check_program_rules,     check_state_rules,    check_value_rules,
		check_udev_rules,        check_fstab_rules,    check_module_rules,
		check_exec_rules,        check_firmware_rules, check_health_rules,
		check_restart_rules,     check_grub_rules,     check_grub_module_rules,
		check_emergency_rules,   check_ssh_rules,      check_identity_rules,
		check_kept_rules,        check_release_rules,  check_root_rules};
	struct check_view v = {.g = g,
			       .arena = g->arena,
			       .store_dir = store_dir,
			       .tree_has = check_tree_has,
			       .now = now,
			       .used = so_far->used,
			       .report = ret};
	int rc;

	rc = check_view_make(&v, err);
	for (size_t i = 0; rc == 0 && i < array_len(rules); i++)
		rc = rules[i](&v, err);
	so_far->used = v.used;
	for (size_t i = 0; i < CHECK_COUNT; i++)
		v.noted[i] = so_far->noted[i] |= v.noted[i];
	if (rc == 0 && last)
		check_ignored_end(&v);
	check_view_clear(&v);
	return rc;
}

static size_t last_chosen(const struct graph *g)
{
	size_t last = g->variant_count;

	while (last && !g->chosen[last - 1])
		last--;
	return last;
}

int check_project(struct graph *g, const char *store_dir, int64_t now, struct check_report *ret,
		  struct err **err)
{
	struct ignored_so_far so_far = {0};
	size_t last = last_chosen(g);
	int rc = 0;

	graph_tell_variants(g);
	if (!g->variant_count)
		rc = check_variant(g, store_dir, now, &so_far, true, ret, err);
	for (size_t i = 0; i < last && rc == 0; i++)
		if (g->chosen[i])
			rc = check_variant(g->variants[i], store_dir, now, &so_far, i + 1 == last,
					   ret, err);
	err_list_sort(&ret->errors);
	err_list_sort(&ret->warnings);
	err_list_sort(&ret->notes);
	return rc;
}
