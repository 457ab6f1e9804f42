/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a gadget could not be bound. */
#pragma once

#include "configfs/bind_log.h"
#include "configfs/configfs.h"

/* After a bind failed with errno `e`: fills err and returns the real -errno, by the kernel's log.
 * `log` was opened before the bind. */
int bind_why(const struct configfs *c, const struct step *step, struct bind_log *log, int e,
	     struct error *err);
