/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status of a gadget. There are two forms: the status file RUN/NAME/status, which the
 * supervisor replaces at each change, and the objects of `status --json`
 * (schemas/output.schema.json). The macros with the suffix _MEMBERS are the tables of the members:
 * a row M(TYPE, name) defines the member of the struct, the member of the JSON object with the type
 * MEMBER_TYPE, and the field of `status -o`. After a row was added, `make update-reference` adds
 * the member to the schema.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "rundir/json_members.h"
#include "rundir/rundir.h"

/* The states of a gadget: see ffsctl(8), "States". */
enum gadget_state_in_status {
	STATUS_UNKNOWN, /* not known; never in the status file */
	STATUS_READY,
	STATUS_STARTING,
	STATUS_DEGRADED,
	STATUS_FAILED,
	STATUS_UNBOUND,
	STATUS_DOWN,	/* the gadget is not up; never in the status file */
	STATUS_FOREIGN, /* another program has made the gadget; never in the status file */
	GADGET_STATE_IN_STATUS_COUNT
};
extern const char *const gadget_state_in_status_words[GADGET_STATE_IN_STATUS_COUNT];

/* The states of a worker. */
enum worker_state_in_status {
	STATUS_WORKER_UNKNOWN, /* a state in the status file that only another version has */
	STATUS_WORKER_STOPPED,
	STATUS_WORKER_PENDING,
	STATUS_WORKER_STARTING,
	STATUS_WORKER_READY,
	STATUS_WORKER_WAITING,
	STATUS_WORKER_FAILED,
	STATUS_WORKER_DONE,
	WORKER_STATE_IN_STATUS_COUNT
};
extern const char *const worker_state_in_status_words[WORKER_STATE_IN_STATUS_COUNT];

enum problem_severity { PROBLEM_UNKNOWN, PROBLEM_ERROR, PROBLEM_WARNING, PROBLEM_SEVERITY_COUNT };
extern const char *const problem_severity_words[PROBLEM_SEVERITY_COUNT];

/* --- the tables --------------------------------------------------------------------------------
 */

/* Members of every gadget. */
#define GADGET_MEMBERS(M)                                                                          \
	M(NAME, name)                                                                              \
	M(TEXT, file) /* path of the gadget file */                                                \
	M(GADGET_STATE, state)

/* Further members of a gadget that is not down. */
#define GADGET_UP_MEMBERS(M)                                                                       \
	/* UDC to which the gadget is bound; in the status file also while the gadget is not       \
	   bound, except after `unbind` */                                                         \
	M(TEXT, udc)                                                                               \
	M(TEXT, udc_state) /* the UDC's `state` in sysfs */                                        \
	M(TEXT, speed)	   /* speed of the connection to the host */                               \
	/* what shows that a host has configured the gadget: "functions", which FunctionFS has     \
	   enabled, or only "udc", its `state`; null: no host has, or nothing shows it */          \
	M(TEXT, configured_by)                                                                     \
	M(TIME, since) /* time at which the gadget came up */                                      \
	M(PID, supervisor)

/* Members that only the status file has, for inspect_run_dir.c and for a takeover. */
#define GADGET_FILE_MEMBERS(M)                                                                     \
	M(FLAG, configured)   /* the host has configured the gadget */                             \
	M(FLAG, suspended)    /* and has suspended it */                                           \
	M(TEXT, host_failure) /* why a host could not configure it; null: unknown */               \
	M(TEXT, host_hint)    /* what to change then */                                            \
	M(FLAG, no_bind)      /* the user wants it unbound: `up --no-bind` or `unbind` */          \
	M(FLAG, lost)	      /* the gadget was unbound and must be bound again */                 \
	M(FLAG, taken)	      /* another program unbound the gadget */                             \
	M(FLAG, held)	      /* keepers wait for a takeover if the supervisor dies (--hold) */

#define FUNCTION_MEMBERS(M)                                                                        \
	M(NAME, label)                                                                             \
	M(NAME, type)                                                                              \
	M(NAME, instance)                                                                          \
	M(TEXT, mount)	/* mount point of FunctionFS */                                            \
	M(TEXT, device) /* device file of the kernel device, or link to an endpoint file */        \
	M(TEXT, ifname) /* name of the network interface */                                        \
	/* reason why the gadget is without this optional function; null: it has it */             \
	M(TEXT, left_out)                                                                          \
	M(PID, keeper)

/* Members that only the status file has, for a takeover and for `status`. */
#define FUNCTION_FILE_MEMBERS(M)                                                                   \
	M(FLAG, had_endpoints)	/* descriptors of the daemon had endpoints */                      \
	M(FLAG, restart_mounts) /* a start of the worker mounts FunctionFS if it is unmounted */   \
	M(OBJECT, restart_history) /* function/restart_history.c */

