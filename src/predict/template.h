/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor templates. A row describes one descriptor, in words separated by blanks:
 *
 *   09         a byte, hexadecimal
 *   #0 #NAME   an interface number, relative to the function's first interface
 *   &i &o      an endpoint address, IN or OUT; the UDC decides its number
 *   ??         a byte with an unknown value
 *   $NAME      a variable: a function attribute or a computed value; $NAME.2 is two bytes
 *   'text'     the index of a string
 *   %NAME      the index of the string in a variable; unknown text if there is no such variable
 *   @NAME      the numbers of a list, three bytes each
 *   {a|b|c}    words for one speed each: full, high, super
 *   L          the length of the descriptor
 *   T          two bytes: the total length of this descriptor and of the class-specific ones
 *              directly after it
 *   U          two bytes: the total length of this descriptor and of all class-specific ones up to
 *              the next interface
 *
 * Conditions may precede the words, each followed by a colon. The descriptor is made only if:
 *
 *   S          the speed is SuperSpeed
 *   ?NAME      the variable is not 0
 *   !NAME      the variable is 0
 *   ~          the UDC has enough endpoints
 */
#pragma once

#include "predict/predict.h"

struct variable {
	char *name;
	long long number;
	char *text; /* NULL: the variable is a number */
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
	const long long *list; /* the list for @NAME */
	size_t n_list;
};

/* The descriptors of a function type. */
struct function_template {
	const char *type;
	/*
	 * The attributes that the rows use, with the kernel's defaults: "protocol=1 class=x02
	 * name='text'". An x marks an attribute that is read as hexadecimal.
	 */
	const char *defaults;
	const char *const *rows; /* ends with a NULL row; NULL: `make` adds all rows */
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

/* --- functions that `make` calls --- */

long long template_get(const struct template_state *m, const char *name);
const char *template_text(const struct template_state *m,
			  const char *name); /* returns "" if there is no such text */
void template_set(struct template_state *m, const char *name, long long number);
void template_set_text(struct template_state *m, const char *name, const char *text);
/* Sets the list of @NAME; `list` must stay valid until the rows are added. */
void template_set_list(struct template_state *m, const long long *list, size_t n);
void template_add(struct template_state *m, const char *row);
void template_add_all(struct template_state *m, const char *const *rows);
/*
 * Returns the last attribute of the function with this path; NULL: the gadget file has no such
 * attribute.
 */
const struct configfs_attribute *template_attribute(const struct function *function,
						    const char *path);
/*
 * Returns the same attribute's value as a number, which is decimal or, after 0x, hexadecimal.
 * Returns `fallback` if there is no such attribute.
 */
long long template_attribute_number(const struct function *function, const char *path,
				    long long fallback);

/* --- rows that many functions have --- */

#define ROW_BULK(address, burst)                                                                   \
	"07 05 " address " 02 {40 00|00 02|00 04} 00", "S: 06 30 " burst " 00 00 00"
#define ROW_BULK_IN ROW_BULK("&i", "00")
#define ROW_BULK_OUT ROW_BULK("&o", "00")
