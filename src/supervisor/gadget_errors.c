/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/gadget_errors.h"

#include <errno.h>

int gadget_error_up_already(const char *name, struct error *err)
{
	error_set(err, EX_CANTCREAT, EEXIST, NULL, "'%s' is up already", name);
	return error_add_hint(err, "take it down first");
}

int gadget_error_bound_elsewhere(const char *name, const char *udc, const char *wanted,
				 struct error *err)
{
	error_set(err, EX_CANTCREAT, EBUSY, NULL, "'%s' is bound to %s, not to %s", name, udc,
		  wanted);
	return error_add_unbind_hint(name, err);
}

int gadget_error_bound_externally(const char *name, const char *udc, struct error *err)
{
	error_set(err, EX_CANTCREAT, EBUSY, NULL, "another program has bound '%s' to %s", name,
		  udc);
	return error_add_unbind_hint(name, err);
}

int error_add_unbind_hint(const char *name, struct error *err)
{
	return error_add_hint(err, "'ffsctl unbind %s' unbinds it first", name);
}

int error_add_down_hint(const char *name, struct error *err)
{
	return error_add_hint(err, "'ffsctl down %s' removes what is left", name);
}

void gadget_add_undo_error(struct error *err, const struct error *undo)
{
	error_add_detail(err, "not all steps could be undone: %s", undo->text);
	if (undo->hint)
		error_add_hint(err, "%s", undo->hint);
}
