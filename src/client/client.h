/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions for commands: they start a supervisor, send requests to it, and take over or undo the
 * gadget of a dead supervisor.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/paths.h"
#include "gadgetfile/gadget.h"
#include "plan/plan.h"
#include "rundir/control.h"

struct client_options {
	const struct paths *paths;
	const char *udc;	 /* --udc; NULL: not given */
	bool no_bind;		 /* --no-bind: the gadget is not bound */
	const char *const *dirs; /* directories of gadget files; ends with NULL */
	double timeout;		 /* seconds in which the gadget must come up */
	double wait_udc;	 /* maximum of seconds to wait for a UDC; HUGE_VAL: no limit */
	double hold;   /* seconds that keepers and workers wait for a takeover after the supervisor
			  died */
	gid_t group;   /* the group whose members may send commands; 0: only root may */
	int notify_fd; /* client_run writes a newline to it when the gadget is up; -1: none */
};

#define CLIENT_HOLD_DEFAULT 10

enum client_result {
	CLIENT_DONE,	  /* the gadget came up, went down or was reloaded */
	CLIENT_UNCHANGED, /* nothing to do: the gadget was up already (`up`), was not up (`down`) */
	CLIENT_CLEARED,	  /* `down`: the supervisor had died; the recorded steps were undone */
	CLIENT_FORCED,	  /* `down`: there was no record; the directories in configfs and the mounts
			     were removed */
	CLIENT_TAKEN_OVER, /* `up`: the supervisor had died; keepers and workers continue */
};

/* Makes the plan that `up` would apply, for --dry-run. Does not need root. */
int client_plan(const struct gadget *g, const struct client_options *options, struct plan *plan,
		struct error *err);

/* The report that the child process of client_detach sends to the command when the gadget is up. */
struct client_report {
	enum client_result result;
	char name[256];
	char udc[256]; /* "": the gadget is not bound */
};

/*
 * Forks the process that becomes the supervisor.
 *
 * In the child, *report_fd is the socket for the report. The child runs in a new session, and the
 * function returns 0 at once.
 *
 * In the parent, *report_fd is -1, and the function waits for the child. It returns 0 after the
 * child's report. If the child ended without a report, it returns the child's exit status; the
 * child has printed the error. If the child was killed, it returns EX_OSERR with err set. After
 * SIGINT or SIGTERM to the parent, the child undoes its steps.
 *
 * Callers fork before they read gadget files, so that there is little memory to copy.
 */
int client_detach(int *report_fd, struct client_report *report, struct error *err);

/*
 * Runs in the child: brings the gadget up, sends the report, closes the descriptors that the child
 * inherited, and supervises the gadget until it goes down. If the same gadget is up already, sends
 * CLIENT_UNCHANGED and returns. Returns 0, or a negative errno with err set. *reported is true if
 * the report was sent. `document` is the document of the gadget file. On failure *output is the
 * last output of the workers, or NULL; the caller frees it.
 */
int client_up(const struct gadget *g, const json_t *document, const struct client_options *options,
	      int report_fd, bool *reported, char **output, struct error *err);

/* Returns whether the supervisor of a gadget has died. Then client_take_over may be possible. */
bool client_is_orphaned(const struct paths *paths, const char *name);
/*
 * Runs in the child: takes over a gadget whose supervisor died, with the same keepers and workers.
 * Uses the record and does not read the gadget file. Sends the report CLIENT_TAKEN_OVER, or
 * CLIENT_UNCHANGED if another process took the gadget over first. Fails with EX_UNAVAILABLE if a
 * takeover is not possible. In all other respects the same as client_up.
 */
int client_take_over(const struct paths *paths, const char *name, int report_fd, bool *reported,
		     struct error *err);

/*
 * Brings a gadget up and supervises it in the foreground. Returns after `down`, SIGTERM or SIGINT,
 * or when the gadget has failed.
 */
int client_run(const struct gadget *g, const json_t *document, const struct client_options *options,
	       struct error *err);

