/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's life: one table, state × event → what to do. A unit belongs to an instance; it starts
 * the worker with fresh endpoints, learns that it is ready, notices its end, halts what the dead
 * one was serving, and starts the next one when the policy says so.
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

enum unit_state {
	UNIT_STOPPED,  /* not wanted */
	UNIT_PENDING,  /* wanted, but what it serves is not there yet */
	UNIT_STARTING, /* runs, has not said that it is ready */
	UNIT_READY,
	UNIT_ENDING,   /* has ended; what it has started has not */
	UNIT_STOPPING, /* was told to end */
	UNIT_WAITING,  /* ended; its restart is due */
	UNIT_FAILED,   /* ended for good, against our wish */
	UNIT_DONE,     /* ended for good, as the policy has it */
	UNIT_STATE_COUNT,
};

enum unit_event {
	UNIT_EV_START,
	UNIT_EV_READY,
	UNIT_EV_DIED, /* its process has ended, and then */
	UNIT_EV_EXIT, /* all that it has started */
	UNIT_EV_TIMER,
	UNIT_EV_STOP,
	UNIT_EV_RESTART,
	UNIT_EV_THERE, /* what it serves has come, or */
	UNIT_EV_GONE,  /* has gone; of functions of the kernel's */
	UNIT_EVENT_COUNT,
};

/* status' word for a state */
extern const char *const unit_state_words[UNIT_STATE_COUNT];

struct instance;

/* What makes DMABUFs, and what its descriptor is called in LISTEN_FDNAMES. */
struct dmabuf_device {
	const char *path, *name;
};

struct unit {
	struct instance *instance;
	const struct worker *worker;
	struct spawn spawn;
	uid_t own_id; /* of its user, or of one of its groups: nobody else's (own_user.h) */
	const struct dmabuf_device *dmabuf; /* NULL: its engine needs none */
	int config_fd; /* sealed memfd; each worker gets its own description of it */

	enum unit_state state;
	pid_t pid;	   /* 0: none */
	pid_t session;	   /* that it leads, also when it has ended: its pid */
	uint64_t began;	   /* no later than that; process/family.h */
	struct source end; /* its pidfd, unless it is our child; owned */
	bool taken;	   /* over from a supervisor that has died: no child of ours */
	enum { REST_NONE, REST_PROCESSES, REST_WORDS } rest; /* what is left of it: worker_rest.c */
	double rest_since;				     /* monotonic */
	struct source output, notify, timer;
	char engine[16];	  /* what moves its data, as it says; "": not said */
	struct unit_stats *stats; /* worker_stats.c; NULL: none were ever said */

	char *identity;		     /* of what it is given: its step's value; owned */
	struct unit *successor;	     /* starts in its place, when it has stopped; NULL: itself */
	bool awaited;		     /* a reload waits until it is ready: it must not end */
	bool restart_wanted;	     /* while stopping: start again afterwards */
	bool served;		     /* this worker was ready */
	bool start_timed_out;	     /* this worker was killed because it was never ready */
	double started, ready_since; /* monotonic */
	double alive;		     /* monotonic: when it was heard of last; see unit_is_alive */
	time_t ready_at;	     /* wall clock, for people */
	double delay;		     /* of the next restart, seconds */
	double *deaths;		     /* ring of the last restart_limit + 1 deaths */
	size_t n_deaths, next_death;
	unsigned int restarts;
	char *last_exit; /* "exit 1", "signal 9 (Killed)", UNIT_END_UNKNOWN; NULL: none yet */

	struct halting { /* endpoints that still have to be halted */
		int fd;
		const struct endpoint *ep;
	} * halting;
	size_t n_halting;
	unsigned int halt_tries;
	struct error error; /* why the last start failed */
	double start_due;   /* while waiting: monotonic */
};

/* It serves, or has nothing to serve, now or any more: nobody has to wait for it. */
static inline bool unit_is_settled(const struct unit *unit)
{
	return unit->state == UNIT_READY || unit->state == UNIT_DONE || unit->state == UNIT_PENDING;
}

