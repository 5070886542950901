/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/bundle/token_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "base/proc.h"
#include "kinds/pki/pin.h"

#define PROXY "p11-kit-proxy.so"
#define WAIT_MS 10000
#define END_MS 2000
#define STEP_MS 5

static void nap(void)
{
	nanosleep(&(struct timespec){0, STEP_MS * 1000000L}, NULL);
}

/* ---- the PIN ---- */

/* Until who reads has gone: else it would read the PIN twice. */
static void wait_for_reader(const struct token_server *t)
{
	int fd;

	while (!t->ends && (fd = open(t->pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0) {
		close(fd);
		nap();
	}
}

/* Tells it to each who opens the pipe. */
static void *tell(void *arg)
{
	struct token_server *t = arg;

	while (!t->ends) {
		int fd = open(t->pipe, O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			return NULL;
		if (!t->ends)
			(void)!write(fd, t->pin.buf, t->pin.len);
		close(fd);
		wait_for_reader(t);
	}
	return NULL;
}

static int start_telling(struct token_server *t, const char *address, const char *pin_at,
			 struct err **err)
{
	if (pin_get(address, pin_at, &t->pin, err) < 0)
		return -1;
	if (mkfifo(t->pipe, 0600) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", t->pipe);
	if (pthread_create(&t->teller, NULL, tell, t) != 0)
		return err_set(err, E_NO_MEMORY, "cannot start a thread");
	t->tells = true;
	return 0;
}

static void stop_telling(struct token_server *t)
{
	int fd;

	t->ends = true;
	if (!t->tells)
		return;
	fd = open(t->pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	pthread_join(t->teller, NULL);
	if (fd >= 0)
		close(fd);
}

/* ---- the server ---- */

/* What of a key's address names its token: the server shows nothing but that. */
static void token_of(const char *uri, struct str *ret)
{
	static const char *const names[] = {"token=", "serial=", "manufacturer=", "model="};

	str_append(ret, "pkcs11:");
	for (const char *at = uri + strlen("pkcs11:"); *at;) {
		size_t len = strcspn(at, ";");

		for (size_t i = 0; i < array_len(names); i++) {
			if (str_skip(at, names[i])) {
				str_append(ret, ret->len > strlen("pkcs11:") ? ";" : "");
				str_append_len(ret, at, len);
			}
		}
		at += len + (at[len] == ';');
	}
}

static int wait_for_socket(struct token_server *t, const char *socket, struct err **err)
{
	int status;

	for (int ms = 0; ms < WAIT_MS; ms += STEP_MS) {
		if (path_exists(socket))
			return 0;
		if (waitpid(t->pid, &status, WNOHANG) == t->pid) {
			t->pid = 0;
			return err_set(err, E_TOKEN,
				       "p11-kit serves no token '%s' (see the log): is it plugged "
				       "in, and 'pkcs11-module' of your config.yaml its library?",
				       t->uri);
		}
		nap();
	}
	return err_set(err, E_TOKEN, "p11-kit does not begin to serve token '%s'", t->uri);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

/* It is told to end; what does not, as a module that waits for its token, is ended. */
static void stop_server(pid_t pid)
{
	int status;

	proc_kill_group(pid, SIGTERM);
	for (int ms = 0; ms < END_MS && !has_ended(pid); ms += STEP_MS)
		nap();
	proc_kill_group(pid, SIGKILL);
	(void)!proc_wait(pid, &status, NULL);
}

static int start_server(struct token_server *t, const char *module, struct err **err)
{
	char *socket cleanup_free = path_join(t->dir, TOKEN_SOCKET);
	char *program cleanup_free = path_program("p11-kit");
	struct strv argv cleanup_strv = {0};
	struct str token cleanup_str = STR_INIT;
	/* From its directory: the path of a socket has at most 107 bytes, that of a store any. */
	struct proc_opts opts = {.no_core = true, .out = STDERR_FILENO, .cwd = t->dir};

	if (!program)
		return err_set(err, E_TOKEN,
			       "there is no p11-kit, which serves tokens: apt install p11-kit "
			       "p11-kit-modules libengine-pkcs11-openssl");
	token_of(t->uri, &token);
	strv_push(&argv, program);
	strv_push(&argv, "server");
	strv_push(&argv, "--foreground");
	strv_push(&argv, "--name=" TOKEN_SOCKET);
	strv_printf(&argv, "--provider=%s", *module ? module : PROXY);
	strv_push(&argv, token.buf);
	return proc_start(strv_argv(&argv), &opts, &t->pid, err) < 0
		       ? -1
		       : wait_for_socket(t, socket, err);
}

int token_server_start(struct token_server *t, const char *address, const char *dir,
		       const char *pin_at, struct err **err)
{
	struct token_address a cleanup_token = {0};

	t->pin = (struct str)STR_INIT;
	if (token_parse(address, &a, err) < 0 || path_mkdirs(dir, err) < 0)
		return -1;
	t->dir = xstrdup(dir);
	t->pipe = path_join(dir, TOKEN_PIN);
	t->uri = steal_ptr(a.uri);
	return start_telling(t, address, pin_at, err) < 0 ? -1 : start_server(t, a.module, err);
}

void token_server_stop(struct token_server *t)
{
	stop_telling(t);
	if (t->pid)
		stop_server(t->pid);
	if (t->pipe)
		unlink(t->pipe);
	if (t->dir)
		pin_forget(&t->pin);
	free(t->uri);
	free(t->dir);
	free(t->pipe);
	*t = (struct token_server){0};
}
