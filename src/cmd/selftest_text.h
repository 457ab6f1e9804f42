/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts for the report of `selftest`: removes what identifies a board, and chooses kernel lines. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Texts that must not be in the report, such as the serial number of this board. */
struct selftest_secrets {
	struct selftest_secret {
		char *text;
		const char *replacement; /* what the report has instead: "<host name>" */
	} * list;
	size_t n;
};

/* Adds a secret. Ignores a text with less than two characters, and NULL. */
void selftest_secrets_add(struct selftest_secrets *secrets, const char *text,
			  const char *replacement);
void selftest_secrets_free(struct selftest_secrets *secrets);
#define _cleanup_selftest_secrets_ _cleanup_(selftest_secrets_free)

/*
 * Returns a copy of `line` without the secrets, where they are whole words, without MAC addresses,
 * and without the words after "SerialNumber:", "serial number" and the like. The caller frees it.
 */
char *selftest_remove_secrets(const char *line, const struct selftest_secrets *secrets);

/*
 * Returns whether a line of the kernel log is of the device side of USB: of this UDC or its driver,
 * or of the gadget framework. Either may be NULL.
 */
bool selftest_is_gadget_line(const char *line, const char *udc, const char *driver);

/*
 * Returns the line of a record of the kernel's log (configfs/kernel_log.h) with the time in
 * seconds, "[   12.345678] text"; NULL if it is not a record of the kernel. The caller frees it.
 */
char *selftest_kmsg_line(const char *record);
