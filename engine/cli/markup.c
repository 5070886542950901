/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/markup.h"

/* One file: nothing is loaded, and what could be in it by mistake may not be, either. */
static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	"'unsafe-inline'\"/>\n"
	"<meta name=\"viewport\" content=\"width=device-width\"/>\n"
	"<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>";
static const char style_all[] =
	":root{--fg:#1b1f24;--bg:#fff;--dim:#667;--line:#d8dce2;--light:82%;--sat:62%;"
	"--hot:#c02020}\n"
	"@media (prefers-color-scheme:dark){:root{--fg:#e4e7ec;--bg:#15181c;--dim:#98a0ab;"
	"--line:#343a42;--light:30%;--sat:45%;--hot:#ff7b6b}}\n"
	"body{font:14px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);"
	"max-width:1400px;margin:1.5em auto;padding:0 1.5em}\n"
	"h1{font-size:1.4em;margin:0}h2{font-size:1.1em;margin:1.8em 0 .5em}"
	"p{margin:.3em 0}.dim{color:var(--dim)}\n"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	"td,th{padding:.15em .9em .15em 0;text-align:left;border-bottom:1px solid var(--line)}"
	"td.n,th.n{text-align:right;white-space:nowrap}\n";

void markup_text(struct str *s, const char *text)
{
	struct str shown cleanup_str = STR_INIT;

	str_escape(&shown, text, strlen(text));
	for (const char *p = shown.buf; *p; p++) {
		switch (*p) {
		case '&':
			str_append(s, "&amp;");
			break;
		case '<':
			str_append(s, "&lt;");
			break;
		case '>':
			str_append(s, "&gt;");
			break;
		case '"':
			str_append(s, "&quot;");
			break;
		case '\'':
			str_append(s, "&#39;");
			break;
		default:
			str_append_char(s, *p);
		}
	}
}

void markup_page(struct str *s, const char *title, const char *style)
{
	str_append(s, head);
	markup_text(s, title);
	str_printf(s, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n", style_all, style);
}

unsigned markup_hue(size_t i)
{
	return (unsigned)((210 + i * 137) % 360); /* steps of the golden angle */
}
