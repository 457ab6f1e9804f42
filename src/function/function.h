/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live function is one function while its gadget is up: a FunctionFS function, or a kernel
 * function that has a worker. It has a keeper, a link state, and the worker that serves it. `struct
 * function` and `struct worker` are the model: what the gadget file defines.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/loop.h"
#include "function/functions.h"
#include "function/worker.h"
#include "functionfs/keeper.h"
#include "plan/plan.h"

struct functions;

/* The kernel device of a kernel function. */
struct kernel_device {
	char *device_node, *ifname; /* device node and network interface; NULL: none, or none yet */
	uint64_t inode_or_ifindex; /* inode of the device node, or ifindex; a new device of the same
				    * name has another one; 0: unknown
				    */
	uint64_t inode_or_ifindex_at_start; /* that of the device that the worker was started for */
};

/* A function while its gadget is up. */
struct live_function {
	struct functions *functions;  /* all live functions of the gadget */
	const struct gadget *gadget;  /* model of the whole gadget, which contains `model` */
	const struct function *model; /* model of this function */
	int ep0_fd; /* file descriptor of ep0 from the step write-descriptors to the start of the
		       keeper; otherwise -1 */
	struct kernel_device kernel_device; /* used only for kernel functions */
	struct keeper keeper;
	struct fd_watch keeper_socket_watch;
	struct fd_watch keeper_end_watch; /* watches the pidfd of a keeper that was taken over */
	uid_t endpoint_files_uid;	  /* owner of the endpoint files */
	gid_t endpoint_files_gid;	  /* group of the endpoint files */
	bool keeper_kill_sent;		  /* SIGKILL was sent to the keeper */
	bool keeper_is_lost; /* the keeper of an optional function has died; the next start of the
				worker starts another one */
	/* Makes again what is missing before a worker starts: the mount and the link of `device`,
	   which another program has removed, and a keeper that is lost, with descriptors and
	   strings. No process may have a file of the FunctionFS instance open, else the mount or
	   the keeper cannot be renewed. */
	int (*restore)(struct live_function *function, struct error *err);
	bool awaits_last_worker_messages; /* the keeper still forwards messages of the worker that
					  ended */
	/* monotonic time of the last function_request_last_worker_messages() */
	double last_worker_messages_awaited_since;
	struct link_state link_state;
	/* late_disables.c */
	bool disable_is_due;	/* the host has disabled all functions, and this keeper has not
				   reported it yet */
	bool disable_is_late;	/* and has enabled them again since */
	bool counts_as_enabled; /* a late disable was reported, and the enable after it not yet */
	/* For each endpoint, in the order of the gadget file: time at which ffsctl halted it; 0: it
	   is not halted, as far as ffsctl knows (halt_worker_endpoints.c) */
	time_t endpoint_halted_since[FFS_ENDPOINTS_MAX];
	bool keeper_accepts_takeover;
	/* how long the keeper waits for another supervisor: the last value that was sent to the
	   keeper; -1: unknown */
	double takeover_wait_sent_to_keeper;
	struct live_function *replacement; /* during a reload: the function of the new plan that
					      replaces this one */
	bool worker_ended_by_reload;	   /* a reload ends or replaces the worker, which stops in
					      parallel with the other workers that the reload ends */
	struct live_worker *worker; /* owned; NULL: ffsctl starts no worker for this function */

	/* late_requests.c */
	double late_requests_logged_since; /* monotonic time of the first line of this minute */
	unsigned int n_late_lines;	   /* lines in this minute */
	unsigned int n_late_unlogged;	   /* requests of this minute without a line */

