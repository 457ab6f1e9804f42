/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes descriptors from template rows (template.h). Does not validate the rows, because they are
 * constants in the source code.
 */
#include "predict/template.h"

#include <ctype.h>
#include <linux/usb/ch9.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"

void descriptors_free(struct descriptors *d)
{
	for (size_t i = 0; i < d->n; i++)
		for (size_t s = 0; s < d->list[i].n_strings; s++)
			free(d->list[i].strings[s].text);
	free(d->list);
	*d = (struct descriptors){ 0 };
}

/* --- variables -------------------------------------------------------------------------------- */

static struct template_variable *find_variable(const struct template_state *m, const char *name)
{
	for (size_t i = 0; i < m->n_variables; i++)
		if (streq(m->variables[i].name, name))
			return &m->variables[i];
	return NULL;
}

static struct template_variable *find_or_add_variable(struct template_state *m, const char *name)
{
	struct template_variable *v = find_variable(m, name);

	if (!v) {
		v = array_add(m->variables, m->n_variables);
		v->name = xstrdup(name);
	}
	return v;
}

long long template_number(const struct template_state *m, const char *name)
{
	const struct template_variable *v = find_variable(m, name);

	return v ? v->number : 0;
}

const char *template_text(const struct template_state *m, const char *name)
{
	const struct template_variable *v = find_variable(m, name);

	return v && v->text ? v->text : "";
}

void template_set_number(struct template_state *m, const char *name, long long number)
{
	find_or_add_variable(m, name)->number = number;
}

void template_set_text(struct template_state *m, const char *name, const char *text)
{
	struct template_variable *v = find_or_add_variable(m, name);

	free(v->text);
	v->text = xstrdup(text);
}

void template_set_text_of_system(struct template_state *m, const char *name, const char *text,
				 const char *from_key_value)
{
	struct template_variable *v = find_or_add_variable(m, name);

	free(v->text);
	v->text = xstrdup_or_null(text);
	v->from_key_value = from_key_value;
}

void template_set_numbers_to_append(struct template_state *m, const long long *numbers, size_t n)
{
	m->numbers_to_append = numbers;
	m->n_numbers_to_append = n;
}

const struct configfs_attribute *template_attribute(const struct function *function,
						    const char *path)
{
	const struct configfs_attribute *found = NULL;

	for (size_t i = 0; function && i < function->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &function->configfs_attributes.list[i];

		if ((e->entry_kind == ATTRIBUTE_VALUE || e->entry_kind == ATTRIBUTE_VALUE_FILE ||
		     e->entry_kind == ATTRIBUTE_ADDRESS_SOURCE) &&
		    streq(e->path, path))
			found = e;
	}
	return found;
}

size_t template_attribute_size(const struct function *function, const char *path)
{
	const struct configfs_attribute *e = template_attribute(function, path);
	struct stat st;

	if (!e || e->entry_kind != ATTRIBUTE_VALUE_FILE)
		return e ? e->size : 0;
	return stat(e->value, &st) == 0 ? (size_t)st.st_size : 0;
}

long long template_attribute_number(const struct function *function, const char *path,
				    long long fallback)
{
	const struct configfs_attribute *e = template_attribute(function, path);

	return e ? strtoll(e->value, NULL, 0) : fallback;
}

/*
 * Sets variables to the function's attributes in the gadget file, and for missing attributes to the
 * defaults in `p`: "protocol=1 class=x02 name='text'".
 */
static void set_default_variables(struct template_state *m, const char *p)
{
	while (p && *p) {
		size_t n = strcspn(p, "=");
		_cleanup_free_ char *name = xstrndup(p, n), *text = NULL;
		const struct configfs_attribute *e = template_attribute(m->function, name);

		p += n + 1;
		if (*p == '\'') {
			n = strcspn(p + 1, "'");
			text = xstrndup(p + 1, n);
			template_set_text(m, name, e ? e->value : text);
			p += n + 2;
		} else {
			int base = *p == 'x' ? 16 : 0;

			n = strcspn(p, " ");
			template_set_number(m, name,
					    strtoll(e ? e->value : p + (base == 16), NULL, base));
			p += n;
		}
		p += strspn(p, " ");
	}
}

