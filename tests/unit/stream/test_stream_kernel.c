/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real engines and libffsctl-stream, with a fake ioctl(). Endpoint files are memory files,
 * which libaio reads and writes at once.
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>
#include <linux/usb/functionfs.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ffsctl/stream.h"
#include "recorder.h"
#include "stream/stream.h"

#define OUT 0
#define IN 1
#define MANY 100 /* more than AIO_BATCH */

/* linux/usb/functionfs.h and linux/dma-buf.h may lack these. */
#define DMABUF_ATTACH _IOW('g', 131, int)
#define DMABUF_DETACH _IOW('g', 132, int)
#define DMABUF_TRANSFER _IOC(_IOC_WRITE, 'g', 133, 16)
struct dmabuf_status {
	int32_t fd;
	uint32_t incomplete;
	int64_t result;
};
#define DMABUF_STATUS _IOWR('g', 0xe1, struct dmabuf_status)
struct dmabuf_transfer_many {
	uint64_t requests;
	uint32_t count, flags;
};
#define DMABUF_TRANSFER_MANY _IOW('g', 0xe2, struct dmabuf_transfer_many)
#define EXPORT_SYNC_FILE _IOC(_IOC_READ | _IOC_WRITE, 'b', 2, 8)
#define SESSION_ACCEPT _IO('g', 0xe0)

/* The fake kernel's state. */
static struct {
	int files[2];	      /* of the endpoints */
	uint16_t packet;      /* bytes, in the current session */
	int session;	      /* its number; 0: sessions are not numbered */
	unsigned int forgets; /* number of transfers that fail as if their DMABUF were detached */
	unsigned int starts_at_most; /* transfers, by DMABUF_TRANSFER_MANY; 0: does not exist */
	unsigned int calls_one, calls_many; /* of DMABUF_TRANSFER and DMABUF_TRANSFER_MANY */
	unsigned int attached, transfers;
	bool disabled;	       /* all endpoints */
	bool has_scatterlists; /* of the controller */
	bool has_status;       /* FUNCTIONFS_DMABUF_STATUS exists */
	unsigned int incomplete;
	int64_t result; /* of the last transfer of every DMABUF */
	unsigned int counts_read,
		results_read;	   /* calls of DMABUF_STATUS, without and with a DMABUF */
	unsigned int cpu_accesses; /* calls of DMA_BUF_IOCTL_SYNC */
	int accessible;		   /* number of DMABUFs whose access has begun and not ended */
	unsigned int busy_after;   /* number of transfers; 0: never */
	unsigned int exports;
} kernel;

static int endpoint_desc(int fd, struct usb_endpoint_descriptor *desc)
{
	*desc = (struct usb_endpoint_descriptor){
		.bEndpointAddress = fd == kernel.files[IN] ? 0x81 : 0x02,
		.bmAttributes = USB_ENDPOINT_XFER_BULK,
		.wMaxPacketSize = htole16(kernel.packet),
	};
	return 0;
}

static int fails(int e)
{
	errno = e;
	return -1;
}

/* A fence that has signalled is a readable file. */
static int export_fence(struct dma_buf_export_sync_file *export)
{
	kernel.exports++;
	export->fd = eventfd(1, EFD_CLOEXEC);
	return export->fd < 0 ? -1 : 0;
}

static int dmabuf_status(struct dmabuf_status *answer)
{
	if (!kernel.has_status)
		return fails(ENOTTY);
	if (answer->fd == -1)
		kernel.counts_read++;
	else
		kernel.results_read++;
	answer->incomplete = kernel.incomplete;
	answer->result = answer->fd == -1 ? 0 : kernel.result;
	return 0;
}

static int dmabuf_transfer(void)
{
	if (kernel.forgets) {
		kernel.forgets--;
		return fails(EPERM);
	}
	if (kernel.busy_after && kernel.transfers >= kernel.busy_after)
		return fails(EBUSY);
	kernel.transfers++;
	return 0;
}

