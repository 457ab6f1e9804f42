/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says after a trace what is likely: which system the host is, and after which answer it gave up.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "trace/dialogue.h"

/* Returns an exchange as one line. The caller frees it. */
char *exchange_text(const struct trace_gadget *g, const struct exchange *x);

/* Prints the conclusion for people. `name` is the gadget or the UDC. */
void conclusion_print(FILE *to, const char *name, const struct trace_gadget *g);
/* Returns the conclusion as an object of schemas/trace.schema.json; the caller owns it. */
json_t *conclusion_to_json(const struct trace_gadget *g);

/* The words of JSON. */
extern const char *const exchange_kind_words[EXCHANGE_KIND_COUNT];
extern const char *const request_outcome_words[REQUEST_OUTCOME_COUNT];
