/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8, printable text, similarity of words, language ids. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/text.h"
#include "gadgetfile/syntax/diag.h"
#include "gadgetfile/types/language_id.h"

Test(text, accepts_utf8_as_in_rfc_3629)
{
	static const char *const good[] = { "",
					    "a",
					    "\xc3\xa4",
					    "\xe2\x82\xac",
					    "\xf0\x9f\x98\x80",
					    "\xed\x9f\xbf",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = {
		"\x80",		    /* nothing it could continue */
		"\xc3",		    /* cut off */
		"\xc0\xaf",	    /* overlong '/' */
		"\xe0\x80\xaf",	    /* the same in three bytes */
		"\xf0\x80\x80\xaf", /* and in four */
		"\xed\xa0\x80",	    /* a surrogate */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xff",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		cr_expect(text_is_utf8(good[i]), "good %zu", i);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect(!text_is_utf8(bad[i]), "bad %zu", i);
}

static void expect_printable(const char *text, const char *want)
{
	char *got = text_replace_unprintable(text, strlen(text));

	cr_expect_str_eq(got, want);
	free(got);
}

Test(text, printable_text_has_no_control_characters)
{
	expect_printable("a\tb", "a\tb");
	expect_printable("\033[31mred\007\r", "?[31mred??");
	expect_printable("\xc2\x9b"
			 "1m",
			 "?1m"); /* CSI as one character */
	expect_printable("B\xe4r", "B?r");
	expect_printable("\xc3\xa4", "\xc3\xa4");
}

Test(text, replacement_keeps_the_column_of_each_character)
{
	/* A byte that continues nothing has no column of its own in the scanner either. */
	expect_printable("a\x80"
			 "b",
			 "ab");
}

Test(text, distance_counts_single_edits)
{
	cr_expect_eq(text_edit_distance("endpoint", "endpoints", 3), 1);
	cr_expect_eq(text_edit_distance("nmae", "name", 3), 1, "letters swapped are one slip");
	cr_expect_eq(text_edit_distance("idvendor", "idVendor", 3), 0, "case counts nothing");
	cr_expect_eq(text_edit_distance("abc", "xyz", 2), 3, "never more than the limit and one");
	cr_expect_eq(text_edit_distance("", "abc", 3), 3);
	cr_expect_eq(text_edit_distance("kitten", "sitting", 3), 3);
}

Test(text, distance_of_long_words_exceeds_the_limit)
{
	char a[200], b[200];

	memset(a, 'a', sizeof(a));
	memset(b, 'a', sizeof(b));
	a[199] = b[199] = '\0';
	cr_expect_eq(text_edit_distance(a, b, 3), 4);
}

static void expect_quote(const char *text, const char *want)
{
	char *got = diag_quote(text);

	cr_expect_str_eq(got, want);
	free(got);
}

Test(text, quotes_in_messages_are_cut_between_characters)
{
	expect_quote("a\tb", "\"a b\"");
	expect_quote("0123456789012345678901234567890123456789012345678901234567890",
		     "\"012345678901234567890123456789012345678901234567890123456...\"");
	/* Its 57th and 58th byte are one character. */
	expect_quote("01234567890123456789012345678901234567890123456789012345\xc3\xa4"
		     "890123",
		     "\"01234567890123456789012345678901234567890123456789012345...\"");
}

Test(lang, names_and_numbers)
{
	cr_expect_eq(lang_by_name("en-us"), 0x0409);
	cr_expect_eq(lang_by_name("de-DE"), 0x0407);
	cr_expect_eq(lang_by_name("de"), 0);
	cr_expect_str_eq(lang_nearest("de"), "de-de");
	cr_expect_str_eq(lang_nearest("en"), "en-us");
	cr_expect_str_eq(lang_nearest("en-uk"), "en-us");
	cr_expect_null(lang_nearest("klingon"));
}

/* Ids that the kernel's usb_validate_langid refuses must be refused here. */
Test(lang, accepts_the_ids_that_the_kernel_accepts)
{
	cr_expect(lang_is_valid(0x0409));
	cr_expect(lang_is_valid(0x04ff), "of a vendor's HID");
	cr_expect(!lang_is_valid(0x0000));
	cr_expect(!lang_is_valid(0x0009), "no sublanguage");
	cr_expect(!lang_is_valid(0x0400), "no language");
	cr_expect(!lang_is_valid(0x0462), "beyond the list");
	cr_expect(!lang_is_valid(0xffff));
}
