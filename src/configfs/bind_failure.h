/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explains why a gadget could not be bound. */
#pragma once

#include "configfs/bind_kernel_log.h"
#include "configfs/configfs.h"

/*
 * Sets the error after the bind of `step` has failed with the errno `e`. `log` must have been
 * opened before the bind. The kernel reports the real reason only in its log; returns the negative
 * errno of that reason.
 */
int explain_bind_failure(const struct configfs *c, const struct step *step,
			 struct bind_kernel_log *log, int e, struct error *err);
