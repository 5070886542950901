/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The project's device against one that was shipped: kinds/device/device_json.c says what a release
 * shows of itself, a card image shows its partition table alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "check/view.h"
#include "graph/variants.h"
#include "kinds/bundle/shipped_opts.h"
#include "kinds/device/device_opts.h"
#include "kinds/kinds.h"
#include "media/disk/gpt.h"

#define MAX_JSON_BYTES (1024 * 1024)
#define MAX_KEYRING_BYTES (1024 * 1024)
#define KEYRING "keyring.pem"
#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

/* One comparison. */
struct against {
	struct check_view *v;
	const struct device_opts *o;
	const char *release; /* its name in messages */
	json_t *shipped;     /* its device.json, or as much of one as an image shows */
};

static struct pos device_pos(const struct against *a, const char *key)
{
	return recipe_pos(a->v->device->recipe, key);
}

static void differs(struct against *a, struct pos pos, const char *fmt, ...) printf_like(3, 4);
static void differs(struct against *a, struct pos pos, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	err_list_at(&a->v->report->errors, E_PROMISE_BROKEN, pos, "%s (release '%s')", text,
		    a->release);
}

static void unseen(struct against *a, const char *what)
{
	err_list_at(&a->v->report->notes, E_NOT_COMPARED, (struct pos){a->release, 0, 0},
		    "not compared, as the release does not show it: %s", what);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static const struct check_partition *partition(const struct against *a, const char *name,
					       size_t *ret_number)
{
	for (size_t i = 0; i < a->v->partitions.count; i++) {
		*ret_number = i + 1;
		if (str_eq(a->v->partitions.items[i].name, name))
			return &a->v->partitions.items[i];
	}
	return NULL;
}

/* The last partition takes what a card has, so that its size in the image says nothing. */
static void compare_partition(struct against *a, const json_t *was, bool last)
{
	const char *name = text_of(was, "name");
	uint64_t start = number_of(was, "start"), size = number_of(was, "size");
	size_t number;
	const struct check_partition *p = partition(a, name, &number);

	if (!p) {
		differs(a, recipe_pos(a->v->disk->recipe, "partitions"),
			"devices have a partition '%s', which is gone here", name);
		return;
	}
	if (number != number_of(was, "number"))
		differs(a, p->pos, "partition '%s' is number %zu, and %" PRIu64 " on devices", name,
			number, number_of(was, "number"));
	if (p->start != CHECK_UNKNOWN && p->start != start)
		differs(a, p->pos,
			"partition '%s' starts at byte %" PRIu64 ", and at %" PRIu64 " on devices",
			name, p->start, start);
	if (!last && p->size != CHECK_UNKNOWN && p->size != size)
		differs(a, p->pos,
			"partition '%s' has %" PRIu64 " bytes, and %" PRIu64 " on devices", name,
			p->size, size);
}

static void compare_partitions(struct against *a)
{
	const json_t *was = json_object_get(json_object_get(a->shipped, "disk"), "partitions");
	size_t count = json_array_size(was);

	for (size_t i = 0; i < count; i++)
		compare_partition(a, json_array_get(was, i), i + 1 == count);
	for (size_t i = 0; i < a->v->partitions.count; i++) {
		const struct check_partition *p = &a->v->partitions.items[i];
		bool found = false;

		for (size_t k = 0; k < count; k++)
			found |= str_eq(text_of(json_array_get(was, k), "name"), p->name);
		if (!found)
			differs(a, p->pos, "devices have no partition '%s'", p->name);
	}
}

/* Where area NAME of the environment lies in this project: a reserved area or a partition. */
static bool area(const struct against *a, const char *name, uint64_t *ret_at, uint64_t *ret_size)
{
	size_t number;
	const struct check_partition *p = partition(a, name, &number);

	for (size_t i = 0; i < a->v->reserved.count; i++) {
		const struct check_reserved *r = &a->v->reserved.items[i];

		if (!str_eq(r->name, name))
			continue;
		*ret_at = r->at;
		*ret_size = r->size;
		return true;
	}
	if (p) {
		*ret_at = p->start;
		*ret_size = p->size;
	}
	return p;
}

/* A boot loader that looks elsewhere begins with the defaults: all slots, all tries. */
static void compare_environment(struct against *a)
{
	const json_t *was =
		json_object_get(json_object_get(a->shipped, "bootloader"), "environment");
	const struct list *is = &a->o->bootloader->environment;
	struct pos pos = device_pos(a, "bootloader");

	if (!was) {
		unseen(a, "where the boot loader keeps its state");
		return;
	}
	if (json_array_size(was) != is->count)
		differs(a, pos, "copies of the environment: %zu here, %zu on devices", is->count,
			json_array_size(was));
	for (size_t i = 0; i < is->count && i < json_array_size(was); i++) {
		const json_t *w = json_array_get(was, i);
		const char *name = LIST_AT(*is, const char *, i);
		uint64_t at = 0, size = 0;

		if (area(a, name, &at, &size) &&
		    (at != number_of(w, "at") || size != number_of(w, "size")))
			differs(a, pos,
				"copy %zu of the environment, '%s', has %" PRIu64
				" bytes at %" PRIu64 ", and %" PRIu64 " at %" PRIu64 " on devices",
				i + 1, name, size, at, number_of(w, "size"), number_of(w, "at"));
	}
}

/* The partition of boot name NAME here, or NULL. */
static const char *booted_by(const struct against *a, const char *name)
{
	for (size_t i = 0; i < a->o->slots.count; i++) {
		const struct device_slot *s = LIST_AT(a->o->slots, struct pair *, i)->data;

		for (size_t k = 0; k < s->boot.count; k++)
			if (str_eq(LIST_AT(s->boot, struct pair *, k)->key, name))
				return LIST_AT(s->boot, struct pair *, k)->value;
	}
	return NULL;
}

/* RAUC of the running release asks for a class and a boot name, and takes no other. */
static void compare_slots(struct against *a)
{
	const json_t *classes = json_object_get(a->shipped, "slots");
	struct pos pos = device_pos(a, "slots");

	if (!classes)
		unseen(a, "compatible, slots, boot names and state");
	for (size_t i = 0; i < json_array_size(classes); i++) {
		const json_t *class = json_array_get(classes, i);
		const json_t *slots = json_object_get(class, "slots");
		bool found = false;

		for (size_t k = 0; k < a->o->slots.count; k++)
			found |= str_eq(LIST_AT(a->o->slots, struct pair *, k)->key,
					text_of(class, "class"));
		if (!found)
			differs(a, pos, "devices have slots of class '%s', which is gone here",
				text_of(class, "class"));
		for (size_t k = 0; k < json_array_size(slots); k++) {
			const json_t *slot = json_array_get(slots, k);
			const char *name = text_of(slot, "bootname");
			const char *is = *name ? booted_by(a, name) : NULL;

			if (*name && !(is && str_eq(is, text_of(slot, "partition"))))
				differs(a, pos,
					"boot name '%s' is %s%s%s, and partition '%s' on devices",
					name, is ? "partition '" : "gone", is ? is : "",
					is ? "'" : "", text_of(slot, "partition"));
		}
	}
}

static bool reads(const json_t *list, int64_t schema)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_integer_value(json_array_get(list, i)) == schema)
			return true;
	return false;
}

