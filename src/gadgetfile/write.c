// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes gadget files. A list or group is written on one line if it fits. Strings are escaped so
 * that no content can end the string or the line.
 */
#include "gadgetfile/write.h"

#include <stdio.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

#define WIDTH 100
#define INDENT 2

struct text_buffer {
	char *data;
	size_t n, capacity;
};

static void append_bytes(struct text_buffer *t, const char *data, size_t n)
{
	if (t->n + n + 1 > t->capacity) {
		t->capacity = (t->n + n + 1) * 2;
		t->data = xreallocarray(t->data, t->capacity, 1);
	}
	memcpy(t->data + t->n, data, n);
	t->n += n;
	t->data[t->n] = '\0';
}

static void add_text(struct text_buffer *t, const char *s)
{
	append_bytes(t, s, strlen(s));
}

static void begin_indented_line(struct text_buffer *t, unsigned int depth)
{
	add_text(t, "\n");
	for (unsigned int i = 0; i < depth * INDENT; i++)
		add_text(t, " ");
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_name_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (streq(names[i], name))
			return true;
	return false;
}

/* Returns whether the key's values are usually written in hexadecimal. */
static bool is_hex_key(const char *name)
{
	static const char *const names[] = {
		"bcdUSB",   "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol",
		"idVendor", "idProduct",    "bcdDevice",       "bmAttributes",
		"lang",	    "bcdVersion",   "b_vendor_code",   "bVendorCode",
		"address",  "class",
	};

	return is_name_among(name, names, ARRAY_SIZE(names));
}

static bool is_byte_list_key(const char *name)
{
	static const char *const names[] = { "report_desc", "value", "extra", "data",
					     "guidFormat" };

	return is_name_among(name, names, ARRAY_SIZE(names));
}

enum base { DECIMAL, HEX };

static void add_integer(struct text_buffer *t, json_int_t value, enum base base)
{
	_cleanup_free_ char *text = NULL;

	if (value >= 0 && base == HEX)
		text = strf(value > 0xff ? "0x%04llx" : "0x%02llx", (unsigned long long)value);
	else
		text = strf("%lld", (long long)value);
	add_text(t, text);
}

/* Prints the number with jansson, which ignores the locale's decimal point. */
static void add_real(struct text_buffer *t, const json_t *value)
{
	_cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY);

	add_text(t, text ? text : "0.0");
}

static void add_quoted_string(struct text_buffer *t, const char *s)
{
	static const char letters[] = "nrtf\\\"", meanings[] = "\n\r\t\f\\\"";

	add_text(t, "\"");
	for (; *s; s++) {
		const char *meaning = strchr(meanings, *s);
		unsigned char c = (unsigned char)*s;

		if (meaning) {
			append_bytes(t, (char[]){ '\\', letters[meaning - meanings] }, 2);
		} else if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0)) {
			/*
			 * The control characters U+0080 to U+009F have two bytes in UTF-8: writes
			 * both as escapes
			 */
			_cleanup_free_ char *hex =
				c == 0xc2 ? strf("\\xc2\\x%02x", (unsigned char)*++s)
					  : strf("\\x%02x", c);

			add_text(t, hex);
		} else {
			append_bytes(t, s, 1);
		}
	}
	add_text(t, "\"");
}

static bool is_comment_member_name(const char *name)
{
	return name[0] == '#';
}

static bool is_scalar(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

/*
 * Returns whether a member becomes a setting: comments do not, and null does not, because libconfig
 * has no null.
 */
static bool can_be_written_as_setting(const char *name, const json_t *value)
{
	return !is_comment_member_name(name) && !json_is_null(value);
}

static bool has_only_strings(const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (!json_is_string(item))
			return false;
	return json_array_size(list) > 0;
}

static bool contains_comment(const json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	json_object_foreach((json_t *)value, key, item)
		if (is_comment_member_name(key) || contains_comment(item))
			return true;
	json_array_foreach(value, i, item)
		if (contains_comment(item))
			return true;
	return false;
}

static void add_scalar(struct text_buffer *t, const json_t *value, enum base base)
{
	if (json_is_string(value))
		add_quoted_string(t, json_string_value(value));
	else if (json_is_integer(value))
		add_integer(t, json_integer_value(value), base);
	else if (json_is_real(value))
		add_real(t, value);
	else
		add_text(t, json_is_true(value) ? "true" : "false");
}

/* --- on one line ------------------------------------------------------------------------------ */

static void add_on_one_line(struct text_buffer *t, const json_t *value, const char *name);

static void add_list_element(struct text_buffer *t, const json_t *item, const char *list_name)
{
	if (!is_scalar(item))
		add_on_one_line(t, item, list_name);
	else
		add_scalar(t, item, is_byte_list_key(list_name) ? HEX : DECIMAL);
}

static void add_setting_on_one_line(struct text_buffer *t, const json_t *value, const char *name)
{
	add_text(t, name);
	add_text(t, json_is_object(value) ? " : " : " = ");
	add_on_one_line(t, value, name);
	add_text(t, ";");
}

static void add_on_one_line(struct text_buffer *t, const json_t *value, const char *name)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(value)) {
		add_text(t, "{ ");
		json_object_foreach((json_t *)value, key, item) {
			if (!can_be_written_as_setting(key, item))
				continue;
			add_setting_on_one_line(t, item, key);
			add_text(t, " ");
		}
		add_text(t, "}");
	} else if (json_is_array(value)) {
		add_text(t, has_only_strings(value) ? "[" : "(");
		json_array_foreach(value, i, item) {
			add_text(t, i ? ", " : " ");
			add_list_element(t, item, name);
		}
		add_text(t, has_only_strings(value) ? " ]" : " )");
	} else {
		add_scalar(t, value, is_hex_key(name) ? HEX : DECIMAL);
	}
}

