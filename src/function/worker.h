/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's life: one table, state × event → what to do. A live worker belongs to a live function:
 * it starts the process with fresh endpoints, learns that it is ready, notices its end, halts what
 * the dead one was serving, and starts the next one when the policy says so.
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

enum worker_state {
	WORKER_STOPPED,	 /* not wanted */
	WORKER_PENDING,	 /* wanted, but what it serves is not there yet */
	WORKER_STARTING, /* runs, has not said that it is ready */
	WORKER_READY,
	WORKER_ENDING,	 /* has ended; what it has started has not */
	WORKER_STOPPING, /* was told to end */
	WORKER_WAITING,	 /* ended; its restart is due */
	WORKER_FAILED,	 /* ended for good, against our wish */
	WORKER_DONE,	 /* ended for good, as the policy has it */
	WORKER_STATE_COUNT,
};

enum worker_event {
	WORKER_EV_START,
	WORKER_EV_READY,
	WORKER_EV_DIED, /* its process has ended, and then */
	WORKER_EV_EXIT, /* all that it has started */
	WORKER_EV_TIMER,
	WORKER_EV_STOP,
	WORKER_EV_RESTART,
	WORKER_EV_THERE, /* what it serves has appeared, or */
	WORKER_EV_GONE,	 /* has gone; of functions of the kernel's */
	WORKER_EVENT_COUNT,
};

/* status' word for a state */
extern const char *const worker_state_words[WORKER_STATE_COUNT];

struct live_function;

/* What makes DMABUFs, and what its descriptor is called in LISTEN_FDNAMES. */
struct dmabuf_device {
	const char *path, *name;
};

struct live_worker {
	struct live_function *function;
	const struct worker *model;
	struct spawn spawn;
	uid_t own_id; /* of its user, or of one of its groups: nobody else's (own_user.h) */
	const struct dmabuf_device *dmabuf; /* NULL: its engine needs none */
	int config_fd; /* sealed memfd; each worker gets its own description of it */

	/* worker_handle: for the files below worker.c, which learn of what happens. */
	void (*handle)(struct live_worker *worker, enum worker_event event);
	enum worker_state state;
	pid_t pid;	     /* 0: none */
	pid_t session;	     /* that it leads, also when it has ended: its pid */
	uint64_t began;	     /* no later than that; process/family.h */
	struct fd_watch end; /* its pidfd, unless it is our child; owned */
	bool taken;	     /* over from a supervisor that has died: no child of ours */
	enum { REST_NONE, REST_PROCESSES, REST_WORDS } rest; /* what is left of it: worker_rest.c */
	double rest_since;				     /* monotonic */
	struct fd_watch output, notify, timer;
	char engine[16];	    /* what moves its data, as it says; "": not said */
	struct worker_stats *stats; /* worker_stats.c; NULL: none were ever said */

	char *identity;		       /* of what it is given: its step's value; owned */
	struct live_worker *successor; /* starts in its place, when it has stopped; NULL: itself */
	bool awaited;		       /* a reload waits until it is ready: it must not end */
	bool restart_wanted;	       /* while stopping: start again afterwards */
	bool served;		       /* this worker was ready */
	bool start_timed_out;	       /* this worker was killed because it was never ready */
	double started, ready_since;   /* monotonic */
	double alive;	 /* monotonic: when it was heard of last; see worker_is_alive */
	time_t ready_at; /* wall clock, for people */
	double delay;	 /* of the next restart, seconds */
	double *deaths;	 /* ring of the last restart_limit + 1 deaths */
	size_t n_deaths, next_death;
	unsigned int restarts;
	char *last_exit; /* "exit 1", "signal 9 (Killed)", WORKER_END_UNKNOWN; NULL: none yet */

	struct halting { /* endpoints that still have to be halted */
		int fd;
		const struct endpoint *ep;
	} * halting;
	size_t n_halting;
	unsigned int halt_tries;
	struct error error; /* why the last start failed */
	double start_due;   /* while waiting: monotonic */
};

/* It serves, or has nothing to serve, now or any more: nobody needs to wait for it. */
static inline bool worker_is_settled(const struct live_worker *worker)
{
	return worker->state == WORKER_READY || worker->state == WORKER_DONE ||
	       worker->state == WORKER_PENDING;
}