#define WORKER_MEMBERS(M)                                                                          \
	M(WORKER_STATE, state)                                                                     \
	M(PID, pid)                                                                                \
	M(TEXT, engine)	     /* engine that the worker reports */                                  \
	M(COUNT, restarts)   /* number of restarts since the gadget came up */                     \
	M(TEXT, last_exit)   /* how the last worker process ended, as text (worker_store_exit) */  \
	M(TIME, ready_since) /* time at which the worker became ready; null: it is not ready */    \
	M(OBJECT, stats)     /* statistics that the worker reports */

#define ENDPOINT_MEMBERS(M)                                                                        \
	M(NAME, file)                                                                              \
	M(COUNT, address) /* bEndpointAddress */                                                   \
	M(NAME, type)	  /* "bulk", "interrupt", "isochronous" */                                 \
	M(NAME, direction)                                                                         \
	M(COUNT, max_packet) /* at the speed of the connection, bytes */                           \
	M(BYTES, bytes)	     /* transferred bytes that the worker reports */                       \
	M(TIME, halted)	     /* time at which ffsctl halted it; null: not halted, or cleared */

#define PROBLEM_MEMBERS(M)                                                                         \
	M(PROBLEM_SEVERITY, severity)                                                              \
	M(NAME, text)

/* Position in the gadget file, which only some problems have. */
#define PROBLEM_POSITION_MEMBERS(M)                                                                \
	M(TEXT, file)                                                                              \
	M(COUNT, line)                                                                             \
	M(COUNT, column)

/* --- the structs -------------------------------------------------------------------------------
 */

#define MEMBER_C_NAME char *
#define MEMBER_C_TEXT char *
#define MEMBER_C_PID pid_t
#define MEMBER_C_TIME time_t
#define MEMBER_C_COUNT unsigned int
#define MEMBER_C_BYTES int64_t
#define MEMBER_C_FLAG bool
#define MEMBER_C_OBJECT json_t *
#define MEMBER_C_GADGET_STATE enum gadget_state_in_status
#define MEMBER_C_WORKER_STATE enum worker_state_in_status
#define MEMBER_C_PROBLEM_SEVERITY enum problem_severity
#define MEMBER_IN_STRUCT(type, name) MEMBER_C_##type name;

struct worker_status {
	WORKER_MEMBERS(MEMBER_IN_STRUCT)
};

struct endpoint_status {
	ENDPOINT_MEMBERS(MEMBER_IN_STRUCT)
};

struct function_status {
	FUNCTION_MEMBERS(MEMBER_IN_STRUCT)
	FUNCTION_FILE_MEMBERS(MEMBER_IN_STRUCT)
	struct endpoint_status *endpoints;
	size_t n_endpoints;
	bool has_worker;
	struct worker_status worker;
};

struct status_problem {
	PROBLEM_MEMBERS(MEMBER_IN_STRUCT)
	bool has_position;
	PROBLEM_POSITION_MEMBERS(MEMBER_IN_STRUCT)
};

struct gadget_status {
	GADGET_MEMBERS(MEMBER_IN_STRUCT)
	GADGET_UP_MEMBERS(MEMBER_IN_STRUCT)
	GADGET_FILE_MEMBERS(MEMBER_IN_STRUCT)
	struct function_status *functions;
	size_t n_functions;
	struct status_problem *problems;
	size_t n_problems;
	/* Symbolic links in configfs from configurations to functions; only in the status file */
	char **configfs_symlinks;
	size_t n_configfs_symlinks;
};

struct gadget_statuses {
	struct gadget_status *list;
	size_t n;
};

/* The fields of `status -o`. */
extern const struct json_members gadget_fields, function_fields, worker_fields;

/* --- functions --------------------------------------------------------------------
 */

/*
 * Reads the status file RUN/NAME/status. Returns -ENOENT and leaves `err` empty if there is no
 * file. Fails with -EBADMSG if the file is damaged. Missing values become null. The caller frees
 * the status, also on failure.
 */
int status_file_read(const struct paths *paths, const char *name, struct gadget_status *status,
		     struct error *err);
/* Parses the text of a status file; errors as for status_file_read. */
int status_parse(const char *text, size_t size, struct gadget_status *status, struct error *err);
int status_file_write(const struct rundir *rundir, const struct gadget_status *status,
		      struct error *err);
/* Returns the gadget's object in `status --json`; the caller owns it. */
json_t *status_to_json(const struct gadget_status *status);
/* Returns the array of the objects of several gadgets; the caller owns it. */
json_t *statuses_to_json(const struct gadget_statuses *statuses);

void status_free(struct gadget_status *status);
void statuses_free(struct gadget_statuses *statuses);
void worker_status_copy(struct worker_status *to, const struct worker_status *from);
void worker_status_free(struct worker_status *status);

/* Returns the status of the function with this label; NULL: there is no such function. */
const struct function_status *status_find_function(const struct gadget_status *status,
						   const char *label);
/* Adds a problem and returns it. The status then owns `text`, which is not copied. */
struct status_problem *status_add_problem(struct gadget_status *status,
					  enum problem_severity severity, char *text);
void status_clear_problems(struct gadget_status *status);
