/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One function while it lives, of FunctionFS or one of the kernel's that has a worker: its keeper,
 * what the host has done to it, and the worker that serves it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "function/worker.h"
#include "functionfs/keeper.h"
#include "plan/plan.h"

struct supervisor;

/* How a function of the kernel's shows up. */
struct node {
	char *device, *ifname; /* NULL: it has none, or not yet */
	uint64_t id;	       /* another one, of the same name too, has another; 0: not known */
	uint64_t served;       /* that which the worker was started for */
};

struct instance {
	struct supervisor *supervisor;
	const struct gadget *gadget;	 /* as of the file that the function is of */
	const struct function *function; /* of it */
	int ep0;	  /* between writing the descriptors and starting the keeper; -1 */
	struct node node; /* of a kernel's function: where its worker finds it */
	struct keeper keeper;
	struct source keeper_socket;
	uid_t mount_uid;
	gid_t mount_gid;
	bool keeper_ends; /* it was told to */
	bool dropping; /* the keeper has not said yet that all is told of the worker that ended */
	double drop_since; /* monotonic */
	struct link_state bus;
	bool listens;	       /* the keeper: it can be taken over */
	double hold;	       /* what it was told last */
	struct instance *twin; /* while a reload is under way: what the new plan has in its place */
	bool leaves;	       /* a reload takes its worker away, with those of others that leave */
	struct unit *unit; /* owned; NULL: nobody serves it, or somebody that we know nothing of */
};

/* Whether its worker has to be ready before the bind. */
bool instance_gates(const struct instance *instance);
/* The directory that it lives and dies with: its mount, or that of a kernel's function. The caller
 * frees it. */
char *instance_place(const struct instance *instance);

/* The caller owns *out, also when it fails. It stays where it is: sources and steps point at it. */
int instance_new(struct instance **out, struct supervisor *supervisor, const struct gadget *gadget,
		 const struct function *function, struct error *err);
void instance_free(struct instance *instance);

/*
 * Mount, descriptors, keeper, device link: what has to be there before its worker starts. `base`:
 * the plan that is applied, whose directories are ours although they are there; NULL: none is.
 */
void instance_add_steps(struct plan *plan, struct instance *instance, const struct plan *base);
/* Start and, as a step of its own so that all start at once, wait for readiness. */
void instance_add_worker_start(struct plan *plan, struct instance *instance);
void instance_add_worker_ready(struct plan *plan, struct instance *instance);

extern const struct step_op *const instance_ops[];
/* `value` is a digest of descriptors and strings: with others the instance is made anew. */
extern const struct step_op instance_op_descriptors;
extern const struct step_op instance_op_keeper;
/*
 * steps.c. `value` of both is "GADGET FUNCTION DIGEST PLACE"; the digest is of all that a
 * worker is given.
 */
extern const struct step_op instance_op_worker, instance_op_ready;
/* The unit that was to be replaced has ended, and all that it served is halted. */
void instance_succeed(struct instance *instance);

/* The keeper gets a worker that has started: its pidfd and our ends of its control socket and of
 * the pipe it prints into (-1: none), which stay the caller's. */
int instance_give_worker(struct instance *instance, pid_t pid, int control, int pidfd, int output,
			 struct error *err);
/* The worker has ended: takes from the keeper all that it has still said, and nobody answers any
 * more. */
void instance_drop_worker(struct instance *instance);
/* Whether the keeper has not answered yet, who then is interrupted; not for ever. */
bool instance_is_dropping(struct instance *instance);
/* PING or STOP to the worker. */
void instance_send(struct instance *instance, uint16_t type, uint32_t id);
/*
 * Takes over the keeper of a supervisor that has died; `status` is what that has written of the
 * function (NULL: nothing). The unit learns of it by unit_adopt. -errno.
 */
int instance_adopt(struct instance *instance, const json_t *status);
/* How many seconds its keeper is to outlive us. */
void instance_hold(struct instance *instance, double seconds);
/* Where its keeper finds the speed of the link. */
void instance_set_udc(struct instance *instance, const char *udc);
/*
 * Its keeper has died, without which the worker cannot be talked to. True: it was none that held
 * ep0, there is another one, and the worker ends.
 */
bool instance_renew_keeper(struct instance *instance);

/* --- kernel_device.c: where a worker finds a function of the kernel's --- */

/* Looks anew; whether what its worker serves is there: endpoints always are. */
bool instance_is_there(struct instance *instance);
/* Whether somebody has written descriptors for a function of FunctionFS. */
bool instance_is_active(const struct instance *instance);
/* Tells the workers of all such functions what has come and gone. */
void instances_look(struct supervisor *supervisor);
/* Whether there is a worker that comes and goes with what the kernel makes for it. */
bool instances_come_and_go(const struct supervisor *s);
