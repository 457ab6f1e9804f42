/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a keeper, and what keeper_main.c uses of keeper_setup.c. */
#pragma once

#include <linux/usb/functionfs.h>
#include <stdbool.h>
#include <sys/types.h>

#include "functionfs/control_request.h"
#include "functionfs/link_speed.h"
#include "functionfs/link_state.h"
#include "functionfs/request_index.h"

struct keeper_state {
	int ep0;	       /* -1: a function without FunctionFS */
	int supervisor_socket; /* -1: the supervisor has died */
	int listener_socket;   /* the next supervisor connects to it */
	bool taken_over;       /* the supervisor is not our parent: no signal reports its death */
	double keeper_takeover_wait_seconds; /* time to wait for the next supervisor, seconds */
	double exit_deadline; /* value of now_monotonic() at which the keeper exits; HUGE_VAL: a
			     supervisor is connected */

	pid_t worker_pid;	       /* 0: there is no worker */
	int worker_socket;	       /* -1: no worker, or the worker has closed it */
	int worker_pidfd_for_takeover; /* sent to the next supervisor; -1: none */
	int worker_output_fd;	       /* read end of the worker's output pipe */
	int worker_kill_pipe_fd; /* a write to it kills the worker's process group; -1: none */

	struct link_state link_state;
	struct ffs_endpoint_files endpoint_files;
	struct link_speed link_speed;
	uint16_t max_transfer; /* struct ffsctl_event: of the UDC */
	struct request_index request_index;

	struct pending_setup { /* the SETUP that the worker has not answered yet */
		bool exists;
		uint32_t id; /* number of this SETUP in messages */
		struct ffsctl_setup_body setup;
		double began, stall_deadline; /* times of now_monotonic(): when it was passed to the
						 worker, and when the keeper stalls it */
		enum late_reason limit;	      /* what the deadline follows from */
	} pending_setup;
	unsigned int control_timeout_ms; /* time limit for the worker's answer to a SETUP */
	/*
	 * epoll(7) of ep0, edge-triggered: each event of FunctionFS makes it ready, also while a
	 * SETUP is pending, which the event cancels. -1: none.
	 */
	int ep0_watch;
	uint32_t late_id;  /* id of the last SETUP that was not answered in time; 0: none, or the
			      worker has answered it meanwhile */
	double late_began; /* `began` of that SETUP */
	struct late_request late; /* what was reported about it */

	/*
	 * The worker did not answer the last SETUP, and the host has cancelled it. The next SETUP
	 * has waited meanwhile: it gets the shorter limit, KEEPER_SETUP_SHORT_DEADLINE_MS.
	 */
	bool next_setup_timeout_is_short;

	/*
	 * Header of a message of the worker for which the supervisor's socket has no room yet; its
	 * type is 0 if there is no such message. Until the message is sent, the keeper reads no
	 * other messages of the worker.
	 */
	struct ffsctl_msg unsent;

	uint8_t message_body[FFSCTL_MSG_MAX_BODY];
	uint8_t unsent_body[FFSCTL_MSG_MAX_BODY];
};

/* Makes `ep0_watch`. Must be called before the keeper enters its sandbox. */
void keeper_watch_ep0(struct keeper_state *k);
/* Passes a SETUP to the worker. Returns whether it is worth waiting for the answer at once. */
bool keeper_pass_setup_to_worker(struct keeper_state *k, const struct functionfs_event *event);
/* Handles the worker's ACCEPT, STALL or DATA, whose body is k->message_body. */
void keeper_handle_setup_answer(struct keeper_state *k, const struct ffsctl_msg *head, size_t size);
/*
 * Stalls the pending SETUP. Returns true if the host has cancelled this SETUP, so that the next one
 * is already waiting.
 */
bool keeper_stall_pending_setup(struct keeper_state *k);
/* Stalls the pending SETUP if its time is over; `ep0_is_ready`: `ep0_watch` is ready. */
void keeper_end_overdue_setup(struct keeper_state *k, bool ep0_is_ready);
/* Sets the time limit; also called for each new worker. */
void keeper_set_time_limit(struct keeper_state *k, unsigned int ms);
