/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDC core leaves `state` at "configured" after an unbind until the next host resets the port
 * (udc/core.c), so its value alone is useless. But each change is notified, even from "configured"
 * to "configured": the first change after a bind is one of this gadget.
 */
#include "supervisor/host.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "configfs/udc.h"
#include "supervisor/supervisor.h"

static bool has_ffs(const struct gadget *g, const struct config *c)
{
	for (size_t i = 0; i < c->n_functions; i++)
		if (function_descriptors(&g->functions[c->functions[i].function]))
			return true;
	return false;
}

static bool ffs_reports_all(const struct gadget *g)
{
	for (size_t i = 0; i < g->n_configs; i++)
		if (!has_ffs(g, &g->configs[i]))
			return false;
	return true;
}

static void stop_watching(struct supervisor *s)
{
	fd_watch_close(&s->loop, &s->udc_state);
}

/*
 * Reads the state into *configured. Reading from the start also arms the next notification
 * (sysfs_notify).
 */
static bool reads_configured(int fd, bool *configured)
{
	char word[32];
	ssize_t n = pread(fd, word, sizeof(word) - 1, 0);

	if (n < 0)
		return false;
	word[n] = '\0';
	word[strcspn(word, "\n")] = '\0';
	*configured = streq(word, "configured") || (*configured && streq(word, "suspended"));
	return true;
}

static void on_state(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;

	if (!reads_configured(s->udc_state.fd, &s->configured)) { /* the UDC was removed */
		stop_watching(s);
		s->configured = false;
	}
	supervisor_changed(s);
}

/*
 * Gives the UDC to all keepers; keepers that start later get it at their start. All others get it
 * even if the name is the same: it may be a new UDC with a new speed file.
 */
static void set_udc(struct supervisor *s, const char *udc)
{
	if (!streq_null(s->live.host_udc, udc)) {
		free(s->live.host_udc);
		s->live.host_udc = xstrdup(udc);
	}
	for (size_t n = 0; n < s->live.n; n++)
		function_set_udc(s->live.v[n], udc);
}

void host_watch(struct supervisor *s, const char *udc)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	bool before = false;

	stop_watching(s);
	s->configured = false;
	if (udc)
		set_udc(s, udc);
	/* During a reload s->configfs.gadget is the new gadget, s->gadget the old one. */
	if (!udc || ffs_reports_all(s->configfs.gadget))
		return;
	path = strf(UDC_CLASS_DIR "/%s/state", udc);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && reads_configured(fd, &before) &&
	    fd_watch_add(&s->loop, &s->udc_state, fd, EPOLLPRI, on_state, s) == 0)
		steal_fd(&fd);
}

void host_take_over(struct supervisor *s, const char *udc, bool configured)
{
	host_watch(s, udc);
	s->configured = configured;
	if (s->udc_state.fd >= 0 && !reads_configured(s->udc_state.fd, &s->configured))
		stop_watching(s);
	s->configured = s->configured && configured;
}

void host_reset_links(struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++)
		s->live.v[n]->bus = (struct link_state){ 0 };
}

void host_forget(struct supervisor *s)
{
	stop_watching(s);
	s->configured = false;
	host_reset_links(s);
}

/*
 * Returns true if one function is enabled, because a host enables all functions of a configuration.
 */
bool host_has_configured(const struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++)
		if (s->live.v[n]->bus.enabled)
			return true;
	return s->configured;
}
