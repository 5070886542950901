/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Manual pages, in the macros of man(7). All text is given as it is to be read; `words` between
 * backquotes become bold.
 */
#include "base/str.h"

/* The header: "orch", 1, "2026-11-29", "orch 0.1.0", and the line of NAME. */
void roff_title(struct str *s, const char *name, int section, const char *date, const char *source,
		const char *summary);
void roff_heading(struct str *s, const char *text);
void roff_subheading(struct str *s, const char *text);
/*
 * Text, filled: empty lines part paragraphs, lines that begin with a space stay as they are, and a
 * line break in a paragraph is a space.
 */
void roff_text(struct str *s, const char *text);
/* TEXT as a sentence: its first letter large, a full stop at its end. */
void roff_sentence(struct str *s, const char *text);
/* Ends the list of terms, or a paragraph. */
void roff_paragraph(struct str *s);
/* A term, bold up to its first space or all of it, the rest italic; roff_text() explains it. */
void roff_term(struct str *s, const char *term);
/* A term as it is, with `bold` parts. */
void roff_plain_term(struct str *s, const char *term);
/* Text that begins a line. */
void roff_line(struct str *s, const char *text);
/* What follows belongs to the explanation of a term. */
void roff_indent(struct str *s);
void roff_outdent(struct str *s);
