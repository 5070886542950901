/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/view.h"

#include "base/path.h"
#include "base/tmp.h"
#include "cli/paint.h"

int view_open(struct view *v, const struct session *s, const char *text, const char *run,
	      bool whole, struct err **err)
{
	if (result_find(s, text, run, &v->result, err) < 0 ||
	    tmp_dir(store_subdir(s->store, "tmp"), "look", &v->scratch, err) < 0)
		return -1;
	v->look.scratch = v->scratch;
	if (look_into(&v->look, v->result.file, v->result.path, whole, err) < 0)
		return err_wrap(err, "'%s'", v->result.name);
	return 0;
}

void view_close(struct view *v)
{
	struct err *ignored cleanup_err = NULL;

	look_release(&v->look);
	if (v->scratch && path_remove(v->scratch, &ignored) < 0)
		print_aside(ignored->text);
	free(v->scratch);
	result_release(&v->result);
	*v = (struct view){0};
}
