/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch inspect: what is on a card that came back from the field (evidence/inspect.h). */
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/walk.h"
#include "cli/history.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/table.h"
#include "evidence/inspect.h"
#include "graph/manifest.h"
#include "kinds/device/device_opts.h"
#include "kinds/image/subject.h"
#include "kinds/kinds.h"
#include "kinds/pki/x509.h"
#include "recipe/facts.h"

#define DEVICE_JSON "device.json"
#define DEVICE_MAX (1u << 20)
#define FILES_SHOWN 20

DEFINE_VEC(subject_list, struct subject *)

struct inspection {
	struct session *s;
	struct inspect card;
	struct target target;
	char *scratch, *device; /* the latter: text of device.json, or NULL */
	unsigned count;
	struct subject_list subjects; /* what images lie in */
	struct map seen;              /* digests of images of the project */
};

/* ---- what was shipped ---- */

static int take_subject(struct inspection *i, const char *file, const char *name, struct err **err)
{
	struct subject *s = xcalloc(1, sizeof(*s));

	subject_list_push(&i->subjects, s);
	s->scratch = arena_printf(i->s->arena, "%s/%u", i->scratch, i->count++);
	if (path_mkdirs(s->scratch, err) < 0 || subject_open(s, file, "", err) < 0)
		return -1;
	for (size_t k = 0; k < s->parts.count; k++) {
		const struct subject_part *p = s->parts.items[k];
		const char *full =
			arena_printf(i->s->arena, "%s%s%s", name, *p->name ? "/" : "", p->name);

		if (p->image)
			inspect_images_push(
				&i->card.images,
				(struct inspect_image){
					full, {p->look.file, p->look.offset, p->look.size}});
	}
	return 0;
}

static int read_device(struct inspection *i, const char *path, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	if (i->device)
		return 0;
	if (file_read_foreign(path, DEVICE_MAX, &text, err) < 0)
		return -1;
	i->device = arena_strdup(i->s->arena, text.buf);
	return 0;
}

/* As the recipes have it, where they have one. */
static void take_own_device(struct inspection *i)
{
	struct err_list mistakes cleanup_err_list = {0};
	struct str text cleanup_str = STR_INIT;
	const struct project *p = NULL;
	const char *name = NULL;

	if (i->s->dir && !i->device)
		p = project_load(i->s->arena, i->s->dir, kinds_all, &i->s->cli->sets, &mistakes);
	for (size_t k = 0; p && k < p->recipes.count; k++) {
		const struct recipe *r = p->recipes.entries[k].value;

		if (r->kind != &kind_device)
			continue;
		if (name)
			return;
		name = r->name;
	}
	if (name && facts_of(p->facts, name, DEVICE_FACT, &text) == FACT_KNOWN)
		i->device = arena_strdup(i->s->arena, text.buf);
}

/* What is no image is of no interest here: a note, a signature. */
static int take_entry(struct inspection *i, const char *path, const char *name, bool below,
		      struct err **err);

static int take_directory(struct inspection *i, const char *dir, const char *name, bool below,
			  struct err **err)
{
	struct strv names cleanup_strv = {0};

	if (walk_names(dir, &names, err) < 0)
		return -1;
	for (size_t k = 0; k < names.count; k++) {
		char *path cleanup_free = path_join(dir, names.items[k]);
		const char *full =
			arena_printf(i->s->arena, "%s%s%s", name, *name ? "/" : "", names.items[k]);

		if (take_entry(i, path, full, below, err) < 0)
			return -1;
	}
	return 0;
}

