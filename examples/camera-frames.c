/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker of camera-frames.conf: sends the frames of a camera to the host without a copy.
 *
 *	camera-frames [DEVICE [FORMAT [WIDTHxHEIGHT]]]
 *
 * FORMAT is the name of an uncompressed V4L2 format, such as YUYV or GREY.
 *
 * The buffers of the camera's driver are exported as DMABUFs and attached to the endpoint: the USB
 * device controller (UDC) reads each frame from the memory that the camera has written it to. Only
 * numbers of buffers pass through this program. A buffer goes from the camera (DQBUF) to the UDC
 * (DMABUF_TRANSFER) and, when poll() on the DMABUF shows that the UDC no longer reads it, back
 * to the camera (QBUF). If the host reads too slowly, it goes back at once: the frame is dropped.
 *
 * Needs Linux 6.9, or ffsctl's kernel patches, which also fix FunctionFS's bugs with DMABUFs; a UDC
 * that supports scatter-gather; and a camera whose driver writes by DMA to its buffers (videobuf2's
 * dma-contig and dma-sg, which the drivers of most CSI cameras use). uvcvideo, the driver of USB
 * cameras, writes with the CPU (vmalloc), and nothing flushes the CPU's cache for the UDC: use it
 * only where DMA is cache-coherent.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <linux/usb/functionfs.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <ffsctl/control.h>

/* linux/usb/functionfs.h has these definitions since Linux 6.9. */
#ifndef FUNCTIONFS_DMABUF_TRANSFER
struct usb_ffs_dmabuf_transfer_req {
	int fd;
	__u32 flags;
	__u64 length;
} __attribute__((packed));
#define FUNCTIONFS_DMABUF_ATTACH _IOW('g', 131, int)
#define FUNCTIONFS_DMABUF_TRANSFER _IOW('g', 133, struct usb_ffs_dmabuf_transfer_req)
#endif

/* File descriptors in the order of LISTEN_FDNAMES: config, control, the only endpoint. */
#define CONTROL 4
#define ENDPOINT 5

/* Frames in flight to the host: one is sent, and the next one waits, so that the bus is never idle.
   A host that has not read for a while first gets these two, which are old. */
#define MAX_IN_FLIGHT 2
/* These, and three for the camera, which always needs one to write to. */
#define BUFFERS (MAX_IN_FLIGHT + 3)

/* Exit statuses (ffsctl-worker(7)). */
#define FAILED 1     /* restarted as the gadget file says */
#define HOPELESS 125 /* never restarted */

/* bRequest of the vendor request to the interface that returns the format of the frames. */
#define GET_FORMAT 1

struct camera {
	const char *path;
	int fd;
	struct v4l2_pix_format format;
	bool streaming; /* while the host has enabled the function */
	unsigned int in_flight;
	struct {
		int dmabuf;
		bool in_flight;
	} buffers[BUFFERS];
	unsigned long long sent, dropped; /* frames */
};

/* Prints "cannot ...", and ends the program. */
__attribute__((format(printf, 2, 3), noreturn)) static void fail(int status, const char *format,
								 ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("camera-frames: cannot ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	exit(status);
}

/* --- the camera --- */

__attribute__((noreturn)) static void fail_camera(const struct camera *c, const char *action)
{
	fail(FAILED, "%s %s: %s", action, c->path,
	     errno == ENODEV ? "the camera was removed" : strerror(errno));
}

static void command(const struct camera *c, unsigned long request, void *argument,
		    const char *action)
{
	if (ioctl(c->fd, request, argument) < 0)
		fail_camera(c, action);
}

static void open_camera(struct camera *c)
{
	struct v4l2_capability capability;
	uint32_t needed = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;

	c->fd = open(c->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		fail_camera(c, "open");
	if (ioctl(c->fd, VIDIOC_QUERYCAP, &capability) < 0 ||
	    (capability.device_caps & needed) != needed)
		fail(HOPELESS, "use %s: it is not a capture device with the single-planar API",
		     c->path);
}

static void set_format(struct camera *c, const char *name, unsigned int width, unsigned int height)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	char fourcc[5];

	snprintf(fourcc, sizeof(fourcc), "%-4s", name);
	format.fmt.pix.width = width;
	format.fmt.pix.height = height;
	format.fmt.pix.pixelformat = v4l2_fourcc(fourcc[0], fourcc[1], fourcc[2], fourcc[3]);
	c->format.pixelformat = format.fmt.pix.pixelformat;
	command(c, VIDIOC_S_FMT, &format, "set the format of");
	/* The driver has set the nearest format and size that the camera has. */
	if (format.fmt.pix.pixelformat != c->format.pixelformat)
		fail(HOPELESS, "set the format %s of %s: the camera lacks it", fourcc, c->path);
	c->format = format.fmt.pix;
	fprintf(stderr, "camera-frames: %s: %s, %ux%u, %u bytes in a frame\n", c->path, fourcc,
		c->format.width, c->format.height, c->format.sizeimage);
}

static void make_buffers(struct camera *c)
{
	struct v4l2_requestbuffers request = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					       .memory = V4L2_MEMORY_MMAP,
					       .count = BUFFERS };

	command(c, VIDIOC_REQBUFS, &request, "make buffers of");
	if (request.count < BUFFERS)
		fail(FAILED, "make %u buffers of %s: the driver made %u", BUFFERS, c->path,
		     request.count);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		struct v4l2_exportbuffer export = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
						    .index = i,
						    .flags = O_CLOEXEC };

		command(c, VIDIOC_EXPBUF, &export, "export a buffer of");
		c->buffers[i].dmabuf = export.fd;
	}
}

