/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what the kernel logs about a host that cannot configure the gadget. The messages follow the
 * bind, so the log is read from the bind on.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "configfs/kernel_log.h"
#include "configfs/udc.h"
#include "predict/host_hint.h"
#include "supervisor/live_gadget.h"
#include "supervisor/usb_host.h"

static void on_kernel_log(void *data, uint32_t events _unused_)
{
	host_read_kernel_log(data);
}

/* Without the log, only an explanation is missing, so errors are ignored. */
static void watch_kernel_log(struct usb_host_state *host)
{
	if (host->kernel_log_watch.fd < 0 && host->kernel_log_fd >= 0)
		fd_watch_add(&host->live->loop, &host->kernel_log_watch, host->kernel_log_fd,
			     EPOLLIN, on_kernel_log, host);
}

static void stop_watching_kernel_log(struct usb_host_state *host)
{
	if (host->kernel_log_watch.fd >= 0)
		fd_watch_remove(&host->live->loop, &host->kernel_log_watch);
}

void host_begin_kernel_log(struct usb_host_state *host, const char *udc)
{
	char *old = host->kernel_log_udc;

	stop_watching_kernel_log(host);
	cleanup_close(&host->kernel_log_fd);
	host_messages_clear(&host->messages);
	host->failure_is_logged = false;
	host->kernel_log_udc = xstrdup_or_null(udc);
	free(old);
	host->host_is_local = udc && udc_is_virtual(udc);
	if (!udc)
		return;
	host->kernel_log_fd = kernel_log_open();
	watch_kernel_log(host);
}

/*
 * The log of a UDC with a connector shows nothing more once it is configured: its messages precede
 * the notification of the state. That of a virtual UDC also has the host's answer, which follows.
 */
void host_update_kernel_log_watch(struct usb_host_state *host, enum host_evidence evidence)
{
	bool wanted =
		evidence == HOST_NO_EVIDENCE || (evidence == HOST_BY_UDC && host->host_is_local);

	if (evidence == HOST_BY_FUNCTIONS)
		host_messages_clear(&host->messages);
	if (evidence != HOST_NO_EVIDENCE)
		host->failure_is_logged = false;
	if (!wanted) {
		stop_watching_kernel_log(host);
	} else if (host->kernel_log_watch.fd < 0) {
		kernel_log_skip(host->kernel_log_fd);
		watch_kernel_log(host);
	}
}

char *host_explain_failure(const struct usb_host_state *host, char **hint)
{
	const struct host_messages *messages = &host->messages;
	_cleanup_free_ char *speed = NULL;

	*hint = NULL;
	if (!messages->quoted)
		return NULL;
	speed = udc_read_attribute(host->kernel_log_udc, "current_speed");
	*hint = predict_host_hint(host->live->model, speed,
				  messages->descriptors_lacked ? HOST_FAILURE_NO_DESCRIPTORS
							       : HOST_FAILURE_REFUSED);
	return strf("the kernel logged %s", messages->quoted);
}

char *host_failure_text(const char *failure, const char *hint)
{
	return strf("no host can configure the gadget: %s%s%s", failure, hint ? "; " : "",
		    hint ? hint : "");
}

/* Logs the failure once: hosts repeat their attempts. */
static void log_failure(struct usb_host_state *host)
{
	_cleanup_free_ char *hint = NULL, *failure = host_explain_failure(host, &hint),
			    *text = NULL;

	if (host->failure_is_logged || !failure)
		return;
	host->failure_is_logged = true;
	text = host_failure_text(failure, hint);
	gadget_log_about(host->live, NULL, LOG_WARNING, "%s", text);
}

void host_read_kernel_log(struct usb_host_state *host)
{
	char record[KERNEL_LOG_RECORD_MAX + 1];
	bool changed = false;

	for (int i = 0; i < KERNEL_LOG_RECORDS_MAX; i++) {
		if (!kernel_log_read_record(host->kernel_log_watch.fd, record))
			break;
		changed = host_messages_add_kmsg(&host->messages, record, host->kernel_log_udc,
						 host->live->name) ||
			  changed;
	}
	host->state_is_configured = host->state_is_configured && !host->messages.host_was_refused;
	if (!changed)
		return;
	log_failure(host);
	live_gadget_request_plan_and_status_update(host->live);
}
