/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether bytes hold a private key. */
#include "base/private_key.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *form = private_key_in(data, size);

	assert(!form || *form);
	return 0;
}
