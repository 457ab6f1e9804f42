/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of HID report descriptors: the check and the printer. The first byte selects the boot
 * protocol, the others are the descriptor. Beside what the sanitizers find: findings are sorted,
 * inside of the descriptor, of one severity and have a text and a hint; the boot protocol changes
 * no error and no length; what begins a descriptor has no longer reports than the whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "blobs.h"
#include "hid/check_report.h"
#include "hid_reports.h"
#include "null_stream.h"
#include "predict/predict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
/* libFuzzer's; missing when only the corpus is run. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#define BOOT_PROTOCOLS (HID_BOOT_MOUSE + 1)

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_hid: not so: %s\n", what);
	abort();
}

static bool has_error(const struct hid_report *r)
{
	return r->n_findings > 0 && hid_finding_is_error(&r->findings[0]);
}

/* Checks a copy, so that the sanitizer notices a read beyond its end. */
static void check(const uint8_t *bytes, size_t size, enum hid_boot_protocol boot,
		  struct hid_report *r)
{
	_cleanup_free_ uint8_t *copy = xcalloc(size, 1);

	memcpy(copy, bytes, size);
	hid_report_check(copy, size, boot, r);
}

static void check_findings(const struct hid_report *r, size_t size)
{
	must(r->n_findings <= HID_MAX_FINDINGS, "there is space for all findings");
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct hid_finding *f = &r->findings[i];
		_cleanup_free_ char *text = hid_finding_text(f), *hint = hid_finding_hint(f);

		must(f->rule < HID_RULE_COUNT, "a finding has a rule");
		must(f->offset < size || f->offset == 0, "a finding is inside of the descriptor");
		must(hid_finding_is_error(f) == has_error(r), "findings have one severity");
		must(i == 0 || r->findings[i - 1].offset <= f->offset, "findings are sorted");
		must(*text && !strchr(text, '{'), "a text has values for all placeholders");
		must(*hint && !strchr(hint, '{'), "a hint has values for all placeholders");
	}
}

static void compare_lengths(const struct hid_report *part, const struct hid_report *whole)
{
	must(part->input_length <= whole->input_length &&
		     part->output_length <= whole->output_length &&
		     part->feature_length <= whole->feature_length,
	     "a part of a descriptor has no longer reports");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hid_report r, other;
	enum hid_boot_protocol boot;

	if (size == 0)
		return 0;
	boot = (enum hid_boot_protocol)(data[0] % BOOT_PROTOCOLS);
	data++;
	size--;
	check(data, size, boot, &r);
	check_findings(&r, size);
	check(data, size, HID_BOOT_NONE, &other);
	must(has_error(&r) == has_error(&other), "the boot protocol changes no error");
	compare_lengths(&r, &other);
	compare_lengths(&other, &r);
	check(data, size / 2, boot, &other);
	compare_lengths(&other, &r);
	hid_report_print(null_stream(), data, size, boot);
	return 0;
}

/* Replaces the descriptor by one of the generator. */
static size_t replace(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	static uint8_t bytes[HID_REPORTS_MAX];
	size_t n = hid_reports_make(bytes, seed, 0);

	if (1 + n > max)
		return size;
	memcpy(data + 1, bytes, n);
	return 1 + n;
}

__attribute__((visibility("default"))) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
								      size_t max, unsigned int seed)
{
	struct dice d = { seed };

	if (size > 0 && dice_percent(&d, 10))
		return replace(data, size, max, seed);
	if (LLVMFuzzerMutate && dice_percent(&d, 70))
		return LLVMFuzzerMutate(data, size, max);
	return bytes_mutate(data, size, max, &d);
}
