/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed statements: DSSE envelopes. */
#include "evidence/dsse.h"
#include "fuzz.h"

/* Its private half is gone: nobody signs anything else with it. */
static const char key_text[] = "-----BEGIN PUBLIC KEY-----\n"
			       "MCowBQYDK2VwAyEA39LRNVLehasa32kz+7YI3ZhdcX7btg4AA4rH25r8euQ=\n"
			       "-----END PUBLIC KEY-----\n";
static const char signed_text[] = "{\"_type\":\"https://in-toto.io/Statement/v1\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file f cleanup_fuzz_file =
		fuzz_file((const uint8_t *)key_text, sizeof(key_text) - 1);
	struct str envelope cleanup_str = STR_INIT, payload cleanup_str = STR_INIT;
	struct dsse_keys keys cleanup_dsse_keys = {0};
	struct err *err cleanup_err = NULL;
	const struct dsse_key *by = NULL;
	struct dsse_key *key;

	assert(dsse_key_public(f.path, &key, &err) == 0);
	dsse_keys_push(&keys, key);
	str_append_len(&envelope, data, size);
	if (dsse_open(&envelope, DSSE_IN_TOTO, &keys, &payload, &by, &err) == 0)
		assert(by == key && strcmp(payload.buf, signed_text) == 0);
	else
		assert(*err->text);
	return 0;
}
