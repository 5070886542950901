/* SPDX-License-Identifier: GPL-3.0-or-later */
/* device.json is the text of a fact, which the graph hands in. */
#include "base/file.h"
#include "kinds/device/device_opts.h"
#include "kinds/makers.h"

static int device_run(struct action *a, struct err **err)
{
	return file_copy(action_fact(a)->path, action_output(a, DEVICE_OUTPUT), 0644, err);
}

const struct maker maker_device = {
	.kind = &kind_device,
	.run = device_run,
};
