/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signing a FIT image: once, or once for each device tree that gets the public key. Equal bytes and
 * an equal key give an equal signature (RSA as in PKCS #1 v1.5), so any of these images is the one.
 */
#include "base/file.h"
#include "base/path.h"
#include "kinds/fit/fit_opts.h"
#include "kinds/fit/mkimage.h"
#include "kinds/makers.h"
#include "kinds/pki/x509.h"
#include "media/fit/fit.h"

#define MAX_FIT_BYTES ((size_t)1 << 30)
#define MAX_TREE_BYTES ((size_t)16 << 20)
/* In the directory of a signing. */
#define IMAGE "image.itb"
#define TREE "u-boot.dtb"

static const unsigned char *bytes_of(const struct str *text)
{
	return (const unsigned char *)text->buf;
}

/* What comes out of IMAGE, signed, when it was the I-th; the log has what mkimage said. */
static int sign(struct mkimage *m, const struct str *image, const struct ref *tree, size_t i,
		struct str *ret, struct err **err)
{
	const char *dir = arena_printf(m->a->arena, "%s/%zu", m->a->workdir, i);
	char *at cleanup_free = path_join(dir, IMAGE), *tree_at cleanup_free = path_join(dir, TREE);
	struct str signed_tree cleanup_str = STR_INIT;
	bool external = fit_is_external(bytes_of(image), image->len);

	if (path_mkdirs(dir, err) < 0 ||
	    file_write(at, image->buf, image->len, 0644, false, err) < 0)
		return -1;
	if (tree && file_copy(action_input(m->a, tree)->path, tree_at, 0644, err) < 0)
		return -1;
	if (mkimage_sign(m, dir, IMAGE, tree ? TREE : NULL, external, err) < 0 ||
	    file_read_foreign(at, MAX_FIT_BYTES, ret, err) < 0)
		return -1;
	if (!tree)
		return 0;
	if (file_read_foreign(tree_at, MAX_TREE_BYTES, &signed_tree, err) < 0)
		return -1;
	return file_write(action_output(m->a, fit_output_name(tree)), signed_tree.buf,
			  signed_tree.len, 0644, false, err);
}

static int open_signer(struct mkimage *m, struct err **err)
{
	const struct fit_opts *o = m->a->opts;
	const char *name = path_base(o->cert->text);
	struct x509_facts facts;

	m->key = action_secret(m->a, m->a->node, "key");
	m->cert = action_input(m->a, o->cert)->path;
	if (!m->key)
		return err_set(err, E_INTERNAL, "node '%s' has no key", m->a->node);
	if (x509_check_rsa(m->cert, m->key, &facts, err) < 0)
		return -1;
	if (facts.key_is_open)
		action_warning(m->a,
			       "others than its owner can read the private key '%s': chmod 600",
			       m->key);
	return mkimage_open(m, o->tools, arena_strndup(m->a->arena, name, strcspn(name, ".")), err);
}

static int fit_run(struct action *a, struct err **err)
{
	const struct fit_opts *o = a->opts;
	const char *out = action_output(a, fit_output_name(o->from));
	struct str image cleanup_str = STR_INIT, done cleanup_str = STR_INIT;
	struct mkimage m = {.a = a};
	size_t i = 0;

	if (open_signer(&m, err) < 0 ||
	    file_read(action_input(a, o->from)->path, MAX_FIT_BYTES, &image, err) < 0)
		return -1;
	if (image.len < 8)
		return err_set(err, E_FIT_UNSIGNED, "'%s' is not a FIT image", o->from->text);
	do {
		const struct ref *tree = i < o->device_trees.count
						 ? LIST_AT(o->device_trees, struct ref *, i)
						 : NULL;

		str_clear(&done);
		if (sign(&m, &image, tree, i, &done, err) < 0)
			return -1;
	} while (++i < o->device_trees.count);
	if (!done.buf || fit_check_signed(bytes_of(&done), done.len, path_base(out), err) < 0)
		return done.buf ? -1 : err_set(err, E_FIT_UNSIGNED, "mkimage left no image");
	return file_write(out, done.buf, done.len, 0644, false, err);
}

const struct maker maker_fit = {
	.kind = &kind_fit,
	.run = fit_run,
};
