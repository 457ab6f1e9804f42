/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What state tables are asked, for the test that walks their cells on a real kernel. Only in builds
 * with --enable-test-hooks; elsewhere the function is empty.
 *
 * FFSCTL_TEST_TRACE is the file that gets a line for each: "TABLE STATE EVENT".
 */
#pragma once

#ifdef FFSCTL_TEST_HOOKS
void trace(const char *table, const char *state, const char *event);
#else
static inline void trace(const char *table, const char *state, const char *event)
{
	(void)table;
	(void)state;
	(void)event;
}
#endif
