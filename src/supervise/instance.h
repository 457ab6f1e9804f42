/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One FunctionFS instance while it lives: its keeper, what the host has done to it, and the
 * worker that serves it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "ffs/keeper.h"
#include "plan/plan.h"
#include "supervise/unit.h"

struct supervisor;

struct instance {
	struct supervisor *supervisor;
	const struct gadget *gadget;	 /* as of the file that the function is of */
	const struct function *function; /* of it */
	int ep0; /* between writing the descriptors and starting the keeper; -1 */
	struct keeper keeper;
	struct source keeper_socket;
	uid_t mount_uid;
	gid_t mount_gid;
	bool dropping; /* the keeper has not said yet that all is told of the worker that ended */
	struct bus_state bus;
	bool listens;	       /* the keeper: it can be taken over */
	double hold;	       /* what it was told last */
	struct instance *twin; /* while a reload is under way: what the new plan has in its place */
	bool leaves;	       /* a reload takes its worker away, with those of others that leave */
	struct unit *unit; /* owned; NULL: nobody serves it, or somebody that we know nothing of */
};

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
/*
 * instance_worker.c. `value` of both is "GADGET FUNCTION DIGEST MOUNT": by the first two its
 * processes are found, the digest is of all that a worker is given.
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
