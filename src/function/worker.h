/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker of a live function. One table of states and events starts its process with fresh
 * endpoint files, waits until it is ready, handles its end, halts the endpoints that it served, and
 * restarts it by the policy of the gadget file.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "gadgetfile/gadget.h"
#include "process/spawn.h"
#include "rundir/status.h"

enum worker_state {
	WORKER_STOPPED,	 /* must not run */
	WORKER_PENDING,	 /* waiting for its kernel device */
	WORKER_STARTING, /* running, not ready yet */
	WORKER_READY,
	WORKER_ENDING,	 /* ended; leftover processes exist */
	WORKER_STOPPING, /* asked to end */
	WORKER_WAITING,	 /* ended; waiting for its restart */
	WORKER_FAILED,	 /* ended for good by a failure */
	WORKER_DONE,	 /* ended for good by its restart policy */
	WORKER_STATE_COUNT,
};

enum worker_event {
	WORKER_EV_START,
	WORKER_EV_READY,
	WORKER_EV_DIED, /* its process ended */
	WORKER_EV_EXIT, /* its last leftover process ended */
	WORKER_EV_TIMER,
	WORKER_EV_STOP,
	WORKER_EV_RESTART,
	WORKER_EV_APPEARED, /* its kernel device appeared */
	WORKER_EV_REMOVED,  /* its kernel device was removed */
	WORKER_EVENT_COUNT,
};

struct live_function;

/* A device that creates DMABUFs, and its name in LISTEN_FDNAMES. */
struct dmabuf_device {
	const char *path, *name;
};

struct live_worker {
	struct live_function *function;
	const struct worker *model;
	struct spawn spawn;
	uid_t worker_uid; /* user id that is reserved for this worker, also used as a group id; 0:
			     none */
	const struct dmabuf_device
		*dmabuf; /* device for DMABUFs; NULL: the engine of the worker needs none */
	int config_fd;	 /* sealed memfd with its configuration; each process gets another open file
			    description */

	/* worker_handle; a pointer, because files that worker.c calls must not call worker.c */
	void (*handle_event)(struct live_worker *worker, enum worker_event event);
	enum worker_state state;
	pid_t pid;     /* 0: none */
	pid_t session; /* session id of the process, which is its pid; stays after its end */
	uint64_t session_start;	   /* latest start time of the session leader
				      (process/worker_processes.h) */
	struct fd_watch end_watch; /* pidfd of a process that is not a child; owned */
	bool taken_over;	   /* the process is a child of a dead supervisor */
	enum {
		LEFTOVERS_NONE,
		LEFTOVERS_PROCESSES,
		LEFTOVERS_MESSAGES
	} leftovers;		/* what is left of a process that ended (worker_leftovers.c) */
	double leftovers_since; /* monotonic */
	struct fd_watch output, notify, timer;
	struct worker_stats *stats; /* statistics (worker_stats.c); NULL: the worker sent none */
	/*
	 * What `status` shows. engine, restarts and last_exit are only stored here;
	 * worker_update_status copies the other values from other members.
	 */
	struct worker_status status;
	struct worker_exit {
		enum { NEVER_ENDED, ENDED_BY_EXIT, ENDED_BY_SIGNAL, ENDED_UNKNOWN } cause;
		int status_or_signal; /* exit status or signal */
	} exit; /* end of the last process; NEVER_ENDED: none yet, or it could not be started */

	char *identity; /* value of its step start-worker: identifies everything that the worker
			   gets; owned */
	struct live_worker *successor; /* worker that starts when this one has stopped; NULL: this
					  one starts again */
	bool awaited; /* a reload waits for the worker: if it ends before it is ready, the reload
			 fails */
	bool restart_wanted;		/* the worker must be started again when it has stopped */
	bool was_ready;			/* this process was ready */
	bool start_timed_out;		/* this process was killed by start_timeout */
	double started_at, ready_since; /* monotonic */
	double last_alive;		/* time of its last PONG or WATCHDOG=1, monotonic */
	double delay;			/* delay of the next restart, seconds */
	double *end_times; /* ring buffer of the times of the last restart_limit + 1 ends, monotonic
			    */
	size_t n_ends, next_end;

	struct busy_endpoint { /* a busy IN endpoint, which must still be halted */
		int fd;
		const struct endpoint *endpoint;
	} * busy_endpoints;
	size_t n_busy_endpoints;
	unsigned int halt_tries;
	struct error error; /* reason why the last start failed */
	double start_due;   /* time of the restart, monotonic */
};

/*
 * Returns whether nothing needs to wait for the worker: it is ready, done, or has no kernel device.
 */
static inline bool worker_is_ready_or_idle(const struct live_worker *worker)
{
	return worker->state == WORKER_READY || worker->state == WORKER_DONE ||
	       worker->state == WORKER_PENDING;
}

/* Resolves user, program and environment. Errors have the position in the gadget file. */
int worker_init(struct live_worker *worker, struct live_function *function,
		const struct worker *model, struct error *err);
void worker_free(struct live_worker *worker);