/* This release reads what the one before has kept, and the fallback what this one keeps. */
static void compare_schemas(struct against *a, const json_t *was, const struct device_state *is,
			    struct pos pos)
{
	int64_t old = (int64_t)number_of(was, "schema");
	bool read = false;

	for (size_t i = 0; i < is->reads.count; i++)
		read |= LIST_AT(is->reads, int64_t, i) == old;
	if (old && old != is->schema && !read)
		differs(a, pos, "this release cannot read state of format %lld, which devices have",
			(long long)old);
	if (is->schema && is->schema != old && !reads(json_object_get(was, "reads"), is->schema))
		differs(a, pos,
			"after a fallback the release on devices cannot read state of format %lld: "
			"ship one that reads it first",
			(long long)is->schema);
}

static void compare_state(struct against *a)
{
	const json_t *was = json_object_get(a->shipped, "state"), *value;
	const struct device_state *is = a->o->state;
	struct pos pos = device_pos(a, "state");
	const char *path;

	if (!was)
		return;
	if (!is) {
		differs(a, pos, "devices keep state, and here is none");
		return;
	}
	if (!str_eq(is->partition, text_of(was, "partition")))
		differs(a, pos, "state is in partition '%s', and in '%s' on devices", is->partition,
			text_of(was, "partition"));
	json_object_foreach((json_t *)json_object_get(was, "paths"), path, value)
	{
		bool found = false;

		for (size_t i = 0; i < is->paths.count; i++)
			found |= str_eq(LIST_AT(is->paths, struct pair *, i)->key, path);
		if (!found)
			differs(a, pos, "devices keep state at '%s', which is gone here", path);
	}
	compare_schemas(a, was, is, pos);
}

