/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives the uevents that are sent when the UDC is removed or added, and when a program binds or
 * unbinds the gadget. A filter accepts only uevents of the gadget's UDC, so that other devices do
 * not wake the supervisor. The filter is not used while a worker waits for its kernel device.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "configfs/udc_watch.h"
#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"

static void on_uevent(void *data, uint32_t events _unused_)
{
	struct binding *b = data;

	b->new_udc_uevent_arrived =
		udc_watch_read(b->uevent_watch.fd).udc_added || b->new_udc_uevent_arrived;
	b->uevent_arrived = true; /* a uevent of any kind arrived */
	live_gadget_request_plan_and_status_update(b->live);
}

static int open_uevent_watch(struct binding *b, const char *udc, struct error *err)
{
	int fd = udc_watch_open(err), r;

	if (fd < 0)
		return fd;
	/* Without the filter, uevents of all devices arrive. */
	if (udc)
		udc_watch_attach_filter(fd, udc);
	r = fd_watch_add(&b->live->loop, &b->uevent_watch, fd, EPOLLIN, on_uevent, b);
	if (r == 0)
		return 0;
	close(fd);
	return error_errno(err, EX_OSERR, -r, NULL, "cannot watch the kernel's uevents");
}

void binding_update_uevent_watch(struct binding *b)
{
	_cleanup_error_ struct error err = { 0 };
	bool all = functions_need_all_uevents(&b->live->functions), wanted = all || b->udc;
	const char *udc = all ? NULL : b->udc;

	/* The filter accepts a UDC by its name, also after it was removed and added. */
	if (wanted == b->watches_uevents && streq_null(b->uevent_filter_udc, udc))
		return;
	fd_watch_close(&b->live->loop, &b->uevent_watch);
	free(b->uevent_filter_udc);
	b->uevent_filter_udc = xstrdup_or_null(udc);
	b->watches_uevents = wanted;
	if (!wanted)
		return;
	if (open_uevent_watch(b, udc, &err) < 0)
		gadget_log_error(b->live, NULL, &err);
	/* Causes a check, because the UDC may have changed before the socket was open. */
	b->uevent_arrived = b->new_udc_uevent_arrived = true;
}