/* Resolves user, program and environment; errors point at the gadget file. */
int worker_init(struct live_worker *worker, struct live_function *function,
		const struct worker *model, struct error *err);
void worker_free(struct live_worker *worker);

void worker_handle(struct live_worker *worker, enum worker_event event);

/* As WORKER_EV_RESTART, but then `by` is the function's worker, and is started. */
void worker_replace(struct live_worker *worker, struct live_worker *by);

/* The same worker goes on with what a changed gadget file says of its restarts and times. */
void worker_set_worker(struct live_worker *worker, const struct worker *model);

/*
 * The worker's process has been reaped. (SIGCHLD is the supervisor's; it knows whose child it
 * was.) `status` as from waitpid. WORKER_EV_EXIT follows when all that it has started has ended.
 */
void worker_exited(struct live_worker *worker, int status);
/* It has. */
void worker_gone(struct live_worker *worker);

/* Of a worker that was taken over: only its parent has learnt more. */
#define WORKER_END_UNKNOWN "unknown"
#define WORKER_STATUS_UNKNOWN (-1) /* in place of what waitpid says */

/* --- worker_take_over.c --- */

/*
 * Of a supervisor that has died: the worker's process, its pidfd and the pipe it prints into, which
 * are taken over. -errno.
 */
int worker_take_process(struct live_worker *worker, pid_t pid, int *pidfd, int *output);
/* Goes on with it, or starts one. `status`: what the dead one has written of it; NULL: nothing. */
void worker_take_over(struct live_worker *worker, const json_t *status);

/* --- worker.c --- */

/* It is ready: from now on it must be heard of, if it has a watchdog. */
void worker_begin_to_watch(struct live_worker *worker);

/* To the worker, or to all of its process group. */
void worker_kill(const struct live_worker *worker, int sig, bool group);

/* PONG, or WATCHDOG=1: it does not hang. */
void worker_is_alive(struct live_worker *worker);

/* That it has failed, and how. EX_PROTOCOL. */
int worker_failure(const struct live_worker *worker, struct error *err);

/* --- worker_rest.c --- */

/* Ends what the worker has left. */
void worker_rest_begin(struct live_worker *worker);
/* Goes on with it; worker_gone when nothing is left, or when that has taken too long. */
void worker_rest_look(struct live_worker *worker);

/* --- worker_halt.c --- */

/* Halts what the host has enabled, as on_crash says. */
void worker_halt_begin(struct live_worker *worker);
/* Once more what was busy then, as long as worker->n_halting is not 0. */
void worker_halt_go_on(struct live_worker *worker);
void worker_halt_end(struct live_worker *worker);

/* --- worker_stats.c --- */

/* A STATS message, whatever is in it. The status is written once a second at most. */
void worker_stats_take(struct live_worker *worker, const void *body, size_t size);
/* A TRAFFIC message, likewise. */
void worker_stats_take_traffic(struct live_worker *worker, const void *body, size_t size);
/* Bytes that the worker says it has moved on an endpoint, by its place in the file; null: unknown.
 */
json_t *worker_stats_bytes(const struct live_worker *worker, size_t endpoint);
/* What status shows; null: nothing. The caller owns it. */
json_t *worker_stats_json(const struct live_worker *worker);
/* Another worker begins. */
void worker_stats_forget(struct live_worker *worker);
void worker_stats_free(struct live_worker *worker);

/* --- worker_io.c --- */

/* Takes over the supervisor's ends of what launch_start has made (-1: none). */
int worker_watch(struct live_worker *worker, int *output, int *notify, struct error *err);

/* A message of the worker's, by its keeper, which has kept what is about control requests. */
void worker_on_message(struct live_worker *worker, uint16_t type, const void *body, size_t size);

/*
 * Takes all that the dead worker has printed, and closes what it was printed to. Its end may be
 * known before that is read: one that was ready and ended at once was ready all the same.
 */
void worker_drain(struct live_worker *worker);
/* Removes a source from the loop and closes its descriptor. */
void worker_close(struct live_worker *worker, struct fd_watch *source);
