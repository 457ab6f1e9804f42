// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine `dmabuf`, which needs Linux 6.9 and a controller that supports scatterlists. Each
 * buffer is a DMABUF that is attached to its endpoint; the kernel does not copy its data. Some
 * requests cannot use a DMABUF and use libaio as in the engine `copy`: zero-length packets, buffers
 * of another endpoint, and, without FUNCTIONFS_DMABUF_STATUS, OUT transfers without a fixed length.
 *
 * With ffsctl's kernel patches, the engine starts the transfers of a turn by one
 * FUNCTIONFS_DMABUF_TRANSFER_MANY, and polls each DMABUF with libaio to wait for the end of its
 * transfer. One FUNCTIONFS_DMABUF_STATUS for all transfers that have ended then shows whether all
 * of them were complete. Without the patches, the engine exports the DMA fence of each transfer as
 * a sync_file, polls this file, and reads the status of the transfer from it.
 *
 * Kernels without the patches dereference a NULL pointer if the ioctl DETACH or TRANSFER races with
 * an unbind. io.engine = "auto" therefore never uses this engine.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stream/aio.h"
#include "stream/uapi.h"

/* The DMABUF of one transfer's buffer. */
struct dmabuf_slot {
	int dmabuf_fd;
	bool attached;	 /* the DMABUF is attached to the endpoint */
	bool in_flight;	 /* a transfer uses the DMABUF */
	bool cpu_access; /* access by the CPU has begun (DMA_BUF_SYNC_START) and not ended */
	/* with FUNCTIONFS_DMABUF_STATUS: dmabuf_endpoint.n_incomplete when the transfer began */
	uint32_t n_incomplete;
	/* without FUNCTIONFS_DMABUF_STATUS: sync_file of the transfer in flight; -1: none */
	int sync_fd;
	/* the endpoint was disabled when the fence was exported, so this is possibly not the fence
	   of the transfer */
	bool fence_is_stale;
};

/* The DMABUFs of an endpoint; stream_endpoint.engine_data. */
struct dmabuf_endpoint {
	bool has_status;	      /* the kernel has FUNCTIONFS_DMABUF_STATUS */
	bool lacks_transfer_many;     /* the kernel has no FUNCTIONFS_DMABUF_TRANSFER_MANY */
	uint32_t n_incomplete;	      /* usb_ffs_dmabuf_status.incomplete of the last call */
	bool n_incomplete_is_current; /* no completion was read after that call */
	struct dmabuf_slot slots[];
};

static void fall_back_to_copy(const struct stream *s, struct stream_endpoint *ep, const char *what,
			      const char *why)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %s: %s; its transfers are copied", what, ep->public.name,
		 why);
	ep->kernel_copies_buffers = ep->fell_back_to_copy = true;
	s->config.callbacks->log(s->config.callback_data, text);
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
		close(memory); /* the DMABUF still holds the pages of this memfd */
	errno = e;
	return fd;
}

static int make_heap_dmabuf(int device, size_t length)
{
	struct dma_heap_allocation_data data = { .len = length, .fd_flags = O_RDWR | O_CLOEXEC };

	return ioctl(device, DMA_HEAP_IOCTL_ALLOC, &data) < 0 ? -1 : (int)data.fd;
}

/* Begins or ends access to the DMABUF by the CPU, unless that was done before. An error of the
   ioctl is ignored, because the next transfer with this DMABUF fails then, and its error is
   reported. */
static void set_cpu_access(const struct stream_endpoint *ep, struct dmabuf_slot *slot, bool access)
{
	struct dma_buf_sync sync = {
		.flags = (access ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END) |
			 (ep->public.direction == FFSCTL_IN ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ),
	};

	if (slot->cpu_access == access)
		return;
	slot->cpu_access = access;
	while (ioctl(slot->dmabuf_fd, DMA_BUF_IOCTL_SYNC, &sync) < 0 && errno == EINTR)
		;
}

static void free_dmabufs(struct stream *s, struct stream_endpoint *ep, struct dmabuf_endpoint *dep)
{
	unsigned int i;

	for (i = 0; i < s->config.transfers_per_endpoint; i++) {
		struct dmabuf_slot *slot = &dep->slots[i];

		if (slot->attached && aio_endpoint_is_enabled(s, ep))
			ioctl(ep->fd, FUNCTIONFS_DMABUF_DETACH, &slot->dmabuf_fd);
		if (slot->sync_fd >= 0)
			close(slot->sync_fd);
		if (slot->dmabuf_fd >= 0)
			close(slot->dmabuf_fd);
	}
	free(dep);
}

