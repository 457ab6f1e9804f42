/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Advises what to change in a gadget that a host cannot configure. */
#pragma once

#include "gadgetfile/gadget.h"

/* What is known about the failure. */
enum host_failure {
	HOST_FAILURE_UNKNOWN,	     /* only that no host has configured the gadget */
	HOST_FAILURE_NO_DESCRIPTORS, /* a function has no descriptors for the speed */
	HOST_FAILURE_REFUSED,	     /* SET_CONFIGURATION failed for another reason */
};

/*
 * Returns a hint about the functions whose descriptors can cause the failure: those that lack the
 * speed, and daemons, whose descriptors ffsctl does not know. `speed` is the speed of the
 * connection, as the UDC's attribute `current_speed` names it; NULL: unknown. Returns NULL if no
 * function can be the cause. The caller frees the hint.
 */
char *predict_host_hint(const struct gadget *g, const char *speed, enum host_failure failure);