static int dmabuf_transfer_many(const struct dmabuf_transfer_many *many)
{
	unsigned int n;

	kernel.calls_many++;
	if (!kernel.starts_at_most)
		return fails(ENOTTY);
	cr_assert(many->requests && many->count && !many->flags);
	for (n = 0; n < many->count && n < kernel.starts_at_most; n++)
		if (dmabuf_transfer() < 0)
			return n ? (int)n : -1;
	return (int)n;
}

#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request; /* as POSIX has it, and musl */
#endif

int ioctl(int fd, ioctl_request request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	switch ((unsigned int)request) {
	case (unsigned int)FUNCTIONFS_ENDPOINT_DESC:
		return kernel.disabled ? fails(EAGAIN) : endpoint_desc(fd, arg);
	case (unsigned int)SESSION_ACCEPT:
		return kernel.session ? kernel.session : fails(ENOTTY);
	case (unsigned int)UDMABUF_CREATE:
		return dup((int)((struct udmabuf_create *)arg)->memfd);
	case (unsigned int)DMABUF_ATTACH:
		if (*(int *)arg < 0)
			return fails(kernel.has_scatterlists ? EBADF : EPERM);
		kernel.attached++;
		return 0;
	case (unsigned int)DMABUF_TRANSFER:
		kernel.calls_one++;
		return dmabuf_transfer();
	case (unsigned int)DMABUF_TRANSFER_MANY:
		return dmabuf_transfer_many(arg);
	case (unsigned int)EXPORT_SYNC_FILE:
		return export_fence(arg);
	case (unsigned int)SYNC_IOC_FILE_INFO:
		((struct sync_file_info *)arg)->status = 1;
		return 0;
	case (unsigned int)DMABUF_STATUS:
		return dmabuf_status(arg);
	case (unsigned int)DMA_BUF_IOCTL_SYNC:
		kernel.cpu_accesses++;
		kernel.accessible +=
			((struct dma_buf_sync *)arg)->flags & DMA_BUF_SYNC_END ? -1 : 1;
		return 0;
	case (unsigned int)DMABUF_DETACH:
		return 0;
	}
	return fails(ENOTTY);
}

/* --- engines --- */

static struct stream s;
static struct stream_endpoint eps[2];
static unsigned int n_done;
static int status;
static size_t length;

static void on_done(void *user, struct ffsctl_transfer *t)
{
	(void)user;
	n_done++;
	status = t->status;
	length = t->length;
	stream_release_transfer(&s, t);
}

static void on_log(void *user, const char *text)
{
	(void)user;
	(void)text;
	record("log");
}

static const struct stream_callbacks callbacks = { on_up, on_down, on_done, on_log };

