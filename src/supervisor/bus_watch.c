/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives uevents about changes by the kernel and other programs: the UDC is removed or added, a
 * program writes to configfs. A filter accepts only the gadget's UDC, so that other devices do not
 * wake the supervisor. Workers of kernel devices need all uevents.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "configfs/udc_watch.h"
#include "supervisor/supervisor.h"

static void on_uevent(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;

	s->udc_is_new = udc_watch_read(s->uevents.fd).ready || s->udc_is_new;
	s->uevent = true; /* a uevent of any kind arrived */
	supervisor_changed(s);
}

static int open_watch(struct supervisor *s, const char *udc, struct error *err)
{
	int fd = udc_watch_open(err), r;

	if (fd < 0)
		return fd;
	if (udc)
		udc_watch_only(fd, udc); /* without the filter more uevents arrive */
	r = fd_watch_add(&s->loop, &s->uevents, fd, EPOLLIN, on_uevent, s);
	if (r == 0)
		return 0;
	close(fd);
	return error_errno(err, EX_OSERR, -r, NULL, "cannot watch the kernel's uevents");
}

void bus_watch(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };
	bool all = functions_follow_kernel_devices(&s->live), wanted = all || s->udc;
	const char *udc = all ? NULL : s->udc;

	/* The filter accepts a UDC by its name, also after it was removed and added. */
	if (wanted == s->watches_uevents && streq_null(s->uevents_of, udc))
		return;
	fd_watch_close(&s->loop, &s->uevents);
	free(s->uevents_of);
	s->uevents_of = udc ? xstrdup(udc) : NULL;
	s->watches_uevents = wanted;
	if (!wanted)
		return;
	if (open_watch(s, udc, &err) < 0)
		supervisor_say(s, "cannot notice changes of the UDC: %s", err.text);
	s->uevent = s->udc_is_new =
		true; /* a change before the socket was open may have been missed */
}
