/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/notify.h"

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
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

/* Writes the newline once, as for s6: it has no later states. Errors change nothing. */
static void write_notify_fd(struct supervisor *s)
{
	if (s->notify.fd < 0)
		return;
	if (write(s->notify.fd, "\n", 1) < 0)
		log_debug("cannot write to --notify-fd: %s", strerror(errno));
	cleanup_close(&s->notify.fd);
}

/* Errors change nothing, as in write_notify_fd. */
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

static void on_watchdog(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;

	timer_stop(&s->notify.watchdog);
	send_notification("WATCHDOG=1");
	timer_start(&s->notify.watchdog, s->notify.interval);
}

/* Returns half of the watchdog interval in seconds; 0: no watchdog, or one of another process. */
static double watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && atol(pid) != (long)getpid()))
		return 0;
	return strtod(usec, NULL) / 2e6;
}

int notify_begin(struct supervisor *s, struct error *err)
{
	int r = timer_open(&s->loop, &s->notify.watchdog, on_watchdog, s);

	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make a timer");
	s->notify.interval = s->live.foreground ? watchdog_interval() : 0;
	if (s->notify.interval > 0)
		timer_start(&s->notify.watchdog, s->notify.interval);
	return 0;
}

/* Returns the line that reports the gadget's state: "" before READY=1 is due. */
static const char *state_line(const struct supervisor *s)
{
	bool is_not_reported = s->on_up && s->live.phase == PHASE_UP;

	return is_not_reported ? "" : gadget_notification(s);
}

static void send_state(struct supervisor *s, const char *word)
{
	_cleanup_free_ char *text = strf("%s\nSTATUS=%s: %s%s%s", word, s->name, gadget_status(s),
					 s->udc ? " on " : "", s->udc ? s->udc : "");
	_cleanup_free_ char *clock = NULL, *whole = NULL;

	if (streq_null(s->notify.last, text))
		return;
	/* The time of the reload (sd_notify(3)); not part of the comparison. */
	if (streq(word, NOTIFY_RELOADING))
		clock = strf("MONOTONIC_USEC=%llu\n", (unsigned long long)(now_monotonic() * 1e6));
	whole = strf("%s%s", clock ? clock : "", text);
	send_notification(whole);
	free(s->notify.last);
	s->notify.last = steal_ptr(text);
}

void notify_update(struct supervisor *s)
{
	const char *word = state_line(s);

	if (!s->live.foreground)
		return;
	if (streq(word, "READY=1"))
		write_notify_fd(s);
	if (getenv("NOTIFY_SOCKET"))
		send_state(s, word);
}

void notify_reloading(struct supervisor *s)
{
	if (s->live.foreground && getenv("NOTIFY_SOCKET"))
		send_state(s, NOTIFY_RELOADING);
}

void notify_end(struct supervisor *s)
{
	fd_watch_close(&s->loop, &s->notify.watchdog);
	free(steal_ptr(s->notify.last));
	cleanup_close(&s->notify.fd);
}
