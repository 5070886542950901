/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/verdict.h"

#include "base/file.h"
#include "run/action.h"

int verdict_write(struct action *a, json_t *root, struct err **err)
{
	char *text cleanup_free = json_dumps(root, JSON_INDENT(2)), *line cleanup_free = NULL;

	json_decref(root);
	if (!text)
		return err_set(err, E_INTERNAL, "cannot write the verdict");
	line = xasprintf("%s\n", text);
	return file_write(action_output(a, VERDICT_OUTPUT), line, strlen(line), 0644, false, err);
}
