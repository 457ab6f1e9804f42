/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On the bus and off it, while all else of the gadget stays. Only in PHASE_UP. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct step;
struct supervisor;

/*
 * Wants the gadget on the bus: on `udc`, or NULL: where it was, else where `up` would have put it.
 * It is bound as soon as its workers are ready, by bus_look. *changed is false when it is there
 * already. Fails with EX_CANTCREAT when it is on another one, or wanted there by another `bind`, or
 * there by somebody else's doing.
 */
int bus_bind(struct supervisor *s, const char *udc, bool *changed, struct error *err);
/* Takes it off, until bus_bind. *changed is false when it was not on it. */
int bus_unbind(struct supervisor *s, bool *changed, struct error *err);

/* Whether it is where the supervisor has bound it: anybody can write to configfs. */
bool bus_is_on(const struct supervisor *s);

/*
 * A daemon that had ep0 open has ended, and with it its function: the kernel has taken the gadget
 * off the bus (f_fs.c, ffs_closed). It comes back when the next one is ready.
 */
void bus_lost(struct supervisor *s);

/* A worker has failed for good, and its gadget is not to stay on the bus without it. */
void bus_worker_failed(struct supervisor *s);

/* The step by which the plan has bound it; NULL: it is not bound. */
const struct step *bus_step(const struct supervisor *s);

/* Fails with EX_CANTCREAT when somebody else has put it on the bus, or a bind waits for workers. */
int bus_check(const struct supervisor *s, struct error *err);
/* After each change: what was wanted, or waited for a worker. */
void bus_look(struct supervisor *s);
