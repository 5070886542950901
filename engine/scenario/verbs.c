/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of verbs, and what is the same for all steps. */
#include "scenario/verb.h"

/* In the order of `orch kinds test`. */
static const struct form *const all[] = {
	&verb_power.form,       &verb_wait.form,
	&verb_refuse.form,      &verb_run.form,
	&verb_install.form,     &verb_reboot.form,
	&verb_slot.form,        &verb_cut.form,
	&verb_environment.form, &verb_set_environment.form,
	&verb_damage.form,      &verb_boot_half.form,
	&verb_same.form,        &verb_rauc.form,
	&verb_network.form,     &verb_boot_choice.form,
	&verb_power_cuts.form,  &verb_listening.form,
	&verb_boot_time.form,   &verb_serve.form,
	&verb_fetched.form,     NULL,
};

const struct forms verb_forms = {.noun = "step", .part = "verb", .all = all};

unsigned step_traits(const struct formed *step)
{
	const struct verb *v = step_verb(step);

	return v->traits_of ? v->traits_of(step->data) : v->traits;
}

unsigned step_within(const struct step_head *head, unsigned seconds)
{
	return head->within ? (unsigned)head->within : seconds;
}

void steps_check_order(const struct list *steps, struct err_list *errors)
{
	bool on = false, recorded = false;

	for (size_t i = 0; i < steps->count; i++) {
		const struct formed *s = LIST_AT(*steps, struct formed *, i);
		unsigned traits = step_traits(s);
		const char *verb = s->form->name;

		if ((traits & STEP_NEEDS_OFF) && on)
			err_list_at(errors, E_STEP_ORDER, s->pos,
				    "'%s' needs the power off: `power: cut` or `off` before it",
				    verb);
		if ((traits & STEP_NEEDS_ON) && !on)
			err_list_at(errors, E_STEP_ORDER, s->pos,
				    "'%s' needs the power on: `power: on` before it", verb);
		if ((traits & STEP_NEEDS_RECORD) && !recorded)
			err_list_at(errors, E_STEP_ORDER, s->pos,
				    "'%s' needs a power-on with `record: true`", verb);
		recorded = recorded || (traits & STEP_RECORDS);
		on = (on || (traits & STEP_TURNS_ON)) && !(traits & STEP_TURNS_OFF);
	}
}

/* The text of the verb's own key, or NULL. */
static const char *own_text(const struct formed *step)
{
	const struct option *o = schema_option(step->form->schema, step->form->name);
	const char *field = (const char *)step->data + o->offset;
	const struct step *script;

	switch (o->type) {
	case OPT_STRING:
		return *(const char *const *)field;
	case OPT_ENUM:
		return o->words[*(const int *)field];
	case OPT_REF:
		return (*(struct ref *const *)field)->text;
	case OPT_STEP:
		script = *(struct step *const *)field;
		return script->script ? script->script : script->argv.items[0];
	default:
		return NULL;
	}
}

const char *step_title(struct arena *arena, const struct formed *step)
{
	const struct step_head *head = step->data;
	const struct verb *v = step_verb(step);
	const char *value = v->value ? v->value(step->data) : own_text(step);
	size_t len;

	if (head->name)
		return head->name;
	if (!value)
		return step->form->name;
	value += strspn(value, " \t\n");
	len = strcspn(value, "\n");
	return arena_printf(arena, "%s %.*s%s", step->form->name, len > 60 ? 57 : (int)len, value,
			    len > 60 || (value[len] && value[len + 1]) ? "..." : "");
}
