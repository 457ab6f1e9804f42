/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a FunctionFS mount: ep0, to which the descriptors are written, and the endpoint
 * files.
 */
#pragma once

#include <stdbool.h>

#include "gadgetfile/gadget.h"
#include "plan/plan.h"

/*
 * Opens MOUNT/ep0 and writes descriptors and strings. Then the endpoint files exist and the
 * function can be bound. The function exists as long as *ep0, which the caller owns, is open.
 */
int ffs_write_descriptors(const struct ffs *ffs, int *ep0, struct error *err);

/* Returns the name of an endpoint file: "ep3", "ep81" with virtual_addr. The caller frees it. */
char *ffs_endpoint_file(const struct ffs *ffs, const struct endpoint *ep);
/*
 * Returns the name of the file for both directions of the pair that begins with `first`: "ep3_rw",
 * "ep81_rw". The caller frees it.
 */
char *ffs_pair_file(const struct ffs *ffs, const struct endpoint *first);

enum ep_blocking { EP_NONBLOCKING, EP_BLOCKING };
/* Opens an endpoint file. Returns a new close-on-exec descriptor or a negative errno. */
int ffs_endpoint_open(const struct ffs *ffs, const struct endpoint *ep, enum ep_blocking blocking,
		      struct error *err);
/* Opens the file of a pair: reads come from its OUT endpoint, writes go to its IN endpoint. */
int ffs_pair_open(const struct ffs *ffs, const struct endpoint *first, enum ep_blocking blocking,
		  struct error *err);

/* Enables automatic zero-length packets for the IN endpoint file `path`, until ep0 is closed. */
extern const struct step_op ffs_op_zlp;

/*
 * Halts an endpoint, so that the host's transfer fails. `fd` must be non-blocking. Returns 0 if the
 * endpoint is halted now, or if it is isochronous or not enabled. Returns -EAGAIN if it is an IN
 * endpoint with data that the host has not read yet.
 */
int ffs_endpoint_halt(int fd, const struct endpoint *ep);

/*
 * Calls `fn` for every endpoint in descriptor order until `fn` returns non-zero, and returns that
 * value. In this function and the following ones, `ffs` may be NULL; it has no endpoints then.
 */
int ffs_each_endpoint(const struct ffs *ffs, int (*fn)(void *data, const struct endpoint *ep),
		      void *data);
size_t ffs_count_endpoints(const struct ffs *ffs);

/* Calls `fn` for every pair of endpoints; only a function with rw_proxy has pairs. */
int ffs_each_pair(const struct ffs *ffs,
		  int (*fn)(void *data, const struct endpoint *first,
			    const struct endpoint *second),
		  void *data);
size_t ffs_count_pairs(const struct ffs *ffs);
