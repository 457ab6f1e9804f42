/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chooses the UDC before the first step is applied, and waits for one if none matches. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "configfs/udc.h"
#include "configfs/udc_watch.h"
#include "predict/udc_mismatch.h"
#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"
#include "supervisor/up_down.h"

/*
 * Warns if the gadget cannot work on the chosen UDC. The gadget is bound anyway, because the table
 * of UDC drivers may be wrong for this kernel.
 */
static void warn_if_udc_does_not_fit(const struct binding *b)
{
	const struct live_gadget *live = b->live;
	_cleanup_free_ char *driver = udc_driver(b->udc);
	const struct udc_facts facts = udc_facts_find(live->paths, live->model, b->udc, driver);
	_cleanup_udc_mismatches_ struct udc_mismatches m = { 0 };

	udc_mismatches_find(driver, &facts, live->model, kernel_series_running(), &m);
	for (size_t i = 0; i < m.n; i++)
		log_about(live->name, NULL, LOG_WARNING, "%s: %s", live->name, m.list[i].text);
}

static int choose_existing_udc(struct binding *b, bool waiting, struct error *err)
{
	const struct gadget_udc *wanted = &b->live->model->udc;
	bool named = b->udc_from_command_line || wanted->name.value || wanted->driver.value;
	int r;

	gadget_activate_udcs_of_killed_supervisors(b->live);
	r = udc_choose(b->live->paths, wanted, b->udc_from_command_line, &b->udc, err);
	if (r == 0 && waiting && !named && udc_is_virtual(b->udc)) {
		free(steal_ptr(b->udc));
		error_set(err, EX_UNAVAILABLE, ENODEV, UDC_CLASS_DIR, "all UDCs are virtual");
		return error_add_hint(err, "a virtual UDC needs --udc");
	}
	if (r == 0)
		warn_if_udc_does_not_fit(b);
	return r;
}

static int choose_udc(struct binding *b, bool waiting, struct error *err)
{
	if (b->udc_may_be_missing && !udc_exists(b->udc_from_command_line)) {
		b->udc = xstrdup(b->udc_from_command_line);
		return 0;
	}
	return choose_existing_udc(b, waiting, err);
}

struct udc_wait {
	struct binding *binding;
	struct fd_watch uevent_watch;
};

static void on_udc_event(void *data, uint32_t events _unused_)
{
	struct udc_wait *w = data;
	struct binding *b = w->binding;
	_cleanup_error_ struct error err = { 0 };
	int r;

	if (!udc_watch_read(w->uevent_watch.fd).udc_changed)
		return;
	r = choose_udc(b, true, &err);
	if (r == 0)
		gadget_handle_event(b->live, GADGET_EV_BEGIN);
	else if (r != -ENODEV)
		gadget_begin_down(b->live, &err);
}

int binding_await_udc(struct binding *b, double seconds, struct error *err)
{
	struct udc_wait w = { .binding = b, .uevent_watch = FD_WATCH_NONE };
	_cleanup_error_ struct error why = { 0 };
	_cleanup_close_ int fd = -1;
	int r = 0;

	if (seconds > 0) {
		/* Opens the socket before the check, so that no event is missed. */
		fd = udc_watch_open(err);
		if (fd < 0)
			return fd;
		r = fd_watch_add(&b->live->loop, &w.uevent_watch, fd, EPOLLIN, on_udc_event, &w);
		if (r < 0)
			return error_errno(err, EX_OSERR, -r, NULL,
					   "cannot watch the kernel's uevents");
	}
	r = choose_udc(b, seconds > 0, &why);
	if (r == 0) {
		gadget_handle_event(b->live, GADGET_EV_BEGIN);
	} else if (r != -ENODEV || seconds <= 0) {
		error_move(err, &why);
	} else {
		_cleanup_free_ char *text = error_text(&why);

		/*
		 * Printed on stderr, also in the background, where gadget_log would write to the
		 * log: the user of `up` must see why the command waits.
		 */
		log_about(b->live->name, NULL, LOG_INFO, "%s: waiting for a UDC: %s", b->live->name,
			  text);
		if (isfinite(seconds))
			timer_start(&b->live->up_or_reload_timer, seconds);
		gadget_write_status(b->live);
		while (b->live->state == GADGET_WAITING && (r = loop_once(&b->live->loop, -1)) >= 0)
			;
		timer_stop(&b->live->up_or_reload_timer);
		if (r < 0)
			error_errno(err, EX_OSERR, -r, NULL, "cannot wait for events");
	}
	fd_watch_remove(&b->live->loop, &w.uevent_watch);
	return err->exit ? -err->errno_value : 0;
}
