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

/* Once, as s6 has it: there are no later states. Nobody may listen, and that changes nothing. */
static void tell_fd(struct supervisor *s)
{
	if (s->notify.fd < 0)
		return;
	if (write(s->notify.fd, "\n", 1) < 0)
		log_debug("nobody reads what --notify-fd writes: %s", strerror(errno));
	cleanup_close(&s->notify.fd);
}

/* Nobody may listen here, either. */
static void tell(const char *text)
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
	tell("WATCHDOG=1");
	timer_start(&s->notify.watchdog, s->notify.interval);
}

/* Half of what it gives us; 0: it has no watchdog, or it watches somebody else. */
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

/* One that is known to be reloading is ready again when it says so. */
static const char *word_of(const struct supervisor *s)
{
	bool is_being_told = s->on_up && s->live.phase == PHASE_UP;

	return is_being_told ? "" : gadget_notification(s);
}

static void tell_word(struct supervisor *s, const char *word)
{
	_cleanup_free_ char *text = strf("%s\nSTATUS=%s: %s%s%s", word, s->name, gadget_status(s),
					 s->udc ? " on " : "", s->udc ? s->udc : "");
	_cleanup_free_ char *clock = NULL, *whole = NULL;

	if (streq_null(s->notify.last, text))
		return;
	/* When it began (sd_notify(3)), not later; not a part of what is compared */
	if (streq(word, NOTIFY_RELOADING))
		clock = strf("MONOTONIC_USEC=%llu\n", (unsigned long long)(now_monotonic() * 1e6));
	whole = strf("%s%s", clock ? clock : "", text);
	tell(whole);
	free(s->notify.last);
	s->notify.last = steal_ptr(text);
}

void notify_update(struct supervisor *s)
{
	const char *word = word_of(s);

	if (!s->live.foreground)
		return;
	if (streq(word, "READY=1"))
		tell_fd(s);
	if (getenv("NOTIFY_SOCKET"))
		tell_word(s, word);
}

void notify_reloading(struct supervisor *s)
{
	if (s->live.foreground && getenv("NOTIFY_SOCKET"))
		tell_word(s, NOTIFY_RELOADING);
}

void notify_end(struct supervisor *s)
{
	fd_watch_close(&s->loop, &s->notify.watchdog);
	free(steal_ptr(s->notify.last));
	cleanup_close(&s->notify.fd);
}