static void queue_buffer(const struct camera *c, unsigned int index)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				      .memory = V4L2_MEMORY_MMAP,
				      .index = index };

	command(c, VIDIOC_QBUF, &buffer, "queue a buffer of");
}

/* Gives the camera all buffers but those in flight, which follow when their transfers end. */
static void start_camera(struct camera *c)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (c->streaming) /* the host has configured the device again; its transfers have ended */
		return;
	for (unsigned int i = 0; i < BUFFERS; i++)
		if (!c->buffers[i].in_flight)
			queue_buffer(c, i);
	command(c, VIDIOC_STREAMON, &type, "start");
	c->streaming = true;
}

/* Takes all buffers from the camera. */
static void stop_camera(struct camera *c)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (c->streaming)
		command(c, VIDIOC_STREAMOFF, &type, "stop");
	c->streaming = false;
}

/* --- the endpoint --- */

/* Fails if FunctionFS of this kernel does not have DMABUFs. */
static void check_endpoint(void)
{
	const char *fds = getenv("LISTEN_FDS");
	int none = -1;

	if (!fds || strcmp(fds, "3") != 0)
		fail(HOPELESS, "find the endpoint: ffsctl must pass exactly one");
	/* The argument is invalid. FunctionFS without DMABUFs does not look at it: it passes the
	   ioctl on to the UDC, if the endpoint is enabled. */
	if (ioctl(ENDPOINT, FUNCTIONFS_DMABUF_ATTACH, &none) < 0 &&
	    (errno == ENOTTY || errno == EAGAIN))
		fail(HOPELESS,
		     "attach buffers to the endpoint: FunctionFS of this kernel has no DMABUFs; "
		     "use Linux 6.9 or later");
}

static int start_transfer(int dmabuf, uint32_t length)
{
	struct usb_ffs_dmabuf_transfer_req transfer = { .fd = dmabuf, .length = length };

	return ioctl(ENDPOINT, FUNCTIONFS_DMABUF_TRANSFER, &transfer) < 0 ? -errno : 0;
}

/* Attaches a buffer to the endpoint. Returns 0, or a negative errno if that is not possible now. */
static int attach(const struct camera *c, int dmabuf)
{
	struct usb_endpoint_descriptor descriptor;

	if (ioctl(ENDPOINT, FUNCTIONFS_DMABUF_ATTACH, &dmabuf) == 0)
		return 0;
	if (errno == EBUSY)
		return -EBUSY;
	if (errno != EPERM)
		fail(FAILED, "attach a buffer of %s to the endpoint: %s", c->path, strerror(errno));
	/* Either the UDC has no scatter-gather, or the gadget was just unbound. */
	if (ioctl(ENDPOINT, FUNCTIONFS_ENDPOINT_DESC, &descriptor) == 0)
		fail(HOPELESS,
		     "attach buffers of %s to the endpoint: the UDC has no scatter-gather; "
		     "use another UDC, or a program that copies the frames",
		     c->path);
	return -EPERM;
}

/* Sends a frame. Returns false if that is not possible now. */
static bool send_frame(struct camera *c, const struct v4l2_buffer *frame)
{
	int dmabuf = c->buffers[frame->index].dmabuf, r;

	if (c->in_flight == MAX_IN_FLIGHT || (frame->flags & V4L2_BUF_FLAG_ERROR) ||
	    !frame->bytesused)
		return false;
	r = start_transfer(dmabuf, frame->bytesused);
	if (r == -EPERM) { /* not attached: the first frame of this buffer, or of this UDC */
		r = attach(c, dmabuf);
		if (r == 0)
			r = start_transfer(dmabuf, frame->bytesused);
	}
	/* EAGAIN, ESHUTDOWN, EPERM: the endpoint is disabled, the event follows.
	   EBUSY: the kernel still uses the attachment to another UDC. */
	if (r < 0 && r != -EAGAIN && r != -ESHUTDOWN && r != -EPERM && r != -EBUSY)
		fail(FAILED, "send a frame of %s: %s", c->path, strerror(-r));
	return r == 0;
}

static void send_message(uint16_t type, uint32_t id, const void *body, size_t length)
{
	struct {
		struct ffsctl_msg head;
		char body[100];
	} m = { { htole16(FFSCTL_CONTROL_VERSION), htole16(type), htole32((uint32_t)length),
		  htole32(id) },
		{ 0 } };

	memcpy(m.body, body, length);
	/* Does not wait for ffsctl, because the camera does not wait, either. */
	send(CONTROL, &m, sizeof(m.head) + length, MSG_DONTWAIT);
}

