/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making a bundle: its content in a directory, which rauc packs and signs; then it is read back by
 * `rauc info`, as a device would. Manifest: RAUC reference manual, section "Manifest".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/pin.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/bundle/rauc.h"
#include "kinds/makers.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/pki.h"
#include "kinds/pki/x509.h"
#include "media/ext4/ext4.h"
#include "media/fat/fat.h"

/*
 * rauc chooses the handler of an image by its file name's suffix, so the suffix must tell what is
 * in it.
 */
static int image_suffix(const char *path, const char **ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[4];
	ssize_t got = fd < 0 ? -1 : pread(fd, magic, sizeof(magic), 0);

	if (got < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", path);
	*ret = "img";
	if (ext4_state(fd, 0))
		*ret = "ext4";
	else if (fat_state(fd, 0))
		*ret = "vfat";
	else if (got == sizeof(magic) && memcmp(magic, "hsqs", sizeof(magic)) == 0)
		*ret = "squashfs";
	return 0;
}

#define HOOK_NAME "hook" /* in the bundle */

static int write_hook(struct action *a, const char *dir, struct str *manifest, struct err **err)
{
	const struct bundle_hooks *hooks = ((const struct bundle_opts *)a->opts)->hooks;
	char *to cleanup_free = path_join(dir, HOOK_NAME);

	if (!hooks)
		return 0;
	str_append(manifest, "\n[hooks]\nfilename=" HOOK_NAME "\n");
	if (hooks->install_check)
		str_append(manifest, "hooks=install-check\n");
	return file_copy(action_input(a, hooks->file)->path, to, 0755, err);
}

/* The line of an image's section that names its hooks. */
static void write_slot_hooks(const struct bundle_opts *o, const char *class, struct str *manifest)
{
	for (size_t i = 0; o->hooks && i < o->hooks->slots.count; i++) {
		const struct pair *slot = LIST_AT(o->hooks->slots, struct pair *, i);
		const struct list *names = slot->data;

		for (size_t k = 0; str_eq(slot->key, class) && k < names->count; k++)
			str_printf(manifest, "%s%s%s",
				   k ? ";" : "hooks=", LIST_AT(*names, const char *, k),
				   k + 1 == names->count ? "\n" : "");
	}
}

#define ADAPTIVE_BLOCK 4096

/* The line of an image's section that has rauc make an index of its blocks. */
static int write_adaptive(const struct bundle_opts *o, const char *class, const char *image,
			  const char *suffix, struct str *manifest, struct err **err)
{
	bool all = o->adaptive.count == 1 &&
		   str_eq(LIST_AT(o->adaptive, const char *, 0), BUNDLE_ADAPTIVE_ALL);
	bool named = false;
	struct stat st;

	for (size_t i = 0; i < o->adaptive.count; i++)
		named = named || str_eq(LIST_AT(o->adaptive, const char *, i), class);
	if (!named && (!all || str_eq(suffix, "vfat")))
		return 0;
	if (stat(image, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", image);
	if (st.st_size % ADAPTIVE_BLOCK)
		return err_set(err, E_INVALID_VALUE,
			       "the image for slot class '%s' has %llu bytes: only one of whole "
			       "blocks of %d can be adaptive",
			       class, (unsigned long long)st.st_size, ADAPTIVE_BLOCK);
	str_append(manifest, "adaptive=block-hash-index\n");
	return 0;
}

/* The content directory: manifest.raucm, and the images and the hook under the names it gives. */
static int write_content(struct action *a, const char *dir, struct err **err)
{
	const struct bundle_opts *o = a->opts;
	char *manifest cleanup_free = path_join(dir, "manifest.raucm");
	struct str text cleanup_str = STR_INIT;

	str_printf(&text, "[update]\ncompatible=%s\nversion=%s\n", o->compatible, o->version);
	if (o->description)
		str_printf(&text, "description=%s\n", o->description);
	str_append(&text, "\n[bundle]\nformat=verity\n");
	if (write_hook(a, dir, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < o->images.count; i++) {
		const struct named_ref *image = LIST_AT(o->images, struct named_ref *, i);
		const char *from = action_input(a, image->ref)->path, *suffix = NULL;
		char *name cleanup_free = NULL, *to cleanup_free = NULL;

		if (image_suffix(from, &suffix, err) < 0)
			return -1;
		name = xasprintf("%s.%s", image->key, suffix);
		to = path_join(dir, name);
		str_printf(&text, "\n[image.%s]\nfilename=%s\n", image->key, name);
		write_slot_hooks(o, image->key, &text);
		if (write_adaptive(o, image->key, from, suffix, &text, err) < 0 ||
		    file_copy(from, to, 0644, err) < 0)
			return -1;
	}
	return file_write(manifest, text.buf, text.len, 0644, false, err);
}

struct signer {
	const char *cert, *keyring, *key; /* as the pki node gives them */
	const char *dir;                  /* of the next two */
	char *leaf, *intermediates;       /* split; intermediates NULL: none */
};

static const char *output_of(const struct action_input *in, const char *name)
{
	for (size_t i = 0; i < in->file_count; i++) {
		if (str_eq(in->files[i].name, name))
			return in->files[i].path;
	}
	return NULL;
}

static int is_not_revoked(const struct signer *s, time_t now, struct err **err)
{
	struct strv trust cleanup_strv = {0};

	strv_push(&trust, s->keyring);
	return crl_check(s->cert, &trust, now, err);
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
		return err_set(err, E_INTERNAL, "node '%s' does not give a signer", in->node);
	/* The key of a token is tried by rauc, which alone may use it (try_rauc()). */
	if (x509_check_signer(s->cert, s->keyring, pin_is_for(s->key) ? NULL : s->key, now, &facts,
			      err) < 0 ||
	    is_not_revoked(s, now, err) < 0 || x509_split_chain(s->cert, &leaf, &rest, err) < 0)
		return -1;
	pki_warn(a, &facts, s->key, now);
	s->dir = arena_printf(a->arena, "%s/certs", a->workdir);
	s->leaf = arena_printf(a->arena, "%s/leaf.pem", s->dir);
	if (path_mkdirs(s->dir, err) < 0 ||
	    file_write(s->leaf, leaf.buf, leaf.len, 0644, false, err) < 0)
		return -1;
	if (!rest.len)
		return 0;
	s->intermediates = arena_printf(a->arena, "%s/intermediates.pem", s->dir);
	return file_write(s->intermediates, rest.buf, rest.len, 0644, false, err);
}

/* mksquashfs arguments; zstd 3 is 14 times faster than gzip for 3 % more bytes. */
static const char *const compression_args[] = {
	[BUNDLE_ZSTD] = "-comp zstd -Xcompression-level 3",
	[BUNDLE_LZ4] = "-comp lz4 -Xhc",
	[BUNDLE_GZIP] = "-comp gzip",
	[BUNDLE_XZ] = "-comp xz",
};

/* Packs the directory "content" of r->dir, signs it, and makes the bundle OUT of it. */
static int make_bundle(const struct rauc *r, const struct signer *s, const char *out,
		       struct err **err)
{
	const struct bundle_opts *o = r->a->opts;
	const char *content = arena_printf(r->a->arena, "%s/content", r->dir), *blocks = "";
	struct strv argv cleanup_strv = {0};

	strv_push(&argv, "rauc");
	strv_push(&argv, "bundle");
	strv_printf(&argv, "--cert=%s", rauc_path(r, s->leaf));
	strv_printf(&argv, "--key=%s", rauc_path(r, s->key));
	strv_printf(&argv, "--keyring=%s", rauc_path(r, s->keyring));
	if (s->intermediates)
		strv_printf(&argv, "--intermediate=%s", rauc_path(r, s->intermediates));
	if (o->block_size)
		blocks = arena_printf(r->a->arena, " -b %llu", (unsigned long long)o->block_size);
	strv_printf(&argv, "--mksquashfs-args=%s%s -processors %u",
		    compression_args[o->compression], blocks, r->a->cpus ? r->a->cpus : 1);
	strv_push(&argv, rauc_path(r, content));
	strv_push(&argv, rauc_path(r, out));
	return rauc_sign(r, &argv, err);
}

/* What a device would read of BUNDLE. */
static int read_bundle(const struct rauc *r, const char *bundle, struct str *ret, struct err **err)
{
	struct strv argv cleanup_strv = {0};

	strv_push(&argv, "rauc");
	strv_printf(&argv, "--keyring=%s", rauc_path(r, r->keyring));
	strv_push(&argv, "info");
	strv_push(&argv, "--output-format=shell");
	strv_push(&argv, rauc_path(r, bundle));
	return rauc_read(r, &argv, ret, err);
}

/* The reading side. Other values than the recipe's are an error. */
static int read_back(const struct rauc *r, const char *bundle, struct err **err)
{
	const struct bundle_opts *o = r->a->opts;
	char *compatible cleanup_free = xasprintf("RAUC_MF_COMPATIBLE='%s'\n", o->compatible);
	char *version cleanup_free = xasprintf("RAUC_MF_VERSION='%s'\n", o->version);
	struct str text cleanup_str = STR_INIT;

	if (read_bundle(r, bundle, &text, err) < 0) {
		(*err)->code = E_BUNDLE_DIFFERS;
		return err_wrap(err, "rauc does not accept the bundle it made (see the log)");
	}
	if (!strstr(text.buf, compatible) || !strstr(text.buf, version)) {
		action_log(r->a, "%s", text.buf);
		return err_set(err, E_BUNDLE_DIFFERS,
			       "rauc reads other values than the recipe has (see the log)");
	}
	return 0;
}

/*
 * Whether rauc, as it was built, can sign with this key and verify it: with a bundle of nothing
 * much, before the images are packed. x509_check_signer() has tried the library that orch has.
 */
static int try_rauc(struct rauc *r, const struct signer *s, struct err **err)
{
	static const char manifest[] = "[update]\ncompatible=trial\nversion=1\n\n"
				       "[bundle]\nformat=verity\n\n"
				       "[image.trial]\nfilename=trial.img\n";
	const struct bundle_opts *o = r->a->opts;
	const char *dir = arena_printf(r->a->arena, "%s/trial/content", r->a->workdir);
	const char *bundle = arena_printf(r->a->arena, "%s/trial/trial.raucb", r->a->workdir);
	char *text cleanup_free = path_join(dir, "manifest.raucm"),
		   *image cleanup_free = path_join(dir, "trial.img");
	struct str said cleanup_str = STR_INIT;
	char block[16384]; /* rauc refuses a squashfs of one page: nothing that can be compressed */

	if (getrandom(block, sizeof(block), 0) != (ssize_t)sizeof(block))
		return err_errno(err, E_INTERNAL, errno, "cannot get random numbers");
	if (path_mkdirs(dir, err) < 0 ||
	    file_write(text, manifest, strlen(manifest), 0644, false, err) < 0 ||
	    file_write(image, block, sizeof(block), 0644, false, err) < 0)
		return -1;
	r->dir = arena_printf(r->a->arena, "%s/trial", r->a->workdir);
	if (make_bundle(r, s, bundle, err) < 0 || read_bundle(r, bundle, &said, err) < 0)
		return err_wrap(err,
				"the rauc of %s cannot sign with this key and verify it (see "
				"the log)",
				o->tools ? "'tools'" : "this machine");
	return 0;
}

static int serve_token(struct rauc *r, struct token_server *t, struct err **err)
{
	const struct bundle_opts *o = r->a->opts;
	const char *dir = arena_printf(r->a->arena, "%s/token", r->a->workdir);

	r->token = t;
	return token_server_start(
		t, r->key, dir, action_secret(r->a, action_input(r->a, o->sign)->node, "pin"), err);
}

static int bundle_run(struct action *a, struct err **err)
{
	const char *dir = arena_printf(a->arena, "%s/bundle", a->workdir);
	const char *content = arena_printf(a->arena, "%s/content", dir);
	const char *name = arena_printf(a->arena, "%s.raucb", path_base(a->node));
	const char *out = action_output(a, name);
	const struct bundle_opts *o = a->opts;
	struct rauc r = {.a = a};
	struct token_server token cleanup_token_server = {0};
	struct signer signer = {0};

	if (open_signer(a, &signer, err) < 0)
		return -1;
	r.key = signer.key;
	r.keyring = signer.keyring;
	r.certs = signer.dir;
	if (pin_is_for(signer.key) && serve_token(&r, &token, err) < 0)
		return -1;
	if (rauc_open(&r, o->tools, err) < 0 || try_rauc(&r, &signer, err) < 0 ||
	    path_mkdirs(content, err) < 0 || write_content(a, content, err) < 0)
		return -1;
	action_progress(a, -1, "compressing and signing");
	r.dir = dir;
	if (make_bundle(&r, &signer, out, err) < 0)
		return -1;
	return read_back(&r, out, err);
}

const struct maker maker_bundle = {
	.kind = &kind_bundle,
	.run = bundle_run,
};