/* Applies an event to the state table; events without a cell change nothing. */
void worker_handle(struct live_worker *worker, enum worker_event event);

/* Restarts the worker like WORKER_EV_RESTART, but starts `by` as the worker of the function. */
void worker_replace(struct live_worker *worker, struct live_worker *by);

/*
 * Applies the restart policy and the timeouts of a changed gadget file to a worker that keeps
 * running.
 */
void worker_set_model(struct live_worker *worker, const struct worker *model);

/*
 * Handles the end of the process, which the supervisor has reaped. `status` is the status of
 * waitpid(2). WORKER_EV_EXIT follows when the last leftover process has ended.
 */
void worker_exited(struct live_worker *worker, int status);
/* Handles the end of the last leftover process. */
void worker_leftovers_ended(struct live_worker *worker);

/*
 * The status of a worker that was taken over, in place of that of waitpid(2): only the parent of a
 * process learns how the process has ended.
 */
#define WORKER_STATUS_UNKNOWN (-1)

/* --- worker_take_over.c --- */

/*
 * Takes over the process of a dead supervisor's worker, its pidfd and its output pipe. Returns a
 * negative errno on failure.
 */
int worker_take_over_process(struct live_worker *worker, pid_t pid, int *pidfd, int *output);
/*
 * Continues with that process, or starts another one. `status` is the worker's part of the status
 * file that the dead supervisor wrote.
 */
void worker_take_over(struct live_worker *worker, const struct worker_status *status);

/* --- worker_status.c --- */

/*
 * Updates and returns what `status` shows of the worker. The result is valid until the next event
 * of the worker.
 */
const struct worker_status *worker_update_status(struct live_worker *worker);
/*
 * Records how the last process ended. `status` is the status of waitpid(2), or
 * WORKER_STATUS_UNKNOWN.
 */
void worker_set_exit(struct live_worker *worker, int status);
/* Records that no process could be started. */
void worker_forget_exit(struct live_worker *worker);
/*
 * Returns the reason why the worker does not run, for messages: the way in which its last process
 * ended.
 */
const char *worker_exit_reason(const struct live_worker *worker);

/* --- worker.c --- */

/* Starts the watchdog of a ready worker, if it has one. */
void worker_watchdog_begin(struct live_worker *worker);

/* Sends a signal to the worker's process, or to its process group. */
void worker_kill(const struct live_worker *worker, int sig, bool group);

/* Records that the worker answered the watchdog: PONG or WATCHDOG=1. */
void worker_record_alive(struct live_worker *worker);

/* Sets `err` to the reason why the worker failed, with EX_PROTOCOL. */
int worker_failure(const struct live_worker *worker, struct error *err);

/* --- worker_leftovers.c --- */

/* Begins to end the leftover processes of the worker. */
void worker_leftovers_begin(struct live_worker *worker);
/*
 * Continues to end the leftover processes. Calls worker_leftovers_ended when none is left, or after
 * REAP_SECONDS.
 */
void worker_leftovers_update(struct live_worker *worker);

/* --- worker_endpoints.c --- */

/* Halts the endpoints that the host has enabled, if on_crash is "stall". */
void worker_halt_endpoints(struct live_worker *worker);
/*
 * Tries to halt the endpoints again that were busy; worker->n_busy_endpoints is the number of those
 * that still are.
 */
void worker_halt_busy_endpoints(struct live_worker *worker);
/* Closes the endpoints that are still busy. */
void worker_close_busy_endpoints(struct live_worker *worker);

/* --- worker_stats.c --- */

/* Handles a STATS message of any content. The status is written once a second at most. */
void worker_stats_receive(struct live_worker *worker, const void *body, size_t size);
/* Handles a TRAFFIC message of any content. */
void worker_stats_receive_traffic(struct live_worker *worker, const void *body, size_t size);
/*
 * Returns the bytes that the worker reports for an endpoint, by its index in the gadget file; -1:
 * unknown.
 */
int64_t worker_stats_bytes(const struct live_worker *worker, size_t endpoint);
/* Returns the statistics for `status`, an object; NULL: none. The caller owns it. */
json_t *worker_stats_json(const struct live_worker *worker);
/* Drops the statistics of the last process. */
void worker_stats_forget(struct live_worker *worker);
void worker_stats_free(struct live_worker *worker);

/* --- worker_io.c --- */

/*
 * Watches the output pipe and the notification descriptor of launch_start (-1: none). The worker
 * then owns them.
 */
int worker_watch(struct live_worker *worker, int *output, int *notify, struct error *err);

/*
 * Handles a message of the worker that its keeper forwarded. The keeper itself handles the answers
 * to control requests.
 */
void worker_on_message(struct live_worker *worker, uint16_t type, const void *body, size_t size);

/*
 * Reads the remaining output and notifications of an ended process, and closes both descriptors. A
 * worker that was ready and ended at once counts as ready.
 */
void worker_drain(struct live_worker *worker);
/* Removes a watch from the loop and closes its descriptor. */
void worker_close_watch(struct live_worker *worker, struct fd_watch *source);