/* Copies a text to `copy`, without the newline at the end that some attributes have. */
static const char *without_newline(const char *text, char *copy, size_t size)
{
	snprintf(copy, size, "%s", text);
	copy[strcspn(copy, "\n")] = '\0';
	return copy;
}

/* --- one row ---------------------------------------------------------------------------------- */

static void put_byte(struct descriptor *d, uint8_t byte, uint8_t certain)
{
	if (d->size == DESCRIPTOR_MAX)
		return;
	d->bytes[d->size] = byte;
	d->certain_bits[d->size++] = certain;
}

static void put_number(struct descriptor *d, long long value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		put_byte(d, (uint8_t)(value >> 8 * i), 0xff);
}

/*
 * Appends the index of a string to a descriptor, and stores the text. `text` NULL: the text is
 * unknown. `from_key_value`: see struct descriptor_string.
 */
static void put_string_index(struct descriptor *d, const char *text, size_t n,
			     const char *from_key_value)
{
	if (d->n_strings < DESCRIPTOR_STRINGS)
		d->strings[d->n_strings++] =
			(struct descriptor_string){ .offset = d->size,
						    .text = text ? xstrndup(text, n) : NULL,
						    .from_key_value = from_key_value };
	put_byte(d, 0, 0);
}

/*
 * Appends the index of the string in a variable to a descriptor, and stores the text, without the
 * newline at its end.
 */
static void put_variable_string_index(const struct template_state *m, struct descriptor *d,
				      const char *name)
{
	const struct template_variable *v = find_variable(m, name);
	char text[DESCRIPTOR_MAX];

	without_newline(template_text(m, name), text, sizeof(text));
	put_string_index(d, v && (v->text || !v->from_key_value) ? text : NULL, strlen(text),
			 v ? v->from_key_value : NULL);
}

static void put_interface_number(struct template_state *m, struct descriptor *d, const char *word)
{
	unsigned int n = word[0] >= '0' && word[0] <= '9' ? (unsigned int)(word[0] - '0')
							  : (unsigned int)template_number(m, word);

	if (n >= m->n_interfaces)
		m->n_interfaces = n + 1;
	put_byte(d, (uint8_t)(m->first_interface + n), 0xff);
}

/* Appends the bytes of a word that is not a number. Changes the word. */
static void put_template_word(struct template_state *m, struct descriptor *d, char *word)
{
	char *name = word + 1, *dot = strchr(name, '.');
	int bytes = dot ? dot[1] - '0' : 1;

	if (dot)
		*dot = '\0';
	switch (*word) {
	case '#':
		put_interface_number(m, d, name);
		break;
	case '&':
		put_byte(d, name[0] == 'i' ? USB_DIR_IN : 0, (uint8_t)~USB_ENDPOINT_NUMBER_MASK);
		d->endpoint_letter = name[0] ? name[1] : 0;
		break;
	case '?':
		put_byte(d, 0, 0);
		break;
	case '$':
		put_number(d, template_number(m, name), bytes);
		break;
	case '%':
		put_variable_string_index(m, d, name);
		break;
	case '@':
		for (size_t i = 0; i < m->n_numbers_to_append; i++)
			put_number(d, m->numbers_to_append[i], 3);
		break;
	case 'L':
		put_byte(d, 0, 0xff); /* a placeholder; template_add_descriptor replaces it by the
					 length when the descriptor is complete */
		break;
	default: /* 'T' and 'U' */
		d->total_length_kind = *word == 'T' ? TOTAL_LENGTH_CLASS : TOTAL_LENGTH_INTERFACE;
		d->total_length_offset = d->size;
		put_number(d, 0, 2);
	}
}

static void put_template_words(struct template_state *m, struct descriptor *d, const char *p,
			       const char *end);

/*
 * Appends the bytes of the part of "{full|high|super}" that is for the predicted speed. Returns a
 * pointer to the text after the "}".
 */
static const char *put_template_words_for_predicted_speed(struct template_state *m,
							  struct descriptor *d, const char *p)
{
	const char *end = strchr(p, '}'), *from = p;

	for (int i = 0; i < m->prediction->speed && from; i++) {
		const char *bar = memchr(from, '|', (size_t)(end - from));

		from = bar ? bar + 1 : from;
	}
	put_template_words(m, d, from, from + strcspn(from, "|}"));
	return end + 1;
}

