/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/rauc.h"

#include "base/proc.h"
#include "machine/confined.h"

#define OUTPUT_MAX (1024 * 1024)

/* With OUTPUT, which gets what it prints, it does not see the key. */
static int run(const struct rauc *r, struct strv *argv, struct str *output, struct err **err)
{
	struct confined wall cleanup_confined = {0};
	struct proc_opts opts = {0};

	confined_program(&wall, "rauc");
	confined_program(&wall, "mksquashfs");
	confined_read(&wall, output ? NULL : r->key);
	confined_read(&wall, r->keyring);
	confined_write(&wall, r->a->workdir);
	confined_write(&wall, r->a->outdir);
	confined_apply(&wall, &opts);
	return output ? proc_output(strv_argv(argv), &opts, OUTPUT_MAX, output, err)
		      : proc_run(strv_argv(argv), &opts, err);
}

int rauc_sign(const struct rauc *r, struct strv *argv, struct err **err)
{
	return run(r, argv, NULL, err);
}

int rauc_read(const struct rauc *r, struct strv *argv, struct str *ret, struct err **err)
{
	return run(r, argv, ret, err);
}
