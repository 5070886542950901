/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The key of a token for a program behind walls: p11-kit(8) serves the token from outside, with a
 * vendor's module that neither the walls nor a tree of another release would let in; the program
 * reaches it by a socket, and reads the PIN from a pipe, so that it stands in no argument, no
 * environment and no file.
 *
 *	struct token_server t cleanup_token_server = {0};
 *	token_server_start(&t, "pkcs11:token=edge;object=signer", dir, pin_at, err);
 *	// bind DIR; run  env RAUC_PKCS11_MODULE=... P11_KIT_SERVER_ADDRESS=... with t.uri
 *
 * The path of a socket has at most 107 bytes: where DIR has no short name for the program, it is
 * started there, and calls it TOKEN_HERE.
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define TOKEN_SOCKET "token"
#define TOKEN_PIN "pin"
#define TOKEN_HERE "/proc/self/cwd"
/* What programs load to reach the socket, where Debian has it. */
#define TOKEN_CLIENT "pkcs11/p11-kit-client.so"

struct token_server {
	char *uri; /* of the key, without PIN and module */
	char *dir; /* private: where TOKEN_SOCKET and TOKEN_PIN are */
	char *pipe;
	struct str pin;
	pid_t pid;
	pthread_t teller;
	bool tells;
	volatile bool ends;
};

/* ADDRESS: of the key. DIR: a new directory, for nothing else. PIN_AT: base/pin.h, or NULL. */
int token_server_start(struct token_server *t, const char *address, const char *dir,
		       const char *pin_at, struct err **err) warn_unused;
/* The server has two seconds to end by itself. */
void token_server_stop(struct token_server *t);
#define cleanup_token_server __attribute__((cleanup(token_server_stop)))
