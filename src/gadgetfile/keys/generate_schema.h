/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schema of gadget files, generated from the table of keys. */
#pragma once

/* Prints schemas/gadget.schema.json to stdout. */
void print_schema(void);
