/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Optional functions (key `optional`): the gadget is bound without an optional function while its
 * worker is not ready. Then the gadget's configurations have no link to the function; mount, keeper
 * and worker stay. The links change as in a reload: the difference of two plans is applied, while
 * the gadget is not bound. binding_states.c unbinds and binds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct binding;
struct live_function;

/*
 * Returns whether the gadget is bound without the function. If no function would remain in the
 * configurations, returns false for every function: then the gadget is not bound.
 */
bool optional_is_left_out(const struct binding *binding, const struct live_function *function);
/*
 * Unbinds a gadget that is bound with an optional function whose keeper has died. The kernel does
 * so, too, but only when the last file of the function is closed: another program may have one
 * open. Called after each event, before it is decided for which workers a bind waits.
 */
void optional_unbind_from_dead_keepers(struct binding *binding);
/*
 * Called after each event, before a bind. Takes in and leaves out functions, if that must and can
 * be done now; unbinds a gadget that is bound for it. Starts and stops the wait for optional
 * workers that start. `bind_awaits_worker`: a bind would have to wait for a worker.
 */
void optional_update_links(struct binding *binding, bool bind_awaits_worker);
/*
 * Returns whether one of the functions is optional and not left out, and does not work: a bind with
 * it fails. `list`: functions, for which during a reload others may stand (`replacement`).
 */
bool optional_prevents_bind(const struct binding *binding, struct live_function *const *list,
			    size_t n);
/*
 * Applies the plan of `up`. Before the bind, waits until each optional worker is ready or has ended
 * for the first time, and removes the links to those that are not ready. If the bind fails because
 * of optional functions, binds without them. Returns what plan_apply returns, but 0 if the bind has
 * failed because the UDC was removed.
 */
int optional_apply_plan_of_up(struct binding *binding, struct error *err);
/*
 * Called when `up` takes too long. If it only waits for optional workers, returns true: the gadget
 * then comes up without them.
 */
bool optional_end_wait_of_up(struct binding *binding);
/*
 * Called after a bind to `udc` has failed with `err`. If functions are optional that were not bound
 * with their present worker before, they are to blame: returns true, and they are left out from now
 * on until their workers are started again.
 */
bool optional_blame_for_failed_bind(struct binding *binding, const char *udc,
				    const struct error *err);
/* Called after a bind: the kernel has accepted the functions with their present workers. */
void optional_note_bind(struct binding *binding);
/*
 * Returns the reason why the gadget is without the function, for messages; NULL: the function is
 * not left out. The caller frees it.
 */
char *optional_reason(const struct live_function *function);
/*
 * Called after a takeover: `reason` is the reason in the status of the dead supervisor; NULL: none.
 * If it is a failed bind, the bind is not tried again with the same worker.
 */
void optional_take_over(struct live_function *function, const char *reason);
