/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explains why no host has configured a gadget. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "client/inspect.h"
#include "client/internal.h"
#include "configfs/udc.h"
#include "predict/host_hint.h"
#include "rundir/status.h"

/* Adds that the port is a host itself: some controllers keep their UDC then (dwc2). */
static void explain_by_role(const struct gadget_status *status, struct error *err)
{
	_cleanup_free_ char *hint = status->udc ? udc_role_switch_hint(status->udc) : NULL;

	if (hint)
		error_add_hint(err, "%s", hint);
}

/*
 * Adds what the UDC's state shows: a host that has reset the port has seen the gadget. Its log, of
 * which only a host on this system has a part here, shows why it has not configured it.
 */
static void explain_by_udc_state(const struct paths *paths, const char *name,
				 const struct gadget_status *status, struct error *err)
{
	struct client_recorded_gadget recorded = { 0 };
	_cleanup_error_ struct error ignored = { 0 };
	_cleanup_free_ char *hint = NULL;

	if (!streq_null(status->udc_state, "default") &&
	    !streq_null(status->udc_state, "addressed"))
		return;
	error_add_detail(err, "a host has seen it (the UDC's state is \"%s\"%s%s)",
			 status->udc_state, status->speed ? ", " : "",
			 status->speed ? status->speed : "");
	if (client_recorded_gadget_read(&recorded, paths, name, &ignored) == 0)
		hint = predict_host_hint(recorded.gadget, status->speed, HOST_FAILURE_UNKNOWN);
	if (hint)
		error_add_hint(err, "%s", hint);
	client_recorded_gadget_free(&recorded);
}

void client_explain_no_host(const struct paths *paths, const char *name, struct error *err)
{
	struct gadget_statuses gadgets = { 0 };
	_cleanup_error_ struct error ignored = { 0 };
	const struct gadget_status *status;

	inspect_gadgets(paths, name, &gadgets, &ignored);
	status = gadgets.n == 1 ? &gadgets.list[0] : NULL;
	if (status && status->host_failure) {
		error_add_detail(err, "%s", status->host_failure);
		if (status->host_hint)
			error_add_hint(err, "%s", status->host_hint);
	} else if (status) {
		explain_by_udc_state(paths, name, status, err);
		explain_by_role(status, err);
	}
	statuses_free(&gadgets);
}
