/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/paint.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

static const struct paint plain = {"", "", "", "", "", ""};
static const struct paint colours = {"\033[1m",  "\033[2m",  "\033[31m",
				     "\033[32m", "\033[33m", "\033[0m"};

static bool env_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

bool paint_is_terminal(FILE *stream)
{
	const char *term = getenv("TERM");

	return isatty(fileno(stream)) && term && *term && !str_eq(term, "dumb");
}

const struct paint *paint_for(const struct cli *c, FILE *stream)
{
	const char *force = getenv("CLICOLOR_FORCE");

	if (c->color == WHEN_ALWAYS)
		return &colours;
	if (c->color == WHEN_NEVER || env_set("NO_COLOR"))
		return &plain;
	if (force && *force && !str_eq(force, "0"))
		return &colours;
	return paint_is_terminal(stream) ? &colours : &plain;
}

void print_escaped(FILE *to, const char *text, size_t len)
{
	struct str s cleanup_str = STR_INIT;

	str_escape(&s, text, len);
	fwrite(s.buf, 1, s.len, to);
}

void print_lines(FILE *to, const char *prefix, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		struct str s cleanup_str = STR_INIT;

		/* Serial consoles end lines with CR LF; progress bars overwrite with bare CR. */
		while (n > 0 && text[n - 1] == '\r')
			n--;
		str_append(&s, prefix);
		str_escape(&s, text, n);
		str_append_char(&s, '\n');
		fwrite(s.buf, 1, s.len, to);
		text = nl ? nl + 1 : end;
	}
}

void print_aside(const char *text)
{
	fputs("orch: ", stderr);
	print_lines(stderr, "", text, strlen(text));
}

/* Whether the runner of GitHub Actions may be reading STREAM. */
static bool actions_read(FILE *stream)
{
	const char *actions = getenv("GITHUB_ACTIONS");
	struct stat st;

	return actions && str_eq(actions, "true") && fstat(fileno(stream), &st) == 0 &&
	       !S_ISREG(st.st_mode);
}

struct foreign foreign_begin(FILE *to)
{
	struct foreign f = {.to = to};
	unsigned char random[16];

	if (!actions_read(to) || getrandom(random, sizeof(random), 0) != sizeof(random))
		return f;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(f.word + 2 * i, 3, "%02x", random[i]);
	fprintf(to, "::stop-commands::%s\n", f.word);
	fflush(to);
	return f;
}

void foreign_end(struct foreign *f)
{
	if (*f->word) {
		fprintf(f->to, "::%s::\n", f->word);
		fflush(f->to);
	}
	*f->word = 0;
}
