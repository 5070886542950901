/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/pin.h"

#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/pin.h"
#include "kinds/user_config.h"

#define PIN_MAX 1024

/* ---- addresses ---- */

static int take_attribute(struct token_address *t, const char *text, size_t len, struct str *uri,
			  struct err **err)
{
	char *one cleanup_free = xstrndup(text, len);
	const char *module = str_skip(one, "module-path="), *source = str_skip(one, "pin-source=");
	const char *file = source ? str_skip(source, "file:") : NULL;

	if (str_skip(one, "pin-value="))
		return err_set(
			err, E_INVALID_VALUE,
			"an address with 'pin-value=' shows the PIN to everybody: take it out, "
			"and say 'pin-source=file:PATH' or set ORCH_PIN");
	if (source && !file)
		return err_set(err, E_INVALID_VALUE, "'%s' is not 'pin-source=file:PATH'", one);
	if (module || source) {
		char **to = module ? &t->module : &t->pin_source;

		free(*to);
		*to = xstrdup(module ? module : file);
	} else if (*one) {
		str_append(uri, uri->len > strlen("pkcs11:") ? ";" : "");
		str_append(uri, one);
	}
	return 0;
}

/* What config.yaml says, where the address says nothing. */
static void add_configured(struct token_address *t)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *ignored cleanup_err = NULL;
	struct user_config config;

	if (user_config_read(arena, &config, &ignored) < 0)
		return;
	if (!t->module && config.pkcs11_module)
		t->module = xstrdup(config.pkcs11_module);
}

int token_parse(const char *address, struct token_address *ret, struct err **err)
{
	struct token_address t cleanup_token = {0};
	struct str uri cleanup_str = STR_INIT;
	const char *at = str_skip(address, "pkcs11:");

	str_append(&uri, "pkcs11:");
	while (at && *at) {
		size_t len = strcspn(at, ";?&");

		if (take_attribute(&t, at, len, &uri, err) < 0)
			return -1;
		at += len + (at[len] != 0);
	}
	add_configured(&t);
	t.uri = str_steal(&uri);
	t.module = t.module ? t.module : xstrdup("");
	t.pin_source = t.pin_source ? t.pin_source : xstrdup("");
	*ret = t;
	t = (struct token_address){0};
	return 0;
}

void token_release(struct token_address *t)
{
	free(t->uri);
	free(t->module);
	free(t->pin_source);
	*t = (struct token_address){0};
}

/* ---- PINs ---- */

void pin_forget(struct str *pin)
{
	if (pin->cap)
		explicit_bzero(pin->buf, pin->cap);
	str_release(pin);
}

static void cut_line(struct str *pin)
{
	pin->len = strcspn(pin->buf, "\r\n");
	if (pin->cap)
		pin->buf[pin->len] = 0;
}

static int from_file(const char *path, struct str *ret, struct err **err)
{
	if (file_read(path, PIN_MAX, ret, err) < 0)
		return err_wrap(err, "the PIN");
	cut_line(ret);
	return 0;
}

static int from_config(struct str *ret, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct user_config config;

	if (user_config_read(arena, &config, err) < 0)
		return -1;
	return config.pin_file ? from_file(config.pin_file, ret, err) : 1;
}

static void read_hidden(int fd, struct str *ret)
{
	struct termios was, is;
	char c;

	if (tcgetattr(fd, &was) < 0)
		return;
	is = was;
	is.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &is);
	while (ret->len < PIN_MAX && read(fd, &c, 1) == 1 && c != '\n')
		str_append_char(ret, c);
	tcsetattr(fd, TCSAFLUSH, &was);
	(void)!write(fd, "\n", 1);
}

static int from_terminal(const char *where, struct str *ret, struct err **err)
{
	int fd cleanup_fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || !isatty(fd))
		return err_set(
			err, E_PIN_MISSING,
			"'%s' asks for a PIN: set ORCH_PIN, or name a file with 'pin-file' in "
			"your config.yaml",
			where);
	dprintf(fd, "PIN for %s: ", where);
	read_hidden(fd, ret);
	return 0;
}

int pin_get(const char *where, const char *given, struct str *ret, struct err **err)
{
	struct token_address t cleanup_token = {0};
	int rc;

	if (pin_is_for(where) && token_parse(where, &t, err) < 0)
		return -1;
	if (t.pin_source && *t.pin_source)
		return from_file(t.pin_source, ret, err);
	if (given)
		return from_file(given, ret, err);
	rc = from_config(ret, err);
	return rc == 1 ? from_terminal(t.uri ? t.uri : where, ret, err) : rc;
}
