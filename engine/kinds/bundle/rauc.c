/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/bundle/rauc.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "machine/sandbox/confined.h"

#define OUTPUT_MAX (1024 * 1024)
/* In a tree. Its own directories are read-only: these are made beside them. */
#define WORK "/work"
#define CERTS "/certs"
#define OUT "/out"
#define KEY "/signer.key"
#define TOKEN "/token"
#define KEYRING "/keyring.pem"

int rauc_open(struct rauc *r, const struct ref *tools, struct err **err)
{
	return tools ? toolbox_open(r->a, tools, &r->tools, err) : 0;
}

const char *rauc_path(const struct rauc *r, const char *path)
{
	const struct sandbox_bind places[] = {
		{r->dir, WORK}, {r->certs, CERTS}, {r->a->outdir, OUT}};

	if (r->token && str_eq(path, r->key))
		return arena_printf(r->a->arena, "%s;pin-source=file:%s/" TOKEN_PIN, r->token->uri,
				    r->tools.root ? TOKEN : TOKEN_HERE);
	if (!r->tools.root)
		return path;
	if (str_eq(path, r->key))
		return KEY;
	if (str_eq(path, r->keyring))
		return KEYRING;
	for (size_t i = 0; i < array_len(places); i++) {
		const char *rest = str_skip(path, places[i].from);

		if (rest && *rest == '/')
			return arena_printf(r->a->arena, "%s%s", places[i].to, rest);
	}
	return path;
}

static int run_here(const struct rauc *r, struct strv *argv, struct str *output, struct err **err)
{
	struct confined wall cleanup_confined = {0};
	struct proc_opts opts = {.cwd = !output && r->token ? r->token->dir : NULL};

	confined_program(&wall, "rauc");
	confined_program(&wall, "mksquashfs");
	confined_read(&wall, output || r->token ? NULL : r->key);
	confined_read(&wall, !output && r->token ? r->token->dir : NULL);
	confined_read(&wall, r->keyring);
	confined_read(&wall, r->certs);
	confined_write(&wall, r->dir);
	confined_write(&wall, r->a->outdir);
	confined_apply(&wall, &opts);
	return output ? proc_output(strv_argv(argv), &opts, OUTPUT_MAX, output, err)
		      : proc_run(strv_argv(argv), &opts, err);
}

static int run_in_tree(const struct rauc *r, struct strv *argv, struct str *output,
		       struct err **err)
{
	const struct sandbox_bind binds[] = {
		{r->dir, WORK, true},
		{r->a->outdir, OUT, true},
		{r->certs, CERTS, false},
		{r->keyring, KEYRING, false},
		{r->token ? r->token->dir : r->key, r->token ? TOKEN : KEY, false}};
	char *said cleanup_free = path_join(r->a->workdir, "rauc.out");
	int fd cleanup_fd = -1;

	if (!output)
		return toolbox_run(&r->tools, argv, binds, array_len(binds), WORK, 0, err);
	fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", said);
	if (toolbox_run(&r->tools, argv, binds, array_len(binds) - 1, WORK, fd, err) < 0)
		return -1;
	return file_read(said, OUTPUT_MAX, output, err);
}

/* With OUTPUT, which gets what it prints, it does not see the key. */
static int run(const struct rauc *r, struct strv *argv, struct str *output, struct err **err)
{
	return r->tools.root ? run_in_tree(r, argv, output, err) : run_here(r, argv, output, err);
}

/* The library that reaches the socket, in ROOT, which is a tree's or "". Caller frees. */
static char *client(const char *root, struct err **err)
{
	static const char *const archs[] = {"x86_64-linux-gnu", "aarch64-linux-gnu",
					    "arm-linux-gnueabihf", "riscv64-linux-gnu"};

	for (size_t i = 0; i < array_len(archs); i++) {
		char *path cleanup_free = xasprintf("%s/usr/lib/%s/" TOKEN_CLIENT, root, archs[i]);

		if (path_exists(path))
			return xstrdup(path + strlen(root));
	}
	err_set(err, E_TOKEN,
		"%s lacks '" TOKEN_CLIENT "', by which rauc reaches a token: package "
		"p11-kit-modules, beside libengine-pkcs11-openssl",
		*root ? "the tree of 'tools'" : "this machine");
	return NULL;
}

/* ARGV as a program that reaches the token: where it is served, and never the PIN. */
static int reach_token(const struct rauc *r, const struct strv *argv, struct strv *ret,
		       struct err **err)
{
	char *module cleanup_free = client(r->tools.root ? r->tools.root : "", err);

	if (!module)
		return -1;
	strv_push(ret, "env");
	strv_printf(ret, "RAUC_PKCS11_MODULE=%s", module);
	strv_printf(ret, "P11_KIT_SERVER_ADDRESS=unix:path=%s/" TOKEN_SOCKET,
		    r->tools.root ? TOKEN : TOKEN_HERE);
	for (size_t i = 0; i < argv->count; i++)
		strv_push(ret, argv->items[i]);
	return 0;
}

int rauc_sign(const struct rauc *r, struct strv *argv, struct err **err)
{
	struct strv with cleanup_strv = {0};

	if (!r->token)
		return run(r, argv, NULL, err);
	return reach_token(r, argv, &with, err) < 0 ? -1 : run(r, &with, NULL, err);
}

int rauc_read(const struct rauc *r, struct strv *argv, struct str *ret, struct err **err)
{
	return run(r, argv, ret, err);
}
