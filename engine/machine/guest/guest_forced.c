/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apart from the rest of guest_sandbox.h: it is asked by programs without libguestfs, too. */
#include "machine/guest/guest_sandbox.h"

#include <stdlib.h>

#include "base/str.h"

bool guest_sandbox_forced(void)
{
	const char *word = getenv("ORCH_SANDBOX");

	return word && str_eq(word, "guest");
}
