/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Environment variables for tests. They have an effect only in builds with --enable-test-hooks; in
 * other builds the functions are empty.
 *
 * FFSCTL_TEST_TRACE is the path of a file. Each lookup in a state table appends a line "TABLE STATE
 * EVENT" to it. A test compares these lines with the cells of the tables.
 *
 * FFSCTL_TEST_OPEN: keepers run without their system call filter, because valgrind makes system
 * calls that the filter does not allow.
 *
 * FFSCTL_TEST_KILL: a refused system call kills the keeper that makes it.
 */
#pragma once

#include <stdbool.h>

#ifdef FFSCTL_TEST_HOOKS
void trace_record_lookup(const char *table, const char *state, const char *event);
/* Opens the trace file for a process that cannot open files later: the keeper. */
void trace_open(void);
bool env_wants_no_syscall_filter(void);
bool env_wants_kill_on_refused_syscall(void);
#else
static inline bool env_wants_no_syscall_filter(void)
{
	return false;
}
static inline bool env_wants_kill_on_refused_syscall(void)
{
	return false;
}
static inline void trace_open(void)
{
}
static inline void trace_record_lookup(const char *table, const char *state, const char *event)
{
	(void)table;
	(void)state;
	(void)event;
}
#endif