static void put_template_words(struct template_state *m, struct descriptor *d, const char *p,
			       const char *end)
{
	while (p < end) {
		size_t n = strcspn(p, " |}");

		if (*p == ' ') {
			p++;
		} else if (*p == '{') {
			p = put_template_words_for_predicted_speed(m, d, p + 1);
		} else if (*p == '\'') {
			n = strcspn(p + 1, "'");
			put_string_index(d, p + 1, n, NULL);
			p += n + 2;
		} else if (isxdigit((unsigned char)*p)) { /* of nearly all words */
			put_byte(d, (uint8_t)strtol(p, NULL, 16), 0xff);
			p += n;
		} else {
			_cleanup_free_ char *word = xstrndup(p, n);

			put_template_word(m, d, word);
			p += n;
		}
	}
}

/*
 * Returns whether all conditions at *p are true. If they are, moves *p to the text after them. The
 * condition "~" cannot be predicted: it counts as true, and sets *maybe.
 */
static bool conditions_are_met(const struct template_state *m, const char **p, bool *maybe)
{
	const char *colon;

	while (strchr("S?!~", **p) && (colon = strchr(*p, ':'))) {
		_cleanup_free_ char *name = xstrndup(*p + 1, (size_t)(colon - *p - 1));

		if ((**p == 'S' && m->prediction->speed != EP_SUPER) ||
		    (**p == '?' && !template_number(m, name)) ||
		    (**p == '!' && template_number(m, name)))
			return false;
		*maybe |= **p == '~';
		*p = colon + 1 + strspn(colon + 1, " ");
	}
	return true;
}

void template_add_descriptor(struct template_state *m, const char *row)
{
	struct descriptor *d;
	bool maybe = false;

	if (!conditions_are_met(m, &row, &maybe))
		return;
	d = array_add(m->descriptors->list, m->descriptors->n);
	d->function = m->function;
	d->depends_on_endpoints = maybe;
	put_template_words(m, d, row, row + strlen(row));
	if (row[0] == 'L')
		d->bytes[0] = (uint8_t)d->size;
}

void template_add_descriptors(struct template_state *m, const char *const *rows)
{
	for (; rows && *rows; rows++)
		template_add_descriptor(m, *rows);
}

/* --- a function ------------------------------------------------------------------------------- */

/*
 * Sets the total lengths in the descriptors. Called when all descriptors of the function are
 * complete.
 */
static void set_total_lengths(struct template_state *m)
{
	for (size_t i = m->first_descriptor; i < m->descriptors->n; i++) {
		struct descriptor *d = &m->descriptors->list[i];
		size_t total = 0;

		if (d->total_length_kind == TOTAL_LENGTH_NONE)
			continue;
		for (size_t j = i; j < m->descriptors->n; j++) {
			uint8_t type = m->descriptors->list[j].bytes[1];

			if (type == USB_DT_CS_INTERFACE ||
			    (type == USB_DT_CS_ENDPOINT &&
			     d->total_length_kind == TOTAL_LENGTH_INTERFACE))
				total += m->descriptors->list[j].size;
			else if (type == USB_DT_INTERFACE ||
				 d->total_length_kind == TOTAL_LENGTH_CLASS)
				break;
		}
		d->bytes[d->total_length_offset] = (uint8_t)total;
		d->bytes[d->total_length_offset + 1] = (uint8_t)(total >> 8);
	}
}

static void free_variables(struct template_state *m)
{
	for (size_t i = 0; i < m->n_variables; i++) {
		free(m->variables[i].name);
		free(m->variables[i].text);
	}
	free(m->variables);
}

unsigned int template_apply(const struct prediction_input *f, const struct function *function,
			    const struct function_template *template, unsigned int first_interface,
			    struct descriptors *out)
{
	struct template_state m = {
		.prediction = f,
		.function = function,
		.descriptors = out,
		.first_descriptor = out->n,
		.first_interface = first_interface,
	};

	set_default_variables(&m, template->defaults);
	template_set_number(&m, "new", f->kernel_version >= KERNEL_6_12);
	template_set_number(&m, "speed", f->speed);
	if (template->prepare)
		template->prepare(&m);
	template_add_descriptors(&m, template->rows);
	set_total_lengths(&m);
	free_variables(&m);
	return m.n_interfaces;
}
