/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live function is one function while its gadget is up: a FunctionFS function, or a kernel
 * function that has a worker. It has a keeper, a link state, and the worker that serves it. `struct
 * function` and `struct worker` are the model: what the gadget file defines.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "function/owner.h"
#include "function/worker.h"
#include "functionfs/keeper.h"
#include "plan/plan.h"

struct functions;

/* The kernel device of a kernel function. */
struct kernel_device {
	char *device, *ifname; /* device node and network interface; NULL: none, or none yet */
	uint64_t id; /* identity of this device: a new device of the same name has another id; 0:
			unknown */
	uint64_t worker_device_id; /* `id` of the device that the worker was started for */
};

struct live_function {
	struct functions *functions;
	const struct gadget *gadget;  /* model of the gadget file that contains `model` */
	const struct function *model; /* model of this function */
	int ep0; /* open from the step write-descriptors to the start of the keeper; else -1 */
	struct kernel_device kernel_device; /* kernel functions only */
	struct keeper keeper;
	struct fd_watch keeper_socket;
	uid_t mount_uid;
	gid_t mount_gid;
	bool keeper_ending;    /* SIGKILL was sent to the keeper */
	bool draining;	       /* the keeper still forwards messages of the worker that ended */
	double draining_since; /* start of draining, monotonic */
	struct link_state link;
	bool keeper_listens;		   /* the keeper accepts a takeover */
	double linger_sent;		   /* seconds, the last value sent to the keeper */
	struct live_function *replacement; /* during a reload: the function of the new plan that
					      replaces this one */
	bool removing; /* a reload stops the worker together with those of other removed functions
			*/
	struct live_worker *worker; /* owned; NULL: ffsctl starts no worker for this function */
};

static inline struct functions *functions_of(const struct live_worker *worker)
{
	return worker->function->functions;
}

/* Returns whether the worker must be ready before the bind. */
bool function_blocks_bind(const struct live_function *function);
/*
 * Returns the directory that exists as long as the function: its mount point, or that of a kernel
 * function in configfs. The caller frees it.
 */
char *function_directory(const struct live_function *function);

/*
 * Creates a live function. The caller owns *out, also on failure. Watches and steps point at the
 * function, so it must not move.
 */
int function_new(struct live_function **out, struct functions *all, const struct gadget *gadget,
		 const struct function *model, struct error *err);
void function_free(struct live_function *function);

/*
 * Adds the steps for mount, descriptors, keeper and device link, which must precede the worker.
 * `base` is the plan that is applied already; NULL: none. The directories of that plan belong to
 * ffsctl although they exist.
 */
void function_add_steps(struct plan *plan, struct live_function *function, const struct plan *base);
/*
 * Adds the steps that start the worker and wait until it is ready. The two steps are separate, so
 * that all workers start at once.
 */
void function_add_worker_start(struct plan *plan, struct live_function *function);
void function_add_worker_ready(struct plan *plan, struct live_function *function);

extern const struct step_op *const function_ops[];
/*
 * `value` is a digest of descriptors and strings. If it changes, a reload creates the function
 * again.
 */
extern const struct step_op function_op_descriptors;
extern const struct step_op function_op_keeper;
/*
 * The steps that start a worker and wait until it is ready (steps.c). `value` of both is "GADGET
 * FUNCTION DIGEST DIRECTORY"; the digest covers everything that the worker gets.
 */
extern const struct step_op function_op_worker, function_op_ready;
/*
 * Returns DIRECTORY of such a step; "" if the step is from the record of an older version, which
 * has none.
 */
const char *function_worker_directory(const struct step *step);
/* Returns whether GADGET, FUNCTION and DIRECTORY of two such steps are equal. */
bool function_is_same_worker(const struct step *a, const struct step *b);
/* Exchanges the worker of the function with that of its replacement. */
void function_exchange_workers(struct live_function *function);

/*
 * Passes a worker that has started to the keeper: its pidfd, the supervisor's end of its control
 * socket, and the read end of its output pipe (-1: none). The caller still owns all descriptors.
 */
int function_give_worker(struct live_function *function, pid_t pid, int control, int pidfd,
			 int output, struct error *err);
/*
 * Makes the keeper forward the last messages of the worker that ended, and refuse control requests
 * from now on.
 */
void function_drop_worker(struct live_function *function);
/*
 * Returns whether the keeper still forwards messages of the last worker. Interrupts a keeper that
 * is slow, and gives up after a second.
 */
bool function_is_draining(struct live_function *function);
/* Sends PING or STOP to the worker. */
void function_send_to_worker(struct live_function *function, uint16_t type, uint32_t id);
/*
 * Takes over the keeper of a supervisor that died. `keeper`: the keeper's pid in the status that
 * the dead supervisor wrote; 0: unknown. worker_take_over continues with the worker. Returns a
 * negative errno on failure.
 */
int function_take_over(struct live_function *function, pid_t keeper);
/* Sets for how many seconds the keeper waits for another supervisor if this one dies. */
void function_set_linger(struct live_function *function, double seconds);
/* Sets the UDC whose speed the keeper reads. */
void function_set_udc(struct live_function *function, const char *udc);
/*
 * Starts another keeper after the last one died, and ends the worker, which has lost its control
 * socket. Returns false if the dead keeper held ep0, which cannot be replaced.
 */
bool function_restart_keeper(struct live_function *function);

/* --- kernel_device.c: the kernel device of a kernel function --- */

/*
 * Finds the kernel device. Returns whether the worker can be started now; the worker of a
 * FunctionFS function always can.
 */
bool function_can_start_worker(struct live_function *function);
/* Returns whether a process has written the descriptors of a FunctionFS function. */
bool function_descriptors_written(const struct live_function *function);
/* Sends the workers of all kernel functions the events of appeared and removed devices. */
void functions_update_kernel_devices(struct functions *all);
/*
 * Returns whether the supervisor must receive the uevents of all devices, because a worker starts
 * and ends with its kernel device.
 */
bool functions_need_all_uevents(const struct functions *s);
