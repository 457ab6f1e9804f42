/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks strings against the standards. */
#include <string.h>

#include "base/util.h"
#include "blob/validate_parts.h"

#define STRINGS_HEAD_SIZE 16
/* UTF-16 units that fit into a string descriptor, whose bLength is one byte: USB 2.0, 9.6.7. */
#define UTF16_MAX 126
#define LANGUAGES_MAX 126

/* Returns the number of bytes of the first UTF-8 character of `s`; 0: it is not UTF-8. */
static size_t utf8_character_size(const uint8_t *s)
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
		n = utf8_character_size(v->data + i);
		if (refuse_if(v, FFS_USB_STRING_TEXT, n == 0, i))
			return false;
		units += n == 4 ? 2 : 1;
	}
	return !refuse_with_numbers_if(v, FFS_USB_STRING_LONG, units > UTF16_MAX, at, units,
				       UTF16_MAX);
}

static bool check_language(struct validation *v, const uint16_t *known, uint32_t n, size_t at)
{
	bool twice = false;

	for (uint32_t i = 0; i < n; i++)
		twice |= known[i] == known[n];
	return !refuse_if(v, FFS_USB_LANGUAGE_ZERO, known[n] == 0, at) &&
	       !refuse_with_numbers_if(v, FFS_USB_LANGUAGE_TWICE, twice, at, known[n], 0);
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
	uint32_t strings = get_le32(v->data + 8), languages = get_le32(v->data + 12);
	size_t at = STRINGS_HEAD_SIZE;
	uint16_t known[LANGUAGES_MAX];

	if (v->instance->highest_string == 0)
		return true;
	if (refuse_with_numbers_if(v, FFS_USB_LANGUAGES, languages > LANGUAGES_MAX, 12, languages,
				   LANGUAGES_MAX))
		return false;
	for (uint32_t i = 0; i < languages; i++) {
		known[i] = (uint16_t)get_le16(v->data + at);
		if (!check_language(v, known, i, at))
			return false;
		at += 2;
		if (!check_strings(v, strings, &at))
			return false;
	}
	return true;
}
