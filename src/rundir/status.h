/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status of a gadget: RUN/NAME/status, which its supervisor replaces at each change, and the
 * objects of `status --json` (schemas/output.schema.json). The macros with the suffix _MEMBERS are
 * the tables of their fields: M(TYPE, name), the type as in members.h. Each row defines the member
 * of the struct, its JSON, and the field of `status -o`; a takeover reads the value back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "rundir/members.h"
#include "rundir/rundir.h"

/* The states of a gadget; ffsctl(8), "States". */
enum gadget_condition {
	STATUS_UNKNOWN, /* never in the file */
	STATUS_READY,
	STATUS_STARTING,
	STATUS_DEGRADED,
	STATUS_FAILED,
	STATUS_UNBOUND,
	STATUS_DOWN,	/* never in the file: the gadget is not up */
	STATUS_FOREIGN, /* never in the file: ffsctl has not made the gadget */
	GADGET_CONDITION_COUNT
};
extern const char *const gadget_condition_words[GADGET_CONDITION_COUNT];

/* The states of a worker. */
enum worker_condition {
	STATUS_WORKER_UNKNOWN, /* only if the file is of another version */
	STATUS_WORKER_STOPPED,
	STATUS_WORKER_PENDING,
	STATUS_WORKER_STARTING,
	STATUS_WORKER_READY,
	STATUS_WORKER_WAITING,
	STATUS_WORKER_FAILED,
	STATUS_WORKER_DONE,
	WORKER_CONDITION_COUNT
};
extern const char *const worker_condition_words[WORKER_CONDITION_COUNT];

enum problem_severity { PROBLEM_UNKNOWN, PROBLEM_ERROR, PROBLEM_WARNING, PROBLEM_SEVERITY_COUNT };
extern const char *const problem_severity_words[PROBLEM_SEVERITY_COUNT];

/* --- the tables --------------------------------------------------------------------------------
 */

/* Members of a gadget. A gadget that is down has only these. */
#define GADGET_MEMBERS(M)                                                                          \
	M(NAME, name)                                                                              \
	M(TEXT, file) /* the gadget file */                                                        \
	M(GADGET_CONDITION, state)

#define GADGET_UP_MEMBERS(M)                                                                       \
	M(TEXT, udc)	   /* in the file: the UDC that it should be bound to */                   \
	M(TEXT, udc_state) /* state in sysfs */                                                    \
	M(TEXT, speed)	   /* speed of the connection */                                           \
	M(TIME, since)	   /* when the gadget came up */                                           \
	M(PID, supervisor)

/* Members that only the file has: for inspect_ours.c and for a takeover. */
#define GADGET_FILE_MEMBERS(M)                                                                     \
	M(FLAG, configured) /* a host has configured it */                                         \
	M(FLAG, no_bind)    /* --no-bind, or `unbind` */                                           \
	M(FLAG, lost)	    /* a rebind is due */                                                  \
	M(FLAG, taken)	    /* another program unbound it */                                       \
	M(FLAG, held)	    /* its keepers wait for a takeover (--hold) */

#define FUNCTION_MEMBERS(M)                                                                        \
	M(NAME, label)                                                                             \
	M(NAME, type)                                                                              \
	M(NAME, instance)                                                                          \
	M(TEXT, mount)	/* mount point of FunctionFS */                                            \
	M(TEXT, device) /* device file, or link of FunctionFS */                                   \
	M(TEXT, ifname) /* network interface */                                                    \
	M(PID, keeper)

#define WORKER_MEMBERS(M)                                                                          \
	M(WORKER_CONDITION, state)                                                                 \
	M(PID, pid)                                                                                \
	M(TEXT, engine)	     /* that the worker reports */                                         \
	M(COUNT, restarts)   /* since the gadget came up */                                        \
	M(TEXT, last_exit)   /* end of its last process, in words; worker_set_exit */              \
	M(TIME, ready_since) /* only while it is ready */                                          \
	M(OBJECT, stats)     /* the worker's own statistics */

#define ENDPOINT_MEMBERS(M)                                                                        \
	M(NAME, file)                                                                              \
	M(COUNT, address) /* bEndpointAddress */                                                   \
	M(NAME, type)	  /* "bulk", "interrupt", "isochronous" */                                 \
	M(NAME, direction)                                                                         \
	M(COUNT, max_packet) /* bytes, at the speed of the link */                                 \
	M(BYTES, bytes)	     /* that the worker reports */

#define PROBLEM_MEMBERS(M)                                                                         \
	M(PROBLEM_SEVERITY, severity)                                                              \
	M(NAME, text)

/* Position in the gadget file; only some problems have one. */
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
#define MEMBER_C_GADGET_CONDITION enum gadget_condition
#define MEMBER_C_WORKER_CONDITION enum worker_condition
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
	char **links; /* links in configfs from configurations to functions; only in the file */
	size_t n_links;
};

struct gadget_statuses {
	struct gadget_status *v;
	size_t n;
};

/* The fields of `status -o`. */
extern const struct members gadget_fields, function_fields, worker_fields;

/* --- functions --------------------------------------------------------------------
 */

/*
 * Reads RUN/NAME/status. Returns -ENOENT and leaves `err` empty if there is none; fails with
 * -EBADMSG if it is damaged. Missing values are null. The caller frees the status, also on failure.
 */
int status_file_read(const struct paths *paths, const char *name, struct gadget_status *status,
		     struct error *err);
/* Does the same with the text of such a file. */
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

/* Returns the function with that label; NULL: none. */
const struct function_status *status_function(const struct gadget_status *status,
					      const char *label);
/* Adds a problem, whose text is not copied: the status owns it. Returns it. */
struct status_problem *status_add_problem(struct gadget_status *status,
					  enum problem_severity severity, char *text);
void status_forget_problems(struct gadget_status *status);
