/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What somebody meant who wrote a number as other programs take it. */

/* The seconds of "5m", "1.5 h", "30sec", as a recipe says them; NULL: none are meant. Heap. */
char *meant_seconds(const char *text);
/* The same of a size: "2GB", "8MiB", "1.5G", "512m". Heap. */
char *meant_size(const char *text);
