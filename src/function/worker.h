/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker of a live function. A table of states and events decides what happens to it. ffsctl
 * opens the endpoint files, starts the worker's process with them, and waits until the process is
 * ready. When the process has ended, ffsctl halts the endpoints, and restarts the worker if the
 * restart policy of the gadget file says so. The remaining processes of a worker are processes that
 * the worker's process has started and that still run when the worker's process has ended.
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
	WORKER_STOPPED,	 /* not running; must not be started by the restart policy */
	WORKER_PENDING,	 /* not running; waits for its kernel device */
	WORKER_STARTING, /* running, not ready yet */
	WORKER_READY,
	WORKER_ENDING,	 /* the process ended, but some of its remaining processes still run */
	WORKER_STOPPING, /* the process was asked to end */
	WORKER_WAITING,	 /* the process ended; waits for the restart */
	WORKER_FAILED,	 /* the process ended, and is not restarted because the worker failed */
	WORKER_DONE,	 /* the process ended, and the restart policy forbids a restart */
	WORKER_STATE_COUNT,
};

enum worker_event {
	WORKER_EV_START,
	WORKER_EV_READY,
	WORKER_EV_DIED, /* its process ended */
	WORKER_EV_EXIT, /* all its remaining processes ended, too */
	WORKER_EV_TIMER,
	WORKER_EV_STOP,
	WORKER_EV_RESTART,
	WORKER_EV_APPEARED, /* its kernel device appeared */
	WORKER_EV_REMOVED,  /* its kernel device was removed */
	WORKER_EVENT_COUNT,
};

/*
 * How long a process with ready = "started" must run until it counts as ready, in seconds. A
 * program with a wrong argument, or without a module or library that it needs, ends within this
 * time also on a slow board (ffsctl-worker(7)).
 */
#define WORKER_STARTED_SECONDS 0.5

struct live_function;

/* A device that creates DMABUFs, and its name in LISTEN_FDNAMES. */
struct dmabuf_exporter {
	const char *path, *fd_name;
};

/* The worker of a live function, with or without a process. */
struct live_worker {
	struct live_function *function;
	const struct worker *model;
	struct spawn_settings spawn;
	uid_t reserved_uid; /* user id that is reserved for this worker, also used as a group id; 0:
			     none */
	const struct dmabuf_exporter *
		dmabuf_exporter; /* device for DMABUFs; NULL: the engine of the worker needs none */
	int worker_config_fd;	 /* sealed memfd with the worker's configuration; each process gets
				    another open file description */

	/* worker_handle_event; a pointer, because files that worker.c calls must not call worker.c
	 */
	void (*handle_event)(struct live_worker *worker, enum worker_event event);
	enum worker_state state;
	pid_t pid;	  /* 0: none */
	pid_t session_id; /* session id of the last process, which is also its pid; kept after its
			     end */
	uint64_t process_started_before_ticks; /* upper limit of the start time of the session
					  leader (worker_started_before_ticks of
					  process/worker_processes.h) */
	struct fd_watch
		end_watch; /* watch of the pidfd of a process that is not a child; owns the pidfd */
	bool taken_over; /* the process was started by a dead supervisor, and is not a child of this
			    process */
	enum {
		CLEANUP_NONE,
		CLEANUP_OF_PROCESSES,
		CLEANUP_OF_MESSAGES
	} cleanup_stage; /* what is still awaited after the end of the process (worker_cleanup.c) */
	char *process_left_running; /* "NAME (pid N)" of a process that the worker had started, and
				     that still ran when the worker ended; NULL: none; owned */
	double cleanup_started_at;  /* monotonic time of the first attempt to kill remaining
				    processes; 0: none yet */
	struct fd_watch output_watch, state_timer;
	/* watch of what reports that the worker is ready, by `ready_when`: the notify socket or the
	   pipe of NOTIFY_FD */
	struct fd_watch readiness_watch;
	struct worker_stats *stats; /* statistics (worker_stats.c); NULL: the worker sent none */
	/*
	 * The values that the command `status` prints. Some of them are stored only here: code that
	 * changes such a value sets it here. worker_update_status copies the others from other
	 * members. A supervisor that takes over the worker continues with all these values.
	 */
	struct worker_status status;
	/* how the last process ended; NEVER_ENDED: none has ended yet, or the last one could not be
	   started */
	struct worker_exit {
		enum { NEVER_ENDED, ENDED_BY_EXIT, ENDED_BY_SIGNAL, ENDED_UNKNOWN } exit_cause;
		int status_or_signal; /* exit status or signal */
	} last_exit;

