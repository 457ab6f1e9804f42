/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor templates. A template row is a string that describes one descriptor. It consists of
 * words, separated by blanks:
 *
 *   09         a byte, hexadecimal
 *   #0 #NAME   an interface number, relative to the function's first interface
 *   &i &o      an endpoint address, IN or OUT; the UDC decides its number
 *   &iX &oX    the address of an endpoint that several rows of the function describe, all with the
 *              same character X; with -, the kernel claims no endpoint
 *   ??         a byte with an unknown value
 *   $NAME      a variable: a function attribute or a computed value; $NAME.2 is two bytes
 *   'text'     the index of a string
 *   %NAME      the index of the string in a variable; if there is no such variable, the text is
 *              unknown
 *   @NAME      the numbers of a list, with three bytes for each number
 *   {a|b|c}    a: words for full speed, b: for high speed, c: for SuperSpeed
 *   L          the length of the descriptor
 *   T          two bytes: the total length of this descriptor and of the class-specific ones
 *              directly after it
 *   U          two bytes: the total length of this descriptor and of all class-specific ones up to
 *              the next interface
 *
 * A row may begin with conditions, each followed by a colon. The descriptor is made only if all of
 * them are true:
 *
 *   S          the speed is SuperSpeed
 *   ?NAME      the variable is not 0
 *   !NAME      the variable is 0
 *   ~          the UDC has enough endpoints; ffsctl cannot know this, so it always makes the
 *              descriptor and marks it (depends_on_endpoints)
 */
#pragma once

#include "predict/predict.h"

struct template_variable {
	char *name;
	long long number;
	char *text; /* value of the variable if it is a text; NULL: it is a number, or unknown */
	const char *from_key_value; /* see struct descriptor_string */
};

/* The state while template_apply makes the descriptors of one function. */
struct template_state {
	const struct prediction_input *prediction;
	const struct function *function;
	struct descriptors *descriptors;
	size_t first_descriptor; /* index of the function's first descriptor in `descriptors` */
	unsigned int first_interface, n_interfaces;
	struct template_variable *variables;
	size_t n_variables;
	const long long *numbers_to_append; /* the numbers that the word @NAME of the rows added
					       next appends */
	size_t n_numbers_to_append;
};

#define TEMPLATE_MAX_ROWS 32 /* highest number of rows in one template */

/* The template of a function type, from which its descriptors are made. */
struct function_template {
	const char *type;
	/*
	 * The attributes that the rows use, with the kernel's defaults, for example "protocol=1
	 * class=x02 name='text'". An x before the default means that the value, which has no "0x",
	 * is read as hexadecimal.
	 */
	const char *defaults;
	/*
	 * A function that sets computed variables, and may add rows; called before the rows in
	 * `rows` are added. NULL: none.
	 */
	void (*prepare)(struct template_state *m);
	/* The rows; NULL after the last. If there are no rows, `prepare` adds all rows. */
	const char *rows[TEMPLATE_MAX_ROWS + 1];
};
extern const struct function_template function_templates[], audio_templates[], midi_templates[],
	video_templates[]; /* each ends with an element whose type is NULL */

/*
 * Appends the descriptors of a function to *out; returns its number of interfaces. `function` may
 * be NULL for a template that reads no attributes.
 */
unsigned int template_apply(const struct prediction_input *f, const struct function *function,
			    const struct function_template *template, unsigned int first_interface,
			    struct descriptors *out);

/* --- functions that `prepare` calls --- */

long long template_number(const struct template_state *m, const char *name);
const char *template_text(const struct template_state *m,
			  const char *name); /* returns "" if the variable has no text */
void template_set_number(struct template_state *m, const char *name, long long number);
void template_set_text(struct template_state *m, const char *name, const char *text);
/*
 * Sets a variable to a text that this system provides. `from_key_value`: see descriptor_string;
 * `text` NULL: the text is unknown.
 */
void template_set_text_of_system(struct template_state *m, const char *name, const char *text,
				 const char *from_key_value);
/* Sets the numbers that @NAME appends; `numbers` must stay valid until the rows are added. */
void template_set_numbers_to_append(struct template_state *m, const long long *numbers, size_t n);
void template_add_descriptor(struct template_state *m, const char *row);
void template_add_descriptors(struct template_state *m, const char *const *rows);
/*
 * Returns the function's last attribute whose path is `path`; NULL: the gadget file has no such
 * attribute.
 */
const struct configfs_attribute *template_attribute(const struct function *function,
						    const char *path);
/*
 * Returns the size in bytes of the value of the attribute that template_attribute returns; 0: there
 * is none. If the gadget file has the path of a file, this is the size of that file, which
 * gadgetfile_load does not read; 0 if it does not exist.
 */
size_t template_attribute_size(const struct function *function, const char *path);

/*
 * Returns the number in the attribute that template_attribute returns: decimal or, after 0x,
 * hexadecimal. Returns `fallback` if there is no such attribute.
 */
long long template_attribute_number(const struct function *function, const char *path,
				    long long fallback);

/* --- rows that many functions have --- */

#define ROW_BULK(address, burst)                                                                   \
	"07 05 " address " 02 {40 00|00 02|00 04} 00", "S: 06 30 " burst " 00 00 00"
#define ROW_BULK_IN ROW_BULK("&i", "00")
#define ROW_BULK_OUT ROW_BULK("&o", "00")
