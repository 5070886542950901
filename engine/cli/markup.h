/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Text for HTML and SVG that orch writes. */
#include "base/str.h"

/*
 * Appends TEXT as what a page shows or an attribute in quotation marks holds, whatever it is: what
 * str_escape() makes of it, with entities for & < > " and '.
 */
void markup_text(struct str *s, const char *text);
/* The beginning of a page, up to and with <body>; STYLE is added to that of all pages. */
void markup_page(struct str *s, const char *title, const char *style);
/* A hue (0 to 359) for the I-th of several things: near ones are unlike. */
unsigned markup_hue(size_t i);
