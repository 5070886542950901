/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the files of vex.h share. */
#include "evidence/vex.h"

static inline const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* What a word of the format says; VEX_NONE: it is no word of it, or NULL. */
enum vex_status vex_openvex_status(const char *word);
enum vex_status vex_cyclonedx_status(const char *word);
/*
 * Adds to ERRORS each word that the format has not, of statement or vulnerability NUMBER, from 1,
 * of file PATH. OpenVEX asks for a status; of CycloneDX all may be left out, and says nothing then.
 */
void vex_check_openvex(const char *path, size_t number, const json_t *statement,
		       struct err_list *errors);
void vex_check_cyclonedx(const char *path, size_t number, const json_t *v, struct err_list *errors);