/* The certificate at P, without white space; caller frees. */
static char *certificate(const char *p)
{
	const char *end = strstr(p, END);
	struct str s cleanup_str = STR_INIT;

	str_append(&s, "");
	for (; end && p < end; p++)
		if (!strchr(" \t\r\n", *p))
			str_append_char(&s, *p);
	return str_steal(&s);
}

static bool has_certificate(const char *keyring, const char *wanted)
{
	for (const char *p = keyring; (p = strstr(p, BEGIN)); p++) {
		char *one cleanup_free = certificate(p);

		if (str_eq(one, wanted))
			return true;
	}
	return false;
}

/* A device verifies the next bundle with the keyring of this release. */
static int compare_keyring(struct against *a, const char *dir, struct err **err)
{
	const char *path = check_keyring(a->v);
	char *was cleanup_free = path_join(dir, KEYRING);
	char *is cleanup_free = path ? path_join(a->v->g->project->dir, path) : NULL;
	struct str old cleanup_str = STR_INIT, new cleanup_str = STR_INIT;

	if (!is || !path_exists(was) || !path_exists(is)) {
		unseen(a, "the keyring of devices (" KEYRING ")");
		return 0;
	}
	if (file_read(was, MAX_KEYRING_BYTES, &old, err) < 0 ||
	    file_read(is, MAX_KEYRING_BYTES, &new, err) < 0)
		return -1;
	for (const char *p = old.buf; p && (p = strstr(p, BEGIN)); p++) {
		char *one cleanup_free = certificate(p);

		if (!has_certificate(new.buf ? new.buf : "", one))
			differs(a, (struct pos){path, 1, 1},
				"a CA that devices trust is not in the keyring: after this update "
				"they would refuse what it signs");
	}
	return 0;
}

static int read_json(struct against *a, const char *path, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	json_error_t bad;

	if (file_read(path, MAX_JSON_BYTES, &text, err) < 0)
		return -1;
	a->shipped = json_loadb(text.buf ? text.buf : "", text.len, 0, &bad);
	if (!json_is_object(a->shipped) || number_of(a->shipped, "v") != 1)
		return err_set(err, E_NOT_A_RELEASE, "'%s' is not a device.json of version 1%s%s",
			       path, a->shipped ? "" : ": ", a->shipped ? "" : bad.text);
	return 0;
}

/* A card image shows its partitions and no more. */
static int read_image(struct against *a, const char *path, struct err **err)
{
	struct gpt_parts parts = {0};
	json_t *list = json_array();
	int rc = gpt_read(path, &parts, err);

	for (size_t i = 0; rc == 0 && i < parts.count; i++) {
		const struct gpt_part *p = &parts.items[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:I, s:I}", "name", p->name, "number",
						(json_int_t)p->number, "start",
						(json_int_t)p->start, "size", (json_int_t)p->size));
	}
	a->shipped = json_pack("{s:{s:o}}", "disk", "partitions", list);
	gpt_parts_clear(&parts);
	return rc;
}

static int read_directory(struct against *a, const char *dir, struct err **err)
{
	char *json cleanup_free = path_join(dir, DEVICE_OUTPUT);
	char *image cleanup_free = path_join(dir, SHIPPED_INSTALL);

	if (path_exists(json))
		return read_json(a, json, err);
	if (path_exists(image))
		return read_image(a, image, err);
	return err_set(err, E_NOT_A_RELEASE,
		       "'%s' has neither " DEVICE_OUTPUT " nor " SHIPPED_INSTALL, dir);
}

