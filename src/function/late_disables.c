/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keepers of a gadget are processes of their own: what the host does with all functions at
 * once, each reports on its own, and one can be late. A host that disables and enables the
 * functions is seen at the first keeper, while the second has reported nothing, so its function
 * still counts as enabled. When the second keeper reports the disable then, the host has not come
 * and gone again.
 */
#include "function/function.h"
#include "function/functions.h"

/* Returns whether a configuration has both functions. */
static bool are_selected_together(const struct live_function *a, const struct live_function *b)
{
	const struct gadget *g = a->gadget;

	for (size_t i = 0; i < g->n_configs; i++) {
		const struct config *c = &g->configs[i];
		bool has_a = false, has_b = false;

		for (size_t n = 0; n < c->n_functions; n++) {
			const struct function *f = &g->functions[c->functions[n].function_index];

			has_a = has_a || f == a->model;
			has_b = has_b || f == b->model;
		}
		if (has_a && has_b)
			return true;
	}
	return false;
}

/* Calls note() for each other function that a host selects together with this one. */
static void for_each_other(const struct live_function *function,
			   void (*note)(struct live_function *other))
{
	for (size_t n = 0; n < function->functions->n; n++)
		if (function->functions->list[n] != function &&
		    are_selected_together(function, function->functions->list[n]))
			note(function->functions->list[n]);
}

static void note_disable_of_other(struct live_function *function)
{
	function->disable_is_due = function_is_enabled(function);
}

static void note_enable_of_other(struct live_function *function)
{
	function->disable_is_late = function->disable_is_due;
}

static void forget_disable(struct live_function *function)
{
	function->disable_is_due = function->disable_is_late = function->counts_as_enabled = false;
}

void function_set_link_state(struct live_function *function, struct link_state state)
{
	forget_disable(function);
	function->link_state = state;
}

void function_apply_link_event(struct live_function *function, const struct ffsctl_event *event)
{
	bool was_due = function->disable_is_due, was_late = function->disable_is_late,
	     was_enabled = function_is_enabled(function);

	link_state_apply(&function->link_state, event);
	switch (event->event) {
	case FFSCTL_EVENT_ENABLE:
		/* The kernel drops a disable that was not read before the enable (f_fs.c,
		   __ffs_event_add). */
		if (was_enabled && !was_due)
			for_each_other(function, note_disable_of_other);
		forget_disable(function);
		for_each_other(function, note_enable_of_other);
		break;
	case FFSCTL_EVENT_DISABLE:
		forget_disable(function);
		function->counts_as_enabled = was_late;
		if (was_enabled && !was_due)
			for_each_other(function, note_disable_of_other);
		break;
	case FFSCTL_EVENT_BIND:
	case FFSCTL_EVENT_UNBIND:
		forget_disable(function);
		break;
	}
}

bool function_is_enabled(const struct live_function *function)
{
	return function->link_state.enabled || function->counts_as_enabled;
}
