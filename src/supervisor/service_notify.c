/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/service_notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"

void service_notify_init(struct service_notifier *notify, struct live_gadget *live,
			 const struct binding *binding)
{
	*notify = (struct service_notifier){ .live = live,
					     .binding = binding,
					     .watchdog_timer = FD_WATCH_NONE,
					     .ready_newline_fd = -1 };
}

/* Writes the newline once, as s6 expects. Ignores errors. */
static void write_ready_newline(struct service_notifier *notify)
{
	if (notify->ready_newline_fd < 0)
		return;
	if (write(notify->ready_newline_fd, "\n", 1) < 0)
		log_debug("cannot write to --notify-fd: %s", strerror(errno));
	cleanup_close(&notify->ready_newline_fd);
}

/* Sends a notification to the service manager. Ignores errors. */
static void send_notification(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	socklen_t size;

	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	strcpy(address.sun_path, path);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@') /* abstract (unix(7)) */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
}

static void on_watchdog_timer(void *data, uint32_t events _unused_)
{
	struct service_notifier *notify = data;

	timer_stop(&notify->watchdog_timer);
	send_notification("WATCHDOG=1");
	timer_start(&notify->watchdog_timer, notify->watchdog_send_interval);
}

/*
 * Returns the seconds between two WATCHDOG=1, half of the service manager's watchdog interval; 0:
 * there is no watchdog, or it watches another process.
 */
static double read_watchdog_send_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && atol(pid) != (long)getpid()))
		return 0;
	return strtod(usec, NULL) / 2e6;
}

int service_notify_start_watchdog(struct service_notifier *notify, struct error *err)
{
	int r = timer_open(&notify->live->loop, &notify->watchdog_timer, on_watchdog_timer, notify);

	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make a timer");
	notify->watchdog_send_interval =
		notify->live->functions.foreground ? read_watchdog_send_interval() : 0;
	if (notify->watchdog_send_interval > 0)
		timer_start(&notify->watchdog_timer, notify->watchdog_send_interval);
	return 0;
}

/*
 * Returns the line for the service manager that corresponds to the gadget's state; "": none,
 * because the gadget is up but not yet reported as up, or because its state has no such line.
 */
static const char *notification_line(const struct service_notifier *notify)
{
	bool is_not_reported =
		notify->live->up_is_awaited && notify->live->functions.up_down_phase == PHASE_UP;

	return is_not_reported ? "" : gadget_service_notification(notify->live);
}

static void send_state_to_service_manager(struct service_notifier *notify, const char *word)
{
	const char *state = gadget_state_in_status_words[gadget_state_for_status(notify->live,
										 notify->binding)],
		   *udc = notify->binding->udc;
	_cleanup_free_ char *text = strf("%s\nSTATUS=%s: %s%s%s", word, notify->live->name, state,
					 udc ? " on " : "", udc ? udc : "");
	_cleanup_free_ char *clock = NULL, *whole = NULL;

	if (streq_null(notify->last_state_sent, text))
		return;
	/*
	 * MONOTONIC_USEC is the time of the reload (sd_notify(3)). It differs each time, so it is
	 * not part of the text that is compared with the last notification.
	 */
	if (streq(word, GADGET_NOTIFY_RELOADING))
		clock = strf("MONOTONIC_USEC=%llu\n", (unsigned long long)(now_monotonic() * 1e6));
	whole = strf("%s%s", clock ? clock : "", text);
	send_notification(whole);
	free(notify->last_state_sent);
	notify->last_state_sent = steal_ptr(text);
}

void service_notify_state(struct service_notifier *notify)
{
	const char *word = notification_line(notify);

	if (!notify->live->functions.foreground)
		return;
	if (streq(word, "READY=1"))
		write_ready_newline(notify);
	if (getenv("NOTIFY_SOCKET"))
		send_state_to_service_manager(notify, word);
}

void service_notify_reloading(struct service_notifier *notify)
{
	if (notify->live->functions.foreground && getenv("NOTIFY_SOCKET"))
		send_state_to_service_manager(notify, GADGET_NOTIFY_RELOADING);
}

void service_notify_close(struct service_notifier *notify)
{
	fd_watch_close(&notify->live->loop, &notify->watchdog_timer);
	free(steal_ptr(notify->last_state_sent));
	cleanup_close(&notify->ready_newline_fd);
}
