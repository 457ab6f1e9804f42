/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests are told, and tell, of the inside. Only in builds with --enable-test-hooks; elsewhere
 * the functions are empty.
 *
 * FFSCTL_TEST_TRACE is the file that gets a line for each thing that a state table is asked, for
 * the test that walks their cells on a real kernel: "TABLE STATE EVENT".
 *
 * FFSCTL_TEST_OPEN: no system call is refused to keepers; valgrind makes others in their name.
 *
 * FFSCTL_TEST_KILL: a system call that is refused to keepers kills them.
 */
#pragma once

#include <stdbool.h>

#ifdef FFSCTL_TEST_HOOKS
void trace(const char *table, const char *state, const char *event);
/* For who can open no file later (keepers). */
void trace_open(void);
bool test_leaves_open(void);
bool test_kills_on_refusal(void);
#else
static inline bool test_leaves_open(void)
{
	return false;
}
static inline bool test_kills_on_refusal(void)
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
