// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine on DMABUFs (Linux 6.9, with a controller that supports scatterlists). Each buffer is a
 * DMABUF attached to its endpoint; its data is not copied. Some requests cannot use a DMABUF and go
 * through libaio, as in `copy`: zero-length packets, OUT transfers without a fixed length (the
 * kernel does not report how many bytes arrived), and buffers of another endpoint.
 *
 * FunctionFS signals the end of a transfer only by a DMA fence. The engine exports the fence as a
 * sync_file, reads the status of the transfer from it, and polls it through the AIO ring.
 *
 * Kernels without ffsctl's patches dereference a NULL pointer if the ioctl DETACH or TRANSFER
 * races with an unbind. "auto" therefore never uses this engine.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>
#include <linux/usb/functionfs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stream/aio.h"

/* linux/usb/functionfs.h has these since 6.9. */
#ifndef FUNCTIONFS_DMABUF_TRANSFER
struct usb_ffs_dmabuf_transfer_req {
	int fd;
	__u32 flags;
	__u64 length;
} __attribute__((packed));
#define FUNCTIONFS_DMABUF_ATTACH _IOW('g', 131, int)
#define FUNCTIONFS_DMABUF_DETACH _IOW('g', 132, int)
#define FUNCTIONFS_DMABUF_TRANSFER _IOW('g', 133, struct usb_ffs_dmabuf_transfer_req)
#endif
/* linux/dma-buf.h has these since 6.0. */
#ifndef DMA_BUF_IOCTL_EXPORT_SYNC_FILE
struct dma_buf_export_sync_file {
	__u32 flags;
	__s32 fd;
};
#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE _IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#endif

struct dmabuf_slot {
	int dmabuf;
	int sync_fd; /* sync_file of the transfer in flight, which has the status of the transfer;
			-1: none */
	bool attached, in_flight;
	bool stale; /* the link was down when the fence was exported; the fence may belong to
		       another transfer */
};

static void fall_back(const struct stream *s, struct stream_endpoint *ep, const char *what,
		      const char *why)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %s: %s; its transfers are copied", what, ep->pub.name,
		 why);
	ep->kernel_copies = ep->fallen_back = true;
	s->config.callbacks->log(s->config.user, text);
}

static int make_udmabuf(int device, size_t length)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = length };
	int memory = memfd_create("ffsctl", MFD_ALLOW_SEALING | MFD_CLOEXEC), fd = -1, e;

	if (memory >= 0 && ftruncate(memory, (off_t)length) == 0 &&
	    fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0) {
		create.memfd = (__u32)memory;
		fd = ioctl(device, UDMABUF_CREATE, &create);
	}
	e = errno;
	if (memory >= 0)
		close(memory); /* the DMABUF keeps the pages of the memfd */
	errno = e;
	return fd;
}

static int make_from_heap(int device, size_t length)
{
	struct dma_heap_allocation_data data = { .len = length, .fd_flags = O_RDWR | O_CLOEXEC };

	return ioctl(device, DMA_HEAP_IOCTL_ALLOC, &data) < 0 ? -1 : (int)data.fd;
}

/* Begins or ends CPU access to the buffer. Ignores errors: the next transfer will fail. */
static void cpu_access(const struct stream_endpoint *ep, const struct dmabuf_slot *slot, bool begin)
{
	struct dma_buf_sync sync = {
		.flags = (begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END) |
			 (ep->pub.direction == FFSCTL_IN ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ),
	};

	while (ioctl(slot->dmabuf, DMA_BUF_IOCTL_SYNC, &sync) < 0 && errno == EINTR)
		;
}

static void free_slots(struct stream *s, struct stream_endpoint *ep, struct dmabuf_slot *slots)
{
	unsigned int i;

	for (i = 0; i < s->config.depth; i++) {
		if (slots[i].attached && aio_enabled(s, ep))
			ioctl(ep->fd, FUNCTIONFS_DMABUF_DETACH, &slots[i].dmabuf);
		if (slots[i].sync_fd >= 0)
			close(slots[i].sync_fd);
		if (slots[i].dmabuf >= 0)
			close(slots[i].dmabuf);
	}
	free(slots);
}

static int make_slot(struct stream *s, struct stream_endpoint *ep, struct dmabuf_slot *slot,
		     void *at)
{
	int device = s->config.dmabuf_fd;

	slot->sync_fd = -1;
	slot->dmabuf = s->config.dmabuf_heap ? make_from_heap(device, s->stride)
					     : make_udmabuf(device, s->stride);
	if (slot->dmabuf < 0)
		return -errno;
	if (mmap(at, s->stride, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, slot->dmabuf, 0) ==
	    MAP_FAILED)
		return -errno;
	cpu_access(ep, slot, true);
	return 0;
}

