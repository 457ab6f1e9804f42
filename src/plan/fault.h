/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults for tests, by step number (from 1). They exist only in builds with --enable-test-hooks; in
 * others the functions are empty.
 *
 * FFSCTL_TEST_FAULT is a list of words with commas between:
 *   fail=N:ERRNO       step N fails with that errno instead of being applied
 *   kill-before=N      the process gets SIGKILL just before step N has its effect
 *   kill-after=N       and just after
 *   undo-fail=N:ERRNO  the undo of step N fails instead of being done
 *   undo-kill-before=N, undo-kill-after=N
 * and, by the number of a change, as `reload --dry-run --json` has it:
 *   reload-fail=N:ERRNO, reload-kill-before=N, reload-kill-after=N
 *   back-fail=N:ERRNO, back-kill-before=N, back-kill-after=N   when it is reverted
 * and of a switch to another gadget (src/supervisor/switch.h):
 *   switch-kill=1      when all is prepared, =2 when the first gadget is removed, =3 before it is
 *                      reverted
 * The words after a ';' replace those before it when the first gadget is removed, and apply to the
 * second one.
 */
#pragma once

#include <stddef.h>

enum fault_when {
	FAULT_BEFORE,
	FAULT_AFTER,
	FAULT_UNDO_BEFORE,
	FAULT_UNDO_AFTER,
	FAULT_RELOAD_BEFORE,
	FAULT_RELOAD_AFTER,
	FAULT_BACK_BEFORE,
	FAULT_BACK_AFTER,
	FAULT_SWITCH,
};

#ifdef FFSCTL_TEST_HOOKS
/*
 * Returns the errno (positive) with which step `n` must fail; 0: none. Does not return if the fault
 * kills the process.
 */
int fault_hit(enum fault_when when, size_t n);
/* Moves on to the words after the next ';'. */
void fault_next(void);
#else
static inline int fault_hit(enum fault_when when, size_t n)
{
	(void)when;
	(void)n;
	return 0;
}
static inline void fault_next(void)
{
}
#endif
