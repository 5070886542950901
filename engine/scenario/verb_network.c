/* SPDX-License-Identifier: GPL-3.0-or-later */
/* network: the cable of the running board. */
#include "scenario/verb.h"

enum { NETWORK_OUT, NETWORK_IN };
static const char *const network_words[] = {"off", "on", NULL};

struct network {
	struct step_head head;
	int network;
};

static const struct option options[] = {
	{"network", OPT_ENUM, offsetof(struct network, network), OPT_REQUIRED,
	 .words = network_words, .help = "Plugs the network's cable in (on) or out (off)."},
	STEP_NAME(struct network),
};
static const struct schema schema = SCHEMA(struct network, options);

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct network *n = opts;

	return scene_link(s->scene, n->network == NETWORK_IN, err);
}

const struct verb verb_network = {
	.form = {"network", &schema},
	.traits = STEP_NEEDS_ON | STEP_NEEDS_NETWORK,
	.run = run,
};
