/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/requested_switch.h"

#include <stdlib.h>

#include "base/cleanup.h"

void requested_switch_free(struct requested_switch *sw)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (sw->target_rundir.lock_fd >= 0 && !sw->target_has_record)
		rundir_remove(&sw->target_rundir, &ignored);
	rundir_close(&sw->target_rundir);
	gadget_free(sw->target_gadget);
	json_decref(sw->target_document);
	json_decref(sw->switch_json_for_workers);
	free(sw->target_udc);
	free(sw);
}
