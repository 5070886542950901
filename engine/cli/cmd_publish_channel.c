/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch publish --channel: a bundle, and the signed file that offers it (kinds/bundle/channel.h). */
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#include "base/path.h"
#include "base/pin.h"
#include "cli/builder.h"
#include "cli/json.h"
#include "cli/publish_channel.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/bundle/channel_publish.h"
#include "kinds/kinds.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/pki_opts.h"
#include "kinds/pki/x509.h"
#include "kinds/repository/repository_opts.h"

#define EXPIRES "30d"

struct err *publish_no_channel(void)
{
	struct err *err = NULL;

	(void)err_set(
		&err, E_USAGE,
		"--percent, --not-before, --expires, --serial and --halt are about a channel: "
		"say --channel NAME, too");
	return err;
}

/* ---- what was asked for ---- */

static int read_time(const char *option, const char *text, int64_t now, int64_t *ret,
		     struct err **err)
{
	uint64_t n;

	if (repository_span(text, &n) == 0)
		*ret = now + (int64_t)n;
	else if (times_parse(text, &n) == 0)
		*ret = (int64_t)n;
	else
		return err_set(err, E_USAGE,
			       "--%s wants a day as 2026-01-31, a time as 2026-01-31T12:00:00Z, or "
			       "a span as 12h, 3d or 2w, not '%s'",
			       option, text);
	return 0;
}

static int read_times(const struct cli *c, struct channel_order *o, struct err **err)
{
	o->now = (int64_t)time(NULL);
	o->not_before = o->now;
	if ((c->not_before &&
	     read_time("not-before", c->not_before, o->now, &o->not_before, err) < 0) ||
	    read_time("expires", c->expires ? c->expires : EXPIRES, o->now, &o->expires, err) < 0)
		return -1;
	if (o->expires <= o->now || o->expires <= o->not_before)
		return err_set(err, E_USAGE,
			       "the channel would be over before it begins: give --expires a later "
			       "time");
	return 0;
}

static int read_order(const struct cli *c, struct channel_order *o, struct err **err)
{
	uint64_t percent = 100;

	*o = (struct channel_order){.dir = c->args.items[1], .name = c->channel, .halt = c->halt};
	if (!channel_is_name(o->name))
		return err_set(err, E_USAGE,
			       "'%s' is no name of a channel: small letters, digits and '-', at "
			       "most %d",
			       o->name, CHANNEL_NAME_MAX);
	if (c->percent && (str_u64(c->percent, &percent) || percent > 100))
		return err_set(err, E_USAGE,
			       "--percent wants a whole number from 0 to 100, not '%s'",
			       c->percent);
	if (c->serial &&
	    (str_u64(c->serial, &o->serial) || !o->serial || o->serial > CHANNEL_SERIAL_MAX))
		return err_set(err, E_USAGE,
			       "--serial wants a number from 1 to %" PRIu64 ", not '%s'",
			       CHANNEL_SERIAL_MAX, c->serial);
	if (c->halt && (c->percent || c->not_before))
		return err_set(err, E_USAGE,
			       "--halt leaves all as it is, for nobody: no --percent, no "
			       "--not-before");
	o->percent = (unsigned)percent;
	return read_times(c, o, err);
}

/* ---- who signs ---- */

/* The node that signs bundle NAME. */
static const struct node *find_signer(const struct session *s, const char *name, struct err **err)
{
	const struct node *n = session_node(s, name, err);
	const struct bundle_opts *o = n && n->recipe->kind == &kind_bundle ? n->recipe->opts : NULL;

	if (o && o->sign->node)
		return graph_node(s->graph, o->sign->node);
	if (n)
		(void)err_set(err, E_WRONG_KIND,
			      "'%s' is not a node of kind bundle, which is what a channel offers",
			      name);
	return NULL;
}

static char *output_of(const struct session *s, const struct node *n, const char *name)
{
	for (size_t i = 0; n->record && i < n->record->output_count; i++)
		if (str_eq(n->record->outputs[i].name, name))
			return cas_path(store_dir(s->store), OUTPUT_FILE,
					&n->record->outputs[i].digest);
	return NULL;
}

struct signer {
	char *cert, *keyring, *key;
};

static void signer_clear(struct signer *s)
{
	free(s->cert);
	free(s->keyring);
	free(s->key);
}
#define cleanup_signer __attribute__((cleanup(signer_clear)))

