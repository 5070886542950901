/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a unit's card has besides the image, `provision.yaml` of the directory that `orch flash
 * --provision` names:
 *
 *	partition: data                  # else the one of the device's 'state'
 *	files:
 *	  - {to: /serial, text: "${serial}\n"}
 *	  - {to: /token, text: "${token}", mode: "0600"}
 *	  - {to: /certificate.pem, from: "certificates/${serial}.pem"}
 *	  - {to: /ssh/ssh_host_ed25519_key, ssh-key: ed25519}
 *
 * ${...} are the columns of units.csv (fleet.h). A key is made for each unit, with its public half
 * beside it, and stays nowhere but on the card.
 */
#include "kinds/device/fleet.h"
#include "media/tree/tree.h"
#include "recipe/schema.h"

struct provision {
	const char *partition; /* NULL: not said */
	struct list files;     /* of struct provision_file * */
};

/* As it is for UNIT. NULL with all mistakes; lives in ARENA. */
struct provision *provision_read(struct arena *arena, const char *dir, const struct unit *unit,
				 struct err_list *errors);
/*
 * Lays the files of P over T, which keeps them; keys are made in SCRATCH, a directory that nobody
 * else can read, and are gone from there again. KEYS gets path -> public key (texts). COMMENT is
 * that of the keys.
 */
int provision_fill(const struct provision *p, const char *dir, const char *scratch,
		   const char *comment, struct tree *t, json_t *keys, struct err **err) warn_unused;
