/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch store verify: hashes every blob; what is damaged goes to quarantine and is built again. */
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"

static void report(void *arg, const char *text)
{
	const struct cli *c = arg;

	if (!c->json) {
		print_escaped(stdout, text, strlen(text));
		putchar('\n');
	}
}

static void print_json(const struct store_verify_result *r)
{
	json_print(stdout,
		   json_pack("{s:i, s:b, s:I, s:I, s:I, s:I}", "v", 1, "ok",
			     !r->damaged && !r->missing, "blobs", (json_int_t)r->blobs, "bytes",
			     (json_int_t)r->bytes, "damaged", (json_int_t)r->damaged, "missing",
			     (json_int_t)r->missing),
		   false);
}

static int verify(struct session *s, struct cli *c)
{
	struct store_verify_result r = {0};
	struct err *err = NULL;
	char *bytes cleanup_free = NULL;

	if (store_verify(s->store, report, c, &r, &err))
		return cli_fail(s, err);
	bytes = str_bytes(r.bytes);
	if (c->json)
		print_json(&r);
	else
		printf("%llu blobs, %s: %llu damaged, %llu missing\n", (unsigned long long)r.blobs,
		       bytes, (unsigned long long)r.damaged, (unsigned long long)r.missing);
	if (r.damaged || r.missing) {
		if (!c->json)
			puts("damaged blobs are in quarantine; the next build makes them again");
		return err_exit_code(ERR_STORE);
	}
	return 0;
}

int cmd_store(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct err *err = NULL;
	int code = session_open_store(&s, c);

	if (code)
		return code;
	if (str_eq(c->args.items[0], "verify"))
		return verify(&s, c);
	err_set(&err, ERR_USER, "no 'orch store %s'; there is 'orch store verify'",
		c->args.items[0]);
	return cli_fail(&s, err);
}
