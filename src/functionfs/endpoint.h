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
 * Opens MOUNT/ep0 and writes descriptors and strings. On success, the endpoint files exist and the
 * function can be bound as long as *ep0_fd is open. The caller owns *ep0_fd.
 */
int ffs_open_and_write_ep0(const struct ffs *ffs, int *ep0_fd, struct error *err);

/* Returns the name of an endpoint file: "ep3", with virtual_addr "ep81". The caller frees it. */
char *ffs_endpoint_file(const struct ffs *ffs, const struct endpoint *ep);
/*
 * Returns the name of the file for both directions of the pair that begins with `first`: "ep3_rw",
 * "ep81_rw". The caller frees it.
 */
char *ffs_in_out_pair_file_name(const struct ffs *ffs, const struct endpoint *first);

enum ep_blocking { EP_NONBLOCKING, EP_BLOCKING };
/* Opens a file of the mount by its name. Returns what ffs_endpoint_open returns. */
int ffs_open_file(const struct ffs *ffs, const char *file, enum ep_blocking blocking,
		  struct error *err);
/* Opens an endpoint file. Returns a file descriptor (close-on-exec) or a negative errno. */
int ffs_endpoint_open(const struct ffs *ffs, const struct endpoint *ep, enum ep_blocking blocking,
		      struct error *err);
/*
 * Returns the number of an endpoint in wIndex of control requests as FunctionFS reports it: that of
 * its file, or with FUNCTIONFS_VIRTUAL_ADDR its address in the descriptors.
 */
unsigned int ffs_endpoint_number(const struct ffs *ffs, const struct endpoint *ep);
/* Open files of all endpoints of a function, non-blocking, in the order of the descriptors. */
struct ffs_endpoint_files {
	struct ffs_endpoint_file {
		int fd;
		const struct endpoint *model;
	} list[FFS_ENDPOINTS_MAX];
	size_t n;
};
/* Opens the endpoint files; `ffs` NULL: none. If one cannot be opened, opens none. */
void ffs_endpoint_files_open(struct ffs_endpoint_files *files, const struct ffs *ffs);
void ffs_endpoint_files_close(struct ffs_endpoint_files *files);

/* Opens the file of a pair: reads use the OUT endpoint of the pair, writes use the IN endpoint. */
int ffs_open_in_out_pair_file(const struct ffs *ffs, const struct endpoint *first,
			      enum ep_blocking blocking, struct error *err);

/* Enables automatic zero-length packets for the IN endpoint file `path`, until ep0 is closed. */
int ffs_enable_zlp(const char *path, struct error *err);
extern const struct step_op ffs_op_enable_zlp;

/*
 * Halts an endpoint, so that the host's transfer fails. `fd` is the endpoint file, non-blocking.
 * Returns 0 if the endpoint is halted now, -ESHUTDOWN if it is not enabled or isochronous, and
 * -EAGAIN for an IN endpoint with data that the host has not read yet.
 */
int ffs_endpoint_halt(int fd, const struct endpoint *ep);

/*
 * Calls `fn` for every endpoint, in the order of the descriptors, until `fn` returns non-zero.
 * Returns the last value of `fn`. Here and in the following functions, `ffs` may be NULL: no
 * endpoints.
 */
int ffs_each_endpoint(const struct ffs *ffs, int (*fn)(void *data, const struct endpoint *ep),
		      void *data);
size_t ffs_count_endpoints(const struct ffs *ffs);

/* Calls `fn` for every pair of endpoints; only a function with rw_proxy has pairs. */
int ffs_each_in_out_pair(const struct ffs *ffs,
			 int (*fn)(void *data, const struct endpoint *first,
				   const struct endpoint *second),
			 void *data);
size_t ffs_count_in_out_pairs(const struct ffs *ffs);