	/* `value` of the step start-worker that starts this worker. If a new plan has another
	   value, the program, its arguments, its content or other settings have changed. Owned. */
	char *launch_fingerprint;
	struct live_worker *replacement; /* worker that replaces this worker after its stop; NULL:
					  this worker is started again */
	/* a reload waits until this worker is ready; if the worker ends before it is ready, the
	   reload fails */
	bool awaited_by_reload;
	bool restart_wanted;	       /* the worker must be started again when it has stopped */
	bool was_ready;		       /* this process was ready */
	bool started_with_device;      /* this process was started because the kernel device of
					  its function appeared */
	bool ready_awaits_descriptors; /* the daemon reported that it is ready, but has not written
					  descriptors yet */
	uint64_t descriptors_id_at_start; /* descriptors_id when this process of a daemon was
					     started */
	bool start_timed_out;		  /* this process was killed by start_timeout */
	bool stop_sent;			  /* this process was asked to end, by STOP and SIGTERM */
	bool kill_sent;			  /* this process was killed by stop_timeout */
	uint32_t cut_endpoints; /* endpoints on which this process reports a cut transfer (CUT), as
				   bits; bit 0: the first endpoint of the gadget file */
	double started_at, ready_since; /* monotonic */
	double last_answer_at;		/* monotonic time of the last PONG or WATCHDOG=1 */
	double next_restart_delay;	/* delay of the next restart, seconds */
	double *process_end_times; /* ring buffer of the times of the last restart_limit + 1 ends,
				    * monotonic
				    */
	size_t n_process_end_times, next_end_time_index;

	/* an IN endpoint that could not be halted yet, because the host has not read all of its
	   data; the next attempt to halt it follows later */
	struct endpoint_to_halt {
		int fd;
		const struct endpoint *endpoint;
	} * endpoints_to_halt;
	size_t n_endpoints_to_halt;
	unsigned int n_endpoint_halt_tries;
	struct error start_error; /* reason why the last start failed */
	double restart_due_at;	  /* monotonic time of the next restart */
};

/*
 * Returns whether nothing needs to wait for the worker: it is ready, and, if it is a daemon, its
 * descriptors exist; or it has ended and its restart policy does not restart it; or it waits for a
 * kernel device that does not exist yet.
 */
bool worker_need_not_be_awaited(const struct live_worker *worker);
/*
 * Returns whether the worker of a kernel function is starting because the function's device has
 * appeared: it is not ready yet, and nothing is wrong.
 */
bool worker_starts_with_device(const struct live_worker *worker);

/* Restarts a worker that has no process at the monotonic time `due`. */
void worker_await_restart_at(struct live_worker *worker, double due);

/*
 * Initializes the worker: finds its user, program and environment. Errors contain the position in
 * the gadget file.
 */
int worker_init(struct live_worker *worker, struct live_function *function,
		const struct worker *model, struct error *err);
void worker_free(struct live_worker *worker);

/*
 * Handles an event by the state table. Ignores an event for which the current state has no action.
 */
void worker_handle_event(struct live_worker *worker, enum worker_event event);

/*
 * Restarts the worker like WORKER_EV_RESTART, but starts `replacement` as the worker of the
 * function.
 */
void worker_replace(struct live_worker *worker, struct live_worker *replacement);

/*
 * Applies the restart policy and the timeouts of a changed gadget file to a worker that keeps
 * running.
 */
