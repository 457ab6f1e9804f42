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

/* Options of the commands that start a supervisor. */
struct client_options {
	const struct paths *paths;
	const char *udc_name;		/* value of --udc; NULL: not given */
	bool no_bind;			/* --no-bind: the gadget is not bound to a UDC */
	const char *const *gadget_dirs; /* directories of gadget files; ends with NULL */
	double up_timeout_seconds;	/* --timeout: maximum time to come up, in seconds */
	double udc_wait_seconds; /* maximum time to wait for a UDC, in seconds; HUGE_VAL: no limit
				  */
	/* --hold: seconds that keepers and workers wait for a takeover if their supervisor dies */
	double keeper_takeover_wait_seconds;
	gid_t gid_allowed_to_control; /* --group: its members may send requests; 0: only root may */
	/* File descriptor that gets a newline when the gadget is up (--notify-fd); -1: none. */
	int notify_fd;
};

#define CLIENT_SECONDS_WITHOUT_SUPERVISOR_DEFAULT 10

enum client_result {
	CLIENT_DONE,	  /* the gadget came up, went down or was reloaded */
	CLIENT_UNCHANGED, /* nothing changed: before `up` the gadget was up, or before `down` it was
			     not up */
	CLIENT_CLEARED,	  /* `down`: the supervisor had died; the steps in the record were undone */
	CLIENT_FORCED,	  /* `down`: there was no record; the directories in configfs and the mounts
			     were removed */
	CLIENT_TAKEN_OVER, /* `up`: the supervisor had died; keepers and workers continue */
};

/* The name of the UDC in a plan for a system without a UDC. */
#define CLIENT_ANY_UDC "any"
/*
 * Makes the plan that `up` would apply, for --dry-run. Needs no privileges. If the UDC does not
 * exist, stores the error in `missing_udc`; the plan then has the name of the missing UDC, or
 * CLIENT_ANY_UDC.
 */
int client_make_plan(const struct gadget *g, const struct client_options *options,
		     struct plan *plan, struct error *missing_udc, struct error *err);

/*
 * The report that a supervisor in the background sends to the command that started it, when the
 * gadget is up.
 */
struct client_up_report {
	enum client_result result;
	char gadget_name[256];
	char udc_name[256]; /* the UDC that it is or was bound to, or will be; "": none */
	bool is_bound;
	bool awaits_udc; /* the gadget is not bound, but will be when its UDC is back */
};

/*
 * Forks the process that becomes the supervisor.
 *
 * In the child, *report_fd is the socket for the report. The child runs in a new session
 * (setsid(2)), and this function returns 0 at once.
 *
 * In the parent, *report_fd is -1, and this function waits for the child. It returns 0 when the
 * child has sent its report. If the child exited without a report, this function returns the
 * child's exit status; the child has printed the error. If the child was killed, this function
 * returns EX_OSERR with err set. If the parent gets SIGINT or SIGTERM, the child undoes its steps.
 *
 * Callers fork before they read gadget files, so that there is little memory to copy.
 */
int client_fork_supervisor(int *report_fd, struct client_up_report *report, struct error *err);

/*
 * Returns whether this process got SIGINT or SIGTERM after it had called client_fork_supervisor.
 * The child may have sent its report before; then the gadget stays up.
 */
bool client_got_termination_signal(void);

/*
 * Runs in the child of client_fork_supervisor: brings the gadget up, sends the report, closes the
 * file descriptors that the child inherited, and supervises the gadget until it goes down. If the
 * same gadget is up already, sends CLIENT_UNCHANGED and returns. Returns 0, or a negative errno
 * with err set. *reported is true if the report was sent. `document` is the document of the gadget
 * file. On failure *output is the last output of the workers, or NULL; the caller frees it.
 */
int client_bring_up_and_supervise(const struct gadget *g, const json_t *document,
				  const struct client_options *options, int report_fd,
				  bool *reported, char **output, struct error *err);

/* Returns whether the gadget's supervisor has died. Then client_take_over may be possible. */
bool client_gadget_is_orphaned(const struct paths *paths, const char *name);
/*
 * Runs in the child of client_fork_supervisor: takes over a gadget whose supervisor has died. The
 * keepers and workers continue. Reads the record, but not the gadget file. Sends the report
 * CLIENT_TAKEN_OVER, or CLIENT_UNCHANGED if another process has taken the gadget over. Fails with
 * EX_UNAVAILABLE if a takeover is not possible. After the takeover does the same as
 * client_bring_up_and_supervise.
 */
int client_take_over(const struct paths *paths, const char *name, int report_fd, bool *reported,
		     struct error *err);

/*
 * Brings a gadget up and supervises it in the foreground. Returns after `down`, SIGTERM or SIGINT,
 * or when the gadget has failed.
 */
int client_run_in_foreground(const struct gadget *g, const json_t *document,
			     const struct client_options *options, struct error *err);

