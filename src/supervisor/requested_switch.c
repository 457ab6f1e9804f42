/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/requested_switch.h"

#include <stdlib.h>

#include "base/cleanup.h"

void requested_switch_free(struct requested_switch *sw)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (sw->rundir.lock_fd >= 0 && !sw->has_leftovers)
		rundir_remove(&sw->rundir, &ignored);
	rundir_close(&sw->rundir);
	gadget_free(sw->gadget);
	json_decref(sw->document);
	json_decref(sw->workers_switch_object);
	free(sw->udc);
	free(sw);
}