/* --- values on several lines ------------------------------------------------------------------ */

static size_t current_column(const struct text_buffer *t)
{
	const char *newline = memrchr(t->data, '\n', t->n);

	return newline ? (size_t)(t->data + t->n - newline - 1) : t->n;
}

/* Returns whether the value fits on the current line; at most three characters follow it. */
static bool fits_on_line(const struct text_buffer *t, const json_t *value, const char *name)
{
	struct text_buffer flat = { 0 };
	bool good;

	if (contains_comment(value))
		return false;
	add_on_one_line(&flat, value, name);
	good = current_column(t) + flat.n + 3 <= WIDTH;
	free(flat.data);
	return good;
}

static void add_value(struct text_buffer *t, const json_t *value, const char *name,
		      unsigned int depth);

/*
 * Puts as many scalars on a line as fit. Each element that is a list or group begins on a new line.
 */
static void add_list(struct text_buffer *t, const json_t *list, const char *name,
		     unsigned int depth)
{
	bool strings = has_only_strings(list), scalar_before = false;
	const json_t *item;
	size_t i;

	add_text(t, strings ? "[" : "(");
	json_array_foreach(list, i, item) {
		bool scalar = is_scalar(item);

		add_text(t, i ? "," : "");
		if (scalar && scalar_before && fits_on_line(t, item, name))
			add_text(t, " ");
		else
			begin_indented_line(t, depth + 1);
		if (scalar)
			add_list_element(t, item, name);
		else
			add_value(t, item, name, depth + 1);
		scalar_before = scalar;
	}
	begin_indented_line(t, depth);
	add_text(t, strings ? "]" : ")");
}

static void add_comment(struct text_buffer *t, const char *s)
{
	_cleanup_free_ char *shown = text_replace_unprintable(s, strlen(s));

	add_text(t, "# ");
	add_text(t, shown);
}

static void add_settings(struct text_buffer *t, const json_t *group, unsigned int depth)
{
	const char *key, *before = "";
	json_t *item;

	json_object_foreach((json_t *)group, key, item) {
		if (!is_comment_member_name(key) && !can_be_written_as_setting(key, item))
			continue;
		if (*before)
			begin_indented_line(t, depth);
		before = key;
		if (is_comment_member_name(key)) {
			add_comment(t, json_string_value(item));
			continue;
		}
		add_text(t, key);
		add_text(t, json_is_object(item) ? " : " : " = ");
		add_value(t, item, key, depth);
		add_text(t, ";");
	}
}

static void add_value(struct text_buffer *t, const json_t *value, const char *name,
		      unsigned int depth)
{
	if (is_scalar(value) || fits_on_line(t, value, name)) {
		add_on_one_line(t, value, name);
	} else if (json_is_array(value)) {
		add_list(t, value, name, depth);
	} else {
		add_text(t, "{");
		begin_indented_line(t, depth + 1);
		add_settings(t, value, depth + 1);
		begin_indented_line(t, depth);
		add_text(t, "}");
	}
}

char *gadgetfile_write(const json_t *document)
{
	struct text_buffer t = { 0 };

	add_text(&t, "");
	add_settings(&t, document, 0);
	add_text(&t, "\n");
	return t.data;
}

bool gadgetfile_is_setting_name(const char *name)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*"
	if (strspn(name, LETTERS) == 0 || name[strspn(name, LETTERS "0123456789_-")] != '\0')
		return false;
#undef LETTERS
	return strcasecmp(name, "true") != 0 && strcasecmp(name, "false") != 0;
}

char *gadgetfile_comment_member_name(size_t n)
{
	return strf("#%zu", n);
}
