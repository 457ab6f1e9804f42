// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engines on libaio, which every FunctionFS kernel takes. They differ in their memory: that of
 * `copy` is the process's own, that of `mmap` belongs to the FunctionFS instance, and a request in
 * it needs no copy (kernel/README.md). Endpoint files are opened O_NONBLOCK, because io_submit() on
 * others waits until the host has enabled the endpoint. Plain reads and writes must never be mixed
 * in: they hold the endpoint's mutex for a whole transfer.
 */
#include <errno.h>
#include <libaio.h>
#include <linux/usb/functionfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stream/aio.h"

/* Of our kernel patches. */
#ifndef FUNCTIONFS_ENDPOINT_SESSION
#define FUNCTIONFS_ENDPOINT_SESSION _IOR('g', 135, __u32)
#endif

_Static_assert(sizeof(struct iocb) <= STREAM_REQUEST_ROOM, "an iocb fits into a request");

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
	s->fd = fd;
	s->engine = ctx;
	return 0;
}

void aio_close(struct stream *s)
{
	io_destroy(s->engine); /* cancels and waits for what is in flight */
	close(s->fd);
	s->fd = -1;
}

/* The kernel allocates each request's buffer, in one piece. */
void *aio_alloc(struct stream *s, struct stream_endpoint *ep, size_t length)
{
	void *p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)s;
	ep->needs_memory = true;
	return p == MAP_FAILED ? NULL : p;
}

void aio_release(struct stream *s, struct stream_endpoint *ep, void *data, size_t length)
{
	(void)s;
	(void)ep;
	munmap(data, length);
}

struct iocb *aio_prepare(struct stream *s, struct stream_request *q)
{
	struct iocb *cb = (struct iocb *)q->engine;

	if (q->ep->pub.direction == FFSCTL_IN)
		io_prep_pwrite(cb, q->ep->fd, q->data, q->length, 0);
	else
		io_prep_pread(cb, q->ep->fd, q->data, q->length, 0);
	io_set_eventfd(cb, s->fd);
	cb->data = q;
	return cb;
}

int aio_queue(struct stream *s, struct iocb **iocbs, unsigned int n)
{
	int r;

	do
		r = io_submit(s->engine, n, iocbs);
	while (r == -EINTR);
	return r;
}

static int aio_submit(struct stream *s, struct stream_request **requests, unsigned int n)
{
	struct iocb *iocbs[AIO_AT_ONCE];
	unsigned int i;

	if (n > AIO_AT_ONCE)
		n = AIO_AT_ONCE;
	for (i = 0; i < n; i++)
		iocbs[i] = aio_prepare(s, requests[i]);
	return aio_queue(s, iocbs, n);
}

void aio_cancel(struct stream *s, struct stream_request *r)
{
	struct io_event unused;

	/* EINPROGRESS: it ends through the ring (every kernel since 5.0). EINVAL: it has ended. */
	io_cancel(s->engine, (struct iocb *)r->engine, &unused);
}

bool aio_enabled(struct stream *s, struct stream_endpoint *ep)
{
	struct usb_endpoint_descriptor desc;

	(void)s;
	/* Waits for the endpoint as reads do, but not for its mutex, and changes nothing. */
	return ioctl(ep->fd, FUNCTIONFS_ENDPOINT_DESC, &desc) == 0 || errno != EAGAIN;
}

int aio_join(struct stream *s, struct stream_endpoint *ep, uint32_t *session)
{
	(void)s;
	if (ioctl(ep->fd, FUNCTIONFS_ENDPOINT_SESSION, session) == 0)
		return 0;
	return errno == ENOTTY ? -ENOTTY : -EAGAIN;
}

/*
 * The ring that an io_context_t points to (fs/aio.c, struct aio_ring). The kernel writes events and
 * tail, who takes events writes head, in user space or in io_getevents(); libaio looks at both,
 * too.
 */
struct ring {
	unsigned int id, nr, head, tail, magic, compat_features, incompat_features, header_length;
	struct io_event events[];
};
#define RING_MAGIC 0xa10a10a1 /* AIO_RING_MAGIC */

static struct ring *ring_of(const struct stream *s)
{
	struct ring *ring = s->engine;

	return ring->magic == RING_MAGIC && !ring->incompat_features ? ring : NULL;
}

bool aio_ended(struct stream *s)
{
	struct ring *ring = ring_of(s);

	return ring && ring->head != __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}

/* A system call less for each batch, which at depth 1 is one of three. */
static int events_of_ring(struct ring *ring, struct io_event *events)
{
	unsigned int head = ring->head, tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	int n = 0;

	for (; n < AIO_AT_ONCE && head != tail; n++) {
		events[n] = ring->events[head];
		head = (head + 1) % ring->nr;
	}
	__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
	return n;
}

static int next_events(struct stream *s, struct io_event *events)
{
	struct ring *ring = ring_of(s);
	struct timespec none = { 0, 0 };
	int n;

	if (ring)
		return events_of_ring(ring, events);
	do
		n = io_getevents(s->engine, 0, AIO_AT_ONCE, events, &none);
	while (n == -EINTR);
	return n;
}

void aio_reap_by(struct stream *s,
		 void (*complete)(struct stream *s, struct stream_request *q, long result))
{
	struct io_event events[AIO_AT_ONCE];
	int i, n;

	do {
		n = next_events(s, events);
		for (i = 0; i < n; i++)
			complete(s, events[i].data, (long)events[i].res);
	} while (n == AIO_AT_ONCE);
}

static void aio_reap(struct stream *s)
{
	aio_reap_by(s, stream_complete);
}

/* Its memory is there only while the limit of the mount (mmap_memory_mb) is not reached. */
static void *mmap_alloc(struct stream *s, struct stream_endpoint *ep, size_t length)
{
	void *p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, ep->fd, 0);
	char text[160];

	if (p != MAP_FAILED)
		return p;
	snprintf(text, sizeof(text),
		 "the mount has no memory for %zu bytes of %s to be mapped (mount.mmap_memory_mb): "
		 "they are copied",
		 length, ep->pub.name);
	s->config.callbacks->say(s->config.user, text);
	ep->fallen_back = true;
	return aio_alloc(s, ep, length);
}

/* -ENODEV: this FunctionFS has no mmap(). -ENOMEM: it has no memory for it, or is to have none. */
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

#define ON_LIBAIO                                                                                  \
	.close = aio_close, .release = aio_release, .submit = aio_submit, .cancel = aio_cancel,    \
	.enabled = aio_enabled, .join = aio_join, .ended = aio_ended, .reap = aio_reap

const struct stream_engine stream_engine_mmap = {
	ON_LIBAIO,
	.name = "mmap",
	.open = mmap_open,
	.alloc = mmap_alloc,
};

const struct stream_engine stream_engine_copy = {
	ON_LIBAIO,
	.name = "copy",
	.open = aio_open,
	.alloc = aio_alloc,
};
