/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a FunctionFS mount: ep0 with its descriptors, and the endpoints. */
#pragma once

#include <stdbool.h>

#include "gadgetfile/gadget.h"
#include "plan/plan.h"

/*
 * Opens MOUNT/ep0 and writes descriptors and strings, after which the endpoint files are there
 * and the function may be bound. Whoever holds *ep0 keeps the function alive.
 */
int ffs_write_descriptors(const struct ffs *ffs, int *ep0, struct error *err);

/* "ep3", or "ep81" with virtual_addr. The caller frees it. */
char *ffs_endpoint_file(const struct ffs *ffs, const struct endpoint *ep);
/* The file for both directions of the pair that begins with `first`: "ep3_rw", "ep81_rw". */
char *ffs_pair_file(const struct ffs *ffs, const struct endpoint *first);

enum ep_blocking { EP_NONBLOCKING, EP_BLOCKING };
/* A fresh descriptor (close-on-exec), or -errno with err filled. */
int ffs_endpoint_open(const struct ffs *ffs, const struct endpoint *ep, enum ep_blocking blocking,
		      struct error *err);
/* The same of a pair: reading is from its OUT endpoint, writing to its IN endpoint. */
int ffs_pair_open(const struct ffs *ffs, const struct endpoint *first, enum ep_blocking blocking,
		  struct error *err);

/* Turns automatic zero-length packets on for the IN endpoint file `path`; lasts as long as ep0. */
extern const struct step_op ffs_op_zlp;

/*
 * Halts an endpoint, so that the host's transfer ends in an error it can see. `fd` must be
 * non-blocking. 0: halted, or nothing to halt: it is isochronous, or the host has not enabled it.
 * -EAGAIN: an IN endpoint still holds data that the host has not taken.
 */
int ffs_endpoint_halt(int fd, const struct endpoint *ep);

/*
 * Calls `fn` for every endpoint in the blob's order; stops when it returns non-zero. `ffs` NULL,
 * here and below: there are none.
 */
int ffs_each_endpoint(const struct ffs *ffs, int (*fn)(void *data, const struct endpoint *ep),
		      void *data);
size_t ffs_count_endpoints(const struct ffs *ffs);

/* The same for the pairs of rw_proxy; without it there are none. */
int ffs_each_pair(const struct ffs *ffs,
		  int (*fn)(void *data, const struct endpoint *first,
			    const struct endpoint *second),
		  void *data);
size_t ffs_count_pairs(const struct ffs *ffs);
