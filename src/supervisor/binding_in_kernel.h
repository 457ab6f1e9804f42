/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads from the kernel whether the gadget is bound, because any program can write to configfs, and
 * unbinds it.
 */
#pragma once

#include "supervisor/binding.h"

struct live_function;

/* Returns the path of the gadget's attribute UDC; the caller frees it. */
char *binding_udc_attribute_path(const struct binding *binding);
/*
 * Returns the UDC in configfs, whichever program wrote it; NULL: configfs contains none. The caller
 * frees it.
 */
char *binding_udc_in_configfs(const struct binding *binding);
/*
 * Unbinds the gadget: undoes its bind step if that is applied, else clears its attribute UDC.
 * Returns 0 or a negative errno. Changes no state of the binding.
 */
int binding_undo_bind(struct binding *binding, struct error *err);
/* Returns whether configfs contains the UDC that ffsctl wrote, even if that UDC does not exist. */
bool binding_configfs_has_our_udc(const struct binding *binding);
/*
 * binding_writes.c: returns whether the gadget goes on when the kernel drops the function's
 * descriptors and unbinds the gadget for it: a daemon closes its files, or the keeper of an
 * optional function dies.
 */
bool binding_outlives_descriptors(const struct live_function *function);
/* Returns whether a daemon has closed the files with which the gadget was bound. */
bool binding_daemon_closed_files(const struct binding *binding);
/*
 * Returns the event that describes the state in the kernel:
 *
 *   BINDING_EV_UDC_REMOVED    the UDC does not exist
 *   BINDING_EV_BOUND          the gadget is bound to the UDC
 *   BINDING_EV_UNBOUND        another program has unbound the gadget: configfs does not contain the
 *                             UDC, or the gadget was unbound through the driver core
 *   BINDING_EV_EP0_CLOSED     the kernel has unbound the gadget, because a daemon closed its files,
 *                             or the keeper of an optional function died
 *   BINDING_EV_REBIND_FAILED  the UDC was removed and exists again, but the gadget is not bound to
 *                             it: the kernel's bind has failed
 *   BINDING_EVENT_COUNT       no event: the kernel is still removing or adding the UDC, or
 * unbinding the gadget, or a keeper without which the gadget fails has died, which the next signal
 * reports
 */
enum binding_event binding_event_from_kernel(struct binding *binding);
/*
 * binding_writes.c: returns whether another program wrote to the attribute UDC since the gadget was
 * seen bound.
 */
bool binding_was_written_by_others(struct binding *binding);
/*
 * Returns whether the cause of an unbind is still unknown. inotify(7) reports a write after its
 * effect, and the kernel removes a daemon's files after it has unbound the gadget (ffs_data_clear).
 * The next event shows which of them it was.
 */
bool binding_awaits_cause_of_unbind(const struct binding *binding);
/* Forgets earlier writes, and drops their events. Called after ffsctl has bound the gadget. */
void binding_forget_writes(struct binding *binding);
/*
 * Forgets the writes that were known when the gadget was seen bound. Keeps later events: each of
 * them may be of a write that has unbound it since.
 */
void binding_note_seen_bound(struct binding *binding);
/* Starts the watch of writes when the gadget has a daemon. */
void binding_update_write_watch(struct binding *binding);
/* Starts the watch anew after a reload, which may have added and removed configurations. */
void binding_renew_write_watch(struct binding *binding);

/* --- rebind_delay.c --- */

/* Called when the kernel has unbound the gadget because a daemon closed its files. */
void binding_handle_closed_files(struct binding *binding);
/* Computes the delay of the rebind. Called when all workers are ready. */
void binding_update_rebind_delay(struct binding *binding);
/* Returns whether daemons have closed their files so often that the delay has reached its maximum.
 */
bool binding_rebind_delay_is_longest(const struct binding *binding);
/*
 * Returns whether a rebind for which all workers are ready must wait; begins the delay. The
 * supervisor is woken at its end.
 */
bool binding_delays_rebind(struct binding *binding);
/* Ends the delay: the gadget is bound, or a worker is not ready any more. */
void binding_end_rebind_delay(struct binding *binding);
