/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a gadget could not be put on the bus, in words. */
#pragma once

#include "configfs/bind_log.h"
#include "configfs/configfs.h"

/* The step has failed with errno `e`; `log` was opened before. Fills err; -errno, the real one. */
int bind_why(const struct configfs *c, const struct step *step, struct bind_log *log, int e,
	     struct error *err);
