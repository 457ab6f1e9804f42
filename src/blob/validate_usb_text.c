/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks Microsoft OS descriptors and strings against the standards. */
#include <string.h>

#include "base/util.h"
#include "blob/validate_parts.h"

#define STRINGS_HEAD_SIZE 16
/* UTF-16 units that fit into a string descriptor, whose bLength is one byte: USB 2.0, 9.6.7. */
#define UTF16_MAX 126
#define LANGUAGES_MAX 126

enum { PROP_LE32 = 4, PROP_BE32 = 5 };
#define PROP_NUMBER_SIZE 4

/* --- Microsoft OS descriptors --- */

static bool is_id_char(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Checks a compatible ID: eight bytes, padded with NULs. */
static bool check_id_bytes(struct validation *v, size_t at)
{
	bool ended = false;

	for (size_t i = at; i < at + 8; i++) {
		uint8_t c = v->data[i];

		ended |= c == 0;
		if (refuse_if_number(v, FFS_USB_COMPAT_ID, ended ? c != 0 : !is_id_char(c), i, c,
				     0))
			return false;
	}
	return true;
}

struct os_validation {
	struct validation *validation;
	uint8_t seen_interfaces[256 / 8]; /* a bit for each interface with a compatible ID so far */
};

static bool check_compatible_id(struct os_validation *s, size_t at)
{
	struct validation *v = s->validation;
	uint8_t interface = v->data[at];
	uint8_t *seen = &s->seen_interfaces[interface / 8], bit = (uint8_t)(1 << interface % 8);

	if (refuse_if_number(v, FFS_USB_COMPAT_TWICE, *seen & bit, at, interface, 0))
		return false;
	*seen |= bit;
	return check_id_bytes(v, at + 2) && check_id_bytes(v, at + 10);
}

static bool check_property(struct validation *v, size_t at)
{
	const uint8_t *d = v->data + at, *name = d + PROP_SIZE;
	size_t size = get16(d + 8);
	uint32_t type = get32(d + 4), data = get32(name + size);
	bool named = size > 1 && memchr(name, 0, size) == name + size - 1;

	return !refuse_if(v, FFS_USB_PROP_NAME, !named, at + PROP_SIZE) &&
	       !refuse_if_number(v, FFS_USB_PROP_NUMBER,
				 (type == PROP_LE32 || type == PROP_BE32) &&
					 data != PROP_NUMBER_SIZE,
				 at + PROP_SIZE + size, data, PROP_NUMBER_SIZE);
}

/* Checks one section of OS descriptors, and advances `at` past the section. */
static bool check_os_section(struct os_validation *s, size_t *at)
{
	const uint8_t *data = s->validation->data;
	bool compat = get16(data + *at + 7) == OS_INDEX_COMPAT;
	unsigned int count = get16(data + *at + 9);

	*at += OS_HEAD_SIZE;
	for (; count > 0; count--) {
		if (!(compat ? check_compatible_id(s, *at) : check_property(s->validation, *at)))
			return false;
		*at += compat ? COMPAT_SIZE : data[*at];
	}
	return true;
}

bool validate_usb_os_descriptors(struct validation *v)
{
	struct os_validation s = { .validation = v };
	size_t at = v->os_descriptors_offset;

	for (uint32_t n = 0; n < v->n_os_descriptors; n++)
		if (!check_os_section(&s, &at))
			return false;
	return true;
}

/* --- strings --- */

/* Returns the length of the first UTF-8 character of the string `s`; 0: it is not UTF-8. */
static size_t utf8_length(const uint8_t *s)
{
	static const struct {
		uint8_t mask, head;
		uint32_t min;
	} forms[] = {
		{ 0x80, 0, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 }
	};

	for (size_t n = 1; n <= ARRAY_SIZE(forms); n++) {
		uint32_t code = s[0] & (uint8_t)~forms[n - 1].mask;

		if ((s[0] & forms[n - 1].mask) != forms[n - 1].head)
			continue;
		for (size_t i = 1; i < n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (s[i] & 0x3f);
		}
		return code < forms[n - 1].min || code > 0x10ffff ||
				       (code >= 0xd800 && code <= 0xdfff)
			       ? 0
			       : n;
	}
	return 0;
}

static bool check_string(struct validation *v, size_t at, size_t end)
{
	uint32_t units = 0;

	for (size_t n, i = at; i < end; i += n) {
		n = utf8_length(v->data + i);
		if (refuse_if(v, FFS_USB_STRING_TEXT, n == 0, i))
			return false;
		units += n == 4 ? 2 : 1;
	}
	return !refuse_if_number(v, FFS_USB_STRING_LONG, units > UTF16_MAX, at, units, UTF16_MAX);
}

static bool check_language(struct validation *v, const uint16_t *known, uint32_t n, size_t at)
{
	bool twice = false;

	for (uint32_t i = 0; i < n; i++)
		twice |= known[i] == known[n];
	return !refuse_if(v, FFS_USB_LANGUAGE_ZERO, known[n] == 0, at) &&
	       !refuse_if_number(v, FFS_USB_LANGUAGE_TWICE, twice, at, known[n], 0);
}

/*
 * Checks the strings of one language and advances `at` past them. Skips strings above the highest
 * number in the descriptors, because the kernel never sends them.
 */
static bool check_strings(struct validation *v, uint32_t strings, size_t *at)
{
	for (uint32_t i = 0; i < strings; i++) {
		const uint8_t *end = memchr(v->data + *at, 0, v->size - *at);
		size_t next = (size_t)(end - v->data) + 1;

		if (i < v->instance->highest_string && !check_string(v, *at, next - 1))
			return false;
		*at = next;
	}
	return true;
}

bool validate_usb_strings(struct validation *v)
{
	uint32_t strings = get32(v->data + 8), languages = get32(v->data + 12);
	size_t at = STRINGS_HEAD_SIZE;
	uint16_t known[LANGUAGES_MAX];

	if (v->instance->highest_string == 0)
		return true;
	if (refuse_if_number(v, FFS_USB_LANGUAGES, languages > LANGUAGES_MAX, 12, languages,
			     LANGUAGES_MAX))
		return false;
	for (uint32_t i = 0; i < languages; i++) {
		known[i] = (uint16_t)get16(v->data + at);
		if (!check_language(v, known, i, at))
			return false;
		at += 2;
		if (!check_strings(v, strings, &at))
			return false;
	}
	return true;
}