/* What may sign a bundle may sign its channel; the same is asked of it. */
static int open_signer(const struct session *s, const struct node *pki, int64_t now,
		       struct signer *ret, struct err **err)
{
	const char *key = ((const struct pki_opts *)pki->recipe->opts)->key;
	struct strv trust cleanup_strv = {0};
	struct x509_facts facts;

	ret->cert = output_of(s, pki, "signer.pem");
	ret->keyring = output_of(s, pki, "keyring.pem");
	ret->key = pin_is_for(key) ? xstrdup(key) : path_join(s->dir, key);
	if (!ret->cert || !ret->keyring)
		return err_set(err, E_INTERNAL, "node '%s' does not give a signer", pki->name);
	strv_push(&trust, ret->keyring);
	if (x509_check_signer(ret->cert, ret->keyring, pin_is_for(key) ? NULL : ret->key,
			      (time_t)now, &facts, err) < 0)
		return -1;
	return crl_check(ret->cert, &trust, (time_t)now, err);
}

/* ---- doing it ---- */

static int publish(const struct session *s, struct channel_order *o, const char *name,
		   struct channel_published *ret, struct err **err)
{
	struct signer signer cleanup_signer = {0};
	const struct node *pki = find_signer(s, name, err), *n;
	char *bundle cleanup_free = NULL, *shown cleanup_free = NULL;
	mode_t mask;
	int rc;

	if (!pki || open_signer(s, pki, o->now, &signer, err) < 0)
		return -1;
	n = session_node(s, name, err);
	if (!n)
		return -1;
	shown = xasprintf("%.*s.raucb", (int)strcspn(path_base(name), "@"), path_base(name));
	bundle = o->halt ? NULL : output_of(s, n, shown);
	if (!o->halt && !bundle)
		return err_set(err, E_INTERNAL, "node '%s' does not give a bundle", name);
	o->bundle = bundle;
	o->bundle_name = shown;
	o->cert = signer.cert;
	o->keyring = signer.keyring;
	o->key = signer.key;
	mask = umask(022); /* who reads it is another */
	rc = channel_publish(o, ret, err);
	umask(mask);
	return rc;
}

static void tell(const struct cli *c, const struct channel_published *p, const char *dir)
{
	const struct channel *ch = &p->channel;
	char from[24], until[24], hex[DIGEST_HEX + 1];

	channel_time(ch->not_before, from);
	channel_time(ch->expires, until);
	if (c->json)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:o, s:s, s:I, s:b, s:i, s:o, s:o, s:b, s:s, s:s, "
				     "s:s}",
				     "v", 1, "ok", 1, "directory", json_text(dir), "channel",
				     ch->name, "serial", (json_int_t)ch->serial, "halt", ch->halt,
				     "percent", (int)ch->percent, "version", json_text(ch->version),
				     "bundle", json_text(ch->bundle), "added", p->added, "manifest",
				     digest_hex(&ch->manifest, hex), "not-before", from, "expires",
				     until),
			   false);
	else if (ch->halt)
		printf("halted channel '%s' in %s: nobody takes version %s (serial %" PRIu64 ")\n",
		       ch->name, dir, ch->version, ch->serial);
	else
		printf("channel '%s' in %s: version %s for %u %% of the devices from %s until %s "
		       "(serial %" PRIu64 ")\n",
		       ch->name, dir, ch->version, ch->percent, from, until, ch->serial);
}

/* The node of which something is needed: to halt, only that of who signs. */
static int find_needed(const struct cli *c, char **ret)
{
	struct session s cleanup_session = {0};
	struct strv none cleanup_strv = {0};
	const struct node *pki;
	struct err *err = NULL;
	int code;

	strv_push(&none, c->args.items[0]);
	code = session_open(&s, c, SESSION_GRAPH, &none);
	if (code)
		return code;
	pki = find_signer(&s, c->args.items[0], &err);
	if (!pki)
		return cli_fail(&s, err);
	*ret = xstrdup(c->halt ? pki->name : c->args.items[0]);
	return 0;
}

int publish_channel(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct strv targets cleanup_strv = {0};
	char *needed cleanup_free = NULL;
	struct channel_published published;
	struct channel_order order;
	struct err *err = NULL;
	int code;

	if (read_order(c, &order, &err) < 0)
		return cli_fail(&s, err);
	code = find_needed(c, &needed);
	if (code)
		return code;
	strv_push(&targets, needed);
	code = builder_targets(c, &targets, &s);
	if (code)
		return code;
	if (publish(&s, &order, c->args.items[0], &published, &err) < 0)
		return cli_fail(&s, err);
	tell(c, &published, order.dir);
	return 0;
}
