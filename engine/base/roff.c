/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/roff.h"

#include <ctype.h>

#define LINE_MAX_LEN 76

static void put_char(struct str *s, char c)
{
	switch (c) {
	case '\\':
		str_append(s, "\\e");
		break;
	case '-':
		str_append(s, "\\-");
		break;
	case '\'':
		str_append(s, "\\(aq");
		break;
	case '`':
		str_append(s, "\\(ga");
		break;
	case '^':
		str_append(s, "\\(ha");
		break;
	case '~':
		str_append(s, "\\(ti");
		break;
	case '"':
		str_append(s, "\\(dq");
		break;
	default:
		str_append_char(s, c);
	}
}

/* LEN bytes, on a line of their own or after others of it; a '.' is no macro. */
static void put(struct str *s, const char *text, size_t len)
{
	if (len && *text == '.')
		str_append(s, "\\&");
	for (size_t i = 0; i < len; i++)
		put_char(s, text[i]);
}

/* Whether a backquote at P, of a paragraph that ends at END, begins or ends bold text. */
static bool is_quote(const char *p, const char *end, bool bold)
{
	return *p == '`' && (bold || memchr(p + 1, '`', (size_t)(end - p - 1)));
}

/* Text on one line. */
static void put_inline(struct str *s, const char *text, size_t len)
{
	const char *end = text + len;
	bool bold = false;

	if (len && *text == '.')
		str_append(s, "\\&");
	for (; text < end; text++) {
		if (is_quote(text, end, bold)) {
			bold = !bold;
			str_append(s, bold ? "\\fB" : "\\fR");
		} else {
			put_char(s, *text);
		}
	}
	if (bold)
		str_append(s, "\\fR");
}

/* A new sentence is a new line, which is how roff knows one. */
static bool ends_sentence(const char *word, size_t len)
{
	while (len > 1 && strchr(")\"'", word[len - 1]))
		len--;
	return len > 1 && strchr(".!?:", word[len - 1]) && isalnum((unsigned char)word[len - 2]);
}

static void put_paragraph(struct str *s, const char *text, size_t len)
{
	const char *end = text + len;
	size_t column = 0, n, before;
	bool bold = false;

	while (text < end) {
		struct str word cleanup_str = STR_INIT;

		for (n = 0; text + n < end && !isspace((unsigned char)text[n]); n++) {
			if (is_quote(text + n, end, bold)) {
				bold = !bold;
				str_append(&word, bold ? "\\fB" : "\\fR");
			} else {
				put_char(&word, text[n]);
			}
		}
		before = column;
		if (before && before + 1 + word.len > LINE_MAX_LEN)
			str_append_char(s, '\n'), column = 0;
		else if (before)
			str_append_char(s, ' '), column++;
		if (!column && (*word.buf == '.' || str_skip(word.buf, "\\fB.")))
			str_append(s, "\\&");
		str_append_len(s, word.buf, word.len);
		column += word.len;
		if (ends_sentence(text, n))
			str_append_char(s, '\n'), column = 0;
		for (text += n; text < end && isspace((unsigned char)*text);)
			text++;
	}
	if (column)
		str_append_char(s, '\n');
}

/* The lines of TEXT that begin with a space; returns what follows them. */
static const char *put_example(struct str *s, const char *text)
{
	str_append(s, ".PP\n.EX\n");
	while (*text == ' ') {
		size_t n = strcspn(text, "\n");

		put(s, text, n);
		str_append_char(s, '\n');
		text += n + !!text[n];
	}
	str_append(s, ".EE\n");
	return text;
}

/* Up to the next empty line, or one that begins with a space. */
static size_t paragraph_length(const char *text)
{
	size_t n = 0;

	while (text[n] && !(text[n] == '\n' && (text[n + 1] == '\n' || text[n + 1] == ' ')))
		n++;
	return n;
}

void roff_text(struct str *s, const char *text)
{
	for (bool first = true; *text; first = false) {
		size_t n;

		if (*text == ' ') {
			text = put_example(s, text);
		} else {
			n = paragraph_length(text);
			if (!first)
				str_append(s, ".PP\n");
			put_paragraph(s, text, n);
			text += n;
		}
		text += strspn(text, "\n");
	}
}

void roff_sentence(struct str *s, const char *text)
{
	char *sentence cleanup_free = xasprintf("%s.", text);
	const char *end = sentence + strcspn(sentence, " -");

	/* not of what is a word of a file: "config.yaml" */
	if (!memchr(sentence, '/', (size_t)(end - sentence)))
		*sentence = (char)toupper((unsigned char)*sentence);
	roff_text(s, sentence);
}

void roff_paragraph(struct str *s)
{
	str_append(s, ".PP\n");
}

void roff_title(struct str *s, const char *name, int section, const char *date, const char *source,
		const char *summary)
{
	str_append(s, ".TH ");
	for (const char *p = name; *p; p++)
		str_append_char(s, (char)toupper((unsigned char)*p));
	str_printf(s, " %d %s \"%s\" \"orch\"\n.SH NAME\n", section, date, source);
	put(s, name, strlen(name));
	str_append(s, " \\- ");
	put_inline(s, summary, strlen(summary));
	str_append_char(s, '\n');
}

static void heading(struct str *s, const char *macro, const char *text)
{
	str_append(s, macro);
	put(s, text, strlen(text));
	str_append_char(s, '\n');
}

void roff_heading(struct str *s, const char *text)
{
	heading(s, ".SH ", text);
}

void roff_subheading(struct str *s, const char *text)
{
	heading(s, ".SS ", text);
}

void roff_term(struct str *s, const char *term)
{
	size_t n = strcspn(term, " ");

	str_append(s, ".TP\n\\fB");
	put(s, term, n);
	str_append(s, "\\fR");
	if (term[n]) {
		str_append(s, " \\fI");
		put(s, term + n + 1, strlen(term + n + 1));
		str_append(s, "\\fR");
	}
	str_append_char(s, '\n');
}

void roff_plain_term(struct str *s, const char *term)
{
	str_append(s, ".TP\n");
	put_inline(s, term, strlen(term));
	str_append_char(s, '\n');
}

void roff_line(struct str *s, const char *text)
{
	str_append(s, ".br\n");
	put_paragraph(s, text, strlen(text));
}

void roff_indent(struct str *s)
{
	str_append(s, ".RS\n");
}

void roff_outdent(struct str *s)
{
	str_append(s, ".RE\n");
}