static void *dmabuf_alloc(struct stream *s, struct stream_endpoint *ep, size_t length)
{
	struct dmabuf_slot *slots;
	unsigned int i;
	char *pool;
	int r = 0;

	if (ep->pub.direction == FFSCTL_OUT && !s->config.out_length)
		return aio_alloc(s, ep, length);
	slots = calloc(s->config.depth, sizeof(*slots));
	if (!slots)
		return NULL;
	for (i = 0; i < s->config.depth; i++)
		slots[i].dmabuf = slots[i].sync_fd = -1;
	pool = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; pool != MAP_FAILED && i < s->config.depth && r == 0; i++)
		r = make_slot(s, ep, &slots[i], pool + i * s->stride);
	if (pool != MAP_FAILED && r == 0) {
		ep->engine = slots;
		return pool;
	}
	free_slots(s, ep, slots);
	if (pool == MAP_FAILED)
		return NULL;
	munmap(pool, length);
	fall_back(s, ep, "cannot make the DMABUFs of", strerror(-r));
	return aio_alloc(s, ep, length);
}

static void dmabuf_release(struct stream *s, struct stream_endpoint *ep, void *data, size_t length)
{
	if (ep->engine)
		free_slots(s, ep, ep->engine);
	ep->engine = NULL;
	aio_release(s, ep, data, length);
}

/* Returns the DMABUF that contains the request's data, or NULL if no DMABUF contains it. */
static struct dmabuf_slot *slot_of(const struct stream *s, const struct stream_request *q)
{
	const struct stream_endpoint *ep = q->ep;
	size_t at = (size_t)((char *)q->data - (char *)ep->pool);

	if (!ep->engine || (char *)q->data < (char *)ep->pool ||
	    at >= s->stride * s->config.depth || at % s->stride || !q->length)
		return NULL;
	return (struct dmabuf_slot *)ep->engine + at / s->stride;
}

/* Returns the DMABUF to transfer for a request, or NULL if the request must go through libaio. */
static struct dmabuf_slot *direct_slot(const struct stream *s, const struct stream_request *q)
{
	if (q->ep->kernel_copies ||
	    (q->ep->pub.direction == FFSCTL_OUT && q->length != s->config.out_length))
		return NULL;
	return slot_of(s, q);
}

/*
 * Attaches a DMABUF to its endpoint. Returns -EAGAIN if the caller must try again later, -ECANCELED
 * if the endpoint's transfers are copied from now on.
 */
static int attach_dmabuf(struct stream *s, struct stream_endpoint *ep, struct dmabuf_slot *slot)
{
	if (slot->attached)
		return 0;
	if (ioctl(ep->fd, FUNCTIONFS_DMABUF_ATTACH, &slot->dmabuf) == 0) {
		slot->attached = true;
		return 0;
	}
	if (errno == EBUSY || errno == EINTR || !aio_enabled(s, ep))
		return -EAGAIN;
	/* The kernel returns EPERM if the controller lacks scatterlists. */
	fall_back(s, ep, errno == EPERM ? "cannot use DMABUFs on" : "cannot attach a DMABUF to",
		  errno == EPERM ? "the controller does not support scatterlists"
				 : strerror(errno));
	return -ECANCELED;
}

static int start_transfer(struct stream *s, const struct stream_request *q,
			  struct dmabuf_slot *slot)
{
	struct usb_ffs_dmabuf_transfer_req req = { .fd = slot->dmabuf, .length = q->length };
	bool attached = slot->attached;
	int r = attach_dmabuf(s, q->ep, slot);

	if (r < 0)
		return r;
	cpu_access(q->ep, slot, false);
	do
		r = ioctl(q->ep->fd, FUNCTIONFS_DMABUF_TRANSFER, &req) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r == 0)
		return 0;
	cpu_access(q->ep, slot, true);
	if (r == -EPERM && attached) { /* the gadget moved to another UDC, or a close detached it */
		slot->attached = false;
		return start_transfer(s, q, slot);
	}
	return r == -EBUSY ? -EAGAIN : r;
}

/* Returns an iocb that polls for the end of the transfer that was just started. */
static struct iocb *prepare_poll(struct stream *s, struct stream_request *q,
				 struct dmabuf_slot *slot)
{
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };
	struct iocb *cb = (struct iocb *)q->engine;

	if (ioctl(slot->dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export) == 0)
		slot->sync_fd = export.fd;
	slot->in_flight = true;
	if (slot->sync_fd >= 0)
		io_prep_poll(cb, slot->sync_fd, POLLIN);
	else
		io_prep_poll(cb, slot->dmabuf, POLLOUT);
	io_set_eventfd(cb, s->fd);
	cb->data = q;
	return cb;
}

