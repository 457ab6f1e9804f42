/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chooses the UDC before the first step, and waits for one. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "configfs/udc.h"
#include "configfs/udc_watch.h"
#include "supervisor/supervisor.h"

static int choose(struct supervisor *s, bool waiting, struct error *err)
{
	const struct gadget_udc *wanted = &s->gadget->udc;
	int r = udc_choose(s->paths, wanted, s->udc_wanted, &s->udc, err);
	bool named = s->udc_wanted || wanted->name.value || wanted->driver.value;

	if (r == 0 && waiting && !named && udc_is_virtual(s->udc)) {
		free(steal_ptr(s->udc));
		return error_set(err, EX_UNAVAILABLE, ENODEV, UDC_CLASS_DIR,
				 "all UDCs are virtual; a virtual UDC needs --udc");
	}
	return r;
}

static void on_udc_event(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;
	_cleanup_error_ struct error err = { 0 };
	int r;

	if (!udc_watch_read(s->udc_watch.fd).udc)
		return;
	r = choose(s, true, &err);
	if (r == 0)
		gadget_handle(s, GADGET_EV_BEGIN);
	else if (r != -ENODEV)
		supervisor_go_down(s, &err);
}

int supervisor_await_udc(struct supervisor *s, double seconds, struct error *err)
{
	_cleanup_error_ struct error why = { 0 };
	_cleanup_close_ int fd = -1;
	int r = 0;

	if (seconds > 0) {
		/* Opens the socket before the check, so that no event is missed. */
		fd = udc_watch_open(err);
		if (fd < 0)
			return fd;
		r = fd_watch_add(&s->loop, &s->udc_watch, fd, EPOLLIN, on_udc_event, s);
		if (r < 0)
			return error_errno(err, EX_OSERR, -r, NULL,
					   "cannot watch the kernel's uevents");
	}
	r = choose(s, seconds > 0, &why);
	if (r == 0) {
		gadget_handle(s, GADGET_EV_BEGIN);
	} else if (r != -ENODEV || seconds <= 0) {
		error_move(err, &why);
	} else {
		/* Logged in the background, too: the command waits, and shows the reason. */
		log_about(s->name, NULL, LOG_INFO, "%s: waiting for a UDC: %s", s->name, why.text);
		if (isfinite(seconds))
			timer_start(&s->deadline, seconds);
		supervisor_write_status(s);
		while (s->state == GADGET_WAITING && (r = loop_once(&s->loop, -1)) >= 0)
			;
		timer_stop(&s->deadline);
		if (r < 0)
			error_errno(err, EX_OSERR, -r, NULL, "cannot wait for events");
	}
	fd_watch_remove(&s->loop, &s->udc_watch);
	return err->exit ? -err->err : 0;
}
