/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RUN/NAME/record, but for the plan: the gadget file that a gadget came of. */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"

/* What a record says of a gadget. `form`: the gadget file's JSON form. `origin`: the gadget that
 * the process was started for, if that is another one; NULL. The caller owns it. */
json_t *record_make(const struct gadget *g, const json_t *form, const char *origin);

/* Whether two records are of the same gadget, whoever brings it up and when. */
bool record_is_of_same_gadget(const json_t *a, const json_t *b);
