// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rewrites values in the syntax tree that a key accepts in several forms to one form, from which
 * the document is made: one group to a list, a time with a unit to a number, and the texts of bytes
 * to a list of bytes.
 */
#include "base/cleanup.h"
#include "gadgetfile/load.h"

/* --- times ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	double per_second; /* number of units in a second */
} time_units[] = { { "s", 1 }, { "ms", 1000 }, { "us", 1000000 } };

#define MAX_TIME_DIGITS 15 /* a double represents integers with so many digits exactly */

/* Parses digits with at most one decimal point. Returns the text after them; NULL: no number. */
static const char *parse_decimal_number(const char *text, double *number)
{
	size_t n_digits = 0;
	double integer = 0, divisor = 1;
	bool fraction = false;

	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !fraction); text++) {
		if (*text == '.') {
			fraction = true;
			continue;
		}
		integer = integer * 10 + (*text - '0');
		divisor *= fraction ? 10 : 1;
		n_digits++;
	}
	*number = integer / divisor;
	return n_digits > 0 && n_digits <= MAX_TIME_DIGITS ? text : NULL;
}

/* Rewrites "500ms" to 0.5, or to 500 if the key is in milliseconds. */
static void normalize_time(struct load *l, const struct key *k, struct node *value)
{
	const double wanted = k->flags & KEY_MILLISECONDS ? 1000 : 1;
	double number = 0;
	const char *unit = parse_decimal_number(value->text, &number);

	for (size_t i = 0; unit && i < ARRAY_SIZE(time_units); i++) {
		if (!streq(unit, time_units[i].name))
			continue;
		number = number * wanted / time_units[i].per_second;
		value->type = number == (double)(int64_t)number ? NODE_INT : NODE_FLOAT;
		value->integer = (int64_t)number;
		value->real = number;
		return;
	}
	if (k->flags & KEY_MILLISECONDS)
		load_error(l, value,
			   "'%s' must be a time: a number of milliseconds, \"10ms\" or \"125us\"",
			   k->name);
	else
		load_error(l, value,
			   "'%s' must be a time: a number of seconds, \"1.5s\" or \"500ms\"",
			   k->name);
}

/* --- bytes ------------------------------------------------------------------------------------ */

/*
 * Takes integers that are a sign-extended byte, 0xffffff80 to 0xffffffff, as that byte: libusbgx
 * 0.3 exports bytes above 127 like this.
 */
static void normalize_signed_bytes(struct load *l, const struct key *k, struct node *list)
{
	const struct node *first = NULL;

	node_foreach(item, list) {
		if (item->type != NODE_INT || item->has_error || item->integer < 0xffffff80 ||
		    item->integer > 0xffffffff)
			continue;
		first = first ? first : item;
		item->integer &= 0xff;
		item->real = (double)item->integer;
	}
	if (first)
		diag_warning(l->diags, &first->at,
			     "a byte of '%s' is sign-extended, as libusbgx 0.3 exports it: %s is "
			     "read as 0x%02llx",
			     k->name, first->text, (long long)first->integer);
}

#define HEX_DIGITS "0123456789abcdefABCDEF"
#define HEX_SEPARATORS " ,\t\r\n"

/* Returns whether the string can only be meant as hexadecimal bytes: "05 01", "0x05, 0x01". */
static bool looks_like_hex_bytes(const struct node *value)
{
	return value->text_size == strlen(value->text) && strpbrk(value->text, HEX_DIGITS) &&
	       strspn(value->text, HEX_DIGITS HEX_SEPARATORS "xX\\") == value->text_size;
}

/*
 * Parses pairs of hexadecimal digits, each of which may follow "0x" or "\x". Returns the number of
 * bytes; 0: the text is malformed. `bytes` must have room for half of the text's length.
 */
static size_t parse_hex_bytes(const char *p, uint8_t *bytes)
{
	size_t n = 0;

	for (p += strspn(p, HEX_SEPARATORS); *p; p += strspn(p, HEX_SEPARATORS)) {
		char pair[3] = "";

		if ((*p == '0' || *p == '\\') && (p[1] == 'x' || p[1] == 'X'))
			p += 2;
		if (strspn(p, HEX_DIGITS) < 2)
			return 0;
		memcpy(pair, p, 2);
		bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
		p += 2;
	}
	return n;
}

/* Returns whether the string has bytes that no name and no path has: it was written with \x05. */
static bool is_binary(const struct node *value)
{
	for (size_t i = 0; i < value->text_size; i++)
		if ((unsigned char)value->text[i] < 0x20)
			return true;
	return false;
}

static void normalize_bytes(struct load *l, const struct key *k, struct node *value)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t n = value->text_size;

	if (!looks_like_hex_bytes(value) && !is_binary(value))
		return;
	bytes = xcalloc(value->text_size + 1, 1);
	if (looks_like_hex_bytes(value))
		n = parse_hex_bytes(value->text, bytes);
	else
		memcpy(bytes, value->text, n);
	if (n == 0)
		load_error(l, value, "'%s' must have two hexadecimal digits for each byte",
			   k->name);
	else if (n > ATTRIBUTE_VALUE_MAX)
		load_error(l, value, "'%s' has at most %d bytes, not %zu", k->name,
			   ATTRIBUTE_VALUE_MAX, n);
	else
		node_set_byte_list(l->scan, value, bytes, n);
}

/* --- all -------------------------------------------------------------------------------------- */

/* Returns whether the value is one group where the key expects a list of groups. */
static bool is_single_group(const struct key *k, const struct node *value)
{
	return value->type == NODE_GROUP && !(k->types & NODE_GROUP) &&
	       (k->item_types & NODE_GROUP);
}

void load_normalize(struct load *l, const struct key *k, struct node *value)
{
	if (is_single_group(k, value))
		node_wrap_in_list(l->scan, value);
	else if (value->type == NODE_STRING && (k->flags & KEY_TIME))
		normalize_time(l, k, value);
	else if (value->type == NODE_STRING && (k->flags & KEY_BYTES))
		normalize_bytes(l, k, value);
	else if ((value->type & TYPE_LIST) && (k->flags & KEY_BYTES))
		normalize_signed_bytes(l, k, value);
}
