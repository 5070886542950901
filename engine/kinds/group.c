/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind group: several nodes under one name. It makes nothing; to build it is to build them. */
#include "kinds/kinds.h"

#define NODES "nodes"

struct group_opts {
	struct list nodes; /* of struct ref * */
};

static const struct option group_options[] = {
	{NODES, OPT_REF, offsetof(struct group_opts, nodes), OPT_REQUIRED | OPT_LIST,
	 .accept = ACCEPT_NODE, .help = "The nodes that are built when this one is asked for.",
	 .example = "[root, boot]"},
};

static void check_nodes(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct group_opts *o = data;

	if (!o->nodes.count)
		err_list_at(errors, E_EMPTY_VALUE, yaml_get(map, NODES)->pos,
			    "'" NODES "' names nothing: name a node, or delete the file");
}

static const struct schema group_schema =
	SCHEMA(struct group_opts, group_options, .check = check_nodes);

static void group_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
}

const struct kind kind_group = {
	.name = "group",
	.summary = "several nodes under one name",
	.manual =
		"Makes nothing: `orch build GROUP` builds its nodes, and `default` of project.yaml "
		"may name it. Only what is a target itself appears in out/. `orch check` accepts a "
		"group that nothing uses.",
	.version = 1,
	.usual_s = 0.1,
	.schema = &group_schema,
	.ties = NODES,
	.outputs = group_outputs,
	.at_home = kind_always,
};
