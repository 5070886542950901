/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind bundle: the signed RAUC update bundle. Content is squashfs with a dm-verity tree (format
 * "verity"; "plain" was broken by CVE-2020-25860 and is refused), signed with CMS by rauc itself
 * and read back by `rauc info`. Manifest: RAUC reference manual, section "Manifest".
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "kinds/kinds.h"
#include "kinds/pki.h"
#include "kinds/x509.h"
#include "run/action.h"

struct bundle_opts {
	const char *compatible, *version, *description;
	int format, compression;
	struct list images; /* of struct named_ref * */
	struct ref *sign;
	struct list tested_by; /* of struct ref * */
};

static const char *const formats[] = {"verity", "plain", NULL};
enum format { FORMAT_VERITY, FORMAT_PLAIN };

static const char *const compressions[] = {"zstd", "lz4", "gzip", "xz", NULL};
/* mksquashfs arguments of each; zstd 3 is 14 times faster than gzip for 3 % more bytes. */
static const char *const compression_args[] = {"-comp zstd -Xcompression-level 3", "-comp lz4 -Xhc",
					       "-comp gzip", "-comp xz"};

static const struct option bundle_options[] = {
	{"compatible", OPT_STRING, offsetof(struct bundle_opts, compatible), OPT_REQUIRED,
	 .help = "What devices may install it: the 'compatible' of their system.conf."},
	{"version", OPT_STRING, offsetof(struct bundle_opts, version), OPT_REQUIRED,
	 .help = "Version that `rauc status` and `min-bundle-version` see."},
	{"description", OPT_STRING, offsetof(struct bundle_opts, description),
	 .help = "Free text in the manifest."},
	{"format", OPT_ENUM, offsetof(struct bundle_opts, format), .def = "verity",
	 .words = formats, .help = "Bundle format; only verity is allowed."},
	{"compression", OPT_ENUM, offsetof(struct bundle_opts, compression), .def = "zstd",
	 .words = compressions,
	 .help = "Compression of the squashfs; the target's kernel must know it."},
	{"images", OPT_REFDICT, offsetof(struct bundle_opts, images), OPT_REQUIRED,
	 .accept = ACCEPT_IMAGE,
	 .help = "Slot class and the image for it; written to the device in this order.",
	 .example = "{rootfs: root, bootloader: boot}"},
	{"sign", OPT_REF, offsetof(struct bundle_opts, sign), OPT_REQUIRED, .accept = ACCEPT_SIGNER,
	 .help = "The pki node that signs it.", .example = "pki"},
	{"tested-by", OPT_REF, offsetof(struct bundle_opts, tested_by), OPT_LIST,
	 .accept = ACCEPT_FILE,
	 .help = "Verdicts of tests that must pass before the bundle is made.",
	 .example = "tests/boot:verdict.json"},
};

/*
 * A slot class, a compatible or a version is one line of an ini file, and of rauc's shell output.
 */
static bool is_plain_line(const char *text)
{
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\'')
			return false;
	}
	return *text && *text != ' ' && !str_ends(text, " ");
}

static struct pos pos_of(const struct yaml *map, const char *key)
{
	const struct yaml *value = yaml_get(map, key);

	return value ? value->pos : map->pos;
}

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct bundle_opts *o = data;

	if (o->format == FORMAT_PLAIN)
		err_list_at(errors, pos_of(map, "format"),
			    "format 'plain' can be changed after its signature was checked "
			    "(CVE-2020-25860); use 'verity'");
	if (!is_plain_line(o->compatible))
		err_list_at(errors, pos_of(map, "compatible"),
			    "compatible must be one line of text without '");
	if (!is_plain_line(o->version))
		err_list_at(errors, pos_of(map, "version"),
			    "version must be one line of text without '");
	if (o->description && !is_plain_line(o->description))
		err_list_at(errors, pos_of(map, "description"),
			    "description must be one line of text without '");
	if (!o->images.count)
		err_list_at(errors, pos_of(map, "images"), "a bundle needs at least one image");
	for (size_t i = 0; i < o->images.count; i++) {
		const struct named_ref *image = LIST_AT(o->images, struct named_ref *, i);

		if (strspn(image->key,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
		    strlen(image->key))
			err_list_at(errors, image->ref->pos,
				    "slot class '%s' may have letters, digits, '_' and '-' only",
				    image->key);
	}
}

static const struct schema bundle_schema =
	SCHEMA(struct bundle_opts, bundle_options, .check = check_options);

static void bundle_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const char *name = arena_printf(ctx->arena, "%s.raucb", path_base(ctx->node));

	output_specs_push(ret, (struct output_spec){name, OUTPUT_FILE});
}

static const char *const *bundle_tools(const void *opts)
{
	static const char *const tools[] = {"rauc", "mksquashfs", NULL};

	return tools;
}

/*
 * rauc chooses the handler of an image by its file name's suffix, so the suffix must tell what is
 * in it. Magic numbers: ext4 superblock 0xEF53 at 1080, FAT boot signature with "FAT" at 54 or 82,
 * squashfs "hsqs" at 0.
 */
static const char *image_suffix(const char *path)
{
	unsigned char head[2048] = {0};
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return "img";
	if (head[1080] == 0x53 && head[1081] == 0xef)
		return "ext4";
	if (head[510] == 0x55 && head[511] == 0xaa &&
	    (memcmp(head + 54, "FAT", 3) == 0 || memcmp(head + 82, "FAT", 3) == 0))
		return "vfat";
	if (memcmp(head, "hsqs", 4) == 0)
		return "squashfs";
	return "img";
}