	/* daemon_descriptors.c */
	struct fd_watch descriptors_watch; /* inotify(7) for ep0 of a daemon; owned */
	bool ep0_writes_are_watched;	   /* descriptors_watch also reports writes */
	uint64_t descriptors_id;	 /* of the last look; see function_read_descriptors_id() */
	uint64_t descriptors_id_at_bind; /* before the last bind; 0: unknown */
	bool had_endpoint_files;	 /* descriptors of the daemon had endpoints */
	uint32_t n_ep0_opens;		 /* number of times that ep0 was opened since the watch */
	/* Linux before 6.9 has no file `ready`. If there are no endpoint files either, the number
	   of writes to ep0 shows whether descriptors exist. */
	bool counts_ep0_writes;
	unsigned int n_open_ep0_files;
	unsigned int n_ep0_writes; /* since ep0 was not open; no more than needed are counted */
	uint32_t n_written_descriptors; /* number of times that descriptors and strings were */

	/* members of an optional function (supervisor/optional_functions.h) */
	bool left_out;	    /* the configurations of the gadget have no links to this function */
	char *bind_refusal; /* reason why the kernel refused to bind the gadget with this function;
			       NULL: none since the worker was started */
	pid_t bound_worker; /* pid of the worker at the last successful bind; 0: none */
};

static inline struct functions *gadget_functions_of(const struct live_worker *worker)
{
	return worker->function->functions;
}

/*
 * Add the steps that mount FunctionFS, and make the directories of the mount point that
 * `applied_plan` (NULL: none) has made or that do not exist; and the step that makes the link of
 * the key `device`, which the function must have.
 */
void function_add_mount_steps(struct plan *plan, struct live_function *function,
			      const struct plan *applied_plan);
void function_add_device_link_step(struct plan *plan, struct live_function *function);
/* Returns whether another program has unmounted the function's FunctionFS. */
bool function_is_unmounted(const struct live_function *function);
/*
 * Returns whether a start of the worker can mount FunctionFS again: the function's keeper does not
 * have ep0 open, or can be replaced.
 */
bool function_can_be_mounted_again(const struct live_function *function);
/* Sets the error that another program has unmounted FunctionFS; returns its negative errno. */
int function_error_unmounted(const struct live_function *function, struct error *err);
/*
 * Mounts FunctionFS again. Fails with -EBUSY while a process has a file of the unmounted instance
 * open.
 */
int function_mount_again(struct live_function *function, struct error *err);
/* Makes the link of the key `device` again, if there is such a key and the link is missing. */
int function_link_device_again(struct live_function *function, struct error *err);
/* Returns whether the worker must be ready before the bind. */
bool function_blocks_bind(const struct live_function *function);
/*
 * Returns whether the function needs no waiting by the steps of a plan: it is optional, and the
 * gadget comes up, or is without it already. The supervisor decides whether the gadget is bound
 * without it.
 */
static inline bool function_is_not_awaited_by_steps(const struct live_function *function)
{
	return function->model->optional &&
	       (function->left_out || function->functions->up_down_phase != PHASE_UP);
}
/*
 * Returns the directory that exists as long as the function: its mount point, or that of a kernel
 * function in configfs. The caller frees it.
 */
char *function_mount_or_configfs_path(const struct live_function *function);

/*
 * Creates a live function. The caller owns *out, also on failure. Watches and steps point at the
 * function, so it must not move.
 */
int function_new(struct live_function **out, struct functions *all, const struct gadget *gadget,
		 const struct function *model, struct error *err);
void function_free(struct live_function *function);

/*
 * Adds the steps for the mount, the descriptors, the keeper and the symbolic link of the key
 * `device`. They must precede the steps of the worker. `applied_plan` is the plan that is already
 * applied; NULL: none. If a step of `applied_plan` has created a directory of the mount point's
 * path, `plan` gets a step for this directory, too, although it exists already: otherwise the
 * difference of the two plans would remove the directory.
 */
void function_add_steps(struct plan *plan, struct live_function *function,
			const struct plan *applied_plan);
/*
 * Adds the steps that start the worker and wait until it is ready. The two steps are separate, so
 * that the workers of all functions start in parallel.
 */