/* Resolves user, program and environment; errors point at the gadget file. */
int unit_init(struct unit *unit, struct instance *instance, const struct worker *worker,
	      struct error *err);
void unit_free(struct unit *unit);

void unit_handle(struct unit *unit, enum unit_event event);

/* As UNIT_EV_RESTART, but then `by` is the instance's unit, and is started. */
void unit_replace(struct unit *unit, struct unit *by);

/* The same worker goes on with what a changed gadget file says of its restarts and times. */
void unit_set_worker(struct unit *unit, const struct worker *worker);

/*
 * The worker's process has been reaped. (SIGCHLD is the supervisor's; it knows whose child it
 * was.) `status` as from waitpid. UNIT_EV_EXIT follows when all that it has started has ended.
 */
void unit_exited(struct unit *unit, int status);
/* It has. */
void unit_gone(struct unit *unit);

/* Of a worker that was taken over: only its parent has learnt more. */
#define UNIT_END_UNKNOWN "unknown"
#define UNIT_STATUS_UNKNOWN (-1) /* in place of what waitpid says */

/* --- worker_take_over.c --- */

/*
 * Of a supervisor that has died: the worker's process, its pidfd and the pipe it prints into, which
 * are taken over. -errno.
 */
int unit_take_process(struct unit *unit, pid_t pid, int *pidfd, int *output);
/* Goes on with it, or starts one. `status`: what the dead one has written of it; NULL: nothing. */
void unit_adopt(struct unit *unit, const json_t *status);

/* --- worker.c --- */

/* It is ready: from now on it has to be heard of, if it has a watchdog. */
void unit_begin_to_watch(struct unit *unit);

/* To the worker, or to all of its process group. */
void unit_kill(const struct unit *unit, int sig, bool group);

/* PONG, or WATCHDOG=1: it does not hang. */
void unit_is_alive(struct unit *unit);

/* That it has failed, and how. EX_PROTOCOL. */
int unit_failure(const struct unit *unit, struct error *err);

/* --- worker_rest.c --- */

/* Ends what the worker has left. */
void unit_rest_begin(struct unit *unit);
/* Goes on with it; unit_gone when nothing is left, or when that has taken too long. */
void unit_rest_look(struct unit *unit);

/* --- worker_halt.c --- */

/* Halts what the host has enabled, as on_crash says. */
void unit_halt_begin(struct unit *unit);
/* Once more what was busy then, as long as unit->n_halting is not 0. */
void unit_halt_go_on(struct unit *unit);
void unit_halt_end(struct unit *unit);

/* --- worker_stats.c --- */

/* A STATS message, whatever is in it. The status is written once a second at most. */
void unit_stats_take(struct unit *unit, const void *body, size_t size);
/* A TRAFFIC message, likewise. */
void unit_stats_take_traffic(struct unit *unit, const void *body, size_t size);
/* Bytes that the worker says it has moved on an endpoint, by its place in the file; null: unknown.
 */
json_t *unit_stats_bytes(const struct unit *unit, size_t endpoint);
/* What status shows; null: nothing. The caller owns it. */
json_t *unit_stats_json(const struct unit *unit);
/* Another worker begins. */
void unit_stats_forget(struct unit *unit);
void unit_stats_free(struct unit *unit);

/* --- worker_io.c --- */

/* Takes over the supervisor's ends of what launch_start has made (-1: there is none). */
int unit_watch(struct unit *unit, int *output, int *notify, struct error *err);

/* A message of the worker's, by its keeper, which has kept what is about control requests. */
void unit_hear(struct unit *unit, uint16_t type, const void *body, size_t size);

/*
 * Takes all that the dead worker has printed, and closes what it was printed to. Its end may be
 * known before that is read: one that was ready and ended at once was ready all the same.
 */
void unit_drain(struct unit *unit);
/* Removes a source from the loop and closes its descriptor. */
void unit_close(struct unit *unit, struct source *source);