static int take_entry(struct inspection *i, const char *path, const char *name, bool below,
		      struct err **err)
{
	struct err *why cleanup_err = NULL;
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return below ? 0 : take_directory(i, path, name, true, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (str_eq(path_base(path), DEVICE_JSON))
		return read_device(i, path, err);
	if (take_subject(i, path, name, &why) < 0)
		print_aside(why->text);
	return 0;
}

/* ---- what this project made ---- */

static void take_record(struct inspection *i, const struct run_info *run, const struct record *rec)
{
	const struct artifact *a = &rec->outputs[0];
	char *file cleanup_free = cas_path(store_dir(i->s->store), a->type, &a->digest);
	struct err *ignored cleanup_err = NULL;
	const char *name = arena_printf(i->s->arena, "run:%lld:%s", (long long)run->id, rec->node);

	if (!path_exists(file))
		return;
	if (manifest_is_of_kind(rec->manifest, "device"))
		(void)!read_device(i, file, &ignored);
	else if (manifest_is_of_kind(rec->manifest, "image"))
		inspect_images_push(&i->card.images,
				    (struct inspect_image){
					    name, {arena_strdup(i->s->arena, file), 0, a->size}});
}

static int take_node(void *arg, const struct run_info *run, const struct run_node *n)
{
	struct inspection *i = arg;
	struct err *ignored cleanup_err = NULL;
	char hex[DIGEST_HEX + 1];
	struct record *rec;

	if (store_record_get(i->s->store, &n->key, i->s->arena, &rec, &ignored) != 0 ||
	    !rec->output_count)
		return 0;
	digest_hex(&rec->outputs[0].digest, hex);
	if (!map_get(&i->seen, hex)) {
		map_set(&i->seen, arena_strdup(i->s->arena, hex), i);
		take_record(i, run, rec);
	}
	return 0;
}

static int find_shipped(struct inspection *i, struct err **err)
{
	const char *releases = i->s->cli->releases;

	if (releases && take_directory(i, releases, "", false, err) < 0)
		return -1;
	take_own_device(i);
	return releases ? 0 : history_search(i->s, NULL, take_node, i, err);
}

/* ---- for people ---- */

static void print_copy(const char *name, const struct table_copy *copy)
{
	printf("  %s: %s\n", name, copy->valid ? "valid" : copy->why);
}

static void print_disk(const struct table *t)
{
	char *size cleanup_free = str_bytes(t->size), *said cleanup_free = str_bytes(t->said);

	if (!t->gpt && !t->parts.count) {
		printf("%s, no partition table\n", size);
		return;
	}
	printf("%s, %s\n", size, t->gpt ? "GUID partition table" : "MBR");
	if (!t->gpt)
		return;
	if (!t->protective)
		puts("  the first sector has no protective MBR");
	print_copy("primary", &t->primary);
	print_copy("backup", &t->backup);
	if (t->primary.valid && t->backup.valid && !t->equal)
		puts("  they differ");
	if (t->said > t->size)
		printf("  the disk is cut: its table is of one with %s\n", said);
	else if (t->said && t->said < t->size)
		printf("  the table is of a disk with %s\n", said);
}

static void print_environment(const struct inspect *c)
{
	struct str text cleanup_str = STR_INIT;

	if (!c->has_environment) {
		printf("\nenvironment: %s\n",
		       c->target ? c->no_environment
				 : "the device is not known: run this in its project, or put its "
				   "device.json beside the releases");
		return;
	}
	printf("\nenvironment of %s:\n", c->target->loader);
	for (size_t i = 0; i < c->target->area_count; i++)
		printf("  copy %zu: %s%s\n", i + 1,
		       c->vars.copies.ok[i] ? "valid"
		       : c->blank[i]        ? "never saved"
					    : "damaged",
		       c->vars.counts == (int)i ? ", counts" : "");
	boot_state_text(&c->state, c->target, &text);
	print_lines(stdout, "  ", text.buf, text.len);
	for (size_t i = 0; i < c->vars.vars.count; i++)
		print_lines(stdout, "  ", c->vars.vars.items[i], strlen(c->vars.vars.items[i]));
}

static void print_files(const struct inspect_part *p)
{
	for (size_t i = 0; i < p->files.count && i < FILES_SHOWN; i++) {
		char *bytes cleanup_free = str_bytes(p->files.items[i].bytes);
		char *line cleanup_free = xasprintf("%s of %s", bytes, p->files.items[i].path);

		print_lines(stdout, "    ", line, strlen(line));
	}
	if (p->files.count > FILES_SHOWN)
		printf("    and %zu more (--json has all)\n", p->files.count - FILES_SHOWN);
}

static void print_inodes(const struct inspect_part *p)
{
	for (size_t i = 0; i < p->inodes.count && i < FILES_SHOWN; i++) {
		const struct inspect_inode *n = &p->inodes.items[i];
		char *line cleanup_free = xasprintf("%s: %s", n->path, n->change);

		print_lines(stdout, "    inode of ", line, strlen(line));
	}
	if (p->inodes.count > FILES_SHOWN)
		printf("    and %zu more (--json has all)\n", p->inodes.count - FILES_SHOWN);
}

static void print_part(const struct inspect *c, const struct inspect_part *p)
{
	char *size cleanup_free = str_bytes(p->part->size);
	char from[16], to[16];

	printf("\n%s: %s, %s%s%s%s\n", p->name, size, p->format,
	       p->bootname   ? ", slot "
	       : p->is_state ? ", state"
			     : "",
	       p->bootname ? p->bootname : "", p->cut ? ", CUT: the disk ends before it" : "");
	if (p->state)
		printf("  file system: %s\n", p->state);
	if (p->unread)
		print_lines(stdout, "  cannot be read: ", p->unread, strlen(p->unread));
	if (p->version)
		print_lines(stdout, "  version: ", p->version, strlen(p->version));
	if (p->release)
		print_lines(stdout, "  is: ", p->release, strlen(p->release));
	else if (p->near)
		print_lines(stdout, "  near: ", p->near, strlen(p->near));
	else if (c->images.count && p->bootname)
		puts("  is none of the releases");
	if (p->changed)
		printf("  %llu block%s\n", (unsigned long long)p->changed,
		       p->changed == 1 ? " differs" : "s differ");
	print_files(p);
	print_inodes(p);
	for (size_t i = 0; i < p->certificates.count; i++) {
		const struct inspect_certificate *k = &p->certificates.items[i];
		char *line cleanup_free =
			xasprintf("%s, from %s to %s", k->subject, x509_date(k->not_before, from),
				  x509_date(k->not_after, to));

		print_lines(stdout, "  trusts: ", line, strlen(line));
	}
	if (p->keyring_unread)
		puts("  trusts: a certificate that cannot be read, and what comes after it");
}

static void print_text(const struct inspect *c)
{
	print_lines(stdout, "", c->file, strlen(c->file));
	print_disk(&c->table);
	print_environment(c);
	for (size_t i = 0; i < c->parts.count; i++)
		print_part(c, &c->parts.items[i]);
}

/* ---- for programs ---- */

static json_t *copy_object(const struct table_copy *copy)
{
	return json_pack("{s:b, s:o}", "valid", copy->valid, "why", json_text(copy->why));
}

static json_t *table_object(const struct table *t)
{
	return json_pack("{s:s, s:I, s:I, s:o, s:o, s:b, s:b}", "type",
			 t->gpt           ? "gpt"
			 : t->parts.count ? "mbr"
					  : "none",
			 "size", (json_int_t)t->size, "made_for", (json_int_t)t->said, "primary",
			 copy_object(&t->primary), "backup", copy_object(&t->backup), "equal",
			 t->equal, "protective", t->protective);
}

static json_t *environment_object(const struct inspect *c)
{
	json_t *copies = json_array(), *vars = json_array();

	if (!c->has_environment) {
		json_decref(copies);
		json_decref(vars);
		return json_null();
	}
	for (size_t i = 0; i < c->target->area_count; i++)
		json_array_append_new(copies,
				      json_pack("{s:b, s:b, s:b}", "valid", c->vars.copies.ok[i],
						"counts", c->vars.counts == (int)i, "saved",
						!c->blank[i]));
	for (size_t i = 0; i < c->vars.vars.count; i++)
		json_array_append_new(vars, json_text(c->vars.vars.items[i]));
	return json_pack("{s:s, s:o, s:o, s:o}", "loader", c->target->loader, "copies", copies,
			 "order", json_text(c->state.order), "variables", vars);
}

static json_t *part_object(const struct inspect_part *p)
{
	json_t *files = json_array(), *inodes = json_array(), *certificates = json_array();
	char from[16], to[16];

	for (size_t i = 0; i < p->files.count; i++)
		json_array_append_new(files, json_pack("{s:o, s:I}", "path",
						       json_text(p->files.items[i].path), "bytes",
						       (json_int_t)p->files.items[i].bytes));
	for (size_t i = 0; i < p->inodes.count; i++)
		json_array_append_new(
			inodes, json_pack("{s:o, s:o}", "path", json_text(p->inodes.items[i].path),
					  "change", json_text(p->inodes.items[i].change)));
	for (size_t i = 0; i < p->certificates.count; i++) {
		const struct inspect_certificate *k = &p->certificates.items[i];

		json_array_append_new(certificates,
				      json_pack("{s:o, s:s, s:s}", "subject", json_text(k->subject),
						"from", x509_date(k->not_before, from), "until",
						x509_date(k->not_after, to)));
	}
	return json_pack(
		"{s:o, s:I, s:I, s:o, s:b, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, "
		"s:b}",
		"name", json_text(p->name), "start", (json_int_t)p->part->start, "size",
		(json_int_t)p->part->size, "slot", json_text(p->bootname), "state", p->is_state,
		"cut", p->cut, "format", p->format, "filesystem", json_text(p->state), "unread",
		json_text(p->unread), "version", json_text(p->version), "release",
		json_text(p->release), "near", json_text(p->near), "changed_blocks",
		(json_int_t)p->changed, "files", files, "inodes", inodes, "certificates",
		certificates, "keyring_unread", p->keyring_unread);
}

static void print_json(const struct inspect *c)
{
	json_t *parts = json_array();

	for (size_t i = 0; i < c->parts.count; i++)
		json_array_append_new(parts, part_object(&c->parts.items[i]));
	json_print(stdout,
		   json_pack("{s:i, s:b, s:b, s:o, s:o, s:o}", "v", 1, "ok", 1, "well",
			     inspect_is_well(c), "table", table_object(&c->table), "environment",
			     environment_object(c), "partitions", parts),
		   false);
}

/* ---- */

static const char *state_partition(struct arena *arena, const char *device)
{
	json_t *root = json_loads(device, 0, NULL);
	const char *name =
		json_string_value(json_object_get(json_object_get(root, "state"), "partition"));

	name = name ? arena_strdup(arena, name) : NULL;
	json_decref(root);
	return name;
}

static int inspect(struct inspection *i, struct err **err)
{
	struct inspect *c = &i->card;

	if (tmp_dir(store_subdir(i->s->store, "tmp"), "inspect", &i->scratch, err) < 0 ||
	    find_shipped(i, err) < 0)
		return -1;
	if (i->device) {
		if (target_parse(i->s->arena, i->device, &i->target, err) < 0)
			return -1;
		c->target = &i->target;
		c->state_partition = state_partition(i->s->arena, i->device);
	}
	c->arena = i->s->arena;
	c->file = i->s->cli->args.items[0];
	c->scratch = i->scratch;
	if (inspect_card(c, err) < 0)
		return -1;
	if (i->s->cli->json)
		print_json(c);
	else
		print_text(c);
	return 0;
}

static void release(struct inspection *i)
{
	struct err *ignored cleanup_err = NULL;

	inspect_clear(&i->card);
	target_clear(&i->target);
	for (size_t k = 0; k < i->subjects.count; k++) {
		subject_close(i->subjects.items[k]);
		free(i->subjects.items[k]);
	}
	subject_list_clear(&i->subjects);
	map_clear(&i->seen);
	if (i->scratch && path_remove(i->scratch, &ignored) < 0)
		print_aside(ignored->text);
	free(i->scratch);
}

int cmd_inspect(struct cli *cli)
{
	struct session s cleanup_session = {0};
	struct inspection i = {.s = &s};
	struct err *err = NULL;
	int code = session_open_history(&s, cli);

	if (code == 0 && inspect(&i, &err) < 0)
		code = cli_fail(&s, err);
	if (code == 0 && cli->exit_code && !inspect_is_well(&i.card))
		code = 3;
	release(&i);
	return code;
}
