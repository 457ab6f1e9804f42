/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blobs by hand, in hexadecimal: "LL" is the blob's length, blanks are ignored. */
#pragma once

#include <stdbool.h>

#include "blob/validate_blob.h"

/* Heads: magic, length, flags. Counts follow. */
#define HEAD(flags) "03000000 LL " flags " "
#define FS_HEAD HEAD("01000000")
#define SS_HEAD HEAD("04000000")
#define STRINGS_HEAD "02000000 LL "

#define N(count) #count "000000 " /* a count, as two hexadecimal digits */

#define INTERFACE(number, alternate, endpoints, class)                                             \
	"09 04 " #number " " #alternate " " #endpoints " " #class " 00 00 00 "
#define VENDOR "09 04 00 00 00 ff 00 00 00 "
#define NAMED "09 04 00 00 00 ff 00 00 02 " /* with string 2 */
#define BULK(address) "07 05 " #address " 02 40 00 00 "
#define COMPANION "06 30 00 00 00 00 "
#define HID_DESC "09 21 11 01 00 01 22 3f 00 "
#define OTG_DESC "03 09 00 "

struct finding_row {
	enum ffs_rule rule;	 /* that `bad` breaks ... */
	size_t offset;		 /* ... here */
	const char *bad, *good;	 /* `good` is accepted, or NULL */
	const char *descriptors; /* not NULL: bad and good are strings, written after these */
	const char *kernel;	 /* NULL: 6.12-patched */
};

#define BAD(r, at, b)                                                                              \
	{                                                                                          \
		.rule = r, .offset = at, .bad = b                                                  \
	}
#define BOTH(r, at, b, g)                                                                          \
	{                                                                                          \
		.rule = r, .offset = at, .bad = b, .good = g                                       \
	}
#define OF_STRINGS(r, at, first, b, g)                                                             \
	{                                                                                          \
		.rule = r, .offset = at, .bad = b, .good = g, .descriptors = first                 \
	}
#define ON(version, r, at, b, g)                                                                   \
	{                                                                                          \
		.rule = r, .offset = at, .bad = b, .good = g, .kernel = version                    \
	}

/* Fails the test if `text` is not hexadecimal. The caller frees the result. */
uint8_t *from_hex(const char *text, size_t *size);

/* Validates `first`, unless NULL, and then `text` on a fresh instance. Returns the finding on
 * `text`. */
struct ffs_finding finding_of_hex(const char *kernel, bool usb, const char *first,
				  const char *text);

/* Checks each row's `bad` and `good` blob, by the standards (`usb`) or by the kernel. */
void check_rows(const struct finding_row *rows, size_t n, bool usb);
/* Checks that each rule of this kind that bytes can break has a row. */
void check_complete(const struct finding_row *rows, size_t n, enum ffs_rule_kind kind);