/*
 * Runs `fn` in a child process. `stdout_fd` becomes the child's stdout; -1: the child keeps the
 * stdout of this process. `fn` may call client_fork_supervisor. Returns the child's exit status, or
 * EX_OSERR with err set. If this process gets SIGINT or SIGTERM, the child undoes its steps, and
 * this function returns EX_TEMPFAIL with ECANCELED in err.
 */
int client_run_in_child(int (*fn)(void *data), void *data, int stdout_fd, struct error *err);

/* Which gadgets `down` may take down. */
enum client_down_scope {
	CLIENT_DOWN_RECORDED, /* gadgets with a record, which ffsctl made */
	CLIENT_DOWN_ANY,      /* all gadgets in configfs */
};

/*
 * Takes a gadget down, also if its supervisor has died. Fails with EX_CANTCREAT, and changes
 * nothing, if `scope` does not include the gadget, or if the gadget has no record and a process
 * uses one of its mounts of FunctionFS.
 */
int client_down(const struct paths *paths, const char *name, enum client_down_scope scope,
		enum client_result *result, struct error *err);

/* Reads the log of a gadget (rundir/log_file.h). The caller frees *text. */
int client_read_log(const struct paths *paths, const char *name, char **text, size_t *size,
		    struct error *err);

/*
 * Sends a request to the gadget's supervisor and waits for the answer. Stores the answer in
 * *answer, which the caller frees, also on failure; NULL: ignores the answer. Fails with
 * EX_UNAVAILABLE if the gadget has no supervisor.
 */
int client_send_request(const struct paths *paths, const char *name,
			const struct socket_request *request, struct socket_answer *answer,
			struct error *err);

/*
 * Runs in the program that supervisor_reexec executes: continues to supervise the gadget that this
 * process supervised before execve(2). `lock_fd` is the file descriptor of the lock. `client_fd` is
 * the connection to the command `reexec`, which gets the answer. Returns when the gadget is down:
 * 0, or a negative errno with err set.
 */
int client_resume_after_exec(const struct paths *paths, const char *name, int lock_fd,
			     int client_fd, bool foreground, struct error *err);

/* Stores in *file the path of the file from which the gadget was brought up. The caller frees it.
 */
int client_find_file_of_gadget(const struct paths *paths, const char *name, char **file,
			       struct error *err);
/*
 * Stores in *name the name of the gadget that is up from `file` (an absolute path), or NULL if no
 * gadget is. If several gadgets are up from it, chooses the one whose name was not changed with
 * --name; fails with EX_USAGE if there is no such gadget. The caller frees *name.
 */
int client_find_gadget_by_file(const struct paths *paths, const char *file, char **name,
			       struct error *err);

struct client_reload_result {
	enum client_result result; /* CLIENT_UNCHANGED: the gadget matches the file already */
	bool rebound; /* the gadget was unbound and bound again, so the host saw a disconnect */
	/*
	 * The missing UDC: the gadget will be bound to it when it appears; NULL: none. The caller
	 * frees it.
	 */
	char *awaited_udc;
	bool bind_is_due; /* the gadget is not bound, but will be when its workers are ready */
};

/*
 * Applies the gadget file `file` to a gadget that is up. On failure, undoes the changes; then the
 * gadget is unchanged, unless the error reports that the undo failed. The reload may take
 * `timeout` seconds; if it fails, its undo may take another `timeout` seconds. `keep_name`: the
 * name in the file is ignored.
 * `force_eject`: ejects media that the host has locked.
 */
int client_reload(const struct paths *paths, const char *name, const char *file, bool keep_name,
		  bool force_eject, double timeout, struct client_reload_result *done,
		  struct error *err);

/* What a reload would change. */
struct client_reload_preview {
	json_t *changes; /* the array "plan" of the output of `reload --dry-run --json`; the caller
			    owns it */
	bool rebinds;	 /* the reload would unbind the gadget and bind it again */
	bool is_bound;	 /* the gadget is bound now */
	bool same_settings; /* the file has the settings of the gadget; otherwise a reload without
			       changes changes only settings of the supervisor, such as how workers
			       are restarted */
};

/* Finds out what a reload would change, and changes nothing. */
int client_reload_plan(const struct paths *paths, const char *name, const char *file,
		       bool keep_name, const char *const *dirs,
		       struct client_reload_preview *preview, struct error *err);

/*
 * Waits until a host has configured the gadget, at most `seconds`. The gadget must be up. Sets
 * *by_udc to whether only the UDC's state shows it.
 */
int client_wait_configured(const struct paths *paths, const char *name, double seconds,
			   bool *by_udc, struct error *err);

/*
 * Waits until the gadget is "ready", "configured" by its host, or "disconnected" from its host.
 * With a time limit, also waits until the gadget has a supervisor, and fails with EX_TEMPFAIL after
 * `seconds`. Without a time limit (HUGE_VAL), fails if the gadget has no supervisor. Fails with
 * EX_PROTOCOL if a worker has failed and is not restarted. Sets *by_udc as client_wait_configured
 * does.
 */
int client_wait_condition(const struct paths *paths, const char *name,
			  enum wait_condition condition, double seconds, bool *by_udc,
			  struct error *err);
