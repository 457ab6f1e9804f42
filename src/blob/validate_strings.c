/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses strings as the kernel does (f_fs.c, __ffs_data_got_strings). */
#include <string.h>

#include "blob/uapi.h"
#include "blob/validate_parts.h"

#define HEAD_SIZE 16

/*
 * Returns whether the kernel can allocate its string table, which is one block of memory. The table
 * has an array of pointers to languages. For each language, it has a struct usb_gadget_strings and
 * an array of struct usb_string; each struct has the size of two pointers. Each array has one more
 * element as its end. (The size of the table fits into 64 bits, because a string number in a
 * descriptor is at most 255.)
 */
static bool string_table_fits(const struct ffs_kernel_rules *k, uint64_t strings,
			      uint64_t languages)
{
	return k->pointer_size * (languages + 1) +
		       2 * k->pointer_size * languages * (1 + strings + 1) <=
	       k->max_allocation;
}

static bool read_string(struct validation *v)
{
	const uint8_t *text = v->data + v->offset, *end = memchr(text, 0, bytes_left(v));

	if (refuse_if(v, FFS_STRING_CUT, !end, v->offset))
		return false;
	v->offset += (size_t)(end - text) + 1;
	return true;
}

static bool read_language(struct validation *v, uint32_t strings)
{
	unsigned int needed = v->instance->highest_string;

	if (refuse_with_numbers_if(v, FFS_LANGUAGE_CUT, bytes_left(v) < 3, v->offset,
				   (uint32_t)bytes_left(v), 3))
		return false;
	v->offset += 2;
	do {
		if (!read_string(v))
			return false;
		/* The kernel skips strings above the highest number in the descriptors */
		if (count_rule_outcome(v, FFS_STRING_NEEDED, needed > 0))
			needed--;
	} while (count_rule_outcome(v, FFS_STRING_NEXT, --strings > 0));
	return true;
}

bool validate_strings(struct validation *v)
{
	uint32_t strings, languages, needed = v->instance->highest_string;

	if (refuse_if(v, FFS_STRINGS_SHORT, v->size < HEAD_SIZE, 0) ||
	    refuse_with_numbers_if(v, FFS_STRINGS_MAGIC,
				   get_le32(v->data) != FUNCTIONFS_STRINGS_MAGIC, 0,
				   get_le32(v->data), FUNCTIONFS_STRINGS_MAGIC) ||
	    refuse_with_numbers_if(v, FFS_STRINGS_LENGTH, get_le32(v->data + 4) != v->size, 4,
				   get_le32(v->data + 4), (uint32_t)v->size))
		return false;
	strings = get_le32(v->data + 8);
	languages = get_le32(v->data + 12);
	if (refuse_with_numbers_if(v, FFS_STRINGS_PARITY, !strings != !languages, 8, strings,
				   languages) ||
	    refuse_with_numbers_if(v, FFS_STRINGS_FEW, strings < needed, 8, strings, needed))
		return false;
	/*
	 * If no descriptor contains a string number, the kernel does not read the strings after the
	 * head
	 */
	if (count_rule_outcome(v, FFS_STRINGS_UNUSED, needed == 0))
		return true;
	if (refuse_with_numbers_if(v, FFS_STRINGS_MEMORY,
				   !string_table_fits(v->options->kernel, needed, languages), 12,
				   languages, needed))
		return false;
	v->offset = HEAD_SIZE;
	do {
		if (!read_language(v, strings))
			return false;
	} while (count_rule_outcome(v, FFS_LANGUAGE_NEXT, --languages > 0));
	return !refuse_with_numbers_if(v, FFS_STRINGS_LEFT, bytes_left(v) > 0, v->offset,
				       (uint32_t)bytes_left(v), 0);
}
