/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The language of the tables. A row is one descriptor, words with blanks between them:
 *
 *   09         a byte, hexadecimal
 *   #0 #NAME   the number of an interface: that one of the function, counted from 0
 *   &i &o      the address of an endpoint, in or out; the UDC has the number
 *   ??         a byte of which nothing is known
 *   $NAME      a variable: an attribute, or what is made of some; $NAME.2 is two bytes, and so on
 *   'text'     the index of a string
 *   %NAME      the index of the string that a variable has; without one the text is not known
 *   @NAME      the numbers of a list, three bytes each
 *   {a|b|c}    by speed: full, high, super
 *   L          the length of the descriptor
 *   T          of class-specific descriptors from this one on, two bytes: as long as there are
 *   U          the same, but endpoints may stand between, until the next interface
 *
 * In front of it may stand, each with a colon: S, only at SuperSpeed; ?NAME, only if the variable
 * is not 0; !NAME, only if it is; ~, only if the UDC has enough endpoints.
 */
#pragma once

#include "predict/predict.h"

struct variable {
	char *name;
	long long number;
	char *text; /* NULL: a number */
};

struct maker {
	const struct prediction *prediction;
	const struct function *function;
	struct descriptors *out;
	size_t start; /* of the function in `out` */
	unsigned int first_interface, n_interfaces;
	struct variable *vars;
	size_t n_vars;
	const long long *list;
	size_t n_list;
};

/* What a type of function emits. */
struct function_template {
	const char *type;
	/* Attributes that matter, with the kernel's defaults: "protocol=1 class=x02 name='text'",
	 * where x says that the attribute is hexadecimal. */
	const char *defaults;
	const char *const *rows; /* ends with NULL; NULL: `make` has all */
	/* Sets further variables before the rows are applied. */
	void (*make)(struct maker *m);
};
extern const struct function_template function_templates[], audio_templates[], midi_templates[],
	video_templates[]; /* end with a NULL type */

/* All of one function (NULL: of none): returns how many interfaces it has. */
unsigned int template_apply(const struct prediction *f, const struct function *function,
			    const struct function_template *rows, unsigned int first_interface,
			    struct descriptors *out);

/* --- for `make` --- */

long long template_get(const struct maker *m, const char *name);
const char *template_text(const struct maker *m, const char *name); /* "" if there is none */
void template_set(struct maker *m, const char *name, long long number);
void template_set_text(struct maker *m, const char *name, const char *text);
/* For @NAME; `list` has to live until the rows are applied. */
void template_set_list(struct maker *m, const long long *list, size_t n);
void template_add(struct maker *m, const char *row);
void template_add_all(struct maker *m, const char *const *rows);
/* Of the function's entries: the last that writes to that path; NULL: none does. */
const struct entry *template_entry(const struct function *function, const char *path);
/* Its value as a number, which it is in decimal or after 0x. */
long long template_entry_number(const struct function *function, const char *path,
				long long fallback);

/* --- what many have --- */

#define ROW_BULK(address, burst)                                                                   \
	"07 05 " address " 02 {40 00|00 02|00 04} 00", "S: 06 30 " burst " 00 00 00"
#define ROW_BULK_IN ROW_BULK("&i", "00")
#define ROW_BULK_OUT ROW_BULK("&o", "00")
