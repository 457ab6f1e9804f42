/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions with which other components change a binding. binding_states.c binds and unbinds. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "configfs/udc.h"
#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"

void binding_init(struct binding *b, struct live_gadget *live, struct usb_host_state *host)
{
	*b = (struct binding){ .live = live,
			       .host = host,
			       .uevent_watch = FD_WATCH_NONE,
			       .write_watch = FD_WATCH_NONE,
			       .rebind_timer = FD_WATCH_NONE,

			       .optional_timer = FD_WATCH_NONE };
}

static void on_optional_timeout(void *data, uint32_t events _unused_)
{
	struct binding *b = data;

	timer_stop(&b->optional_timer);
	b->awaits_optional = false;
	b->optional_wait_is_over = true;
	live_gadget_request_plan_and_status_update(b->live);
}

int binding_open_timer(struct binding *b)
{
	return timer_open(&b->live->loop, &b->optional_timer, on_optional_timeout, b);
}

void binding_free(struct binding *b)
{
	cleanup_close(&b->uevent_watch.fd);
	cleanup_close(&b->write_watch.fd);
	fd_watch_close(&b->live->loop, &b->rebind_timer);
	cleanup_close(&b->optional_timer.fd);
	free(b->uevent_filter_udc);
	free(b->udc);
	free(b->udc_before_unbind);
	free(b->udc_before_reload);
	free(b->requested_udc);
	error_clear(&b->bind_error);
}

void binding_set_state_after_takeover(struct binding *b, const char *udc, bool no_bind,
				      enum binding_state state)
{
	b->must_stay_unbound = no_bind;
	if (!udc)
		return;
	if (no_bind) {
		b->udc_before_unbind = xstrdup(udc);
		return;
	}
	b->udc = xstrdup(udc);
	b->state = state;
	b->written_by_others = state == BINDING_UNBOUND_EXTERNALLY;
}

void binding_request_check(struct binding *b)
{
	b->uevent_arrived = true;
	live_gadget_request_plan_and_status_update(b->live);
}

bool binding_udc_is_missing(const struct binding *b)
{
	bool is_wanted = b->state == BINDING_ON || b->state == BINDING_UDC_REMOVED ||
			 b->state == BINDING_REBIND_DUE;

	return is_wanted && b->udc && !udc_exists(b->udc);
}

bool binding_lacks_udc(const struct binding *b)
{
	return binding_udc_is_missing(b) ||
	       (b->state == BINDING_REBIND_DUE && b->bind_found_no_udc);
}

bool binding_is_due(const struct binding *b)
{
	return b->state == BINDING_REBIND_DUE || b->state == BINDING_FAILED;
}

void binding_cancel_bind(struct binding *b)
{
	b->bind_pending = false;
}

void binding_set_udc_aside(struct binding *b)
{
	b->udc_before_reload = steal_ptr(b->udc);
}

void binding_restore_udc_set_aside(struct binding *b)
{
	b->udc = steal_ptr(b->udc_before_reload);
}

void binding_set_udc_after_reload(struct binding *b, char *udc)
{
	free(steal_ptr(b->udc_before_reload));
	b->udc = udc;
}
