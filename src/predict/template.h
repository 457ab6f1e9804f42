/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor templates. A row describes one descriptor, in words separated by blanks:
 *
 *   09         a byte, hexadecimal
 *   #0 #NAME   an interface number, relative to the function's first interface
 *   &i &o      an endpoint address, IN or OUT; the UDC decides its number
 *   ??         an unknown byte
 *   $NAME      a variable: a function attribute or a computed value; $NAME.2 is two bytes
 *   'text'     the index of a string
 *   %NAME      the index of the string in a variable; unknown text if there is no such variable
 *   @NAME      the numbers of a list, three bytes each
 *   {a|b|c}    one of these by speed: full, high, super
 *   L          the length of the descriptor
 *   T          total length, two bytes, of this and the directly following class-specific ones
 *   U          the same, up to the next interface, with other descriptors in between allowed
 *
 * Conditions may precede it, each with a colon: S, only at SuperSpeed; ?NAME, only if the variable
 * is not 0; !NAME, only if it is 0; ~, only if the UDC has enough endpoints.
 */
#pragma once

#include "predict/predict.h"

struct variable {
	char *name;
	long long number;
	char *text; /* NULL: a number */
};

/* State while the descriptors of one function are made. */
struct template_state {
	const struct prediction *prediction;
	const struct function *function;
	struct descriptors *descriptors;
	size_t first_descriptor; /* index of the function's first descriptor in `descriptors` */
	unsigned int first_interface, n_interfaces;
	struct variable *vars;
	size_t n_vars;
	const long long *list; /* for @NAME */
	size_t n_list;
};

/* The descriptors of a function type. */
struct function_template {
	const char *type;
	/* Attributes in use, with the kernel's defaults: "protocol=1 class=x02 name='text'", where
	 * x means that the attribute is hexadecimal. */
	const char *defaults;
	const char *const *rows; /* ends with NULL; NULL: `make` adds all rows */
	/* Sets computed variables, and may add rows itself; called before `rows` are added. */
	void (*make)(struct template_state *m);
};
extern const struct function_template function_templates[], audio_templates[], midi_templates[],
	video_templates[]; /* end with a NULL type */

/*
 * Appends the descriptors of a function to *out; returns its number of interfaces. `function` may
 * be NULL for a template that reads no attributes.
 */
unsigned int template_apply(const struct prediction *f, const struct function *function,
			    const struct function_template *template, unsigned int first_interface,
			    struct descriptors *out);

/* --- for `make` --- */

long long template_get(const struct template_state *m, const char *name);
const char *template_text(const struct template_state *m, const char *name); /* "": no such text */
void template_set(struct template_state *m, const char *name, long long number);
void template_set_text(struct template_state *m, const char *name, const char *text);
/* Sets the list of @NAME; `list` must stay valid until the rows are added. */
void template_set_list(struct template_state *m, const long long *list, size_t n);
void template_add(struct template_state *m, const char *row);
void template_add_all(struct template_state *m, const char *const *rows);
/* Returns the last attribute of the function that is written to `path`; NULL: none. */
const struct entry *template_entry(const struct function *function, const char *path);
/*
 * Returns the value of template_entry as a number, decimal or hexadecimal after 0x; `fallback`: no
 * such attribute.
 */
long long template_entry_number(const struct function *function, const char *path,
				long long fallback);

/* --- Rows that many functions have. --- */

#define ROW_BULK(address, burst)                                                                   \
	"07 05 " address " 02 {40 00|00 02|00 04} 00", "S: 06 30 " burst " 00 00 00"
#define ROW_BULK_IN ROW_BULK("&i", "00")
#define ROW_BULK_OUT ROW_BULK("&o", "00")
