/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors of gadgets that the supervisor and the client have both, each with one sentence. */
#pragma once

#include "base/error.h"

/* The first three fail; the others add to an error. All return -errno of the error. */
/* A supervisor of a gadget of that name runs. */
int gadget_is_up_already(const char *name, struct error *err);
/* The gadget is bound to `udc`, not to `wanted`. */
int gadget_is_bound_elsewhere(const char *name, const char *udc, const char *wanted,
			      struct error *err);
/* Another program has bound the gadget to `udc`. */
int gadget_is_bound_externally(const char *name, const char *udc, struct error *err);
/* Adds how to unbind the gadget. */
int gadget_hint_unbind(const char *name, struct error *err);
/* Adds how to remove what is left of the gadget. */
int gadget_hint_down(const char *name, struct error *err);
/* Adds that undoing what was done failed as well. */
void gadget_add_undo_error(struct error *err, const struct error *undo);
