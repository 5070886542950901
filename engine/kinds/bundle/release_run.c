/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a release is, as RELEASE_OUTPUT tells: a function of what it is made of, so without times,
 * and without what only the machine knows that lays it out.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/bundle/release_opts.h"
#include "kinds/device/device_opts.h"
#include "kinds/makers.h"

#define FORMAT 1
#define DEVICE_MAX (1u << 20) /* of device.json */

/* {"file": NAME, "sha256": ..., "size": bytes} of the file PATH, or NULL. */
static json_t *file_json(const char *name, const char *path, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	struct digest d;
	struct stat st;

	if (stat(path, &st) < 0) {
		err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
		return NULL;
	}
	if (digest_file(path, &d, err) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:I}", "file", name, "sha256", digest_hex(&d, hex), "size",
			 (json_int_t)st.st_size);
}

static int set_file(json_t *o, const char *key, const char *name, const char *path,
		    struct err **err)
{
	json_t *file = file_json(name, path, err);

	return file ? json_object_set_new(o, key, file) : -1;
}

/* Under the name they have where they come from. */
static int set_input(struct action *a, json_t *o, const char *key, const struct ref *ref,
		     struct err **err)
{
	const struct action_input *in = action_input(a, ref);

	return set_file(o, key, path_base(in->node ? in->output : in->ref), in->path, err);
}

static int set_verdicts(struct action *a, json_t *o, struct err **err)
{
	const struct release_opts *opts = a->opts;
	json_t *list = json_array();

	json_object_set_new(o, "tested-by", list);
	for (size_t i = 0; i < opts->tested_by.count; i++) {
		const struct ref *ref = LIST_AT(opts->tested_by, struct ref *, i);
		const struct action_input *in = action_input(a, ref);
		char *name cleanup_free =
			xasprintf(RELEASE_VERDICTS "/%s/%s", in->node, in->output);
		json_t *file = file_json(name, in->path, err);

		if (!file)
			return -1;
		json_array_append_new(list, file);
	}
	return 0;
}

/* Also writes the output DEVICE_OUTPUT. */
static int set_device(struct action *a, json_t *o, struct err **err)
{
	const char *out = action_output(a, DEVICE_OUTPUT);
	struct str text cleanup_str = STR_INIT;
	json_t *device, *compatible;

	if (file_read(action_fact(a)->path, DEVICE_MAX, &text, err) < 0)
		return -1;
	device = json_loads(text.buf, 0, NULL);
	compatible = json_incref(json_object_get(device, "compatible"));
	json_decref(device);
	json_object_set_new(o, "compatible", compatible ? compatible : json_null());
	if (file_write(out, text.buf, text.len, 0644, false, err) < 0)
		return -1;
	return set_file(o, "device", DEVICE_OUTPUT, out, err);
}

static int fill(struct action *a, json_t *o, struct err **err)
{
	const struct release_opts *opts = a->opts;

	if (set_device(a, o, err) < 0 || set_input(a, o, "bundle", opts->bundle, err) < 0 ||
	    set_input(a, o, "card", opts->card, err) < 0)
		return -1;
	if (opts->notes && set_input(a, o, "notes", opts->notes, err) < 0)
		return -1;
	return set_verdicts(a, o, err);
}

static int release_run(struct action *a, struct err **err)
{
	const struct release_opts *opts = a->opts;
	json_t *o = json_pack("{s:i, s:s, s:s}", "format", FORMAT, "project", a->project, "version",
			      opts->version ? opts->version : a->version);
	struct str text cleanup_str = STR_INIT;
	char *dump cleanup_free = NULL;
	int rc = fill(a, o, err);

	dump = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(o);
	if (rc < 0)
		return -1;
	str_printf(&text, "%s\n", dump ? dump : "null");
	return file_write(action_output(a, RELEASE_OUTPUT), text.buf, text.len, 0644, false, err);
}

const struct maker maker_release = {
	.kind = &kind_release,
	.run = release_run,
};
