/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command asks of supervisors: start one, send a request, or do its work when it has ended.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/paths.h"
#include "gadgetfile/gadget.h"
#include "plan/plan.h"

struct client_options {
	const struct paths *paths;
	const char *udc; /* --udc; NULL */
	bool no_bind;
	const char *const *dirs; /* where gadget files are looked for by name; ends with NULL */
	double timeout;		 /* seconds to come up in */
	double wait_udc;	 /* seconds; 0: do not wait, HUGE_VAL: for ever */
	double hold; /* seconds that keepers and workers outlive the supervisor, for the next one */
	gid_t group; /* whose commands are accepted as well as root's; 0: none */
	int notify_fd; /* client_run: where a newline goes when the gadget is up; -1: nowhere */
};

#define CLIENT_HOLD_DEFAULT 10

enum client_result {
	CLIENT_DONE,	  /* it came up, was taken down, bound, unbound */
	CLIENT_UNCHANGED, /* up: it was up already, and the same; down: it was not up; and so on */
	CLIENT_CLEARED,	  /* down: it was what a dead supervisor had left */
	CLIENT_FORCED, /* down: there was no record of it, only what configfs and the mounts show */
	CLIENT_TAKEN_OVER, /* up: so it was, but keepers and workers were still there: they go on */
};

/* The plan that `up` would run, for --dry-run. Needs no root. */
int client_plan(const struct gadget *g, const struct client_options *options, struct plan *plan,
		struct error *err);

/* What a detached child tells the command that waits for it. */
struct client_report {
	enum client_result result;
	char name[256];
	char udc[256]; /* "" not bound */
};

/*
 * Splits `up` in two. In the child (*report_fd >= 0), which is in a session of its own and will be
 * the supervisor, it returns 0 at once. In the parent (*report_fd < 0) it returns when the child
 * has reported (0), has ended with an exit code (which it returns; the child has printed why), or
 * was killed (EX_OSERR with err filled). INT and TERM to the parent make the child undo what it
 * has done. Forking before there is anything to copy is what keeps this cheap.
 */
int client_detach(int *report_fd, struct client_report *report, struct error *err);

/*
 * In the child: brings the gadget up, or finds that the same is up already, and reports; then
 * closes the caller's descriptors and supervises until the gadget goes down. Returns 0 after that,
 * or a negative errno with err filled; *reported tells whether the caller still listens. `form` is
 * the file's JSON form. What the workers printed before a failure goes to *output (NULL: nothing),
 * which the caller frees.
 */
int client_up(const struct gadget *g, const json_t *form, const struct client_options *options,
	      int report_fd, bool *reported, char **output, struct error *err);

/* Whether a gadget has lost its supervisor, so that client_take_over may give it another one. */
bool client_is_orphaned(const struct paths *paths, const char *name);
/*
 * In the child: goes on in place of a supervisor that has died, with the same keepers and workers,
 * as what its record says, whatever has become of the gadget file. As client_up, otherwise; the
 * result that is reported is CLIENT_TAKEN_OVER, or CLIENT_UNCHANGED if somebody was faster.
 * EX_UNAVAILABLE: nothing that is left can be taken over.
 */
int client_take_over(const struct paths *paths, const char *name, int report_fd, bool *reported,
		     struct error *err);

/* As client_up in the foreground, until TERM or INT, or until it fails for good. */
int client_run(const struct gadget *g, const json_t *form, const struct client_options *options,
	       struct error *err);

/*
 * For one of several gadgets: runs `fn` in a process of its own and returns its exit code, or
 * EX_OSERR with err filled. `fn` may client_detach. stdout_fd: what becomes its stdout; -1: ours.
 * INT and TERM make it undo what it has done: EX_TEMPFAIL, and ECANCELED in err.
 */
int client_apart(int (*fn)(void *data), void *data, int stdout_fd, struct error *err);

/* What a command may take down. */
enum client_whose {
	CLIENT_OURS,
	CLIENT_ANYBODYS, /* also what ffsctl has not made, or has no record of any more */
};

/*
 * Takes a gadget down, with or without its supervisor. EX_CANTCREAT: it is somebody else's, or, if
 * that does not matter, somebody uses its FunctionFS; then nothing was changed.
 */
int client_down(const struct paths *paths, const char *name, enum client_whose whose,
		enum client_result *result, struct error *err);

/* The last events and the workers' last words (rundir/output.h). The caller frees *text. */
int client_log(const struct paths *paths, const char *name, char **text, size_t *size,
	       struct error *err);

/*
 * The supervisor becomes that program (an absolute path of an ffsctl), and nothing else changes:
 * workers and bus stay as they are. Returns when it goes on.
 */
int client_reexec(const struct paths *paths, const char *name, const char *program,
		  struct error *err);
/*
 * What it executes (supervisor_reexec): goes on with the descriptors of the lock and of the
 * command's socket. Returns as client_up and client_run do.
 */
int client_resume(const struct paths *paths, const char *name, int lock_fd, int client_fd,
		  bool foreground, struct error *err);

/* function NULL: all of them. -ESRCH, EX_UNAVAILABLE: it has no supervisor. */
int client_restart(const struct paths *paths, const char *name, const char *function,
		   struct error *err);

/*
 * Puts a gadget that is up on the bus: on `udc`, or NULL: where it was, else where `up` would have
 * put it. Returns when it is there; *bound, which the caller frees, is where. CLIENT_UNCHANGED: it
 * was.
 */
int client_bind(const struct paths *paths, const char *name, const char *udc,
		enum client_result *result, char **bound, struct error *err);
/* Takes it off the bus, and nothing else away. CLIENT_UNCHANGED: it was not on it. */
int client_unbind(const struct paths *paths, const char *name, enum client_result *result,
		  struct error *err);

/* The path of the gadget file that a gadget of ours came from. The caller frees it. */
int client_file(const struct paths *paths, const char *name, char **file, struct error *err);
/*
 * The reverse: the name of the gadget of ours that came from that file (an absolute path, as
 * client_file has it); NULL: none did. Of several it is the one whose name the file gave; without
 * that one EX_USAGE. The caller frees it.
 */
int client_of_file(const struct paths *paths, const char *file, char **name, struct error *err);

struct client_reload {
	enum client_result result; /* CLIENT_UNCHANGED: the file has not changed */
	bool rebound;		   /* the host has seen it go and come */
	char *awaits; /* the UDC that is missing, to which it is bound then; NULL; the caller's */
};

/*
 * Makes a gadget that is up what the file says now, in at most so many seconds (and as many for the
 * way back). `renamed`: the file may give it another name. When it fails the gadget is as it was,
 * or the text says that it is not.
 */
int client_reload(const struct paths *paths, const char *name, const char *file, bool renamed,
		  double timeout, struct client_reload *done, struct error *err);
/*
 * The changes that it would make, as the array "plan" of `--dry-run --json` (the caller owns it), and whether
 * the gadget would leave the bus. Changes nothing.
 */
int client_reload_plan(const struct paths *paths, const char *name, const char *file, bool renamed,
		       const char *const *dirs, json_t **changes, bool *rebinds, struct error *err);

/* Until a host has configured the gadget, which is up. */
int client_wait_host(const struct paths *paths, const char *name, double seconds,
		     struct error *err);

/*
 * Until a gadget with a supervisor is "ready", "configured" by its host or "disconnected" from it.
 * A number of seconds: also until it has one; EX_TEMPFAIL when the time is up. HUGE_VAL: for ever.
 * EX_PROTOCOL when a worker has failed for good.
 */
int client_wait(const struct paths *paths, const char *name, const char *condition, double seconds,
		struct error *err);
