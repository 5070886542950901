/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apart from the rest of sandbox_vm.h: it is asked by programs without libguestfs, too. */
#include "machine/guest/sandbox_vm.h"

#include <stdlib.h>

#include "base/str.h"

bool sandbox_vm_forced(void)
{
	const char *word = getenv("ORCH_SANDBOX");

	return word && str_eq(word, "guest");
}
