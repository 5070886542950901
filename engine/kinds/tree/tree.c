/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind tree: a tree from another one, changed without a machine. */
#include "kinds/kinds.h"
#include "kinds/tree/tree_opts.h"

static void tree_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	(void)ctx;
	output_specs_push(ret, (struct output_spec){TREE_OUTPUT, OUTPUT_TREE});
}

static struct demand tree_demand(const void *opts)
{
	const struct tree_opts *o = opts;

	return (struct demand){.cpus = 1,
			       .memory_mb = (unsigned)(o->memory >> 20),
			       .timeout_s = 2 * 60 * 60,
			       .disk_mb = 1000};
}

static bool tree_stamped(const void *opts)
{
	const struct tree_opts *o = opts;

	return o->stamp != NULL;
}

static void tree_tools(const void *opts, struct strs *ret)
{
	const struct tree_opts *o = opts;

	content_tools(&o->contents, ret);
}

const struct kind kind_tree = {
	.name = "tree",
	.summary = "a tree changed without a machine: files, users, packages, steps",
	.manual =
		"Starts with the tree 'from', or with nothing, and does in this order: 'contents' "
		"(as in kind image), 'groups', 'users', 'debs', 'run', 'units', 'stamp', "
		"'remove', 'modes'.\n\n"
		"'debs' are installed by the tree's own dpkg, with their scripts, conffiles and "
		"triggers; 'run' are steps as root of the tree, each with a fresh /tmp and /run, "
		"without network, ended with all it started. Both run where kind debian "
		"configures its trees, with users, owners and devices as root has them; where "
		"this user cannot create namespaces, in a QEMU guest, to the same bytes. The "
		"environment is fixed (PATH, HOME=/root, LC_ALL=C.UTF-8, TZ=UTC, "
		"DEBIAN_FRONTEND=noninteractive, SYSTEMD_OFFLINE=1, SOURCE_DATE_EPOCH and what "
		"'env' adds); what programs make or change gets the project's 'times'.\n\n"
		"What programs leave behind is cleaned as in debian trees: logs, caches, backups, "
		"host keys, machine-id, temporary files, the day of a password's change. What was "
		"in the tree before, or comes by 'contents', stays; where nothing runs nothing is "
		"cleaned.\n\n"
		"Users have no password. A user, group or number that the tree has with another "
		"meaning is an error.",
	.version = 5,
	.usual_s = 15,
	.has_shell = true,
	.schema = &tree_schema,
	.outputs = tree_outputs,
	.demand = tree_demand,
	.tools = tree_tools,
	.named = tree_stamped,
	.versioned = tree_stamped,
	.platform_at = offsetof(struct tree_opts, platform),
};