/* Calls FUNCTIONFS_DMABUF_STATUS for a DMABUF, or with -1. Returns 0 or a negative errno. */
static int read_status(const struct stream_endpoint *ep, int dmabuf_fd,
		       struct usb_ffs_dmabuf_status *status)
{
	*status = (struct usb_ffs_dmabuf_status){ .fd = dmabuf_fd };
	return ioctl(ep->fd, FUNCTIONFS_DMABUF_STATUS, status) < 0 ? -errno : 0;
}

static int make_dmabuf(struct stream *s, struct stream_endpoint *ep, struct dmabuf_slot *slot,
		       void *at)
{
	int device = s->config.dmabuf_device_fd;

	slot->dmabuf_fd = s->config.dmabuf_device_is_heap
				  ? make_heap_dmabuf(device, s->buffer_stride)
				  : make_udmabuf(device, s->buffer_stride);
	if (slot->dmabuf_fd < 0)
		return -errno;
	if (mmap(at, s->buffer_stride, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 slot->dmabuf_fd, 0) == MAP_FAILED)
		return -errno;
	set_cpu_access(ep, slot, true);
	return 0;
}

static struct dmabuf_endpoint *new_dmabuf_endpoint(const struct stream *s,
						   const struct stream_endpoint *ep)
{
	unsigned int i, n = s->config.transfers_per_endpoint;
	struct usb_ffs_dmabuf_status status;
	struct dmabuf_endpoint *dep;

	dep = calloc(1, sizeof(*dep) + n * sizeof(dep->slots[0]));
	if (!dep)
		return NULL;
	for (i = 0; i < n; i++)
		dep->slots[i].dmabuf_fd = dep->slots[i].sync_fd = -1;
	dep->has_status = read_status(ep, -1, &status) == 0;
	dep->n_incomplete = status.incomplete;
	return dep;
}

static void *dmabuf_alloc_buffers(struct stream *s, struct stream_endpoint *ep, size_t length)
{
	struct dmabuf_endpoint *dep = new_dmabuf_endpoint(s, ep);
	unsigned int i;
	char *pool;
	int r = 0;

	if (!dep)
		return NULL;
	if (ep->public.direction == FFSCTL_OUT && !s->config.out_transfer_length &&
	    !dep->has_status) {
		free_dmabufs(s, ep, dep);
		return aio_alloc_buffers(s, ep, length);
	}
	pool = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; pool != MAP_FAILED && i < s->config.transfers_per_endpoint && r == 0; i++)
		r = make_dmabuf(s, ep, &dep->slots[i], pool + i * s->buffer_stride);
	if (pool != MAP_FAILED && r == 0) {
		ep->engine_data = dep;
		return pool;
	}
	free_dmabufs(s, ep, dep);
	if (pool == MAP_FAILED)
		return NULL;
	munmap(pool, length);
	fall_back_to_copy(s, ep, "cannot make the DMABUFs of", strerror(-r));
	return aio_alloc_buffers(s, ep, length);
}

static void dmabuf_free_buffers(struct stream *s, struct stream_endpoint *ep, void *data,
				size_t length)
{
	if (ep->engine_data)
		free_dmabufs(s, ep, ep->engine_data);
	ep->engine_data = NULL;
	aio_free_buffers(s, ep, data, length);
}

/* Returns the DMABUF that contains the data of the request, or NULL if there is none. */
static struct dmabuf_slot *slot_of_request(const struct stream *s, const struct stream_request *q)
{
	const struct stream_endpoint *ep = q->ep;
	struct dmabuf_endpoint *dep = ep->engine_data;
	size_t at = (size_t)((char *)q->data - (char *)ep->buffers);

	if (!dep || (char *)q->data < (char *)ep->buffers ||
	    at >= s->buffer_stride * s->config.transfers_per_endpoint || at % s->buffer_stride ||
	    !q->length)
		return NULL;
	return &dep->slots[at / s->buffer_stride];
}