/*
 * Runs `fn` in a child process, for one of several gadgets. `stdout_fd` becomes the child's stdout;
 * -1: the child keeps the stdout of this process. `fn` may call client_detach. Returns the child's
 * exit status, or EX_OSERR with err set. After SIGINT or SIGTERM the child undoes its steps, and
 * the function returns EX_TEMPFAIL with ECANCELED in err.
 */
int client_run_in_child(int (*fn)(void *data), void *data, int stdout_fd, struct error *err);

/* Which gadgets `down` may take down. */
enum client_down_scope {
	CLIENT_DOWN_OURS, /* gadgets that ffsctl made and has a record of */
	CLIENT_DOWN_ANY,  /* all gadgets in configfs */
};

/*
 * Takes a gadget down, with or without its supervisor. Fails with EX_CANTCREAT, and changes
 * nothing, if `scope` does not include the gadget, or if the gadget has no record and a process
 * uses its FunctionFS.
 */
int client_down(const struct paths *paths, const char *name, enum client_down_scope scope,
		enum client_result *result, struct error *err);

/* Reads the log of a gadget (rundir/output.h). The caller frees *text. */
int client_log(const struct paths *paths, const char *name, char **text, size_t *size,
	       struct error *err);

/*
 * Sends a request to the supervisor of a gadget and waits for the answer. Stores the values of the
 * answer in `answer`, which the caller frees, also on failure; NULL: ignores them. Fails with
 * EX_UNAVAILABLE if the gadget has no supervisor.
 */
int client_ask(const struct paths *paths, const char *name, const struct socket_request *request,
	       struct socket_answer *answer, struct error *err);

/*
 * Runs in the program that supervisor_reexec executes: takes over the gadget that this process
 * supervised before the exec. `lock_fd` is the descriptor of the lock. `client_fd` is the
 * connection to the command `reexec`, which gets the answer. Returns when the gadget is down: 0, or
 * a negative errno with err set.
 */
int client_resume(const struct paths *paths, const char *name, int lock_fd, int client_fd,
		  bool foreground, struct error *err);

/* Stores in *file the path of the gadget file of a gadget that is up. The caller frees *file. */
int client_gadget_file(const struct paths *paths, const char *name, char **file, struct error *err);
/*
 * Stores in *name the name of the gadget that was brought up from `file` (an absolute path), or
 * NULL if there is none. If there are several, chooses the one that has the name in the file; fails
 * with EX_USAGE if none has. The caller frees *name.
 */
int client_find_gadget_by_file(const struct paths *paths, const char *file, char **name,
			       struct error *err);

struct client_reload {
	enum client_result result; /* CLIENT_UNCHANGED: the file has not changed */
	bool rebound; /* the gadget was unbound and bound again, so the host saw a disconnect */
	char *awaits; /* the missing UDC to which the gadget is bound when that UDC appears; NULL:
			 none. The caller frees it. */
};

/*
 * Applies the gadget file to a gadget that is up. On failure, reverts the changes; then the gadget
 * is unchanged, unless the text of the error says that reverting failed. Applying and reverting may
 * take `timeout` seconds each. `renamed`: the gadget's name in the file is ignored.
 */
int client_reload(const struct paths *paths, const char *name, const char *file, bool renamed,
		  double timeout, struct client_reload *done, struct error *err);
/*
 * Finds out what a reload would change, without changing anything. Stores the array "plan" of
 * `--dry-run --json` in *changes, which the caller owns. *rebinds: the reload would unbind the
 * gadget and bind it again.
 */
int client_reload_plan(const struct paths *paths, const char *name, const char *file, bool renamed,
		       const char *const *dirs, json_t **changes, bool *rebinds, struct error *err);

/* Waits at most `seconds` until a host has configured the gadget, which must be up. */
int client_wait_host(const struct paths *paths, const char *name, double seconds,
		     struct error *err);

/*
 * Waits until the gadget is "ready", "configured" by its host, or "disconnected" from its host.
 * With a time limit, also waits for the gadget's supervisor to start, and fails with EX_TEMPFAIL
 * after `seconds`. Without a limit (HUGE_VAL), fails if there is no supervisor. Fails with
 * EX_PROTOCOL if a worker has failed for good.
 */
int client_wait(const struct paths *paths, const char *name, enum control_condition condition,
		double seconds, struct error *err);