/* The content folder: manifest.raucm and the images under the names it gives. */
static int write_content(struct action *a, const char *dir, struct err **err)
{
	const struct bundle_opts *o = a->opts;
	char *manifest cleanup_free = path_join(dir, "manifest.raucm");
	struct str text cleanup_str = STR_INIT;

	str_printf(&text, "[update]\ncompatible=%s\nversion=%s\n", o->compatible, o->version);
	if (o->description)
		str_printf(&text, "description=%s\n", o->description);
	str_append(&text, "\n[bundle]\nformat=verity\n");
	for (size_t i = 0; i < o->images.count; i++) {
		const struct named_ref *image = LIST_AT(o->images, struct named_ref *, i);
		const char *from = action_input(a, image->ref)->path;
		char *name cleanup_free = xasprintf("%s.%s", image->key, image_suffix(from));
		char *to cleanup_free = path_join(dir, name);

		str_printf(&text, "\n[image.%s]\nfilename=%s\n", image->key, name);
		if (file_copy(from, to, 0644, err) < 0)
			return -1;
	}
	return file_write(manifest, text.buf, text.len, 0644, false, err);
}

struct signer {
	const char *cert, *keyring, *key; /* as the pki node gives them */
	char *leaf, *intermediates;       /* split, in the work folder; intermediates NULL: none */
};

static const char *output_of(const struct action_input *in, const char *name)
{
	for (size_t i = 0; i < in->file_count; i++) {
		if (str_eq(in->files[i].name, name))
			return in->files[i].path;
	}
	return NULL;
}

static int open_signer(struct action *a, struct signer *s, struct err **err)
{
	const struct bundle_opts *o = a->opts;
	const struct action_input *in = action_input(a, o->sign);
	struct str leaf cleanup_str = STR_INIT, rest cleanup_str = STR_INIT;
	time_t now = time(NULL);
	struct x509_facts facts;

	s->cert = output_of(in, "signer.pem");
	s->keyring = output_of(in, "keyring.pem");
	s->key = action_secret(a, in->node, "key");
	if (!s->cert || !s->keyring || !s->key)
		return err_set(err, ERR_INTERNAL, "node '%s' does not give a signer", in->node);
	if (x509_check_signer(s->cert, s->keyring, s->key, now, &facts, err) < 0 ||
	    x509_split_chain(s->cert, &leaf, &rest, err) < 0)
		return -1;
	pki_warn(a, &facts, s->key, now);
	s->leaf = arena_printf(a->arena, "%s/leaf.pem", a->workdir);
	if (file_write(s->leaf, leaf.buf, leaf.len, 0644, false, err) < 0)
		return -1;
	if (!rest.len)
		return 0;
	s->intermediates = arena_printf(a->arena, "%s/intermediates.pem", a->workdir);
	return file_write(s->intermediates, rest.buf, rest.len, 0644, false, err);
}

static int make_bundle(struct action *a, const struct signer *s, const char *content,
		       const char *out, struct err **err)
{
	const struct bundle_opts *o = a->opts;
	struct strv argv cleanup_strv = {0};

	strv_push(&argv, "rauc");
	strv_push(&argv, "bundle");
	strv_printf(&argv, "--cert=%s", s->leaf);
	strv_printf(&argv, "--key=%s", s->key);
	strv_printf(&argv, "--keyring=%s", s->keyring);
	if (s->intermediates)
		strv_printf(&argv, "--intermediate=%s", s->intermediates);
	strv_printf(&argv, "--mksquashfs-args=%s -processors %u", compression_args[o->compression],
		    a->cpus ? a->cpus : 1);
	strv_push(&argv, content);
	strv_push(&argv, out);
	return proc_run(strv_argv(&argv), NULL, err);
}

/* The reading side: what a device would see. Other values than the recipe's are an error. */
static int read_back(const struct bundle_opts *o, const struct signer *s, const char *bundle,
		     struct err **err)
{
	char *keyring cleanup_free = xasprintf("--keyring=%s", s->keyring);
	char *const argv[] = {"rauc",         keyring, "info", "--output-format=shell",
			      (char *)bundle, NULL};
	char *compatible cleanup_free = xasprintf("RAUC_MF_COMPATIBLE='%s'\n", o->compatible);
	char *version cleanup_free = xasprintf("RAUC_MF_VERSION='%s'\n", o->version);
	struct str text cleanup_str = STR_INIT;

	if (proc_output(argv, NULL, 1024 * 1024, &text, err) < 0) {
		(*err)->cls = ERR_INTEGRITY;
		return err_wrap(err, "rauc does not accept the bundle it made (see the log)");
	}
	if (!strstr(text.buf, compatible) || !strstr(text.buf, version))
		return err_set(err, ERR_INTEGRITY,
			       "rauc reads other values than the recipe has:\n%s", text.buf);
	return 0;
}

static int bundle_run(struct action *a, struct err **err)
{
	const char *content = arena_printf(a->arena, "%s/content", a->workdir);
	const char *name = arena_printf(a->arena, "%s.raucb", path_base(a->node));
	const char *out = action_output(a, name);
	struct signer signer = {0};

	if (path_mkdirs(content, err) < 0 || write_content(a, content, err) < 0 ||
	    open_signer(a, &signer, err) < 0)
		return -1;
	action_progress(a, -1, "compressing and signing");
	if (make_bundle(a, &signer, content, out, err) < 0)
		return -1;
	return read_back(a->opts, &signer, out, err);
}

const struct kind kind_bundle = {
	.name = "bundle",
	.summary = "the signed RAUC update bundle (format verity)",
	.version = 1,
	.named = kind_always,
	.schema = &bundle_schema,
	.outputs = bundle_outputs,
	.tools = bundle_tools,
	.run = bundle_run,
};
