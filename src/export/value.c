/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts the text that was read from an attribute of a function to the value of a key. When `up`
 * writes this value to the attribute, the attribute has the same text again. For some attributes
 * the value differs from the text (kernel/functions.md, "reads back").
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "export/common.h"

/* What the kernel returns when an attribute is read. */
enum readback_quirk {
	PLAIN,	/* text and a newline, or no bytes if the attribute is not set */
	RAW,	/* bytes that are not text */
	PADDED, /* text, padded with NUL bytes or blanks */
	EMPTY,	/* text; no bytes if the attribute was set to an empty text */
	NULLED, /* PLAIN, but a newline alone if the attribute was set to an empty text */
	DATA,	/* data of a property in os_desc; a string has one extra byte at its end */
	HEX2,	/* number like "0xf", which must be written with two digits: "0x0f" */
	NAME,	/* name of a network interface, which the kernel made from a pattern */
	NOT_4,	/* number that reads as 4 until it is set, with another meaning than 4 */
	FIXED,	/* not exported: kernels that have it refuse all writes, with ENOMEM */
};

/*
 * Attributes whose text is converted for the gadget file; all others are PLAIN. They are listed
 * here and not in the table of keys, because most of them have no key.
 */
static const struct {
	const char *type; /* type of the function; NULL: any type */
	const char *name; /* name of the attribute; "*END": any name that ends in END */
	enum readback_quirk quirk;
} quirks[] = {
	{ "hid", "report_desc", RAW },
	{ "hid", "interval", NOT_4 },
	{ "midi", "id", RAW },
	{ "uvc", "guidFormat", RAW },
	{ "uvc", "guidExtensionCode", RAW },
	{ "uvc", "bmaControls", HEX2 },
	{ "uac1_legacy", "fn_play", FIXED },
	{ "uac1_legacy", "fn_cap", FIXED },
	{ "uac1_legacy", "fn_cntl", FIXED },
	{ "uac1", "*_name", EMPTY },
	{ "uac2", "*_name", EMPTY },
	{ "uvc", "function_name", EMPTY },
	{ "midi2", "*name", NULLED },
	{ "midi2", "product_id", NULLED },
	{ "mass_storage", "inquiry_string", PADDED },
	{ NULL, "compatible_id", PADDED },
	{ NULL, "sub_compatible_id", PADDED },
	{ NULL, "data", DATA },
	{ NULL, "ifname", NAME },
};

static bool name_matches(const char *name, const char *pattern)
{
	return *pattern == '*' ? str_has_suffix(name, pattern + 1) : streq(name, pattern);
}

static enum readback_quirk find_readback_quirk(const struct attribute_with_directory *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(quirks); i++)
		if ((!quirks[i].type || streq(a->function_type, quirks[i].type)) &&
		    name_matches(a->attribute->name, quirks[i].name))
			return quirks[i].quirk;
	return PLAIN;
}

