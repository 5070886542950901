/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of OpenVEX and CycloneDX: what is none of them is told, and no statement. */
#include "base/str.h"
#include "evidence/vex_priv.h"

/* A word of a statement; COUNT of them. */
struct word {
	const char *word;
	enum vex_status status; /* of justifications: none */
};

static const struct word *find_word(const char *word, const struct word *words, size_t count)
{
	for (size_t i = 0; word && i < count; i++) {
		if (str_eq(word, words[i].word))
			return &words[i];
	}
	return NULL;
}

static enum vex_status status_in(const char *word, const struct word *words, size_t count)
{
	const struct word *found = find_word(word, words, count);

	return found ? found->status : VEX_NONE;
}

/* Where a word is. */
struct place {
	const char *path, *item; /* "statement" */
	size_t number;           /* of the item, from 1 */
	struct err_list *errors;
};

/* Tells that WORD, the KEY at a place, is none of WORDS. */
static void check_word(const struct place *at, const char *key, const char *word,
		       const struct word *words, size_t count)
{
	struct str all cleanup_str = STR_INIT;
	struct err *err = NULL;

	if (find_word(word, words, count))
		return;
	for (size_t i = 0; i < count; i++)
		str_printf(&all, "%s%s", i ? ", " : "", words[i].word);
	if (word)
		(void)!err_set(&err, E_BAD_VEX, "'%s': %s %zu: %s '%s' is none of %s", at->path,
			       at->item, at->number, key, word, all.buf);
	else
		(void)!err_set(&err, E_BAD_VEX, "'%s': %s %zu has no %s, which is one of %s",
			       at->path, at->item, at->number, key, all.buf);
	err_list_add(at->errors, err);
}

/* The same where it may be left out. */
static void check_optional(const struct place *at, const char *key, const char *word,
			   const struct word *words, size_t count)
{
	if (word && *word)
		check_word(at, key, word, words, count);
}

/* ---- OpenVEX ---- */

static const struct word openvex_statuses[] = {{"affected", VEX_AFFECTED},
					       {"not_affected", VEX_NOT_AFFECTED},
					       {"fixed", VEX_FIXED},
					       {"under_investigation", VEX_UNDER_INVESTIGATION}};
static const struct word openvex_reasons[] = {
	{"component_not_present", VEX_NONE},
	{"vulnerable_code_not_present", VEX_NONE},
	{"vulnerable_code_not_in_execute_path", VEX_NONE},
	{"vulnerable_code_cannot_be_controlled_by_adversary", VEX_NONE},
	{"inline_mitigations_already_exist", VEX_NONE}};

enum vex_status vex_openvex_status(const char *word)
{
	return status_in(word, openvex_statuses, array_len(openvex_statuses));
}

void vex_check_openvex(const char *path, size_t number, const json_t *statement,
		       struct err_list *errors)
{
	const struct place at = {path, "statement", number, errors};

	check_word(&at, "status", text(statement, "status"), openvex_statuses,
		   array_len(openvex_statuses));
	check_optional(&at, "justification", text(statement, "justification"), openvex_reasons,
		       array_len(openvex_reasons));
}

/* ---- CycloneDX ---- */

static const struct word cyclonedx_states[] = {{"resolved", VEX_FIXED},
					       {"resolved_with_pedigree", VEX_FIXED},
					       {"exploitable", VEX_AFFECTED},
					       {"in_triage", VEX_UNDER_INVESTIGATION},
					       {"false_positive", VEX_NOT_AFFECTED},
					       {"not_affected", VEX_NOT_AFFECTED}};
static const struct word cyclonedx_reasons[] = {{"code_not_present", VEX_NONE},
						{"code_not_reachable", VEX_NONE},
						{"requires_configuration", VEX_NONE},
						{"requires_dependency", VEX_NONE},
						{"requires_environment", VEX_NONE},
						{"protected_by_compiler", VEX_NONE},
						{"protected_at_runtime", VEX_NONE},
						{"protected_at_perimeter", VEX_NONE},
						{"protected_by_mitigating_control", VEX_NONE}};
static const struct word cyclonedx_versions[] = {
	{"affected", VEX_NONE}, {"unaffected", VEX_NONE}, {"unknown", VEX_NONE}};

enum vex_status vex_cyclonedx_status(const char *word)
{
	return status_in(word, cyclonedx_states, array_len(cyclonedx_states));
}

static void check_versions(const struct place *at, const json_t *affects)
{
	json_t *version;
	size_t i;

	json_array_foreach(json_object_get(affects, "versions"), i, version)
		check_optional(at, "status", text(version, "status"), cyclonedx_versions,
			       array_len(cyclonedx_versions));
}

void vex_check_cyclonedx(const char *path, size_t number, const json_t *v, struct err_list *errors)
{
	const struct place at = {path, "vulnerability", number, errors};
	const json_t *analysis = json_object_get(v, "analysis");
	json_t *affects;
	size_t i;

	check_optional(&at, "state", text(analysis, "state"), cyclonedx_states,
		       array_len(cyclonedx_states));
	check_optional(&at, "justification", text(analysis, "justification"), cyclonedx_reasons,
		       array_len(cyclonedx_reasons));
	json_array_foreach(json_object_get(v, "affects"), i, affects) check_versions(&at, affects);
}