/* Returns the DMABUF for a request, or NULL if the request cannot use a DMABUF. */
static struct dmabuf_slot *slot_usable_for_request(const struct stream *s,
						   const struct stream_request *q)
{
	const struct dmabuf_endpoint *dep = q->ep->engine_data;

	if (!dep || q->ep->kernel_copies_buffers)
		return NULL;
	/* The kernel rounds a read up to whole packets, but not a DMABUF transfer. */
	if (q->ep->public.direction == FFSCTL_OUT && q->length != s->config.out_transfer_length &&
	    (!dep->has_status || q->length % q->ep->public.max_packet))
		return NULL;
	return slot_of_request(s, q);
}

/*
 * Attaches a DMABUF to its endpoint. Returns -EAGAIN if the caller must try again later, -ECANCELED
 * if the endpoint has fallen back to copies.
 */
static int attach_dmabuf(struct stream *s, struct stream_endpoint *ep, struct dmabuf_slot *slot)
{
	if (slot->attached)
		return 0;
	if (ioctl(ep->fd, FUNCTIONFS_DMABUF_ATTACH, &slot->dmabuf_fd) == 0) {
		slot->attached = true;
		return 0;
	}
	if (errno == EBUSY || errno == EINTR || !aio_endpoint_is_enabled(s, ep))
		return -EAGAIN;
	/* EPERM: the controller does not support scatterlists. */
	fall_back_to_copy(
		s, ep, errno == EPERM ? "cannot use DMABUFs on" : "cannot attach a DMABUF to",
		errno == EPERM ? "the controller does not support scatterlists" : strerror(errno));
	return -ECANCELED;
}

/* Ends access to the DMABUF by the CPU, which begins before that if the program used the data. */
static void end_cpu_access(const struct stream_request *q, struct dmabuf_slot *slot)
{
	if (!q->no_cpu_access)
		set_cpu_access(q->ep, slot, true);
	set_cpu_access(q->ep, slot, false);
}

static int start_dma_transfer(struct stream *s, const struct stream_request *q,
			      struct dmabuf_slot *slot)
{
	struct usb_ffs_dmabuf_transfer_req req = { .fd = slot->dmabuf_fd, .length = q->length };
	bool attached = slot->attached;
	int r = attach_dmabuf(s, q->ep, slot);

	if (r < 0)
		return r;
	end_cpu_access(q, slot);
	do
		r = ioctl(q->ep->fd, FUNCTIONFS_DMABUF_TRANSFER, &req) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r == 0) {
		slot->in_flight = true;
		return 0;
	}
	set_cpu_access(q->ep, slot, true);
	/* EPERM: the kernel has detached the DMABUF, because the gadget was bound to another UDC or
	   the endpoint file was closed. */
	if (r == -EPERM && attached) {
		slot->attached = false;
		return start_dma_transfer(s, q, slot);
	}
	return r == -EBUSY ? -EAGAIN : r;
}

/* Prepares an iocb that polls for the end of the DMABUF transfer of this request, and returns it.
 */
static struct iocb *prepare_poll(struct stream *s, struct stream_request *q,
				 struct dmabuf_slot *slot)
{
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };
	const struct dmabuf_endpoint *dep = q->ep->engine_data;
	struct iocb *cb = (struct iocb *)q->engine_data;

	slot->n_incomplete = dep->n_incomplete;
	if (!dep->has_status &&
	    ioctl(slot->dmabuf_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export) == 0)
		slot->sync_fd = export.fd;
	if (slot->sync_fd >= 0)
		io_prep_poll(cb, slot->sync_fd, POLLIN);
	else
		io_prep_poll(cb, slot->dmabuf_fd, POLLOUT);
	io_set_eventfd(cb, s->completion_fd);
	cb->data = q;
	return cb;
}

static void end_dma_transfer(const struct stream_request *q, struct dmabuf_slot *slot)
{
	if (slot->sync_fd >= 0)
		close(slot->sync_fd);
	slot->sync_fd = -1;
	slot->in_flight = false;
	if (!q->no_cpu_access)
		set_cpu_access(q->ep, slot, true);
}

static void detach_dmabuf(struct stream *s, struct stream_endpoint *ep, struct dmabuf_slot *slot)
{
	/* The transfers of a disabled endpoint have already ended. */
	if (!slot->attached || !aio_endpoint_is_enabled(s, ep))
		return;
	ioctl(ep->fd, FUNCTIONFS_DMABUF_DETACH, &slot->dmabuf_fd);
	slot->attached = false;
}

