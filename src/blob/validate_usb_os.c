/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks Microsoft OS descriptors against the standards. */
#include <string.h>

#include "blob/validate_parts.h"

enum {
	PROP_UNICODE = 1,
	PROP_UNICODE_ENV = 2,
	PROP_BINARY = 3,
	PROP_LE32 = 4,
	PROP_BE32 = 5,
	PROP_UNICODE_LINK = 6
};
#define PROP_NUMBER_SIZE 4

static bool is_id_char(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Checks a compatible ID: eight bytes, padded with NULs. */
static bool check_compatible_id_characters(struct validation *v, size_t at)
{
	bool ended = false;

	for (size_t i = at; i < at + 8; i++) {
		uint8_t c = v->data[i];

		ended |= c == 0;
		if (refuse_with_numbers_if(v, FFS_USB_COMPAT_ID, ended ? c != 0 : !is_id_char(c), i,
					   c, 0))
			return false;
	}
	return true;
}

struct os_descriptor_validation {
	struct validation *validation;
	uint8_t seen_interfaces[256 / 8]; /* a bit for each interface with a compatible ID so far */
};

static bool check_compatible_id(struct os_descriptor_validation *s, size_t at)
{
	struct validation *v = s->validation;
	uint8_t interface = v->data[at];
	uint8_t *seen = &s->seen_interfaces[interface / 8], bit = (uint8_t)(1 << interface % 8);

	if (refuse_with_numbers_if(v, FFS_USB_COMPAT_TWICE, *seen & bit, at, interface, 0))
		return false;
	*seen |= bit;
	return check_compatible_id_characters(v, at + 2) &&
	       check_compatible_id_characters(v, at + 10);
}

static bool check_property(struct validation *v, size_t at)
{
	const uint8_t *d = v->data + at, *name = d + PROP_SIZE;
	size_t size = get_le16(d + 8);
	uint32_t type = get_le32(d + 4), data = get_le32(name + size);
	bool named = size > 1 && memchr(name, 0, size) == name + size - 1;

	return !refuse_if(v, FFS_USB_PROP_NAME, !named, at + PROP_SIZE) &&
	       !refuse_with_numbers_if(v, FFS_USB_PROP_NUMBER,
				       (type == PROP_LE32 || type == PROP_BE32) &&
					       data != PROP_NUMBER_SIZE,
				       at + PROP_SIZE + size, data, PROP_NUMBER_SIZE);
}

/* Checks one section of OS descriptors, and advances `at` past the section. */
static bool check_os_section(struct os_descriptor_validation *s, size_t *at)
{
	const uint8_t *data = s->validation->data;
	bool compat = get_le16(data + *at + 7) == OS_INDEX_COMPAT;
	unsigned int count = get_le16(data + *at + 9);

	*at += OS_HEAD_SIZE;
	for (; count > 0; count--) {
		if (!(compat ? check_compatible_id(s, *at) : check_property(s->validation, *at)))
			return false;
		*at += compat ? COMPAT_SIZE : data[*at];
	}
	return true;
}

bool ffs_property_type_is_sent(uint32_t type)
{
	return type == PROP_UNICODE || type == PROP_UNICODE_ENV || type == PROP_BINARY ||
	       type == PROP_UNICODE_LINK;
}

bool validation_find_unsent_property(const struct validation *v, size_t *offset)
{
	size_t at = v->os_descriptors_offset;

	for (uint32_t n = 0; n < v->n_os_descriptors; n++) {
		bool compat = get_le16(v->data + at + 7) == OS_INDEX_COMPAT;
		unsigned int count = get_le16(v->data + at + 9);

		at += OS_HEAD_SIZE;
		for (; count > 0; count--) {
			if (!compat && !ffs_property_type_is_sent(get_le32(v->data + at + 4))) {
				*offset = at;
				return true;
			}
			at += compat ? COMPAT_SIZE : v->data[at];
		}
	}
	return false;
}

bool validate_usb_os_descriptors(struct validation *v)
{
	struct os_descriptor_validation s = { .validation = v };
	size_t at = v->os_descriptors_offset;

	for (uint32_t n = 0; n < v->n_os_descriptors; n++)
		if (!check_os_section(&s, &at))
			return false;
	return true;
}
