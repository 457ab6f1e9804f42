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

#include "gadgetfile/gadget.h"

/* Two endpoints can tell three speeds apart. */
#define LINK_SPEED_ENDPOINTS 2

struct link_speed {
	int udc_file; /* the UDC's file current_speed; -1: none */
	/* Endpoints whose descriptors differ between speeds */
	struct link_speed_endpoint {
		int fd; /* endpoint file, non-blocking */
		struct endpoint_speed_values values[EP_SPEED_COUNT];
	} endpoints[LINK_SPEED_ENDPOINTS];
	size_t n_endpoints;
};

#define LINK_SPEED_NONE ((struct link_speed){ .udc_file = -1 })

/*
 * Opens the endpoint files of a function whose descriptors were written; `ffs` NULL: none. An
 * endpoint file that cannot be opened is left out.
 */
void link_speed_open_endpoints(struct link_speed *source, const struct ffs *ffs);
void link_speed_close(struct link_speed *source);

/*
 * Returns the speed (enum ffsctl_speed) of an enabled function. Returns FFSCTL_SPEED_UNKNOWN if the
 * UDC's file cannot be right, and all endpoints have the same descriptors at several speeds.
 */
uint8_t link_speed_read(const struct link_speed *source);
