/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of restart policies, which are the values of a worker's key `restart`. The table of keys
 * takes the words of the policies, and their description in ffsctl-gadget(5), from this list.
 * worker_end_is_final (function/worker_end.c) uses it to decide whether a worker is restarted.
 */
#pragma once

/*
 * The ways in which a worker ends, as bits. There is no bit for the exit status 125: with every
 * policy, a worker that exits with 125 has failed and is not restarted.
 */
enum worker_end {
	END_EXIT_0 = 1 << 0,
	END_EXIT_OTHER = 1 << 1,   /* exit with a status other than 0 */
	END_SIGNAL = 1 << 2,	   /* also when ffsctl killed it: start_timeout, watchdog */
	END_UNKNOWN = 1 << 3,	   /* the worker ended after a takeover: only its parent, the dead
				      supervisor, could have read its exit status */
	END_FAILED_START = 1 << 4, /* no process could be started */
	END_ANY = END_EXIT_0 | END_EXIT_OTHER | END_SIGNAL | END_UNKNOWN | END_FAILED_START,
};

/*
 * A row is RESTART(NAME, word, final_ends, description): `word` is the value of `restart` in gadget
 * files; `final_ends` are the bits of enum worker_end after which the worker is done, and is not
 * restarted.
 */
#define WORKER_RESTARTS(RESTART)                                                                   \
	RESTART(ALWAYS, "always", 0, "restarts it after every end.")                               \
	RESTART(ON_FAILURE, "on-failure", END_EXIT_0,                                              \
		"restarts it unless it has exited with status 0.")                                 \
	RESTART(NEVER, "never", END_ANY, "does not restart it, however it has ended.")

#define WORKER_RESTART(NAME, word, final_ends, description) RESTART_##NAME,
enum worker_restart { WORKER_RESTARTS(WORKER_RESTART) };
#undef WORKER_RESTART
