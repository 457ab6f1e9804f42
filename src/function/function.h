/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live function: one function while its gadget is up, of FunctionFS or one of the kernel's that
 * has a worker, with its keeper, what the host has done to it, and the worker that serves it.
 * `struct function` and `struct worker` are what the gadget file says of them (the model).
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

/* How a function of the kernel's shows up. */
struct kernel_device {
	char *device, *ifname; /* NULL: it has none, or not yet */
	uint64_t id;	       /* another one, of the same name too, has another; 0: not known */
	uint64_t served;       /* that which the worker was started for */
};

struct live_function {
	struct functions *all;
	const struct gadget *gadget;  /* as of the file that the function is of */
	const struct function *model; /* of it */
	int ep0; /* between writing the descriptors and starting the keeper; -1 */
	struct kernel_device kernel; /* of a kernel's function: where its worker finds it */
	struct keeper keeper;
	struct fd_watch keeper_socket;
	uid_t mount_uid;
	gid_t mount_gid;
	bool keeper_ends; /* it was told to */
	bool draining; /* the keeper has not said yet that all is told of the worker that ended */
	double drain_since; /* monotonic */
	struct link_state bus;
	bool listens; /* the keeper: it can be taken over */
	double hold;  /* what it was told last */
	struct live_function
		*replacement; /* while a reload is under way: what the new plan has in its place */
	bool removing;	      /* a reload takes its worker away, with those of others that leave */
	struct live_worker
		*worker; /* owned; NULL: nobody serves it, or somebody that we know nothing of */
};

/* Whether its worker must be ready before the bind. */
bool function_blocks_bind(const struct live_function *function);
/* The directory that it lives and dies with: its mount, or that of a kernel's function. The caller
 * frees it. */
char *function_place(const struct live_function *function);

/* The caller owns *out, also when it fails. It stays where it is: sources and steps point at it. */
int function_new(struct live_function **out, struct functions *all, const struct gadget *gadget,
		 const struct function *model, struct error *err);
void function_free(struct live_function *function);

/*
 * Mount, descriptors, keeper, device link: what must be there before its worker starts. `base`:
 * the plan that is applied, whose directories are ours although they are there; NULL: none is.
 */
void function_add_steps(struct plan *plan, struct live_function *function, const struct plan *base);
/* Start and, as a step of its own so that all start at once, wait for readiness. */
void function_add_worker_start(struct plan *plan, struct live_function *function);
void function_add_worker_ready(struct plan *plan, struct live_function *function);

extern const struct step_op *const function_ops[];
/* `value` is a digest of descriptors and strings: with others the function is made anew. */
extern const struct step_op function_op_descriptors;
extern const struct step_op function_op_keeper;
/*
 * steps.c. `value` of both is "GADGET FUNCTION DIGEST PLACE"; the digest is of all that a
 * worker is given.
 */
extern const struct step_op function_op_worker, function_op_ready;
/* The replacement's worker becomes the function's own, and the other way round. */
void function_exchange_workers(struct live_function *function);
/* The worker to replace has ended, and all that it served is halted. */
void function_succeed(struct live_function *function);

/* The keeper gets a worker that has started: its pidfd and our ends of its control socket and of
 * the pipe it prints into (-1: none), which stay the caller's. */
int function_give_worker(struct live_function *function, pid_t pid, int control, int pidfd,
			 int output, struct error *err);
/* The worker has ended: takes from the keeper all that it has still said, and nobody answers any
 * more. */
void function_drop_worker(struct live_function *function);
/* Whether the keeper has not answered yet, who then is interrupted; not for ever. */
bool function_is_draining(struct live_function *function);
/* PING or STOP to the worker. */
void function_send(struct live_function *function, uint16_t type, uint32_t id);
/*
 * Takes over the keeper of a supervisor that has died; `status` is what that has written of the
 * function (NULL: nothing). The worker learns of it by worker_take_over. -errno.
 */
int function_take_over(struct live_function *function, const json_t *status);
/* How many seconds its keeper is to outlive us. */
void function_hold(struct live_function *function, double seconds);
/* Where its keeper finds the speed of the link. */
void function_set_udc(struct live_function *function, const char *udc);
/*
 * Its keeper has died, without which the worker cannot be talked to. True: it was none that held
 * ep0, there is another one, and the worker ends.
 */
bool function_renew_keeper(struct live_function *function);

/* --- kernel_device.c: where a worker finds a function of the kernel's --- */

/* Looks anew; whether what its worker serves is there: endpoints always are. */
bool function_is_there(struct live_function *function);
/* Whether somebody has written descriptors for a function of FunctionFS. */
bool function_is_active(const struct live_function *function);
/* Tells the workers of all such functions what appeared or was removed. */
void functions_look(struct functions *all);
/* Whether there is a worker that comes and goes with what the kernel makes for it. */
bool functions_come_and_go(const struct functions *s);
