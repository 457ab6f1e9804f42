/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After an unbind, the UDC's attribute `state` stays "configured" until the next host resets the
 * port (udc/core.c), so its value alone does not show whether this gadget is configured. But the
 * kernel notifies pollers each time it sets the attribute, even to the value that it has. So the
 * value belongs to this gadget from the first notification after the bind; until then, it may be
 * older.
 */
#include "supervisor/usb_host.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "configfs/udc.h"
#include "supervisor/live_gadget.h"

/*
 * Returns whether a keeper reports when a host enables the function: it holds ep0, not a worker,
 * and the function has an interface.
 */
static bool keeper_reports_enable(const struct function *f)
{
	return function_keeper_holds_ep0(f) && f->ffs->n_interfaces > 0;
}

/*
 * Returns whether a keeper reports when a host selects the configuration. A function that may be
 * left out does not count.
 */
static bool config_has_ffs(const struct gadget *g, const struct config *c)
{
	for (size_t i = 0; i < c->n_functions; i++) {
		const struct function *f = &g->functions[c->functions[i].function_index];

		if (keeper_reports_enable(f) && !f->optional)
			return true;
	}
	return false;
}

static bool every_config_has_ffs_function(const struct gadget *g)
{
	for (size_t i = 0; i < g->n_configs; i++)
		if (!config_has_ffs(g, &g->configs[i]))
			return false;
	return true;
}

void host_init(struct usb_host_state *host, struct live_gadget *live)
{
	*host = (struct usb_host_state){ .live = live,
					 .udc_state_watch = FD_WATCH_NONE,
					 .log.count_timer = FD_WATCH_NONE,
					 .wakeup.timer = FD_WATCH_NONE,
					 .kernel_log_fd = -1,
					 .kernel_log_watch = FD_WATCH_NONE };
}

static void stop_watching_udc_state(struct usb_host_state *host)
{
	fd_watch_close(&host->live->loop, &host->udc_state_watch);
}

/*
 * Reads the UDC's state and sets *configured and *suspended. The kernel notifies the next change
 * only after a read from offset 0 (sysfs_notify). Returns false if the state cannot be read.
 */
static bool read_udc_state(int fd, bool *configured, bool *suspended)
{
	char word[32];
	ssize_t n = pread(fd, word, sizeof(word) - 1, 0);

	if (n < 0)
		return false;
	word[n] = '\0';
	word[strcspn(word, "\n")] = '\0';
	*suspended = streq(word, "suspended");
	*configured = streq(word, "configured") || (*configured && *suspended);
	return true;
}

static void on_udc_state(void *data, uint32_t events _unused_)
{
	struct usb_host_state *host = data;

	if (!read_udc_state(host->udc_state_watch.fd, &host->state_is_configured,
			    &host->state_is_suspended)) { /* the UDC was removed */
		stop_watching_udc_state(host);
		host->state_is_configured = false;
	}
	host_read_kernel_log(host); /* may show that the host was refused */
	live_gadget_request_plan_and_status_update(host->live);
}

/*
 * Sends the name of the UDC to all keepers, even if it is the same: the UDC may have been removed
 * and added again, and then keepers must open its attribute `current_speed` again. Keepers that
 * start later get the name at their start.
 */
static void send_udc_to_keepers(struct functions *functions, const char *udc)
{
	if (!streq_null(functions->last_bound_udc, udc)) {
		free(functions->last_bound_udc);
		functions->last_bound_udc = xstrdup(udc);
	}
	for (size_t n = 0; n < functions->n; n++)
		function_set_keeper_udc(functions->list[n], udc);
}

void host_watch_udc_state(struct usb_host_state *host, const char *udc)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	bool before = false, ignored;

	stop_watching_udc_state(host);
	host->state_is_configured = false;
	host_begin_kernel_log(host, udc);
	if (udc)
		send_udc_to_keepers(&host->live->functions, udc);
	/* During a reload configfs.gadget is the new gadget, live->model the old one. */
	if (!udc || every_config_has_ffs_function(host->live->configfs.gadget))
		return;
	path = strf(UDC_CLASS_DIR "/%s/state", udc);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read_udc_state(fd, &before, &ignored) &&
	    fd_watch_add(&host->live->loop, &host->udc_state_watch, fd, EPOLLPRI, on_udc_state,
			 host) == 0)
		steal_fd(&fd);
}

void host_watch_after_takeover(struct usb_host_state *host, const char *udc, bool configured)
{
	host_watch_udc_state(host, udc);
	/* Without a watch, only the keepers report whether a host has configured the gadget. */
	if (host->udc_state_watch.fd < 0)
		return;
	host->state_is_configured = configured;
	if (!read_udc_state(host->udc_state_watch.fd, &host->state_is_configured,
			    &host->state_is_suspended)) {
		stop_watching_udc_state(host);
		host->state_is_configured = false;
	}
	host->state_is_configured = host->state_is_configured && configured;
}

void host_clear_link_states_of_functions(struct usb_host_state *host)
{
	const struct functions *functions = &host->live->functions;

	for (size_t n = 0; n < functions->n; n++)
		function_set_link_state(functions->list[n], (struct link_state){ 0 });
	host->log.configured = host->log.suspended = false; /* without a line of the log */
}

void host_handle_unbind(struct usb_host_state *host)
{
	stop_watching_udc_state(host);
	host->state_is_configured = false;
	host_begin_kernel_log(host, NULL);
	host_clear_link_states_of_functions(host);
}

/* Returns the live function whose keeper reports ENABLE for `f`; NULL: there is none. */
static const struct live_function *find_reporting_function(const struct functions *functions,
							   const struct function *f)
{
	for (size_t n = 0; n < functions->n; n++)
		if (functions->list[n]->model == f)
			return keeper_reports_enable(f) && !functions->list[n]->left_out
				       ? functions->list[n]
				       : NULL;
	return NULL;
}

/*
 * Returns whether keepers report when a host selects the configuration. Sets *enabled to whether
 * all of them have reported it: a host enables all functions of a configuration, or is refused, and
 * the kernel then disables those that it has enabled.
 */
static bool config_is_reported(const struct usb_host_state *host, const struct config *c,
			       bool *enabled)
{
	const struct gadget *g = host->live->model;
	bool reported = false;

	*enabled = true;
	for (size_t i = 0; i < c->n_functions; i++) {
		const struct live_function *function = find_reporting_function(
			&host->live->functions, &g->functions[c->functions[i].function_index]);

		if (!function)
			continue;
		reported = true;
		*enabled = *enabled && function_is_enabled(function);
	}
	return reported;
}

enum host_evidence host_evidence(const struct usb_host_state *host)
{
	const struct gadget *g = host->live->model;
	bool all_reported = g && g->n_configs > 0, enabled;

	for (size_t i = 0; g && i < g->n_configs; i++) {
		if (!config_is_reported(host, &g->configs[i], &enabled))
			all_reported = false;
		else if (enabled)
			return HOST_BY_FUNCTIONS;
	}
	return host->state_is_configured && !all_reported ? HOST_BY_UDC : HOST_NO_EVIDENCE;
}

bool host_has_configured(const struct usb_host_state *host)
{
	return host_evidence(host) != HOST_NO_EVIDENCE;
}

bool host_has_suspended(const struct usb_host_state *host)
{
	const struct functions *functions = &host->live->functions;

	for (size_t n = 0; n < functions->n; n++)
		if (functions->list[n]->link_state.suspended)
			return true;
	return host->state_is_configured && host->state_is_suspended;
}