static int memory_file(void)
{
	int fd = memfd_create("endpoint", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

static void open_engine(const struct stream_engine *engine, unsigned int depth, int out, int in)
{
	struct stream_config config = {
		.engine = engine,
		.callbacks = &callbacks,
		.framing = FFSCTL_FRAMING_STREAM,
		.buffer_size = 4096,
		.transfers_per_endpoint = depth,
		.dmabuf_device_fd = out, /* any descriptor: ioctl() is a fake */
	};
	unsigned int i;

	for (i = 0; i < 2; i++) {
		eps[i].public.name = i == IN ? "ep1-in" : "ep2-out";
		eps[i].public.direction = i == IN ? FFSCTL_IN : FFSCTL_OUT;
		eps[i].fd = kernel.files[i] = i == IN ? in : out;
		eps[i].packet_size[FFSCTL_SPEED_HIGH] = 512;
	}
	cr_assert_eq(stream_open(&s, &config, eps, 2), 0);
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	recorded[0] = 0;
}

static void submit_with_flags(uint32_t ep, size_t bytes, uint32_t flags)
{
	struct ffsctl_transfer *t = stream_get_free_transfer(&s, ep);

	cr_assert_not_null(t);
	t->length = bytes;
	t->flags = flags;
	cr_assert_eq(stream_submit_transfer(&s, ep, t), 0);
}

static void submit(uint32_t ep, size_t bytes)
{
	submit_with_flags(ep, bytes, 0);
}

Test(engine, each_row_of_the_list_is_its_struct)
{
#define ROW(NAME, word, needs, description)                                                        \
	cr_expect_str_eq(stream_engine_##word.name, #word);                                        \
	/* The supervisor accepts no other names. */                                               \
	cr_expect(sizeof(#word) - 1 <= 15 &&                                                       \
		  strspn(#word, "abcdefghijklmnopqrstuvwxyz") == sizeof(#word) - 1);               \
	for (const struct stream_open_failure *f = stream_engine_##word.open_failures;             \
	     f->errno_value; f++)                                                                  \
		cr_expect(f->failed_action);
	STREAM_ENGINES(ROW)
#undef ROW
}

Test(engine, auto_is_the_last_of_the_list_that_opens)
{
	struct stream_config config = { .callbacks = &callbacks,
					.buffer_size = 4096,
					.transfers_per_endpoint = 1 };

	eps[0].fd = memory_file();
	cr_assert_eq(stream_choose_engine_and_open(&s, &config, "auto", eps, 1), 0);
	cr_expect_eq(config.engine, &stream_engine_mmap);
	stream_close(&s);
	eps[0].fd = open("/dev/null", O_RDWR | O_CLOEXEC); /* has no mmap() */
	cr_assert_eq(stream_choose_engine_and_open(&s, &config, "auto", eps, 1), 0);
	cr_expect_eq(config.engine, &stream_engine_copy);
	stream_close(&s);
}

Test(engine, one_whose_needs_are_lacking_does_not_exist)
{
	struct stream_config config = { .callbacks = &callbacks,
					.buffer_size = 4096,
					.transfers_per_endpoint = 1 };

	eps[0].fd = memory_file();
	config.missing_features = STREAM_NEEDS_DMABUF;
	cr_expect_eq(stream_choose_engine_and_open(&s, &config, "dmabuf", eps, 1), -EINVAL);
	cr_expect_null(config.engine);
	config.missing_features = STREAM_NEEDS_MMAP;
	cr_assert_eq(stream_choose_engine_and_open(&s, &config, "auto", eps, 1), 0);
	cr_expect_eq(config.engine, &stream_engine_copy);
	stream_close(&s);
}

Test(engine, one_dispatch_delivers_every_completion)
{
	unsigned int i;

	open_engine(&stream_engine_copy, MANY, memory_file(), memory_file());
	for (i = 0; i < MANY; i++)
		submit(OUT, 0);
	cr_assert(!stream_submit_queued_requests(&s));
	stream_handle_completions(&s);
	cr_assert_eq(n_done, MANY, "%u of %u", n_done, MANY);
	cr_assert_eq(status, 0);
	stream_close(&s);
}

Test(engine, a_buffer_that_cannot_be_mapped_is_not_reported_as_mmap)
{
	/* /dev/null cannot be mapped. */
	open_engine(&stream_engine_mmap, 2, memory_file(), open("/dev/null", O_RDWR | O_CLOEXEC));
	stream_release_transfer(&s, stream_get_free_transfer(&s, OUT));
	cr_assert_str_eq(stream_engine_in_use(&s), "mmap");
	stream_release_transfer(&s, stream_get_free_transfer(&s, IN));
	cr_assert_str_eq(stream_engine_in_use(&s), "mixed");
	cr_assert_str_eq(recorded, "log");
	stream_close(&s);
}

/* Runs the stream until `n` transfers are delivered. */
static void deliver(unsigned int n)
{
	struct pollfd p = { .fd = stream_completion_fd(&s), .events = POLLIN };
	uint64_t unused;

	while (n_done < n) {
		stream_submit_queued_requests(&s);
		if (n_done >= n)
			break;
		cr_assert_gt(poll(&p, 1, 60000), 0, "%u of %u have ended", n_done, n);
		cr_assert_eq(read(p.fd, &unused, sizeof(unused)), (ssize_t)sizeof(unused));
		stream_handle_completions(&s);
	}
}

Test(engine, a_detached_dmabuf_is_attached_again)
{
	open_engine(&stream_engine_dmabuf, 1, memory_file(), memory_file());
	submit(IN, 512);
	deliver(1);
	cr_assert(status == 0 && kernel.attached == 1 && kernel.transfers == 1, "%d", status);
	kernel.forgets = 1;
	submit(IN, 512);
	deliver(2);
	cr_assert_eq(status, 0);
	cr_assert(kernel.attached == 2 && kernel.transfers == 2);
	cr_assert_str_eq(recorded, "", "%s", recorded); /* the link stays up */
	stream_close(&s);
}

Test(engine, a_buffer_that_is_none_shows_scatterlists)
{
	open_engine(&stream_engine_copy, 1, memory_file(), memory_file());
	cr_expect(!s.has_scatterlists);
	kernel.has_scatterlists = true;
	kernel.disabled = true;
	stream_link_down(&s);
	kernel.disabled = false;
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	cr_expect(s.has_scatterlists);
	stream_close(&s);
}

Test(engine, complete_dmabufs_need_one_status_call_for_all)
{
	unsigned int i;

	kernel.has_status = true;
	open_engine(&stream_engine_dmabuf, 8, memory_file(), memory_file());
	for (i = 0; i < 8; i++)
		submit(IN, 512);
	deliver(8);
	cr_expect(status == 0 && length == 512 && kernel.transfers == 8);
	cr_expect(kernel.results_read == 0 && kernel.exports == 0);
	/* one when the buffers are allocated */
	cr_expect(kernel.counts_read == 2, "%u", kernel.counts_read);
	stream_close(&s);
}

static void submit_many(unsigned int n)
{
	while (n--)
		submit_with_flags(IN, 512, FFSCTL_NO_CPU_ACCESS);
}

Test(engine, attached_dmabufs_start_by_one_call)
{
	kernel.has_status = true;
	kernel.starts_at_most = UINT_MAX;
	open_engine(&stream_engine_dmabuf, 8, memory_file(), memory_file());
	submit_many(8); /* attaches them */
	deliver(8);
	cr_expect(kernel.calls_one == 8 && kernel.calls_many == 0);
	submit_many(8);
	deliver(16);
	cr_expect(kernel.calls_one == 8 && kernel.calls_many == 1 && kernel.transfers == 16);
	submit_many(1);
	deliver(17);
	cr_expect(kernel.calls_one == 9 && kernel.calls_many == 1 && kernel.transfers == 17);
	cr_expect_eq(status, 0);
	stream_close(&s);
}

Test(engine, a_kernel_without_that_call_is_asked_once)
{
	unsigned int i;

	kernel.has_status = true;
	open_engine(&stream_engine_dmabuf, 8, memory_file(), memory_file());
	for (i = 0; i < 3; i++) {
		submit_many(8);
		deliver(8 * (i + 1));
	}
	cr_expect(kernel.calls_one == 24 && kernel.calls_many == 1 && kernel.transfers == 24);
	cr_expect_eq(status, 0);
	stream_close(&s);
}

Test(engine, dmabufs_that_one_call_did_not_start_are_started_too)
{
	kernel.has_status = true;
	kernel.starts_at_most = 3;
	open_engine(&stream_engine_dmabuf, 8, memory_file(), memory_file());
	submit_many(8);
	deliver(8);
	submit_many(8);
	deliver(16);
	cr_expect(kernel.calls_many == 1 && kernel.transfers == 16, "%u", kernel.transfers);
	cr_expect_eq(status, 0);
	kernel.attached = 0;
	kernel.forgets = 2; /* the first in either call */
	submit_many(8);
	deliver(24);
	cr_expect(kernel.attached == 1 && kernel.transfers == 24, "%u", kernel.attached);
	cr_expect_eq(status, 0);
	cr_expect_str_eq(recorded, "", "%s", recorded);
	stream_close(&s);
}

Test(engine, a_dmabuf_that_was_not_started_is_accessible)
{
	unsigned int i;

	kernel.has_status = true;
	kernel.starts_at_most = UINT_MAX;
	open_engine(&stream_engine_dmabuf, 3, memory_file(), memory_file());
	for (i = 0; i < 3; i++)
		submit(IN, 512);
	deliver(3);
	cr_assert_eq(kernel.accessible, 3);
	kernel.busy_after = 4;
	for (i = 0; i < 3; i++)
		submit(IN, 512);
	stream_submit_queued_requests(&s);
	stream_link_down(&s);
	deliver(6);
	cr_expect_eq(kernel.accessible, 3, "%d", kernel.accessible);
	stream_close(&s);
}

Test(engine, after_an_incomplete_dmabuf_each_result_is_read)
{
	kernel.has_status = true;
	open_engine(&stream_engine_dmabuf, 2, memory_file(), memory_file());
	submit(IN, 512);
	submit(IN, 512);
	stream_submit_queued_requests(&s);
	kernel.incomplete++;
	kernel.result = -EPROTO;
	deliver(2);
	cr_expect(status == -EPROTO && kernel.results_read == 2);
	kernel.result = 0;
	submit(IN, 512);
	deliver(3);
	cr_expect(status == 0 && kernel.results_read == 2);
	stream_close(&s);
}

/* They were in flight when the number changed, and their completions are read in two rounds. */
Test(engine, an_incomplete_dmabuf_may_be_reported_after_others)
{
	unsigned int i;

	kernel.has_status = true;
	open_engine(&stream_engine_dmabuf, MANY, memory_file(), memory_file());
	for (i = 0; i < MANY; i++)
		submit(IN, 512);
	stream_submit_queued_requests(&s);
	kernel.incomplete++;
	kernel.result = -EPROTO;
	deliver(MANY);
	cr_expect(kernel.results_read == MANY && status == -EPROTO, "%u", kernel.results_read);
	stream_close(&s);
}

Test(engine, the_length_of_an_out_dmabuf_is_what_arrived)
{
	kernel.has_status = true;
	open_engine(&stream_engine_dmabuf, 1, memory_file(), memory_file());
	submit(OUT, 0);
	stream_submit_queued_requests(&s);
	kernel.incomplete++;
	kernel.result = 1000;
	deliver(1);
	cr_expect(status == 0 && length == 1000 && kernel.transfers == 1, "%d %zu", status, length);
	cr_expect_str_eq(stream_engine_in_use(&s), "dmabuf");
	stream_close(&s);
}

Test(engine, an_out_dmabuf_of_any_length_needs_the_status)
{
	open_engine(&stream_engine_dmabuf, 1, memory_file(), memory_file());
	submit(OUT, 0);
	deliver(1);
	cr_expect(status == 0 && kernel.transfers == 0);
	stream_close(&s);
}

Test(engine, without_cpu_access_none_begins_or_ends)
{
	kernel.has_status = true;
	open_engine(&stream_engine_dmabuf, 1, memory_file(), memory_file());
	submit(IN, 512); /* begins with the allocation, ends, and begins again */
	deliver(1);
	cr_expect_eq(kernel.cpu_accesses, 3);
	submit_with_flags(IN, 512, FFSCTL_NO_CPU_ACCESS); /* ends */
	deliver(2);
	cr_expect_eq(kernel.cpu_accesses, 4);
	submit_with_flags(IN, 512, FFSCTL_NO_CPU_ACCESS);
	deliver(3);
	cr_expect_eq(kernel.cpu_accesses, 4);
	submit(IN, 512); /* the data was written: begins, ends, begins again */
	deliver(4);
	cr_expect_eq(kernel.cpu_accesses, 7);
	stream_close(&s);
}

/* --- libffsctl-stream --- */

static struct ffsctl_stream *library;

static void on_enable(struct ffsctl_stream *st, void *user)
{
	(void)st;
	on_up(user);
}

static void on_disable(struct ffsctl_stream *st, void *user)
{
	(void)st;
	on_down(user);
}

/* Opens and enables the library's stream at 64 bytes a packet, with a transfer submitted. */
static void open_library(int session)
{
	const struct ffsctl_stream_config config = {
		FFSCTL_STREAM_CONFIG_HEAD, .framing = FFSCTL_FRAMING_MESSAGES,
		.engine = "copy",	   .transfer_size = 4096,
		.enable = on_enable,	   .disable = on_disable,
	};

	kernel.packet = 64;
	kernel.session = session;
	cr_assert_eq(ffsctl_stream_new(&library, &config), 0);
	for (int i = 0; i < 2; i++) {
		kernel.files[i] = memory_file();
		cr_assert_eq(ffsctl_stream_add_endpoint(library, kernel.files[i],
							i == IN ? "in" : "out"),
			     i);
	}
	cr_assert_eq(ffsctl_stream_open(library), 0);
	cr_assert_eq(ffsctl_stream_enable(library), 0);
	cr_assert_eq(ffsctl_stream_submit(library, OUT, ffsctl_stream_get_transfer(library, OUT)),
		     0);
	cr_assert_str_eq(recorded, "up");
}

static void has_packets_of(uint32_t size)
{
	for (uint32_t i = 0; i < 2; i++)
		cr_assert_eq(ffsctl_stream_endpoint(library, i)->max_packet, size);
}

/* Enables without a disable before, which was lost or comes late. */
static void enable_at(uint16_t packet, const char *wanted)
{
	kernel.packet = packet;
	cr_assert_eq(ffsctl_stream_enable(library), 0);
	ffsctl_stream_flush(library);
	ffsctl_stream_dispatch(library);
	cr_assert_str_eq(recorded, wanted, "%s", recorded);
	has_packets_of(packet);
}

Test(library, an_enable_with_other_packet_sizes_starts_a_session)
{
	open_library(0);
	enable_at(512, "up down up");
	enable_at(64, "up down up down up"); /* and back */
	ffsctl_stream_free(library);
}

Test(library, an_enable_with_the_same_packet_sizes_keeps_the_session)
{
	open_library(0);
	has_packets_of(64);
	cr_assert_eq(ffsctl_stream_enable(library), 0);
	cr_assert_eq(ffsctl_stream_enable(library), 0);
	cr_assert_str_eq(recorded, "up");
	has_packets_of(64);
	ffsctl_stream_free(library);
}

/* It may have been accepted at an earlier enable, after the packet sizes of the session before were
 * read. */
Test(library, a_numbered_session_has_its_own_packet_sizes)
{
	open_library(7);
	enable_at(512, "up down up");
	enable_at(512, "up down up");
	ffsctl_stream_free(library);
}

static int handle(uint8_t type, uint16_t max_transfer)
{
	const struct ffsctl_event event = { .event = type, .max_transfer = max_transfer };
	int r = ffsctl_stream_handle_event(library, &event);

	ffsctl_stream_flush(library);
	ffsctl_stream_dispatch(library);
	return r;
}

/* Returns the length of the longest request that writes a full transfer: each request writes to the
   start of the memory file. */
static off_t longest_written(void)
{
	struct ffsctl_transfer *t = ffsctl_stream_get_transfer(library, IN);
	struct stat file;

	cr_assert_eq(ftruncate(kernel.files[IN], 0), 0);
	t->length = 4096;
	cr_assert_eq(ffsctl_stream_submit(library, IN, t), 0);
	while (ffsctl_stream_flush(library))
		;
	ffsctl_stream_dispatch(library);
	cr_assert_eq(fstat(kernel.files[IN], &file), 0);
	return file.st_size;
}

Test(library, each_event_does_what_the_program_would_call)
{
	open_library(0);
	cr_expect_eq(longest_written(), 4096);
	kernel.disabled = true;
	cr_expect_eq(handle(FFSCTL_EVENT_DISABLE, 0), 0);
	cr_expect_str_eq(recorded, "up down");
	cr_expect_eq(handle(FFSCTL_EVENT_ENABLE, 1), -EAGAIN);
	kernel.disabled = false;
	cr_expect_eq(handle(FFSCTL_EVENT_ENABLE, 1), 0);
	cr_expect_eq(longest_written(), 1024);
	cr_expect_eq(handle(FFSCTL_EVENT_SUSPEND, 0), 0);
	cr_expect_eq(handle(FFSCTL_EVENT_RESUME, 0), 0);
	cr_expect_eq(longest_written(), 1024);
	kernel.disabled = true;
	cr_expect_eq(handle(FFSCTL_EVENT_UNBIND, 0), 0);
	cr_expect_str_eq(recorded, "up down up down");
	kernel.disabled = false;
	cr_expect_eq(handle(FFSCTL_EVENT_BIND, 0), 0);
	cr_expect_str_eq(recorded, "up down up down");
	cr_expect_eq(handle(FFSCTL_EVENT_ENABLE, 0), 0);
	cr_expect_eq(longest_written(), 4096);
	ffsctl_stream_free(library);
}
