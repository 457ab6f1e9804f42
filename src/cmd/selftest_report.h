/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report of `selftest`: a text file that users may send. */
#pragma once

#include "cmd/selftest.h"

/* Returns the default name of the report's file; the caller frees it. */
char *selftest_default_report_path(const struct selftest *t);
/* Fails if the report could not be written there, before the test. Never overwrites a file. */
int selftest_check_report_path(const char *path, struct error *err);
/*
 * Writes the report: the file has either the whole report, or does not exist. `kernel_log_fd` is
 * that of kernel_log_open() before the test, so that the report has only lines of its time.
 */
int selftest_write_report(const struct selftest *t, int kernel_log_fd, const char *path,
			  struct error *err);
/* Returns how many results have this outcome. */
size_t selftest_count(const struct selftest *t, enum selftest_outcome outcome);
