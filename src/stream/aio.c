// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The code that the engines on libaio share. Every kernel with FunctionFS supports libaio. Endpoint
 * files are opened with O_NONBLOCK, because io_submit() otherwise waits until the host has enabled
 * the endpoint. A program must not call read(2) or write(2) on the same files, because these calls
 * hold the mutex of the endpoint for a whole transfer.
 */
#include <errno.h>
#include <libaio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stream/aio.h"
#include "stream/uapi.h"

_Static_assert(sizeof(struct iocb) <= STREAM_REQUEST_PRIVATE,
	       "an iocb must fit into stream_request.engine_data");

int aio_open(struct stream *s, unsigned int requests)
{
	io_context_t ctx = NULL;
	int fd, r;

	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = io_setup((int)requests, &ctx);
	if (r < 0) {
		close(fd);
		return r;
	}
	s->completion_fd = fd;
	s->engine_data = ctx;
	return 0;
}

void aio_close(struct stream *s)
{
	io_destroy(s->engine_data); /* cancels the requests in flight and waits for them */
	close(s->completion_fd);
	s->completion_fd = -1;
}

/* Allocates anonymous memory. The kernel copies the data of each request from or to a buffer of the
   kernel. */
void *aio_alloc_buffers(struct stream *s, struct stream_endpoint *ep, size_t length)
{
	void *p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)s;
	ep->kernel_copies_buffers = true;
	return p == MAP_FAILED ? NULL : p;
}

void aio_free_buffers(struct stream *s, struct stream_endpoint *ep, void *data, size_t length)
{
	(void)s;
	(void)ep;
	munmap(data, length);
}

struct iocb *aio_prepare_iocb(struct stream *s, struct stream_request *q)
{
	struct iocb *cb = (struct iocb *)q->engine_data;

	if (q->ep->public.direction == FFSCTL_IN)
		io_prep_pwrite(cb, q->ep->fd, q->data, q->length, 0);
	else
		io_prep_pread(cb, q->ep->fd, q->data, q->length, 0);
	io_set_eventfd(cb, s->completion_fd);
	cb->data = q;
	return cb;
}

int aio_queue_iocbs(struct stream *s, struct iocb **iocbs, unsigned int n)
{
	int r;

	do
		r = io_submit(s->engine_data, n, iocbs);
	while (r == -EINTR);
	return r;
}

int aio_submit(struct stream *s, struct stream_request **requests, unsigned int n)
{
	struct iocb *iocbs[AIO_BATCH];
	unsigned int i;

	if (n > AIO_BATCH)
		n = AIO_BATCH;
	for (i = 0; i < n; i++)
		iocbs[i] = aio_prepare_iocb(s, requests[i]);
	return aio_queue_iocbs(s, iocbs, n);
}

void aio_cancel(struct stream *s, struct stream_request *r)
{
	struct io_event unused;

	/* The result is ignored, because the ring reports the end of the request in any case. The
	   result is EINPROGRESS if the request ends later (every kernel since 5.0), or EINVAL if
	   the request has already ended. */
	io_cancel(s->engine_data, (struct iocb *)r->engine_data, &unused);
}

bool aio_endpoint_is_enabled(struct stream *s, struct stream_endpoint *ep)
{
	struct usb_endpoint_descriptor desc;

	(void)s;
	/* This ioctl() fails with EAGAIN if the endpoint is disabled. It does not lock the mutex of
	   the endpoint. */
	return ioctl(ep->fd, FUNCTIONFS_ENDPOINT_DESC, &desc) == 0 || errno != EAGAIN;
}

bool aio_has_scatterlists(struct stream *s)
{
	int no_buffer = -1;

	/* This ioctl() fails with EPERM if the controller does not support scatterlists, before it
	   looks at its argument. Kernels before Linux 6.9 do not have it. */
	return s->n_eps > 0 && ioctl(s->eps[0].fd, FUNCTIONFS_DMABUF_ATTACH, &no_buffer) < 0 &&
	       errno == EBADF;
}

int aio_accept_session(struct stream *s)
{
	int session;

	if (s->n_eps == 0)
		return -ENOTTY;
	/* The file does not matter: the kernel accepts the session for all endpoints at once. */
	session = ioctl(s->eps[0].fd, FUNCTIONFS_SESSION_ACCEPT);
	if (session >= 0)
		return session;
	return errno == ENOTTY ? -ENOTTY : -EAGAIN;
}

/*
 * The ring of completions, which an io_context_t points to (fs/aio.c, struct aio_ring). The kernel
 * writes `events` and `tail`. `head` is written by whoever takes events out of the ring:
 * read_ring() of this file, or the system call io_getevents(). libaio itself reads the ring in the
 * same way.
 */
struct completion_ring {
	unsigned int id, n_events, head, tail, magic, compat_features, incompat_features,
		header_length;
	struct io_event events[];
};
#define RING_MAGIC 0xa10a10a1 /* AIO_RING_MAGIC of fs/aio.c */

static struct completion_ring *completion_ring(const struct stream *s)
{
	struct completion_ring *ring = s->engine_data;

	return ring->magic == RING_MAGIC && !ring->incompat_features ? ring : NULL;
}

bool aio_has_completions(struct stream *s)
{
	struct completion_ring *ring = completion_ring(s);

	return ring && ring->head != __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}

/* Reads events without a system call. If io.depth is 1, this saves one of the three system calls of
   each transfer. */
static int read_ring(struct completion_ring *ring, struct io_event *events)
{
	unsigned int head = ring->head, tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	int n = 0;

	for (; n < AIO_BATCH && head != tail; n++) {
		events[n] = ring->events[head];
		head = (head + 1) % ring->n_events;
	}
	__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
	return n;
}

int aio_read_events(struct stream *s, struct io_event *events)
{
	struct completion_ring *ring = completion_ring(s);
	struct timespec none = { 0, 0 };
	int n;

	if (ring)
		return read_ring(ring, events);
	do
		n = io_getevents(s->engine_data, 0, AIO_BATCH, events, &none);
	while (n == -EINTR);
	return n;
}

void aio_reap_completions(struct stream *s)
{
	struct io_event events[AIO_BATCH];
	int i, n;

	do {
		n = aio_read_events(s, events);
		for (i = 0; i < n; i++)
			stream_complete_request(s, events[i].data, (long)events[i].res);
	} while (n == AIO_BATCH);
}