static void end_transfer(const struct stream_endpoint *ep, struct dmabuf_slot *slot)
{
	if (slot->sync_fd >= 0)
		close(slot->sync_fd);
	slot->sync_fd = -1;
	slot->in_flight = false;
	cpu_access(ep, slot, true);
}

static void detach_dmabuf(struct stream *s, struct stream_endpoint *ep, struct dmabuf_slot *slot)
{
	/* Transfers of a disabled endpoint have ended already. */
	if (!slot->attached || !aio_enabled(s, ep))
		return;
	ioctl(ep->fd, FUNCTIONFS_DMABUF_DETACH, &slot->dmabuf);
	slot->attached = false;
}

/* Submits the first requests of the array, as long as they belong to the same endpoint and can use
   DMABUFs. Returns their number, or a negative errno. */
static int submit_direct(struct stream *s, struct stream_request **requests, unsigned int n)
{
	struct stream_endpoint *ep = requests[0]->ep;
	struct iocb *iocbs[AIO_BATCH];
	unsigned int i, queued = 0;
	struct dmabuf_slot *slot;
	bool enabled;
	int r = 0;

	for (i = 0; i < n && i < AIO_BATCH && requests[i]->ep == ep; i++) {
		slot = direct_slot(s, requests[i]);
		if (!slot)
			break;
		r = start_transfer(s, requests[i], slot);
		if (r < 0)
			break;
		iocbs[i] = prepare_poll(s, requests[i], slot);
	}
	n = i;
	if (!n)
		return r;
	/* If the fence has signalled already, the kernel exports another fence, without status. */
	enabled = aio_enabled(s, ep);
	for (i = 0; i < n; i++)
		slot_of(s, requests[i])->stale = !enabled;
	while (queued < n && (r = aio_queue(s, iocbs + queued, n - queued)) > 0)
		queued += (unsigned int)r;
	for (i = queued; i < n; i++) { /* nothing would report their end */
		slot = slot_of(s, requests[i]);
		detach_dmabuf(s, ep, slot);
		end_transfer(ep, slot);
	}
	return queued ? (int)queued : r;
}

static int dmabuf_submit(struct stream *s, struct stream_request **requests, unsigned int n)
{
	struct iocb *iocbs[AIO_BATCH];
	unsigned int i;
	int r;

	if (direct_slot(s, requests[0])) {
		r = submit_direct(s, requests, n);
		if (r != -ECANCELED)
			return r;
	}
	for (i = 0; i < n && i < AIO_BATCH && (i == 0 || !direct_slot(s, requests[i])); i++)
		iocbs[i] = aio_prepare(s, requests[i]);
	return aio_queue(s, iocbs, i);
}

static void dmabuf_cancel(struct stream *s, struct stream_request *q)
{
	struct dmabuf_slot *slot = slot_of(s, q);

	if (slot && slot->in_flight)
		detach_dmabuf(s, q->ep, slot);
	else
		aio_cancel(s, q);
}

/* Returns the number of bytes that were moved, or a negative errno. */
static long transfer_result(const struct stream_request *q, const struct dmabuf_slot *slot)
{
	struct sync_file_info info = { 0 };

	if (slot->stale)
		return -ESHUTDOWN;
	if (slot->sync_fd >= 0 && ioctl(slot->sync_fd, SYNC_IOC_FILE_INFO, &info) == 0 &&
	    info.status < 0)
		return info.status;
	return (long)q->length;
}

static void complete_request(struct stream *s, struct stream_request *q, long result)
{
	struct dmabuf_slot *slot = slot_of(s, q);

	if (slot && slot->in_flight) {
		if (result >= 0) /* else the poll failed */
			result = transfer_result(q, slot);
		end_transfer(q->ep, slot);
	}
	stream_complete(s, q, result);
}

static void dmabuf_reap(struct stream *s)
{
	aio_reap_by(s, complete_request);
}

static int dmabuf_open(struct stream *s, unsigned int requests)
{
	return s->config.dmabuf_fd < 0 ? -ENODEV : aio_open(s, requests);
}

static const struct stream_failure failures[] = {
	{ ENODEV, "make DMABUFs without 'udmabuf' or 'dma-heap'", NULL },
	AIO_FAILURES,
};

const struct stream_engine stream_engine_dmabuf = {
	.name = "dmabuf",
	.failures = failures,
	.explicit_only = true,
	.page_aligned = true,
	.open = dmabuf_open,
	.close = aio_close,
	.alloc = dmabuf_alloc,
	.release = dmabuf_release,
	.submit = dmabuf_submit,
	.cancel = dmabuf_cancel,
	.enabled = aio_enabled,
	.join = aio_join,
	.has_completions = aio_has_completions,
	.reap = dmabuf_reap,
};
