/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out whether a host has configured the gadget. FunctionFS reports ENABLE and DISABLE of the
 * functions whose ep0 a keeper holds. If a configuration has no such function, the UDC's attribute
 * `state` in sysfs is used. It is weaker evidence: kernels without the patch "set the state after
 * the configuration" set "configured" before they enable the functions, and leave it there if that
 * fails and the host is refused (composite.c, set_config).
 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"
#include "configfs/host_messages.h"
#include "supervisor/host_log.h"

struct live_gadget;

/* wakeup.c: requests of workers to wake the host. */
struct wakeup {
	double refused_at;     /* monotonic time of the last line about a refusal; 0: none */
	struct fd_watch timer; /* runs from a request until the host must have resumed the gadget;
				  opened when it is needed first; owned */
	char *label;	       /* function of the worker that the timer is about; owned */
};

/* The component that finds out whether a host has configured the gadget. */
struct usb_host_state {
	struct live_gadget *live;
	struct fd_watch udc_state_watch; /* watch of the UDC's attribute `state`; owns its file
					    descriptor */
	bool state_is_configured;	 /* the UDC's state is "configured"; not updated if every
					    configuration has a FunctionFS function */
	bool state_is_suspended;	 /* the UDC's state is "suspended"; updated as above */
	struct host_log log;
	/* host_kernel_log.c: what the kernel logs about the host */
	int kernel_log_fd;		  /* /dev/kmsg; -1: not bound, or it cannot be read */
	struct fd_watch kernel_log_watch; /* watch of kernel_log_fd */
	char *kernel_log_udc;		  /* the UDC of the messages; NULL: not bound; owned */
	bool host_is_local;		  /* the UDC is virtual, so its host may be this system */
	struct host_messages messages;
	struct wakeup wakeup;
	bool failure_is_logged; /* since the bind, or since a host configured the gadget */
};

/* What shows that a host has configured the gadget. */
enum host_evidence {
	HOST_NO_EVIDENCE,
	HOST_BY_UDC,	   /* the UDC's state, and no keeper contradicts it */
	HOST_BY_FUNCTIONS, /* FunctionFS has enabled all functions of a configuration that have a
			      keeper */
};

void host_init(struct usb_host_state *host, struct live_gadget *live);

/*
 * Called before each bind: watches changes of the UDC's state from now on. Does nothing if every
 * configuration has a FunctionFS function, because the keepers then report ENABLE and DISABLE. If
 * the state cannot be read, the gadget counts as not configured.
 */
void host_watch_udc_state(struct usb_host_state *host, const char *udc);
/*
 * Called after a takeover: watches changes of the UDC's state as host_watch_udc_state does.
 * `configured`: a host had configured the gadget when the dead supervisor last wrote its status.
 */
void host_watch_after_takeover(struct usb_host_state *host, const char *udc, bool configured);
/*
 * Clears the link states of an unbound gadget: FunctionFS reports the unbind later, and `status`
 * must not show the old host until then.
 */
void host_clear_link_states_of_functions(struct usb_host_state *host);
/* Called after an unbind: stops watching, and clears the link states. */
void host_handle_unbind(struct usb_host_state *host);
/* Returns what shows that a host has configured the gadget. */
enum host_evidence host_evidence(const struct usb_host_state *host);
/* Returns whether a host has configured the gadget. */
bool host_has_configured(const struct usb_host_state *host);
/* Returns whether a host has configured the gadget and suspended it since. */
bool host_has_suspended(const struct usb_host_state *host);

/*
 * wakeup.c: asks the UDC to wake the host (remote wakeup), for a worker of the function `label`.
 * Whether the host has allowed it, only the UDC knows: if not, nothing happens, and a line of the
 * log says so later.
 */
void host_wake_up(struct usb_host_state *host, const char *label);
/* wakeup.c: called when the gadget is no longer suspended. */
void host_wakeup_has_ended(struct usb_host_state *host);
void host_wakeup_close(struct usb_host_state *host);

/*
 * host_kernel_log.c: begins to read the kernel's log when the gadget is about to be bound to `udc`,
 * and forgets older messages. `udc` NULL: the gadget was unbound.
 */
void host_begin_kernel_log(struct usb_host_state *host, const char *udc);
/*
 * host_kernel_log.c: watches the kernel's log only as long as it can show more than the other
 * evidence, so that messages about other devices do not wake the supervisor of a gadget in use.
 */
void host_update_kernel_log_watch(struct usb_host_state *host, enum host_evidence evidence);
/* host_kernel_log.c: reads what the kernel has logged about the host. */
void host_read_kernel_log(struct usb_host_state *host);
/*
 * host_kernel_log.c: returns why a host could not configure the gadget; NULL: the kernel has logged
 * nothing about it. Sets *hint to what to change; NULL: unknown. The caller frees both.
 */
char *host_explain_failure(const struct usb_host_state *host, char **hint);
/* host_kernel_log.c: returns a sentence for people about it. `hint` may be NULL. The caller frees
 * it. */
char *host_failure_text(const char *failure, const char *hint);