/* Finds out whether the exported fences are those of these transfers. If the endpoint was disabled
   before the fence of a transfer was exported, the transfer had ended before the export: the
   exported fence does not report that this transfer failed. */
static void check_fences(struct stream *s, struct stream_request **requests, unsigned int n)
{
	bool enabled = aio_endpoint_is_enabled(s, requests[0]->ep);
	unsigned int i;

	for (i = 0; i < n; i++)
		slot_of_request(s, requests[i])->fence_is_stale = !enabled;
}

/* Starts transfers of the first requests of the array by one system call, if they belong to the
   same endpoint and their DMABUFs are attached. Returns the number of started transfers. The caller
   starts the next one by itself, and so finds out why it was not started. */
static unsigned int start_dma_transfers(const struct stream *s, struct stream_request **requests,
					unsigned int n)
{
	struct usb_ffs_dmabuf_transfer_req reqs[AIO_BATCH];
	struct usb_ffs_dmabuf_transfer_many many = { .requests = (uintptr_t)reqs };
	struct stream_endpoint *ep = requests[0]->ep;
	struct dmabuf_endpoint *dep = ep->engine_data;
	struct dmabuf_slot *slots[AIO_BATCH];
	unsigned int i, started;
	int r;

	for (i = 0; i < n && i < AIO_BATCH && requests[i]->ep == ep; i++) {
		slots[i] = slot_usable_for_request(s, requests[i]);
		if (!slots[i] || !slots[i]->attached)
			break;
	}
	if (i < 2 || dep->lacks_transfer_many)
		return 0;
	many.count = i;
	for (i = 0; i < many.count; i++) {
		end_cpu_access(requests[i], slots[i]);
		reqs[i] = (struct usb_ffs_dmabuf_transfer_req){ .fd = slots[i]->dmabuf_fd,
								.length = requests[i]->length };
	}
	do
		r = ioctl(ep->fd, FUNCTIONFS_DMABUF_TRANSFER_MANY, &many);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == ENOTTY)
		dep->lacks_transfer_many = true;
	started = r < 0 ? 0 : (unsigned int)r;
	for (i = 0; i < many.count; i++) {
		slots[i]->in_flight = i < started;
		if (i >= started)
			set_cpu_access(ep, slots[i], true);
	}
	return started;
}

/* Submits the first requests of the array that belong to the same endpoint and can use DMABUFs.
   Returns the number of submitted requests, or a negative errno. */
static int submit_dmabuf_requests(struct stream *s, struct stream_request **requests,
				  unsigned int n)
{
	struct stream_endpoint *ep = requests[0]->ep;
	const struct dmabuf_endpoint *dep = ep->engine_data;
	struct iocb *iocbs[AIO_BATCH];
	unsigned int i, queued = 0, started = start_dma_transfers(s, requests, n);
	struct dmabuf_slot *slot;
	int r = 0;

	for (i = 0; i < n && i < AIO_BATCH && requests[i]->ep == ep; i++) {
		slot = slot_usable_for_request(s, requests[i]);
		if (!slot)
			break;
		if (i >= started)
			r = start_dma_transfer(s, requests[i], slot);
		if (r < 0)
			break;
		iocbs[i] = prepare_poll(s, requests[i], slot);
	}
	n = i;
	if (!n)
		return r;
	if (!dep->has_status)
		check_fences(s, requests, n);
	while (queued < n && (r = aio_queue_iocbs(s, iocbs + queued, n - queued)) > 0)
		queued += (unsigned int)r;
	for (i = queued; i < n; i++) { /* no iocb polls for the end of these transfers */
		slot = slot_of_request(s, requests[i]);
		detach_dmabuf(s, ep, slot);
		end_dma_transfer(requests[i], slot);
	}
	return queued ? (int)queued : r;
}

static int dmabuf_submit(struct stream *s, struct stream_request **requests, unsigned int n)
{
	struct iocb *iocbs[AIO_BATCH];
	unsigned int i;
	int r;

	if (slot_usable_for_request(s, requests[0])) {
		r = submit_dmabuf_requests(s, requests, n);
		if (r != -ECANCELED)
			return r;
	}
	for (i = 0; i < n && i < AIO_BATCH && (i == 0 || !slot_usable_for_request(s, requests[i]));
	     i++)
		iocbs[i] = aio_prepare_iocb(s, requests[i]);
	return aio_queue_iocbs(s, iocbs, i);
}

