/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors about a gadget that both the supervisor and the client report. */
#pragma once

#include "base/error.h"

/* All functions return the negative errno of the error. */

/* Sets the error: the gadget has a supervisor already. */
int gadget_error_up_already(const char *name, struct error *err);
/* Sets the error: the gadget is bound to `udc`, not to `wanted`. */
int gadget_error_bound_elsewhere(const char *name, const char *udc, const char *wanted,
				 struct error *err);
/* Sets the error: another program has bound the gadget to `udc`. */
int gadget_error_bound_externally(const char *name, const char *udc, struct error *err);
/* Adds a hint: how to unbind the gadget. */
int error_add_unbind_hint(const char *name, struct error *err);
/* Adds a hint: how to remove what is left of the gadget. */
int error_add_down_hint(const char *name, struct error *err);

/* Adds to an error that the undo failed as well, with the reason `undo`. */
void gadget_add_undo_error(struct error *err, const struct error *undo);