bool export_is_text(const char *text, size_t size, enum export_text kind)
{
	if (strlen(text) != size || !text_is_utf8(text))
		return false;
	for (const char *p = text; *p && kind == EXPORT_ONE_LINE; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

/*
 * Returns whether the kernel returns an extra byte at the end of the attribute `data` of an os_desc
 * property. It does so if the property contains a string, which is the case for the types 1, 2 and
 * 6.
 */
static bool kernel_shows_extra_byte(const struct attribute_with_directory *a)
{
	const struct configfs_tree *type = configfs_tree_child(a->directory, "type");

	return type && type->value && *type->value && strchr("126", *type->value);
}

static size_t length_without_padding(const char *text, size_t n)
{
	while (n > 0 && (text[n - 1] == '\0' || isspace((unsigned char)text[n - 1])))
		n--;
	return n;
}

/*
 * Returns the value that must be written to the attribute so that it reads back as it did;
 * NULL: the attribute is not set. *size is the size of the value. The caller frees the value.
 */
static char *attribute_value_from_readback(const struct attribute_with_directory *a, size_t *size)
{
	const char *value = a->attribute->value;
	size_t n = a->attribute->value_size;
	enum readback_quirk quirk = find_readback_quirk(a);
	const bool may_be_empty = quirk == EMPTY || (quirk == NULLED && n > 0);
	char *name;

	if (!value || quirk == FIXED)
		return NULL;
	if (quirk == DATA)
		n -= n > 0 && kernel_shows_extra_byte(a);
	else if (quirk == PADDED)
		n = length_without_padding(value, n);
	else if (quirk != RAW && n > 0 && value[n - 1] == '\n')
		n--;
	while (quirk != RAW && quirk != DATA && n > 0 && value[n - 1] == '\0')
		n--;
	if ((n == 0 && !may_be_empty) || (quirk == NOT_4 && n == 1 && *value == '4'))
		return NULL;
	if (quirk == NAME || quirk == HEX2) {
		_cleanup_free_ char *text = xstrndup(value, n);

		name = quirk == NAME ? export_ifname_pattern(text)
				     : strf("0x%02lx", strtoul(text, NULL, 0) & 0xff);
		*size = name ? strlen(name) : 0;
		return name;
	}
	*size = n;
	/* Allocates an additional byte for the newline that export_attribute_value may append. */
	return memcpy(xcalloc(n + 2, 1), value, n);
}

/* --- Networks --------------------------------------------------------------------------------- */

/* Returns whether a user renamed the interface (NET_NAME_RENAMED of linux/netdevice.h). */
static bool netdev_was_renamed(const char *name)
{
	_cleanup_free_ char *path = strf("/sys/class/net/%s/name_assign_type", name), *type = NULL;

	return file_read_first_line(AT_FDCWD, path, &type) == 0 && streq(type, "4");
}

char *export_ifname_pattern(const char *name)
{
	size_t n = strlen(name), digits = 0;

	if (strchr(name, '%'))
		return xstrdup(name);
	/* Before the gadget is bound, the attribute contains "(unnamed net_device)". */
	if (strpbrk(name, "/( ") || netdev_was_renamed(name))
		return NULL;
	while (digits < n && isdigit((unsigned char)name[n - 1 - digits]))
		digits++;
	return digits > 0 && digits < n ? strf("%.*s%%d", (int)(n - digits), name) : NULL;
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* Returns the integer in `text`; NULL: `text` is no integer that a gadget file can contain. */
static json_t *parse_integer(const char *text, int base)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, base);
	if (end == text || *end || errno || value < INT32_MIN || value > UINT32_MAX)
		return NULL;
	return json_integer(value);
}

static json_t *bytes_to_json(const char *value, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer((unsigned char)value[i]));
	return list;
}

/* Returns the rates in a text like "44100,48000" as a list, or a single rate as an integer. */
static json_t *parse_sampling_rates(const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	json_t *list = json_array(), *only;
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		if (json_array_append_new(list, parse_integer(word, 10)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	if (json_array_size(list) != 1)
		return list;
	only = json_incref(json_array_get(list, 0));
	json_decref(list);
	return only;
}

static json_t *text_to_json(const char *value, size_t n)
{
	return export_is_text(value, n, EXPORT_ONE_LINE) ? json_string(value) : NULL;
}

/*
 * Returns the integer of a row. Loopback and SourceSink print their unsigned attributes as signed:
 * 4294967295 reads back as -1.
 */
static json_t *parse_integer_of_row(const char *text, const struct key *row)
{
	json_t *number = parse_integer(text, 0);
	const json_int_t value = json_integer_value(number);

	if (value >= 0 || row->min < 0 || row->max < UINT32_MAX)
		return number;
	json_decref(number);
	return json_integer(value + (json_int_t)UINT32_MAX + 1);
}

json_t *export_key_value(const struct attribute_with_directory *a, const struct key *row)
{
	size_t n;
	_cleanup_free_ char *value = attribute_value_from_readback(a, &n);

	if (!value)
		return NULL;
	if (row->set == set_attr_rates)
		return parse_sampling_rates(value);
	if (row->set == set_attr_hex)
		return parse_integer(value, 16);
	if (row->types & TYPE_LIST)
		return bytes_to_json(value, n);
	if (row->types & NODE_STRING)
		return text_to_json(value, n);
	if ((row->types & NODE_BOOL) && (streq(value, "0") || streq(value, "1")))
		return json_boolean(*value == '1');
	return parse_integer_of_row(value, row);
}

/* Returns whether the kernel drops the last byte of each value that is written to the attribute. */
static bool kernel_drops_last_byte(const struct attribute_with_directory *a)
{
	return streq(a->function_type, "uac1") && find_readback_quirk(a) == EMPTY;
}

json_t *export_attribute_value(const struct attribute_with_directory *a)
{
	size_t n;
	_cleanup_free_ char *value = attribute_value_from_readback(a, &n), *canonical = NULL;
	json_t *number;

	if (!value)
		return NULL;
	number = export_is_text(value, n, EXPORT_ONE_LINE) ? parse_integer(value, 10) : NULL;
	if (number) {
		canonical = strf("%lld", (long long)json_integer_value(number));
		if (streq(canonical, value))
			return number;
		json_decref(number);
	}
	if (kernel_drops_last_byte(a))
		value[n++] = '\n';
	return export_is_text(value, n, EXPORT_LINES) ? json_string(value)
						      : bytes_to_json(value, n);
}
