/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The series of Linux that ffsctl knows. This is their only list: a new series is a row here, its
 * rules and templates where they differ from those of the series before, its kernel patches, and
 * the results of the tests.
 */
#pragma once

#include <stdbool.h>

/* X(constant, major, minor), the oldest first. */
#define KERNEL_SERIES(X)                                                                           \
	X(KERNEL_6_1, 6, 1)                                                                        \
	X(KERNEL_6_12, 6, 12)                                                                      \
	X(KERNEL_6_18, 6, 18)
/* The same list in words. A unit test compares them. */
#define KERNEL_SERIES_AND "6.1, 6.12 and 6.18"
#define KERNEL_SERIES_OR "6.1, 6.12 or 6.18"

#define KERNEL_SERIES_CONSTANT(constant, major, minor) constant,
enum kernel_series { KERNEL_SERIES(KERNEL_SERIES_CONSTANT) KERNEL_SERIES_COUNT };

/* For example "6.12". */
extern const char *const kernel_series_words[KERNEL_SERIES_COUNT];

/* Returns whether there is exactly this series, and stores it. */
bool kernel_series_find(unsigned int major, unsigned int minor, enum kernel_series *series);
/*
 * Finds the newest series that is not newer than a release like "6.13.7-amd64"; for an older
 * release, the oldest series. Returns false if `release` is no release of Linux.
 */
bool kernel_series_of_release(const char *release, enum kernel_series *series);
/* Returns whether `release` is a release of the series, and not an earlier, other or later one. */
bool kernel_series_has_release(enum kernel_series series, const char *release);
/* Returns kernel_series_of_release for the running kernel. */
enum kernel_series kernel_series_running(void);