void function_add_start_worker_step(struct plan *plan, struct live_function *function);
void function_add_await_ready_step(struct plan *plan, struct live_function *function);

extern const struct step_op *const function_ops[];
/*
 * `value` is a digest of descriptors and strings. If the digest changes, a reload creates the
 * function again.
 */
extern const struct step_op function_op_descriptors;
extern const struct step_op function_op_keeper;
/*
 * The steps that start a worker and wait until it is ready (worker_steps.c). `value` of both is
 * "GADGET FUNCTION DIGEST-FILES DIRECTORY"; DIGEST covers everything that the worker is started
 * with, FILES the program, plugin and script that its last process has executed. ffsctl 0.2
 * recorded no FILES.
 */
extern const struct step_op function_op_worker, function_op_ready;
/*
 * Returns DIRECTORY, the last word of the `value` of a step start-worker or await-ready: the mount
 * point of a FunctionFS function, or the configfs directory of a kernel function
 * (function_mount_or_configfs_path).
 */
const char *function_directory_of_worker_step(const struct step *step);
/* Returns whether two of these steps are for the same worker: GADGET, FUNCTION and DIRECTORY in
   their `value` are the same. */
bool function_steps_name_same_worker(const struct step *a, const struct step *b);
/* Returns whether two of these steps are equal, but for FILES in their `value`. */
bool function_steps_differ_only_in_files(const struct step *a, const struct step *b);
/* Exchanges the worker of the function with the worker of its replacement (swap_workers.c). */
void function_swap_workers_with_replacement(struct live_function *function);

/*
 * Passes a started worker to the keeper: its pid, its pidfd, the supervisor's end of its control
 * socket, and the read end of its output pipe (-1: none). The caller still owns these file
 * descriptors.
 */
int function_pass_worker_to_keeper(struct live_function *function, pid_t pid, int control,
				   int pidfd, int output, struct error *err);
/*
 * Makes the keeper forward the remaining messages of the worker that ended, and refuse control
 * requests from now on.
 */
void function_request_last_worker_messages(struct live_function *function);
/*
 * Returns whether the keeper still forwards messages of the worker that ended. If a control request
 * delays the keeper for more than 10 ms, interrupts this request. Returns false after one second at
 * the latest.
 */
bool function_awaits_last_worker_messages(struct live_function *function);
/* Sends PING or STOP to the worker. */
void function_send_to_worker(struct live_function *function, uint16_t type, uint32_t id);
/*
 * Takes over the keeper of a supervisor that died. `keeper`: the keeper's pid in the status that
 * the dead supervisor wrote; 0: unknown. worker_take_over must be called for the worker afterwards.
 * Returns a negative errno on failure.
 */
int function_take_over_keeper(struct live_function *function, pid_t keeper);
/* Sets for how many seconds the keeper waits for another supervisor if this one dies. */
void function_set_keeper_takeover_wait(struct live_function *function, double seconds);
/* Passes the time limit for control requests of the model (control_timeout) to the keeper. */
void function_set_keeper_control_timeout(struct live_function *function);
/* Logs what the keeper reports about a control request that was not answered in time
   (late_requests.c). A host cannot fill the log with such requests. */
void function_log_late_request(struct live_function *function, const void *body, size_t size);
/* Sets the UDC whose speed the keeper reads. */
void function_set_keeper_udc(struct live_function *function, const char *udc);
/*
 * Starts another keeper after the last one died. Also kills the worker, because the dead keeper had
 * the other end of its control socket. Returns false if the dead keeper had ep0 open: such a keeper
 * cannot be replaced.
 */
bool function_restart_keeper(struct live_function *function);
/*
 * Lets an optional function go on without its dead keeper: kills the worker, whose next start calls
 * `restore`. Until then the gadget cannot be bound with the function.
 */
void function_lose_keeper(struct live_function *function);

/* --- daemon_descriptors.c: the descriptors in a FunctionFS instance --- */

