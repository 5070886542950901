/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/sandbox/call_wall.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "base/vec.h"
#include "machine/call_wall_code.h"

int call_wall(bool nested, struct err **err)
{
	struct sock_fprog wall = {array_len(wall_code), (struct sock_filter *)wall_code};

	if (nested)
		wall = (struct sock_fprog){array_len(wall_code_nested),
					   (struct sock_filter *)wall_code_nested};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &wall) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot filter system calls in the sandbox (the kernel needs "
				 "CONFIG_SECCOMP_FILTER)");
	return 0;
}
