/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The callbacks (struct function_callbacks) with which live functions report to the supervisor. */
#pragma once

#include "function/functions.h"

struct binding;
struct live_gadget;
struct switcher;

struct function_callback_data {
	struct live_gadget *live;
	struct binding *binding;
	struct switcher *switcher;
};

/* The callbacks; functions.callback_data must point at a struct function_callback_data. */
extern const struct function_callbacks supervisor_function_callbacks;
