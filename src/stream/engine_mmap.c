// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine `mmap`: libaio with buffers in memory of the FunctionFS instance, whose data the
 * kernel does not copy (kernel/README.md).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stream/aio.h"

/* Maps memory of the FunctionFS instance. Falls back to aio_alloc_buffers() if the mapping fails,
   for example because of the option mmap_memory_mb of the mount. */
static void *mmap_alloc_buffers(struct stream *s, struct stream_endpoint *ep, size_t length)
{
	void *p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, ep->fd, 0);
	char text[200];

	if (p != MAP_FAILED)
		return p;
	snprintf(text, sizeof(text),
		 "cannot map %zu bytes for %s (mount.mmap_memory_mb): %s; its transfers are copied",
		 length, ep->public.name, strerror(errno));
	s->config.callbacks->log(s->config.callback_data, text);
	ep->fell_back_to_copy = true;
	return aio_alloc_buffers(s, ep, length);
}

/*
 * Opens the engine. Returns -ENODEV if this FunctionFS has no mmap(), -ENOMEM if the option
 * mmap_memory_mb of the mount is 0 or the memory that it permits is in use.
 */
static int mmap_open(struct stream *s, unsigned int requests)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	if (s->n_eps > 0) {
		p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, s->eps[0].fd, 0);
		if (p == MAP_FAILED)
			return -errno;
		munmap(p, page);
	}
	return aio_open(s, requests);
}

static const struct stream_open_failure open_failures[] = {
	{ ENODEV, "map the endpoints' memory",
	  "io.engine = \"mmap\" needs ffsctl's kernel patches; \"auto\" does not" },
	{ ENOMEM, "map the endpoints' memory", "set mount.mmap_memory_mb to a larger value" },
	AIO_OPEN_FAILURES,
};

const struct stream_engine stream_engine_mmap = {
	.name = "mmap",
	.open_failures = open_failures,
	.open = mmap_open,
	.alloc_buffers = mmap_alloc_buffers,
	AIO_CALLS,
};
