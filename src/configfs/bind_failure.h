/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explains why a gadget could not be bound. */
#pragma once

#include "configfs/bind_log.h"
#include "configfs/configfs.h"

/*
 * Sets err after a bind has failed with the errno `e`. `log` was opened before the bind. Returns
 * the negative errno of the real reason, which is only in the kernel's log.
 */
int explain_bind_failure(const struct configfs *c, const struct step *step, struct bind_log *log,
			 int e, struct error *err);
