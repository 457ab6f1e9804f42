/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explains why a gadget could not be bound. */
#pragma once

#include "configfs/bind_log.h"
#include "configfs/configfs.h"

/* Fills err after a bind failed with errno `e`, and returns the real -errno, which the kernel's log
 * shows. `log` was opened before the bind. */
int explain_bind_failure(const struct configfs *c, const struct step *step, struct bind_log *log,
			 int e, struct error *err);
