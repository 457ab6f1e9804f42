/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults for tests: failures of chosen steps, and deaths of the process. They exist only in builds
 * with --enable-test-hooks; in other builds the functions are empty. The environment variable
 * FFSCTL_TEST_FAULT is a list of words, separated by commas.
 *
 * Faults when step N of the plan (from 1) is applied:
 *   fail=N:ERRNO             the step fails with this errno and is not applied
 *   kill-before=N            the process gets SIGKILL before the step is applied
 *   kill-after=N             the process gets SIGKILL after the step was applied
 *
 * Faults when step N of the plan is undone:
 *   undo-fail=N:ERRNO        the undo fails with this errno
 *   undo-kill-before=N       the process gets SIGKILL before the undo
 *   undo-kill-after=N        the process gets SIGKILL after the undo
 *
 * Faults when a reload makes change N (from 1, as listed by `reload --dry-run --json`):
 *   reload-fail=N:ERRNO      the change fails with this errno
 *   reload-kill-before=N     the process gets SIGKILL before the change
 *   reload-kill-after=N      the process gets SIGKILL after the change
 *
 * Faults when a reload reverts change N:
 *   back-fail=N:ERRNO        the reversion fails with this errno
 *   back-kill-before=N       the process gets SIGKILL before the reversion
 *   back-kill-after=N        the process gets SIGKILL after the reversion
 *
 * Faults of a switch to another gadget (src/supervisor/switch.h):
 *   switch-kill=1            the process gets SIGKILL when all is prepared
 *   switch-kill=2            the process gets SIGKILL when the first gadget was removed
 *   switch-kill=3            the process gets SIGKILL before the switch is reverted
 *
 * The list ends at a ';'. When a switch has removed the first gadget, the words after the ';'
 * become the list, and apply to the second gadget.
 */
#pragma once

#include <stddef.h>

enum fault_point {
	FAULT_BEFORE,
	FAULT_AFTER,
	FAULT_UNDO_BEFORE,
	FAULT_UNDO_AFTER,
	FAULT_RELOAD_BEFORE,
	FAULT_RELOAD_AFTER,
	FAULT_REVERT_BEFORE,
	FAULT_REVERT_AFTER,
	FAULT_SWITCH,
};

#ifdef FFSCTL_TEST_HOOKS
/*
 * Causes the fault that FFSCTL_TEST_FAULT lists for step or change `n` at the point `when`: kills
 * the process, or returns the positive errno with which the step or change must fail. Returns 0 if
 * no such fault is listed.
 */
int fault_inject(enum fault_point when, size_t n);
/*
 * FFSCTL_TEST_FAULT contains lists of faults, separated by ';'. Only the first list is in use.
 * Removes it, so that the second list is in use.
 */
void fault_use_next_fault_list(void);
#else
static inline int fault_inject(enum fault_point when, size_t n)
{
	(void)when;
	(void)n;
	return 0;
}
static inline void fault_use_next_fault_list(void)
{
}
#endif
