/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch pki: keys for development, and what becomes of keys and certificates later. */
#include <time.h>

#include "base/path.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"
#include "cli/table.h"
#include "kinds/pki/pki.h"
#include "kinds/pki/pki_status.h"
#include "kinds/pki/x509.h"
#include "recipe/recipe.h"

struct pki_call {
	const struct cli *cli;
	const char *dir;  /* of the project; NULL: there is none */
	const char *what; /* the argument after the verb, or NULL */
	struct str *report;
};

struct pki_verb {
	const char *name;
	int (*run)(const struct pki_call *call, struct err **err);
	const char *takes;   /* its argument, in words; NULL: none */
	bool asks;           /* it needs that */
	bool anywhere;       /* also where there is no project */
	const char *instead; /* where it takes none: how to say what one could mean */
};

/* --key, as given last, or NULL. */
static const char *key_of(const struct pki_call *call)
{
	const struct strv *keys = &call->cli->keys;

	return keys->count ? keys->items[keys->count - 1] : NULL;
}

static int init(const struct pki_call *call, struct err **err)
{
	return pki_init(call->dir, call->report, err);
}

static int throwaway(const struct pki_call *call, struct err **err)
{
	return pki_throwaway(call->dir, call->report, err);
}

static int crl(const struct pki_call *call, struct err **err)
{
	return pki_add_lists(call->dir, call->cli->ca, key_of(call), call->report, err);
}

static int revoke_one(const struct pki_call *call, struct err **err)
{
	return pki_revoke(call->dir, call->what, key_of(call), call->report, err);
}

static int renew(const struct pki_call *call, struct err **err)
{
	return pki_renew(call->dir, call->what ? call->what : "signer", key_of(call), call->report,
			 err);
}

static int sign_request(const struct pki_call *call, struct err **err)
{
	if (!call->cli->ca)
		return err_set(err, E_USAGE,
			       "sign-request needs --ca FILE, the certificate of the CA that is to "
			       "sign, and --key, unless its key is in pki/private/");
	return pki_sign_request(call->dir, call->what, call->cli->ca, key_of(call), call->report,
				err);
}

/* ---- status ---- */

static const char *state_of(const struct pki_certificate *c, struct str *buf)
{
	char date[16];

	if (c->revoked)
		str_printf(buf, "revoked %s", x509_date(c->revoked, date));
	else if (c->to < time(NULL))
		str_append(buf, "expired");
	else if (c->ca && !c->listed)
		str_printf(buf, "%s; no list of what it revoked", c->trusted ? "trusted" : "CA");
	else if (c->ca)
		str_printf(buf, "%s; revoked: %d", c->trusted ? "trusted" : "CA", c->entries);
	else
		str_append(buf, c->signs ? "signs" : "-");
	return buf->buf;
}

static void print_certificates(const struct pki_status *s)
{
	struct table *t = table_new("CERTIFICATE", "SERIAL", "ENDS", "STATE", NULL);

	for (size_t i = 0; i < s->certificates.count; i++) {
		const struct pki_certificate *c = &s->certificates.items[i];
		struct str state cleanup_str = STR_INIT;
		char *serial cleanup_free = xasprintf("%.16s", c->serial);
		char date[16];

		table_row(t, c->subject, serial, x509_date(c->to, date), state_of(c, &state));
	}
	table_print(t);
}

static void print_shipped(const struct pki_status *s)
{
	struct table *t;

	if (!s->shipped.count)
		return;
	puts("");
	t = table_new("RELEASE", ">LISTS", "DEVICES THAT HAVE IT", NULL);
	for (size_t i = 0; i < s->shipped.count; i++) {
		const struct pki_shipped *r = &s->shipped.items[i];
		char *lists cleanup_free = xasprintf("%d", r->lists);
		struct str says cleanup_str = STR_INIT;

		str_append(&says, r->why ? "refuse the signer: " : "take the signer");
		str_append(&says, r->why ? r->why : "");
		if (r->unknown)
			str_printf(&says, "; still believe %d that %s revoked", r->unknown,
				   r->unknown == 1 ? "is" : "are");
		table_row(t, r->name, lists, says.buf);
	}
	table_print(t);
}

