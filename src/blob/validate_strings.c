/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings as the kernel reads them (f_fs.c, __ffs_data_got_strings). */
#include <string.h>

#include "blob/uapi.h"
#include "blob/validate_parts.h"

#define HEAD_SIZE 16

/*
 * One allocation: a pointer to each language and one more, a struct of two words for each language,
 * and one of two words for each string and for an end in each language. (64 bits have room for it:
 * a descriptor names strings up to 255.)
 */
static bool table_fits(const struct ffs_kernel *k, uint64_t strings, uint64_t languages)
{
	return k->word * (languages + 1) + 2 * k->word * languages * (1 + strings + 1) <=
	       k->max_alloc;
}

static bool read_string(struct look *l)
{
	const uint8_t *text = l->data + l->at, *end = memchr(text, 0, left(l));

	if (look_refuse(l, FFS_STRING_CUT, !end, l->at))
		return false;
	l->at += (size_t)(end - text) + 1;
	return true;
}

static bool read_language(struct look *l, uint32_t strings)
{
	unsigned int needed = l->in->strings;

	if (look_refuse_number(l, FFS_LANGUAGE_CUT, left(l) < 3, l->at, (uint32_t)left(l), 3))
		return false;
	l->at += 2;
	do {
		if (!read_string(l))
			return false;
		/* What is more than the descriptors name is skipped */
		if (look_branch(l, FFS_STRING_NEEDED, needed > 0))
			needed--;
	} while (look_branch(l, FFS_STRING_NEXT, --strings > 0));
	return true;
}

bool look_strings(struct look *l)
{
	uint32_t strings, languages, needed = l->in->strings;

	if (look_refuse(l, FFS_STRINGS_SHORT, l->size < HEAD_SIZE, 0) ||
	    look_refuse_number(l, FFS_STRINGS_MAGIC, get32(l->data) != FUNCTIONFS_STRINGS_MAGIC, 0,
			       get32(l->data), FUNCTIONFS_STRINGS_MAGIC) ||
	    look_refuse_number(l, FFS_STRINGS_LENGTH, get32(l->data + 4) != l->size, 4,
			       get32(l->data + 4), (uint32_t)l->size))
		return false;
	strings = get32(l->data + 8);
	languages = get32(l->data + 12);
	if (look_refuse_number(l, FFS_STRINGS_PARITY, !strings != !languages, 8, strings,
			       languages) ||
	    look_refuse_number(l, FFS_STRINGS_FEW, strings < needed, 8, strings, needed))
		return false;
	/* Nothing names a string: whatever there is stays unread, and is taken */
	if (look_branch(l, FFS_STRINGS_UNUSED, needed == 0))
		return true;
	if (look_refuse_number(l, FFS_STRINGS_MEMORY,
			       !table_fits(l->judge->kernel, needed, languages), 12, languages,
			       needed))
		return false;
	l->at = HEAD_SIZE;
	do {
		if (!read_language(l, strings))
			return false;
	} while (look_branch(l, FFS_LANGUAGE_NEXT, --languages > 0));
	return !look_refuse_number(l, FFS_STRINGS_LEFT, left(l) > 0, l->at, (uint32_t)left(l), 0);
}
