/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hex.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"

uint8_t *from_hex(const char *text, size_t *size)
{
	uint8_t *data = xcalloc(strlen(text) + 4, 1);
	size_t length_at = 0;

	*size = 0;
	while (*text) {
		unsigned int byte;

		if (isspace((unsigned char)*text)) {
			text++;
			continue;
		}
		if (str_has_prefix(text, "LL")) {
			length_at = *size;
			*size += 4;
		} else {
			cr_assert_eq(sscanf(text, "%2x", &byte), 1, "'%s' is not hexadecimal",
				     text);
			data[(*size)++] = (uint8_t)byte;
		}
		text += 2;
	}
	for (int i = 0; i < 4 && length_at > 0; i++)
		data[length_at + (size_t)i] = (uint8_t)(*size >> 8 * i);
	return data;
}

static struct ffs_finding validate_hex(const struct ffs_validation_options *options,
				       struct ffs_instance *in, bool usb, const char *text)
{
	size_t size;
	_cleanup_free_ uint8_t *data = from_hex(text, &size);

	return usb ? ffs_validate_usb(options, in, data, size)
		   : ffs_validate_as_kernel(options, in, data, size);
}

/* 1 is an eventfd, 2 another file. */
static enum ffs_fd_kind fd_kind(int fd)
{
	return fd == 1 ? FFS_FD_EVENTFD : fd == 2 ? FFS_FD_OTHER : FFS_FD_CLOSED;
}

struct ffs_finding finding_of_hex(const char *kernel, bool usb, const char *first, const char *text)
{
	const struct ffs_validation_options options = {
		.kernel = ffs_kernel_rules_find(kernel ? kernel : "6.12-patched"),
		.fd_kind = fd_kind,
	};
	struct ffs_instance in = { 0 };

	cr_assert_not_null(options.kernel);
	if (first) {
		struct ffs_finding v = validate_hex(&options, &in, usb, first);

		cr_assert_eq(v.rule, FFS_ACCEPTED, "descriptors: %s", ffs_finding_text(&v));
	}
	return validate_hex(&options, &in, usb, text);
}

void check_rows(const struct finding_row *rows, size_t n, bool usb)
{
	for (const struct finding_row *r = rows; r < rows + n; r++) {
		const struct ffs_rule_info *info = ffs_rule_info(r->rule);
		struct ffs_finding v = finding_of_hex(r->kernel, usb, r->descriptors, r->bad);

		cr_expect_eq(v.rule, r->rule, "%s: %s, %s", info->name, ffs_finding_text(&v),
			     ffs_rule_info(v.rule)->name);
		cr_expect_eq(v.offset, r->offset, "%s: %s, not byte %zu", info->name,
			     ffs_finding_text(&v), r->offset);
		cr_expect_eq(v.kernel_error, info->kernel_error, "%s: error %d", info->name,
			     v.kernel_error);
		if (!r->good)
			continue;
		v = finding_of_hex(r->kernel, usb, r->descriptors, r->good);
		cr_expect_eq(v.rule, FFS_ACCEPTED, "%s, the good one: %s", info->name,
			     ffs_finding_text(&v));
	}
}

void check_complete(const struct finding_row *rows, size_t n, enum ffs_rule_kind kind)
{
	for (enum ffs_rule rule = FFS_ACCEPTED + 1; rule < FFS_RULE_COUNT; rule++) {
		const struct ffs_rule_info *info = ffs_rule_info(rule);
		bool there = info->kind != kind || info->why_unreachable;

		for (size_t i = 0; i < n && !there; i++)
			there = rows[i].rule == rule;
		cr_expect(there, "no row for %s", info->name);
	}
}
