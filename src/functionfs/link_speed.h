/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The speed of a function's connection to the host, which FunctionFS does not report with ENABLE.
 * Two sources: the file current_speed of the UDC in sysfs, and the descriptors that the kernel uses
 * for the function's endpoints (FUNCTIONFS_ENDPOINT_DESC). The first is only as new as the
 * supervisor: if the UDC was removed, or if another program has bound the gadget to another UDC, an
 * open file belongs to the wrong UDC. The second is always true, but an endpoint can have the same
 * descriptor at two speeds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "functionfs/endpoint.h"

/* Two endpoints can tell three speeds apart. */
#define LINK_SPEED_ENDPOINTS 2

struct link_speed {
	int udc_file; /* the UDC's file current_speed; -1: none */
	/* Endpoints whose descriptors differ between speeds */
	struct link_speed_endpoint {
		int fd; /* of struct ffs_endpoint_files, which owns it */
		struct endpoint_speed_values values[EP_SPEED_COUNT];
	} endpoints[LINK_SPEED_ENDPOINTS];
	size_t n_endpoints;
};

#define LINK_SPEED_NONE ((struct link_speed){ .udc_file = -1 })

/* Chooses the endpoints, which must stay open as long as `source` is used. */
void link_speed_choose_endpoints(struct link_speed *source, const struct ffs_endpoint_files *files);

/*
 * Returns the speed (enum ffsctl_speed) of an enabled function. Returns FFSCTL_SPEED_UNKNOWN if the
 * UDC's file cannot be right, and all endpoints have the same descriptors at several speeds.
 */
uint8_t link_speed_read(const struct link_speed *source);