/* Returns the number of bytes that the last transfer of the DMABUF has moved, or a negative errno.
 */
static long read_result(const struct stream_endpoint *ep, const struct dmabuf_slot *slot)
{
	struct usb_ffs_dmabuf_status status;
	int r;

	if (!slot->attached) /* by dmabuf_cancel() */
		return -ECANCELED;
	r = read_status(ep, slot->dmabuf_fd, &status);
	/* EPERM: the gadget was bound to another UDC after the transfer had ended. */
	return r == 0 ? (long)status.result : r == -EPERM ? -ESHUTDOWN : r;
}

static void dmabuf_cancel(struct stream *s, struct stream_request *q)
{
	const struct dmabuf_endpoint *dep = q->ep->engine_data;
	struct dmabuf_slot *slot = slot_of_request(s, q);

	if (!slot || !slot->in_flight)
		aio_cancel(s, q);
	else if (!dep->has_status || read_result(q->ep, slot) == -EINPROGRESS)
		detach_dmabuf(s, q->ep, slot);
}

/* Returns whether all transfers of this instance that ended after the beginning of this one were
   complete. */
static bool all_transfers_complete(struct stream_endpoint *ep, const struct dmabuf_slot *slot)
{
	struct dmabuf_endpoint *dep = ep->engine_data;
	struct usb_ffs_dmabuf_status status;

	if (!dep->n_incomplete_is_current) {
		if (read_status(ep, -1, &status) < 0)
			return false;
		dep->n_incomplete = status.incomplete;
		dep->n_incomplete_is_current = true;
	}
	return dep->n_incomplete == slot->n_incomplete;
}

/* Returns the number of bytes that a DMABUF transfer has moved, or a negative errno. */
static long dma_transfer_result(const struct stream_request *q, const struct dmabuf_slot *slot)
{
	const struct dmabuf_endpoint *dep = q->ep->engine_data;
	struct sync_file_info info = { 0 };

	if (dep->has_status && !all_transfers_complete(q->ep, slot))
		return read_result(q->ep, slot);
	if (slot->fence_is_stale)
		return -ESHUTDOWN;
	if (slot->sync_fd >= 0 && ioctl(slot->sync_fd, SYNC_IOC_FILE_INFO, &info) == 0 &&
	    info.status < 0)
		return info.status;
	return (long)q->length;
}

static void complete_dmabuf_request(struct stream *s, struct stream_request *q, long result)
{
	struct dmabuf_slot *slot = slot_of_request(s, q);

	if (slot && slot->in_flight) {
		if (result >= 0) /* the poll succeeded */
			result = dma_transfer_result(q, slot);
		end_dma_transfer(q, slot);
	}
	stream_complete_request(s, q, result);
}

static void dmabuf_reap_completions(struct stream *s)
{
	struct io_event events[AIO_BATCH];
	unsigned int i;
	int k, n;

	do {
		n = aio_read_events(s, events);
		for (i = 0; i < s->n_eps; i++)
			if (s->eps[i].engine_data)
				((struct dmabuf_endpoint *)s->eps[i].engine_data)
					->n_incomplete_is_current = false;
		for (k = 0; k < n; k++)
			complete_dmabuf_request(s, events[k].data, (long)events[k].res);
	} while (n == AIO_BATCH);
}

static int dmabuf_open(struct stream *s, unsigned int requests)
{
	return s->config.dmabuf_device_fd < 0 ? -ENODEV : aio_open(s, requests);
}

static const struct stream_open_failure dmabuf_open_failures[] = {
	{ ENODEV, "make DMABUFs without 'udmabuf' or 'dma-heap'", NULL },
	AIO_OPEN_FAILURES,
};

const struct stream_engine stream_engine_dmabuf = {
	.name = "dmabuf",
	.open_failures = dmabuf_open_failures,
	.skipped_by_auto = true,
	.page_aligned_buffers = true,
	.open = dmabuf_open,
	.close = aio_close,
	.alloc_buffers = dmabuf_alloc_buffers,
	.free_buffers = dmabuf_free_buffers,
	.submit = dmabuf_submit,
	.cancel = dmabuf_cancel,
	.endpoint_is_enabled = aio_endpoint_is_enabled,
	.has_scatterlists = aio_has_scatterlists,
	.accept_session = aio_accept_session,
	.has_completions = aio_has_completions,
	.reap_completions = dmabuf_reap_completions,
};