void worker_set_model(struct live_worker *worker, const struct worker *model);

/*
 * Handles the end of the worker's process. `status` is the status that waitpid(2) returned, or
 * WORKER_STATUS_UNKNOWN. WORKER_EV_EXIT follows when the last remaining process has ended.
 */
void worker_handle_process_end(struct live_worker *worker, int status);
/* Ends the cleanup of worker_cleanup.c, which has killed the remaining processes. */
void worker_finish_cleanup(struct live_worker *worker);

/*
 * `status` of a worker that was taken over, for which waitpid(2) returns no status: only the parent
 * of a process can read how the process ended.
 */
#define WORKER_STATUS_UNKNOWN (-1)

/* --- worker_take_over.c --- */

/*
 * Takes over the process of a dead supervisor's worker, its pidfd and its output pipe. Returns a
 * negative errno on failure.
 */
int worker_take_over_process(struct live_worker *worker, pid_t pid, int *pidfd, int *output);
/*
 * Continues with the process of worker_take_over_process, or starts another one. `status` is the
 * worker's part of the status file that the dead supervisor wrote, and `restart_history` what that
 * supervisor knew of restarts.
 */
void worker_take_over(struct live_worker *worker, const struct worker_status *status,
		      const json_t *restart_history);

/* --- restart_history.c --- */

/* Returns the restart history for the status file, an object; the caller owns it. */
json_t *worker_restart_history(const struct live_worker *worker);
/* Replaces the restart history by that of a dead supervisor; NULL: unknown. */
void worker_restore_restart_history(struct live_worker *worker, const json_t *history);
/* Returns whether the worker waited for a restart. Stores the monotonic time of the restart. */
bool worker_restart_was_pending(const json_t *history, double *due);
/* Records that the worker's process ended at the monotonic `time`. */
void worker_note_end(struct live_worker *worker, double time);

/* --- worker_status.c --- */

/*
 * Updates and returns the values of the worker that the command `status` prints. The result is
 * valid until the next event of the worker.
 */
const struct worker_status *worker_update_status(struct live_worker *worker);
/*
 * Records how the last process ended. `status` is the status of waitpid(2), or
 * WORKER_STATUS_UNKNOWN.
 */
void worker_store_exit(struct live_worker *worker, int status);
/* Records that no process could be started. */
void worker_store_failed_start(struct live_worker *worker);
/*
 * Returns the reason why the worker does not run, for messages: the way in which its last process
 * ended.
 */
const char *worker_exit_reason(const struct live_worker *worker);

/* --- launch_fingerprint.c --- */

/*
 * Called before each start: updates FILES in the fingerprint, because a restart executes the files
 * that exist now.
 */
void worker_update_launch_fingerprint(struct live_worker *worker);

/* --- worker.c --- */

/* Starts the watchdog of a ready worker, if it has one. */
void worker_start_watchdog(struct live_worker *worker);

/* Records the time at which the worker answered the watchdog, with PONG or WATCHDOG=1. */
void worker_note_watchdog_answer(struct live_worker *worker);

/* --- worker_end.c --- */

/* Sends a signal to the worker's process; `group`: to its process group. */
void worker_send_signal(const struct live_worker *worker, int sig, bool group);
/* Sets `err` to the error that the worker has failed, with the reason. ffsctl then exits with the
   status EX_PROTOCOL. */
int worker_failure_error(const struct live_worker *worker, struct error *err);
/*
 * Sets `err` to the error that the worker ended while the gadget was coming up, before or after it
 * was ready.
 */
int worker_early_end_error(const struct live_worker *worker, struct error *err);
/* Returns whether the last process asked not to be restarted: it exited with 125. */
bool worker_end_forbids_restart(const struct live_worker *worker);
/*
 * Returns whether the restart policy of the worker (gadgetfile/worker_restart_policies.h) does not
 * restart the worker after the most recent end of its process.
 */
