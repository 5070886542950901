/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/fetch/login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "base/url.h"
#include "kinds/user_config.h"

#define MAX_NETRC (1024 * 1024)
#define MAX_ANSWER (64 * 1024)

/* From now on this process has a secret in its memory. */
static void leave_no_core(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

/* ---- ~/.netrc ---- */

/* Where a file's text is read. */
struct cursor {
	const char *start, *at;
};

/* What a letter after a backslash stands for. */
static char unescaped(char c)
{
	static const char letters[] = "nrt", meant[] = "\n\r\t";
	const char *found = strchr(letters, c);

	return found && c ? meant[found - letters] : c;
}

/* A word in double quotes, after the first of them. */
static char *quoted_word(struct arena *arena, struct cursor *c)
{
	char *word = arena_strdup(arena, c->at), *w = word;

	for (; *c->at && *c->at != '"'; c->at++) {
		if (*c->at == '\\' && c->at[1]) {
			*w++ = unescaped(*++c->at);
		} else {
			*w++ = *c->at;
		}
	}
	*w = '\0';
	c->at += *c->at == '"';
	return word;
}

/* Skips space, and lines that begin with '#'. */
static void skip_space(struct cursor *c)
{
	for (;;) {
		bool begins = c->at == c->start;

		for (; *c->at && strchr(" \t\r\n", *c->at); c->at++)
			begins |= *c->at == '\n';
		if (!begins || *c->at != '#')
			return;
		c->at += strcspn(c->at, "\n");
	}
}

/* The next word, as libcurl reads them; NULL at the end. */
static char *next_word(struct arena *arena, struct cursor *c)
{
	char *word;
	size_t n;

	skip_space(c);
	if (!*c->at)
		return NULL;
	if (*c->at == '"') {
		c->at++;
		return quoted_word(arena, c);
	}
	n = strcspn(c->at, " \t\r\n");
	word = arena_strndup(arena, c->at, n);
	c->at += n;
	return word;
}

/* A macro, which is for ftp(1), goes on to an empty line. */
static void skip_macro(struct cursor *c)
{
	const char *end = strstr(c->at, "\n\n");

	c->at = end ? end + 1 : c->at + strlen(c->at);
}

/* An entry while it is read. */
struct netrc_entry {
	bool here; /* is for the host that is looked for */
	const char *user, *password;
};

/* A word that begins no entry, and the one after it. */
static void take_word(struct arena *arena, struct netrc_entry *e, const char *word,
		      struct cursor *c)
{
	const char *value;

	if (str_eq(word, "macdef")) {
		skip_macro(c);
		return;
	}
	value = next_word(arena, c);
	if (e->here && str_eq(word, "login"))
		e->user = value;
	else if (e->here && str_eq(word, "password"))
		e->password = value;
}

int login_netrc_find(struct arena *arena, const char *text, const char *url, const char **ret_user,
		     const char **ret_password)
{
	struct cursor c = {text, text};
	struct netrc_entry e = {0};
	const char *word;
	struct url u;

	url_split(arena, url, &u);
	while (*u.host && (word = next_word(arena, &c))) {
		bool machine = str_eq(word, "machine"), all = str_eq(word, "default");

		if ((machine || all) && e.here && (e.user || e.password))
			break;
		if (machine) {
			const char *host = next_word(arena, &c);

			e = (struct netrc_entry){.here = host && strcasecmp(host, u.host) == 0};
		} else if (all) {
			e = (struct netrc_entry){.here = true};
		} else {
			take_word(arena, &e, word, &c);
		}
	}
	if (!e.here || (!e.user && !e.password))
		return 1;
	*ret_user = e.user ? e.user : "";
	*ret_password = e.password ? e.password : "";
	return 0;
}

int login_netrc(struct arena *arena, const char *url, const char **ret_user,
		const char **ret_password)
{
	const char *home = getenv("HOME");
	char *path cleanup_free = home ? path_join(home, ".netrc") : NULL;
	struct err *ignored cleanup_err = NULL;
	struct str text cleanup_str = STR_INIT;
	int r;

	if (!path || !path_exists(path) || file_read(path, MAX_NETRC, &text, &ignored) < 0)
		return 1;
	r = login_netrc_find(arena, text.buf, url, ret_user, ret_password);
	explicit_bzero(text.buf, text.len);
	if (r == 0)
		leave_no_core();
	return r;
}

/* ---- the helper ---- */

int login_answer_parse(struct arena *arena, const struct str *text, const char **ret_user,
		       const char **ret_password)
{
	const char *user = NULL, *password = NULL;

	if (strlen(text->buf) != text->len)
		return -1;
	for (const char *l = text->buf; *l && *l != '\n';) {
		size_t n = strcspn(l, "\n");
		const char *line = arena_strndup(arena, l, n);

		if (!strchr(line, '='))
			return -1;
		if (str_skip(line, "username="))
			user = str_skip(line, "username=");
		else if (str_skip(line, "password="))
			password = str_skip(line, "password=");
		l += n + (l[n] == '\n');
	}
	if (!user || !password)
		return 1;
	*ret_user = user;
	*ret_password = password;
	return 0;
}

/* What is asked, as a file to read. */
static int open_question(const char *url, int *ret_fd, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str text cleanup_str = STR_INIT;
	bool bracket;
	struct url u;

	url_split(arena, url, &u);
	bracket = strchr(u.host, ':') != NULL;
	str_printf(&text, "protocol=%s\nhost=%s%s%s", u.scheme, bracket ? "[" : "", u.host,
		   bracket ? "]" : "");
	if (*u.port)
		str_printf(&text, ":%s", u.port);
	str_append(&text, "\n\n");
	return tmp_in_memory("question", text.buf, text.len, ret_fd, err);
}

/* Our environment, without a place for its files that others will see. It prompts nobody. */
static char **helper_env(struct arena *arena)
{
	size_t n = 0, count = 0;
	char **env;

	while (environ[count])
		count++;
	env = arena_alloc(arena, (count + 2) * sizeof(*env));
	for (size_t i = 0; i < count; i++)
		if (!str_skip(environ[i], "TMPDIR=") && !str_skip(environ[i], "GIT_TRACE"))
			env[n++] = environ[i];
	env[n++] = (char *)"GIT_TERMINAL_PROMPT=0";
	return env;
}

static int run_helper(struct arena *arena, const struct list *helper, const char *url,
		      struct str *ret, struct err **err)
{
	int in cleanup_fd = -1;
	int null cleanup_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_opts opts = {
		.errfd = null, .cwd = "/", .env = helper_env(arena), .timeout_s = LOGIN_HELPER_S};
	struct strv argv cleanup_strv = {0};

	if (open_question(url, &in, err) < 0)
		return -1;
	opts.in = in;
	for (size_t i = 0; i < helper->count; i++)
		strv_push(&argv, LIST_AT(*helper, const char *, i));
	strv_push(&argv, "get");
	return proc_output(strv_argv(&argv), &opts, MAX_ANSWER, ret, err);
}

static int ask_helper(struct arena *arena, const struct list *helper, const char *url,
		      const char **ret_user, const char **ret_password, struct err **err)
{
	struct str answer cleanup_str = STR_INIT;
	char *shown cleanup_free = url_shown(url);
	int r;

	leave_no_core();
	r = run_helper(arena, helper, url, &answer, err);
	if (r == 0)
		r = login_answer_parse(arena, &answer, ret_user, ret_password);
	explicit_bzero(answer.buf, answer.len);
	if (r < 0 && !*err)
		err_set(err, E_CREDENTIAL_HELPER, "its answer is not one of git-credential(1)");
	if (r >= 0)
		return r;
	/* Whatever it was: the user's program, not the recipe. */
	(*err)->code = E_CREDENTIAL_HELPER;
	return err_wrap(err, "the credential helper, asked about %s", shown);
}

int login_ask(void *arg, const char *url, const char **ret_user, const char **ret_password,
	      struct err **err)
{
	struct arena *arena = arg;
	struct user_config config;

	if (login_netrc(arena, url, ret_user, ret_password) == 0)
		return 0;
	if (user_config_read(arena, &config, err) < 0)
		return -1;
	if (!config.credential_helper.count)
		return 1;
	return ask_helper(arena, &config.credential_helper, url, ret_user, ret_password, err);
}
