/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates of signers and keyrings, PEM. */
#include "fuzz.h"
#include "kinds/pki/x509.h"

#define NOW 1800000000 /* when those of the corpus are valid */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file f cleanup_fuzz_file = fuzz_file(data, size);
	struct str leaf cleanup_str = STR_INIT, others cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL, *split cleanup_err = NULL;
	struct x509_facts facts;

	if (x509_check_signer(f.path, f.path, NULL, NOW, &facts, &err) < 0)
		assert(*err->text);
	if (x509_split_chain(f.path, &leaf, &others, &split) == 0)
		assert(leaf.len);
	return 0;
}