bool worker_end_is_final(const struct live_worker *worker);
/* Returns whether the last process exited with 0, and the restart policy does not restart it. */
bool worker_has_done_its_work(const struct live_worker *worker);
/*
 * Returns whether the end of the worker's process fails the `up` or the reload that waits for the
 * worker. A gadget is bound without waiting for the worker of a kernel function, so only its end
 * soon after its first start counts.
 */
bool worker_end_fails_up_or_reload(const struct live_worker *worker);
/*
 * Records that the worker's process ended now. Returns whether this has happened more than
 * restart_limit times within restart_window.
 */
bool worker_ended_too_often(struct live_worker *worker);
/* Logs a program that goes into the background: it exits with 0, and its child goes on. */
void worker_log_process_in_background(const struct live_worker *worker);

/* --- worker_cleanup.c --- */

/* Begins to kill the remaining processes of the worker. */
void worker_begin_cleanup(struct live_worker *worker);
/*
 * Continues to kill the remaining processes. Calls worker_finish_cleanup when none is left, or
 * after KILL_TIMEOUT_SECONDS.
 */
void worker_continue_cleanup(struct live_worker *worker);

/* --- halt_worker_endpoints.c --- */

/*
 * Does what on_crash says if the end of the worker may have cut a transfer: halts the endpoints
 * that the host has enabled, or makes the host connect anew. `is_restarted`: another process
 * follows; without one, "reconnect" halts, too.
 */
void worker_handle_cut_transfers(struct live_worker *worker, bool is_restarted);
/* Stores the body of a CUT message: which endpoints have a cut transfer. */
void worker_store_cut_endpoints(struct live_worker *worker, const uint8_t *is_cut, size_t n);
/*
 * Tries again to halt the busy endpoints. Afterwards worker->n_endpoints_to_halt is the number of
 * endpoints that are still busy.
 */
void worker_retry_halting_endpoints(struct live_worker *worker);
/* Closes the endpoint files of `endpoints_to_halt`: the endpoints will not be halted. */
void worker_close_endpoints_to_halt(struct live_worker *worker);

/* --- worker_stats.c --- */

/* Handles a STATS message of any content. Updates the status afterwards, at most once a second. */
void worker_stats_receive(struct live_worker *worker, const void *body, size_t size);
/* Handles a TRAFFIC message of any content. */
void worker_stats_receive_traffic(struct live_worker *worker, const void *body, size_t size);
/*
 * Returns the number of bytes that the worker reports for an endpoint; -1: unknown. `endpoint` is
 * the index of the endpoint in the gadget file.
 */
int64_t worker_stats_endpoint_bytes(const struct live_worker *worker, size_t endpoint);
/*
 * Returns the statistics that the command `status` prints, as an object; NULL: none. The caller
 * owns it.
 */
json_t *worker_stats_json(const struct live_worker *worker);
/* Drops the statistics of the last process. */
void worker_stats_forget(struct live_worker *worker);
void worker_stats_free(struct live_worker *worker);

/* --- worker_io.c --- */

/*
 * Watches the output pipe and the file descriptor for `readiness_watch` that launch_start opened
 * (-1: none).
 * The worker then owns them.
 */
int worker_take_and_watch_fds(struct live_worker *worker, int *output, int *readiness,
			      struct error *err);

/*
 * Handles a message of the worker that its keeper forwarded. The keeper itself handles the answers
 * to control requests.
 */
void worker_on_message(struct live_worker *worker, uint16_t type, const void *body, size_t size);

/*
 * Handles the report of a process that it is ready. The report of a daemon waits until its
 * descriptors are written.
 */
void worker_report_ready(struct live_worker *worker);

/*
 * Reads the remaining output and notifications of a process that ended, and closes both file
 * descriptors. A process that was ready shortly before its end counts as ready.
 */
void worker_drain_fds(struct live_worker *worker);
/* Removes a watch from the loop and closes its file descriptor. */
void worker_close_watch(struct live_worker *worker, struct fd_watch *watch);