/* What the node says of its device.json holds for the one in DIR, which is read in its place. */
static int check_digest(const struct shipped_opts *o, const char *dir, struct err **err)
{
	char *path cleanup_free = path_join(dir, DEVICE_OUTPUT);
	struct digest is;

	if (!shipped_has_device(o))
		return 0;
	if (digest_file(path, &is, err) < 0)
		return -1;
	if (!digest_eq(&is, &o->device))
		return err_set(err, E_FETCH_REFUSED,
			       "'%s' is not what was shipped: its SHA-256 differs from 'device'",
			       path);
	return 0;
}

/* The directory or file that RELEASE means; caller frees. NULL after an error. */
static char *place_of(const struct graph *g, const char *release, struct err **err)
{
	const struct node *n = graph_node(g, release);
	const struct shipped_opts *o = n ? n->recipe->opts : NULL;
	char *dir cleanup_free = NULL;

	if (!n)
		return xstrdup(release);
	if (n->recipe->kind != &kind_shipped)
		err_set(err, E_NOT_A_RELEASE, "node '%s' is of kind %s, not shipped", release,
			n->recipe->kind->name);
	else if (shipped_is_url(o->at))
		err_set(err, E_NOT_A_RELEASE,
			"release '%s' is at a URL: name a directory that has its files", release);
	else
		dir = path_join(g->project->dir, o->at);
	return dir && check_digest(o, dir, err) == 0 ? steal_ptr(dir) : NULL;
}

static int read_release(struct against *a, const char *place, struct err **err)
{
	struct stat st;

	if (stat(place, &st) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno,
				 "'%s' is neither a node nor a directory or file", a->release);
	if (S_ISDIR(st.st_mode))
		return read_directory(a, place, err);
	return str_ends(place, ".json") ? read_json(a, place, err) : read_image(a, place, err);
}

static int compare(struct against *a, const char *place, struct err **err)
{
	const char *compatible = text_of(a->shipped, "compatible");

	if (*compatible && !str_eq(compatible, a->o->compatible))
		differs(a, device_pos(a, "compatible"),
			"compatible is '%s', and '%s' on devices, which would refuse the bundle",
			a->o->compatible, compatible);
	compare_partitions(a);
	compare_environment(a);
	compare_slots(a);
	compare_state(a);
	return compare_keyring(a, place, err);
}

static int check_variant(const struct graph *g, const char *release, struct check_report *ret,
			 struct err **err)
{
	struct check_view v = {.g = g, .arena = g->arena, .report = ret};
	struct against a = {.v = &v, .release = release};
	char *place cleanup_free = place_of(g, release, err);
	int rc = place ? check_view_make(&v, err) : -1;

	if (rc == 0 && !v.device)
		rc = err_set(err, E_NOT_A_RELEASE,
			     "the project has no node of kind device, which says what devices were "
			     "promised");
	if (rc == 0) {
		a.o = v.device->recipe->opts;
		rc = read_release(&a, place, err);
	}
	if (rc == 0)
		rc = compare(&a, place, err);
	json_decref(a.shipped);
	check_view_clear(&v);
	return rc;
}

/* The device of a variant, or NULL. */
static const struct node *device_of(const struct graph *g)
{
	for (size_t i = 0; i < g->nodes.count; i++)
		if (g->nodes.items[i]->recipe->kind == &kind_device)
			return g->nodes.items[i]->whole;
	return NULL;
}

int check_against(struct graph *g, const char *release, struct check_report *ret, struct err **err)
{
	const struct graph *of = g->variant_count ? NULL : g;

	for (size_t i = 0; i < g->variant_count; i++) {
		if (!g->chosen[i])
			continue;
		if (of && device_of(of) != device_of(g->variants[i]))
			return err_set(err, E_AMBIGUOUS_REFERENCE,
				       "'%s' is a release of one device, and the variants have "
				       "several: say which with --variant AXIS=VALUE",
				       release);
		of = g->variants[i];
	}
	return check_variant(of, release, ret, err);
}