static json_t *json_certificate(const struct pki_certificate *c)
{
	json_t *o =
		json_pack("{s:o, s:s, s:I, s:I, s:b, s:b, s:b}", "subject", json_text(c->subject),
			  "serial", c->serial, "from", (json_int_t)c->from, "to", (json_int_t)c->to,
			  "ca", c->ca, "trusted", c->trusted, "signs", c->signs);

	if (c->revoked)
		json_object_set_new(o, "revoked", json_integer(c->revoked));
	if (c->listed)
		json_object_set_new(o, "list", json_integer(c->entries));
	return o;
}

static void print_json(const struct pki_status *s)
{
	json_t *certificates = json_array(), *shipped = json_array();

	for (size_t i = 0; i < s->certificates.count; i++)
		json_array_append_new(certificates, json_certificate(&s->certificates.items[i]));
	for (size_t i = 0; i < s->shipped.count; i++) {
		const struct pki_shipped *r = &s->shipped.items[i];
		json_t *o =
			json_pack("{s:o, s:b, s:i, s:i}", "release", json_text(r->name), "takes",
				  !r->why, "lists", r->lists, "believes_revoked", r->unknown);

		if (r->why)
			json_object_set_new(o, "why", json_text(r->why));
		json_array_append_new(shipped, o);
	}
	json_print(stdout,
		   json_pack("{s:i, s:o, s:o}", "v", 1, "certificates", certificates, "releases",
			     shipped),
		   false);
}

static int status(const struct pki_call *call, struct err **err)
{
	struct pki_status s cleanup_pki_status = {0};
	char *releases cleanup_free = call->cli->releases ? xstrdup(call->cli->releases)
							  : path_join(call->dir, "releases");

	if (pki_status_read(call->dir, releases, time(NULL), &s, err) < 0)
		return -1;
	if (call->cli->json) {
		print_json(&s);
		return 0;
	}
	print_certificates(&s);
	print_shipped(&s);
	return 0;
}

static const struct pki_verb verbs[] = {
	{"init", init, .instead = "it makes all of pki/"},
	{"crl", crl, .instead = "it adds the lists of all CAs, or with '--ca FILE' that of one"},
	{"revoke", revoke_one, .takes = "a certificate: its file or serial number", .asks = true},
	{"renew", renew, .takes = "the NAME of pki/NAME.pem"},
	{"sign-request", sign_request, .takes = "a file with a request (PKCS #10)", .asks = true,
	 .anywhere = true},
	{"status", status,
	 .instead = "it shows all of pki/; '--releases DIR' names other releases"},
	{"throwaway", throwaway, .instead = "it makes a signer in pki/"},
	{NULL},
};

static int check_arguments(const struct pki_verb *v, const struct strv *args, struct err **err)
{
	if (v->asks && args->count < 2)
		return err_set(err, E_USAGE, "'orch pki %s' needs %s; 'orch help pki'", v->name,
			       v->takes);
	if (!v->takes && args->count > 1)
		return err_set(err, E_USAGE, "'orch pki %s' takes no argument ('%s'): %s", v->name,
			       args->items[1], v->instead);
	return 0;
}

static const struct pki_verb *find_verb(const struct strv *args, struct err **err)
{
	for (const struct pki_verb *v = verbs; v->name; v++) {
		if (str_eq(v->name, args->items[0]))
			return check_arguments(v, args, err) < 0 ? NULL : v;
	}
	err_set(err, E_UNKNOWN_COMMAND, "no 'orch pki %s'; 'orch help pki' lists what there is",
		args->items[0]);
	return NULL;
}

int cmd_pki(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct str report cleanup_str = STR_INIT;
	struct pki_call call = {c, NULL, c->args.count > 1 ? c->args.items[1] : NULL, &report};
	struct err *err = NULL, *outside cleanup_err = NULL;
	const struct pki_verb *verb = find_verb(&c->args, &err);
	int code = 0, rc;

	if (!verb)
		return cli_fail(&s, err);
	if (verb->anywhere && key_of(&call))
		(void)!project_find(".", &s.dir, &outside);
	else
		code = session_open(&s, c, SESSION_DIR, NULL);
	if (code)
		return code;
	call.dir = s.dir;
	rc = verb->run(&call, &err);
	print_lines(stdout, "", report.buf, report.len);
	return rc ? cli_fail(&s, err) : 0;
}
