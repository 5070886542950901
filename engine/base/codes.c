/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/err.h"

#define CODE(id, name, cls, text) const struct err_code id[1] = {{name, cls, text}};
#include "base/codes.def"
#undef CODE

#define CODE(id, name, cls, text) id,
const struct err_code *const err_codes[] = {
#include "base/codes.def"
	NULL,
};
#undef CODE

const struct err_code *err_code_find(const char *name)
{
	for (const struct err_code *const *code = err_codes; *code; code++)
		if (strcmp((*code)->name, name) == 0)
			return *code;
	return NULL;
}
