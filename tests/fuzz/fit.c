/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FIT images, as a recipe's steps make them. */
#include "fuzz.h"
#include "media/fit/fit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err *err cleanup_err = NULL;

	if (size >= 8)
		fit_is_external(data, size);
	if (fit_check_signed(data, size, "fuzz", &err) < 0)
		assert(*err->text);
	return 0;
}
