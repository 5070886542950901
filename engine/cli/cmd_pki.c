/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch pki init: development keys for a project that has none. */
#include "cli/paint.h"
#include "cli/session.h"
#include "kinds/pki/pki.h"

int cmd_pki(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct str report cleanup_str = STR_INIT;
	struct err *err = NULL;
	int code = session_open(&s, c, SESSION_DIR, NULL);

	if (code)
		return code;
	if (!str_eq(c->args.items[0], "init")) {
		err_set(&err, E_UNKNOWN_COMMAND, "no 'orch pki %s'; there is 'orch pki init'",
			c->args.items[0]);
		return cli_fail(&s, err);
	}
	if (pki_init(s.dir, &report, &err))
		return cli_fail(&s, err);
	print_lines(stdout, "", report.buf, report.len);
	return 0;
}
