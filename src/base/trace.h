/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Test hooks. They do something only in builds with --enable-test-hooks; in other builds the
 * functions are empty.
 *
 * FFSCTL_TEST_TRACE: a file that gets one line, "TABLE STATE EVENT", for each lookup in a state
 * table. A test compares these lines with the cells of the tables.
 *
 * FFSCTL_TEST_OPEN: keepers run without their system call filter, because valgrind makes other
 * system calls than the program that it runs.
 *
 * FFSCTL_TEST_KILL: a refused system call kills the keeper that makes it.
 */
#pragma once

#include <stdbool.h>

#ifdef FFSCTL_TEST_HOOKS
void trace(const char *table, const char *state, const char *event);
/* Opens the trace file now, for a process that cannot open files later (the keeper). */
void trace_open(void);
bool test_disables_filter(void);
bool test_kills_on_refused_call(void);
#else
static inline bool test_disables_filter(void)
{
	return false;
}
static inline bool test_kills_on_refused_call(void)
{
	return false;
}
static inline void trace_open(void)
{
}
static inline void trace(const char *table, const char *state, const char *event)
{
	(void)table;
	(void)state;
	(void)event;
}
#endif