/*
 * Returns a number that identifies the descriptors in the FunctionFS instance: others have another
 * one. Returns 0 if there are none. Asks the kernel; Linux before 6.9 reports only the endpoint
 * files, and for a daemon without endpoints uses the number of writes that
 * function_update_descriptors() has counted.
 */
uint64_t function_read_descriptors_id(const struct live_function *function);
/* Returns whether the descriptors that exist now were written after `time`, a time of a file. */
bool function_descriptors_were_written_after(const struct live_function *function,
					     const struct timespec *time);
/*
 * Watches the descriptors of a daemon from now on: the callback `descriptors_may_have_changed`
 * follows when it opens or closes ep0 or writes to it. Also reads them. Returns 0 or a negative
 * errno.
 */
int function_watch_descriptors(struct live_function *function);
/*
 * Reads the descriptors of a watched daemon again. WORKER_EV_READY follows if the worker waited for
 * them.
 */
void function_update_descriptors(struct live_function *function);
void functions_update_descriptors(struct functions *functions); /* of each function */
/*
 * Returns whether the last look found no descriptors of a watched daemon, but nothing shows
 * descriptors that another supervisor has not seen: on Linux before 6.9, if they have no endpoints.
 */
bool function_descriptors_are_unknown(const struct live_function *function);
/* Returns whether the last look found no descriptors of a watched daemon. */
bool function_lacks_descriptors(const struct live_function *function);

/* --- device_access.c: the access of a worker without `user` to its device --- */

/* Returns whether the device is the worker's while it runs. */
bool function_worker_gets_device(const struct live_function *function);
/* Lets the worker open its device. Called before each start. */
void function_give_device_to_worker(const struct live_function *function);
/* Ends that, after the end of the worker's last process. */
void function_take_device_from_worker(const struct live_function *function);
/*
 * Returns the path of the endpoint file to which the key `device` leads; NULL: the function does
 * not have the key. The caller frees it.
 */
char *function_device_endpoint_path(const struct live_function *function);

/* --- halt_worker_endpoints.c: which endpoints are halted --- */

/* Ends the records of all halts: the host has enabled the function, or the gadget was unbound. */
void function_forget_halts(struct live_function *function);

/* late_disables.c: */
/* Sets the link state, as of another keeper or after an unbind. */
void function_set_link_state(struct live_function *function, struct link_state state);
/* Applies an event that the keeper reports to the link state. */
void function_apply_link_event(struct live_function *function, const struct ffsctl_event *event);
/* Returns whether the host has enabled the function, also where its keeper is late. */
bool function_is_enabled(const struct live_function *function);
/*
 * Ends the record of the halt of an endpoint if the worker has moved so much data on it that the
 * host must have cleared the halt. `bytes`: all that this process has moved.
 */
void function_note_moved_bytes(struct live_function *function, size_t endpoint, uint64_t bytes);

/* --- kernel_device.c: the kernel device of a kernel function --- */

/*
 * Updates function->kernel_device. Returns whether the worker can be started now; always true for a
 * FunctionFS function.
 */
bool function_can_start_worker(struct live_function *function);
/*
 * Sends WORKER_EV_APPEARED or WORKER_EV_REMOVED to each worker whose kernel device appeared or was
 * removed.
 */
void functions_update_kernel_devices(struct functions *all);
/*
 * Returns whether the supervisor must receive the uevents of all devices, because a worker starts
 * and ends with its kernel device.
 */
bool functions_need_all_uevents(const struct functions *all);
/*
 * Returns the words for what the worker of a kernel function waits for before it starts, such as
 * "the gadget is bound". Returns NULL if the worker does not wait, or if only its device file is
 * missing.
 */
const char *function_event_before_start(const struct live_function *function);
/* Fails with EX_UNAVAILABLE if the worker of a kernel function waits only because its device file
   is missing. */
int function_check_device_file(const struct live_function *function, struct error *err);
