/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/check.h"

#include "check/view.h"

int check_project(const struct graph *g, const char *store_dir, int64_t now,
		  struct check_report *ret, struct err **err)
{
	check_fn *const rules[] = {
		check_graph_rules,       check_disk_rules,    check_boot_rules,
		check_environment_rules, check_device_rules,  check_name_rules,
		check_unit_rules,        check_target_rules,  check_script_rules,
		check_rauc_rules,        check_bundle_rules,  check_sign_rules,
		check_kernel_rules,      check_test_rules,    check_link_rules,
		check_fit_rules,         check_word_rules,    check_unit_name_rules,
		check_program_rules,     check_state_rules,   check_value_rules,
		check_udev_rules,        check_fstab_rules,   check_module_rules,
		check_exec_rules,        check_firmware_rules};
	struct check_view v = {
		.g = g, .arena = g->arena, .store_dir = store_dir, .now = now, .report = ret};
	int rc;

	rc = check_view_make(&v, err);
	for (size_t i = 0; rc == 0 && i < array_len(rules); i++)
		rc = rules[i](&v, err);
	if (rc == 0)
		check_ignored_end(&v);
	check_view_clear(&v);
	err_list_sort(&ret->errors);
	err_list_sort(&ret->warnings);
	return rc;
}
