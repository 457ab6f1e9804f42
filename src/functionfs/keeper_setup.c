/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control requests: what the keeper does with a SETUP, and with the worker's answer to it. */
#include <endian.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/control_message.h"
#include "base/loop.h"
#include "base/util.h"
#include "functionfs/keeper.h"
#include "functionfs/keeper_state.h"

/* Time limit of a data stage: the maximum time of a control request (USB 2.0, 9.2.6.1). */
#define DATA_STAGE_SECONDS 5

/* --- the host gives a SETUP up -------------------------------------------------------------------
 */

void keeper_watch_ep0(struct keeper_state *k)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	k->ep0_watch = epoll_create1(EPOLL_CLOEXEC);
	if (k->ep0_watch >= 0 && epoll_ctl(k->ep0_watch, EPOLL_CTL_ADD, k->ep0, &event) < 0)
		cleanup_close(&k->ep0_watch);
}

/* Returns whether FunctionFS has got an event since the last call. */
static bool ep0_has_new_event(const struct keeper_state *k)
{
	struct epoll_event event;

	return k->ep0_watch >= 0 && epoll_wait(k->ep0_watch, &event, 1, 0) > 0;
}

/* --- the end of a SETUP --------------------------------------------------------------------------
 */

/*
 * Stalls the pending SETUP by I/O in the wrong direction, which fails with EL2HLT (f_fs.c,
 * ffs_ep0_read, ffs_ep0_write). Returns true if the host has cancelled this SETUP, so that the next
 * one is already waiting; the I/O then fails with EIDRM.
 */
bool keeper_stall_pending_setup(struct keeper_state *k)
{
	bool in = k->pending_setup.setup.request_type & USB_DIR_IN;
	ssize_t n = in ? read(k->ep0, NULL, 0) : write(k->ep0, NULL, 0);

	k->pending_setup.exists = false;
	return n < 0 && errno == EIDRM;
}

/*
 * Runs the data stage of the pending SETUP; the host can delay it without limit. If the supervisor
 * is the parent of this process, the death of the supervisor interrupts the data stage
 * (PR_SET_PDEATHSIG). Otherwise alarm(2) limits its time.
 */
static ssize_t run_data_stage(struct keeper_state *k, bool in, size_t size)
{
	bool limited = k->taken_over || k->supervisor_socket < 0;
	ssize_t n;

	if (limited)
		alarm(DATA_STAGE_SECONDS);
	n = in ? write(k->ep0, k->message_body, size) : read(k->ep0, k->message_body, size);
	if (limited)
		alarm(0);
	return n;
}

/*
 * Completes the pending SETUP: sends the IN data, or reads the OUT data and passes them to the
 * worker. A read also acknowledges a SETUP without data.
 */
static void complete_setup(struct keeper_state *k, bool in, size_t size)
{
	ssize_t n = run_data_stage(k, in, size);

	/*
	 * The SETUP may still be pending: after EINTR it is, and after an error of the UDC's driver
	 * (ESHUTDOWN: the gadget is being unbound), unless its data stage has begun. Then the next
	 * read of events would fail. EIDRM: the host has cancelled it.
	 */
	if (n < 0 && errno != EIDRM) {
		keeper_stall_pending_setup(k);
		return;
	}
	k->pending_setup.exists = false;
	if (!in && n > 0 && k->worker_socket >= 0)
		control_message_send(k->worker_socket, FFSCTL_MSG_DATA, k->pending_setup.id,
				     k->message_body, (size_t)n);
}

/* Reports to the supervisor the SETUP of `late`. */
static void report_late_setup(const struct keeper_state *k)
{
	if (k->supervisor_socket >= 0)
		control_message_send(k->supervisor_socket, KEEPER_MSG_LATE, 0, &k->late,
				     sizeof(k->late));
}

/*
 * Stalls the pending SETUP, which the worker has not answered in time, and reports it. Returns what
 * keeper_stall_pending_setup returns.
 */
static bool end_late_setup(struct keeper_state *k, enum late_reason reason)
{
	const struct pending_setup *pending = &k->pending_setup;
	bool cancelled = keeper_stall_pending_setup(k);
	double until = reason == LATE_HOST ? now_monotonic() : pending->stall_deadline;

	k->late = (struct late_request){
		.setup = pending->setup,
		.reason = (uint8_t)reason,
		.host_gave_up = cancelled,
		.waited_ms = (uint32_t)((until - pending->began) * 1e3 + 0.5),
	};
	k->late_id = pending->id;
	k->late_began = pending->began;
	report_late_setup(k);
	return cancelled;
}

