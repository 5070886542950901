/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

/* ---- the terminal ---- */

/*
 * What would end or stop this process while nothing that is typed is shown: it comes once the
 * terminal is as it was. (In the background it is stopped before.)
 */
static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
static volatile sig_atomic_t caught;

static void note_signal(int signal)
{
	caught = signal;
}

struct signals {
	struct sigaction actions[array_len(ends)];
	sigset_t mask;
};

/* They wait until wait_for_byte(), but for those that are ignored. */
static void hold_signals(struct signals *was)
{
	const struct sigaction note = {.sa_handler = note_signal};
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < array_len(ends); i++) {
		sigaction(ends[i], NULL, &was->actions[i]);
		if (was->actions[i].sa_handler == SIG_IGN)
			continue;
		sigaction(ends[i], &note, NULL);
		sigaddset(&held, ends[i]);
	}
	caught = 0;
	sigprocmask(SIG_BLOCK, &held, &was->mask);
}

static void let_signals(const struct signals *was)
{
	for (size_t i = 0; i < array_len(ends); i++)
		sigaction(ends[i], &was->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &was->mask, NULL);
}

/* Whether there is one, rather than a signal or the end. */
static bool wait_for_byte(int fd, const struct signals *was, char *ret)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (!caught && ppoll(&p, 1, NULL, &was->mask) < 0) {
		if (errno != EINTR)
			return false;
	}
	return !caught && read(fd, ret, 1) == 1;
}

/* A line that is not shown. Returns the signal that came before its end, or 0. */
static int read_hidden(int fd, const char *where, struct str *ret)
{
	struct termios was, is;
	struct signals signals;
	char c;

	if (tcgetattr(fd, &was) < 0)
		return 0;
	is = was;
	is.c_lflag &= ~(tcflag_t)ECHO;
	hold_signals(&signals);
	tcsetattr(fd, TCSAFLUSH, &is);
	dprintf(fd, "PIN for %s: ", where);
	while (ret->len < PIN_MAX && wait_for_byte(fd, &signals, &c) && c != '\n')
		str_append_char(ret, c);
	tcsetattr(fd, TCSAFLUSH, &was);
	(void)!write(fd, "\n", 1);
	let_signals(&signals);
	return caught;
}

static int from_terminal(const char *where, struct str *ret, struct err **err)
{
	int fd cleanup_fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int signal;

	if (fd < 0 || !isatty(fd))
		return err_set(
			err, E_PIN_MISSING,
			"'%s' asks for a PIN: set ORCH_PIN, or name a file with 'pin-file' in "
			"your config.yaml",
			where);
	str_reserve(ret, PIN_MAX + 1); /* growing would leave parts of it in memory */
	while ((signal = read_hidden(fd, where, ret))) {
		pin_forget(ret);
		raise(signal);
		if (signal != SIGTSTP) /* and has not ended this process */
			return err_set(err, E_PIN_MISSING, "nobody has said the PIN for '%s'",
				       where);
	}
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
