// SPDX-License-Identifier: LGPL-2.1-or-later
/* The engine `copy`: libaio with buffers in anonymous memory, whose data the kernel copies. */
#include <errno.h>

#include "stream/aio.h"

static const struct stream_open_failure open_failures[] = { AIO_OPEN_FAILURES };

const struct stream_engine stream_engine_copy = {
	.name = "copy",
	.open_failures = open_failures,
	.open = aio_open,
	.alloc_buffers = aio_alloc_buffers,
	AIO_CALLS,
};
