/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The callbacks of live functions (struct function_events) when the supervisor is their owner.
 */
#pragma once

#include "function/owner.h"

struct binding;
struct live_gadget;
struct switcher;

struct function_owner {
	struct live_gadget *live;
	struct binding *binding;
	struct switcher *switcher;
};

/* For functions whose owner is a struct function_owner. */
extern const struct function_events supervisor_function_events;
