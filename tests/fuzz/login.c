/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What says who the user is: ~/.netrc, and the answer of a credential helper. */
#include "fuzz.h"
#include "kinds/fetch/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str text cleanup_str = STR_INIT;
	const char *user = NULL, *password = NULL;

	str_append_len(&text, (const char *)data, size);
	if (login_netrc_find(arena, text.buf, "https://h.example:8/x", &user, &password) == 0)
		assert(user && password);
	user = password = NULL;
	if (login_answer_parse(arena, &text, &user, &password) == 0)
		assert(!strchr(user, '\n') && !strchr(password, '\n'));
	return 0;
}
