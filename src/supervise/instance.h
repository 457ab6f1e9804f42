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
	const struct function *function;
	int ep0; /* between writing the descriptors and starting the keeper; -1 */
	struct keeper keeper;
	struct source keeper_socket;
	uid_t mount_uid;
	gid_t mount_gid;
	bool bound, enabled, suspended;
	uint8_t speed;	   /* enum ffsctl_speed, while enabled */
	uint32_t setup_id; /* the SETUP that waits for the worker's answer; 0: none */
	struct unit *unit; /* owned; NULL: nobody serves it, or somebody that we know nothing of */
};

/* The caller owns *out, also when it fails. It stays where it is: sources and steps point at it. */
int instance_new(struct instance **out, struct supervisor *supervisor,
		 const struct function *function, struct error *err);
void instance_free(struct instance *instance);

/* Mount, descriptors, keeper, device link: what has to be there before its worker starts. */
void instance_add_steps(struct plan *plan, struct instance *instance);
/* Start and, as a step of its own so that all start at once, wait for readiness. */
void instance_add_worker_start(struct plan *plan, struct instance *instance);
void instance_add_worker_ready(struct plan *plan, struct instance *instance);

extern const struct step_op *const instance_ops[];

/* A message of the worker's that is about ep0: the answer to a SETUP. */
void instance_answer(struct instance *instance, uint16_t type, uint32_t id, const void *body,
		     size_t size);
/* The worker has ended: nobody will answer. */
void instance_worker_gone(struct instance *instance);