/* Takes a frame from the camera. It is sent, or else the camera may overwrite it. */
static void handle_frame(struct camera *c)
{
	struct v4l2_buffer frame = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				     .memory = V4L2_MEMORY_MMAP };
	char stats[80];
	int n;

	if (ioctl(c->fd, VIDIOC_DQBUF, &frame) < 0) {
		if (errno == EAGAIN)
			return;
		fail_camera(c, "read a frame of");
	}
	if (send_frame(c, &frame)) {
		c->buffers[frame.index].in_flight = true;
		c->in_flight++;
		c->sent++;
	} else {
		queue_buffer(c, frame.index);
		c->dropped++;
	}
	n = snprintf(stats, sizeof(stats), "{\"sent\":%llu,\"dropped\":%llu}", c->sent, c->dropped);
	send_message(FFSCTL_MSG_STATS, 0, stats, (size_t)n);
}

/* Returns a buffer to the camera. poll() does not show whether its transfer has failed: if so, the
   host has disabled the endpoint, and no longer expects the frame. */
static void handle_end_of_transfer(struct camera *c, unsigned int index)
{
	c->buffers[index].in_flight = false;
	c->in_flight--;
	if (c->streaming)
		queue_buffer(c, index);
}

/* --- messages of ffsctl --- */

static void answer_setup(const struct camera *c, const struct usb_ctrlrequest *setup, uint32_t id)
{
	uint32_t format[] = { htole32(c->format.pixelformat), htole32(c->format.width),
			      htole32(c->format.height), htole32(c->format.bytesperline),
			      htole32(c->format.sizeimage) };
	size_t length = le16toh(setup->wLength);

	if (setup->bRequestType == (USB_DIR_IN | USB_TYPE_VENDOR | USB_RECIP_INTERFACE) &&
	    setup->bRequest == GET_FORMAT)
		send_message(FFSCTL_MSG_DATA, id, format,
			     length < sizeof(format) ? length : sizeof(format));
	else
		send_message(FFSCTL_MSG_STALL, id, "", 0);
}

static void handle_message(struct camera *c)
{
	struct {
		struct ffsctl_msg head;
		union {
			struct ffsctl_event event;
			struct usb_ctrlrequest setup;
		} body;
	} m;

	if (recv(CONTROL, &m, sizeof(m), 0) < (ssize_t)sizeof(m.head))
		exit(0); /* ffsctl has ended */
	switch (le16toh(m.head.type)) {
	case FFSCTL_MSG_EVENT:
		if (m.body.event.event == FFSCTL_EVENT_ENABLE)
			start_camera(c);
		else if (m.body.event.event == FFSCTL_EVENT_DISABLE ||
			 m.body.event.event == FFSCTL_EVENT_UNBIND)
			stop_camera(c);
		break;
	case FFSCTL_MSG_SETUP:
		answer_setup(c, &m.body.setup, le32toh(m.head.id));
		break;
	case FFSCTL_MSG_PING:
		send_message(FFSCTL_MSG_PONG, le32toh(m.head.id), "", 0);
		break;
	case FFSCTL_MSG_STOP:
		exit(0);
	}
}

static void run(struct camera *c)
{
	struct pollfd p[2 + BUFFERS] = { { .fd = CONTROL, .events = POLLIN },
					 { .events = POLLIN } };
	unsigned int i;

	for (;;) {
		/* Negative file descriptors are ignored. A DMABUF without a transfer would always
		   be ready, a camera that does not stream always have an error. */
		p[1].fd = c->streaming ? c->fd : -1;
		for (i = 0; i < BUFFERS; i++) {
			p[2 + i].fd = c->buffers[i].in_flight ? c->buffers[i].dmabuf : -1;
			/* The buffer may be written to: no device reads it. */
			p[2 + i].events = POLLOUT;
		}
		if (poll(p, 2 + BUFFERS, -1) < 0)
			continue; /* EINTR: the process was stopped and continued */
		for (i = 0; i < BUFFERS; i++)
			if (p[2 + i].revents)
				handle_end_of_transfer(c, i);
		if (p[1].revents)
			handle_frame(c);
		if (p[0].revents)
			handle_message(c);
	}
}

int main(int argc, char **argv)
{
	struct camera c = { .path = argc > 1 ? argv[1] : "/dev/video0" };
	const char *format = argc > 2 ? argv[2] : "YUYV";
	unsigned int width = 320, height = 180;

	if (argc > 4 || (argc > 3 && sscanf(argv[3], "%ux%u", &width, &height) != 2)) {
		fprintf(stderr, "usage: camera-frames [DEVICE [FORMAT [WIDTHxHEIGHT]]]\n");
		return HOPELESS;
	}
	check_endpoint();
	open_camera(&c);
	set_format(&c, format, width, height);
	make_buffers(&c);
	send_message(FFSCTL_MSG_READY, 0, "dmabuf", strlen("dmabuf"));
	run(&c);
}