void keeper_end_overdue_setup(struct keeper_state *k, bool ep0_is_ready)
{
	if (now_monotonic() >= k->pending_setup.stall_deadline)
		k->next_setup_timeout_is_short = end_late_setup(k, k->pending_setup.limit);
	else if (ep0_is_ready && ep0_has_new_event(k))
		end_late_setup(k, LATE_HOST);
}

/* --- the answer ----------------------------------------------------------------------------------
 */

/* Reports when the worker has answered the last SETUP that it has not answered in time. */
static void handle_late_answer(struct keeper_state *k)
{
	k->late_id = 0;
	k->late.answered_after_ms = (uint32_t)((now_monotonic() - k->late_began) * 1e3);
	report_late_setup(k);
}

void keeper_handle_setup_answer(struct keeper_state *k, const struct ffsctl_msg *head, size_t size)
{
	bool in = k->pending_setup.setup.request_type & USB_DIR_IN;
	size_t wanted = le16toh(k->pending_setup.setup.length);

	if (!k->pending_setup.exists || head->id != k->pending_setup.id) {
		/* Ignores the answer: it comes too late, or no SETUP had this id. */
		if (k->late_id && head->id == k->late_id)
			handle_late_answer(k);
		return;
	}
	if (head->type == FFSCTL_MSG_DATA && in)
		complete_setup(k, true, size < wanted ? size : wanted);
	else if (head->type == FFSCTL_MSG_ACCEPT && !in)
		complete_setup(k, false, wanted);
	else
		keeper_stall_pending_setup(k);
}

/* --- the beginning -------------------------------------------------------------------------------
 */

void keeper_set_time_limit(struct keeper_state *k, unsigned int ms)
{
	/* The keeper does nothing else while it blocks until the answer comes. So it does not block
	   longer than by default, and waits for the rest of the time in its loop. */
	unsigned int block_ms = ms < KEEPER_SETUP_DEADLINE_MS ? ms : KEEPER_SETUP_DEADLINE_MS;
	const struct timeval block = { .tv_usec = block_ms * 1000 };

	k->control_timeout_ms = ms;
	if (k->worker_socket >= 0)
		setsockopt(k->worker_socket, SOL_SOCKET, SO_RCVTIMEO, &block, sizeof(block));
}

/* Returns the time limit of a SETUP in milliseconds, and stores what it follows from. */
static unsigned int time_limit_of(const struct keeper_state *k,
				  const struct ffsctl_setup_body *setup, enum late_reason *reason)
{
	unsigned int ms = k->control_timeout_ms;

	*reason = LATE_CONTROL_TIMEOUT;
	if ((setup->request_type & USB_TYPE_MASK) == USB_TYPE_STANDARD &&
	    ms > KEEPER_SETUP_DEADLINE_MS) {
		ms = KEEPER_SETUP_DEADLINE_MS;
		*reason = LATE_STANDARD;
	}
	if (k->next_setup_timeout_is_short && ms > KEEPER_SETUP_SHORT_DEADLINE_MS) {
		ms = KEEPER_SETUP_SHORT_DEADLINE_MS;
		*reason = LATE_AFTER_ANOTHER;
	}
	return ms;
}

bool keeper_pass_setup_to_worker(struct keeper_state *k, const struct functionfs_event *event)
{
	struct pending_setup *pending = &k->pending_setup;
	bool is_short = k->next_setup_timeout_is_short;

	/* Only a later event cancels this SETUP. */
	ep0_has_new_event(k);
	pending->exists = true;
	pending->id++;
	pending->setup = request_index_to_body(&k->request_index, event);
	pending->began = now_monotonic();
	pending->stall_deadline =
		pending->began + time_limit_of(k, &pending->setup, &pending->limit) / 1e3;
	k->next_setup_timeout_is_short = false;
	if (k->worker_socket < 0) {
		keeper_stall_pending_setup(k);
	} else if (!control_message_send(k->worker_socket, FFSCTL_MSG_SETUP, pending->id,
					 &pending->setup, sizeof(pending->setup))) {
		if (errno == EAGAIN)
			end_late_setup(k, LATE_NOT_READ);
		else
			keeper_stall_pending_setup(k);
	}
	return pending->exists && !is_short;
}
