/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wIndex of control requests. FunctionFS replaces wIndex of a request to an interface or endpoint
 * by the number that the function itself uses (f_fs.c, ffs_func_setup). Kernels with ffsctl's
 * patches also report what the host sent. On other kernels the low byte is rebuilt: of interfaces
 * by FUNCTIONFS_INTERFACE_REVMAP, of endpoints from the descriptors that the kernel uses
 * (FUNCTIONFS_ENDPOINT_DESC). FUNCTIONFS_ENDPOINT_REVMAP is of no use: it returns 255 for every
 * endpoint (f_fs.c, _ffs_func_bind: the kernel never sets `num`).
 */
#pragma once

#include <ffsctl/control.h>

#include "blob/uapi.h"
#include "functionfs/endpoint.h"

struct request_index {
	int ep0;
	const struct ffs *ffs; /* NULL: no FunctionFS, and so no control requests */
	const struct ffs_endpoint_files *files; /* owned by the caller */
};

/* Makes the body of the message SETUP of an event of ep0. */
struct ffsctl_setup_body request_index_to_body(const struct request_index *source,
					       const struct functionfs_event *event);
