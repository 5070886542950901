/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the certificates below a project's pki/ are worth, and what devices in the field believe. */
#include <stdbool.h>
#include <time.h>

#include "base/err.h"
#include "base/vec.h"

struct pki_certificate {
	char *subject, *serial;
	int64_t from, to; /* seconds since 1970 */
	int64_t revoked;  /* when; 0: it is not */
	bool ca, trusted; /* TRUSTED: in the keyring, of which all others come */
	bool signs;       /* it is the leaf of pki/signer.pem */
	bool listed;      /* a CA: it has a list in the keyring */
	int entries;      /* of that list */
};
DEFINE_VEC(pki_certificates, struct pki_certificate)

/* A keyring that was shipped. */
struct pki_shipped {
	char *name;  /* of the release's directory */
	char *why;   /* devices refuse what pki/signer.pem signs, and why; NULL: they take it */
	int lists;   /* in its keyring; 0: nothing can be revoked there */
	int unknown; /* revoked certificates that it does not know */
};
DEFINE_VEC(pki_shippeds, struct pki_shipped)

struct pki_status {
	struct pki_certificates certificates;
	struct pki_shippeds shipped;
};

/* RELEASES: a directory of directories with a keyring.pem; that there is none is no error. */
int pki_status_read(const char *project_dir, const char *releases, time_t now,
		    struct pki_status *ret, struct err **err) warn_unused;
void pki_status_clear(struct pki_status *s);
#define cleanup_pki_status __attribute__((cleanup(pki_status_clear)))
