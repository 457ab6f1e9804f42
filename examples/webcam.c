/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program for webcam.conf: a camera that shows moving bars, in the only format of that file.
 *
 *	webcam /dev/videoN
 *
 * A camera program does two things on the gadget's video device. It answers the host's class
 * requests, which arrive as V4L2 events (linux/usb/g_uvc.h; "USB Device Class Definition for Video
 * Devices" 1.5, 4.3.1.1). And it queues frames between STREAMON and STREAMOFF.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <linux/usb/g_uvc.h>
#include <linux/usb/video.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* As in webcam.conf. */
#define WIDTH 320
#define HEIGHT 180
#define FPS 15
#define PACKET 512

#define FRAME_SIZE (WIDTH * HEIGHT * 2)
#define STREAMING 1 /* wIndex of the streaming interface in events (UVC_STRING_STREAMING_IDX) */
#define BUFFERS 4

struct camera {
	int fd;
	int streaming;
	unsigned int position; /* of the bars, pixels */
	unsigned int n_buffers;
	struct {
		void *data;
		size_t size;
	} buffers[BUFFERS];
};

static void die(const char *what)
{
	fprintf(stderr, "webcam: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void command(struct camera *c, unsigned long request, void *argument, const char *name)
{
	if (ioctl(c->fd, request, argument) < 0)
		die(name);
}

/* --- frames --- */

/* White, yellow, cyan, green, magenta, red, blue, black: Y, U, V. */
static const uint8_t bars[8][3] = {
	{ 235, 128, 128 }, { 210, 16, 146 }, { 170, 166, 16 }, { 145, 54, 34 },
	{ 106, 202, 222 }, { 81, 90, 240 },  { 41, 240, 110 }, { 16, 128, 128 },
};

static void draw(uint8_t *pixels, unsigned int position)
{
	uint8_t *first = pixels;

	/* Two pixels are Y, U, Y, V. */
	for (unsigned int x = 0; x < WIDTH; x += 2) {
		const uint8_t *bar = bars[(x + position) % WIDTH * 8 / WIDTH];

		*pixels++ = bar[0];
		*pixels++ = bar[1];
		*pixels++ = bar[0];
		*pixels++ = bar[2];
	}
	for (unsigned int y = 1; y < HEIGHT; y++, pixels += WIDTH * 2)
		memcpy(pixels, first, WIDTH * 2);
}

static void queue_frame(struct camera *c, unsigned int index)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
				      .memory = V4L2_MEMORY_MMAP,
				      .index = index,
				      .bytesused = FRAME_SIZE };

	draw(c->buffers[index].data, c->position);
	c->position += 2;
	command(c, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
}

static void map_buffer(struct camera *c, unsigned int index)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
				      .memory = V4L2_MEMORY_MMAP,
				      .index = index };

	command(c, VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
	c->buffers[index].size = buffer.length;
	c->buffers[index].data = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED,
				      c->fd, buffer.m.offset);
	if (c->buffers[index].data == MAP_FAILED)
		die("mmap");
}

static void request_buffers(struct camera *c, unsigned int count)
{
	struct v4l2_requestbuffers request = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
					       .memory = V4L2_MEMORY_MMAP,
					       .count = count };

	command(c, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	c->n_buffers = request.count < BUFFERS ? request.count : BUFFERS;
}

/* Starts streaming: the host has selected the alternate setting with the endpoint and waits. */
static void start_streaming(struct camera *c)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT };
	int type = V4L2_BUF_TYPE_VIDEO_OUTPUT;

	if (c->streaming)
		return;
	format.fmt.pix.width = WIDTH;
	format.fmt.pix.height = HEIGHT;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	format.fmt.pix.sizeimage = FRAME_SIZE;
	command(c, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
	request_buffers(c, BUFFERS);
	for (unsigned int i = 0; i < c->n_buffers; i++) {
		map_buffer(c, i);
		queue_frame(c, i);
	}
	command(c, VIDIOC_STREAMON, &type, "VIDIOC_STREAMON");
	c->streaming = 1;
}

static void stop_streaming(struct camera *c)
{
	int type = V4L2_BUF_TYPE_VIDEO_OUTPUT;

	if (!c->streaming)
		return;
	/* Also completes the host's SET_INTERFACE. */
	command(c, VIDIOC_STREAMOFF, &type, "VIDIOC_STREAMOFF");
	for (unsigned int i = 0; i < c->n_buffers; i++)
		munmap(c->buffers[i].data, c->buffers[i].size);
	request_buffers(c, 0);
	c->streaming = 0;
}

/* Takes a sent buffer and queues the next frame in it. */
static void next_frame(struct camera *c)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
				      .memory = V4L2_MEMORY_MMAP };

	if (ioctl(c->fd, VIDIOC_DQBUF, &buffer) == 0)
		queue_frame(c, buffer.index);
	else if (errno == ENODEV) /* the link went down; an event reports it, too */
		stop_streaming(c);
	else if (errno != EAGAIN)
		die("VIDIOC_DQBUF");
}

/* --- requests of the host --- */

/* The answer to probe and commit: there is only one format. */
static void describe_stream(struct uvc_request_data *answer)
{
	struct uvc_streaming_control control = {
		.bmHint = 1, /* the interval is fixed */
		.bFormatIndex = 1,
		.bFrameIndex = 1,
		.dwFrameInterval = 10000000 / FPS, /* in 100 ns */
		.dwMaxVideoFrameSize = FRAME_SIZE,
		.dwMaxPayloadTransferSize = PACKET,
		.dwClockFrequency = 48000000,
		.bmFramingInfo = 3, /* payload headers have frame id and end of frame */
		.bPreferedVersion = 1,
		.bMinVersion = 1,
		.bMaxVersion = 1,
	};

	memcpy(answer->data, &control, sizeof(control));
	answer->length = sizeof(control);
}

static void answer_setup(struct camera *c, const struct usb_ctrlrequest *setup)
{
	struct uvc_request_data answer = { .length = -1 }; /* stall */
	int selector = setup->wValue >> 8;

	if (setup->wIndex == STREAMING &&
	    (selector == UVC_VS_PROBE_CONTROL || selector == UVC_VS_COMMIT_CONTROL)) {
		if (setup->bRequest == UVC_GET_INFO) {
			answer.length = 1;
			answer.data[0] = UVC_CONTROL_CAP_GET | UVC_CONTROL_CAP_SET;
		} else if (setup->bRequest == UVC_GET_LEN) {
			answer.length = 2;
			answer.data[0] = sizeof(struct uvc_streaming_control);
		} else if (setup->bRequestType & USB_DIR_IN) {
			describe_stream(&answer);
		} else if (setup->bRequest == UVC_SET_CUR) {
			/* Accept any data, which arrives as an event: there is only one format. */
			answer.length = setup->wLength;
		}
	}
	/* Fails if the host has cancelled the request: the next one follows. */
	if (ioctl(c->fd, UVCIOC_SEND_RESPONSE, &answer) < 0 && errno != ESHUTDOWN)
		perror("webcam: UVCIOC_SEND_RESPONSE");
}

static void handle_event(struct camera *c)
{
	struct v4l2_event event;
	struct uvc_event *uvc = (void *)&event.u.data;

	if (ioctl(c->fd, VIDIOC_DQEVENT, &event) < 0)
		return;
	switch (event.type) {
	case UVC_EVENT_SETUP:
		answer_setup(c, &uvc->req);
		break;
	case UVC_EVENT_STREAMON:
		start_streaming(c);
		break;
	case UVC_EVENT_STREAMOFF:
	case UVC_EVENT_DISCONNECT:
		stop_streaming(c);
		break;
	}
}

static void subscribe(struct camera *c)
{
	/* SETUP last: it activates the function, which lets the gadget connect. */
	static const uint32_t events[] = { UVC_EVENT_CONNECT,  UVC_EVENT_DISCONNECT,
					   UVC_EVENT_STREAMON, UVC_EVENT_STREAMOFF,
					   UVC_EVENT_DATA,     UVC_EVENT_SETUP };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct v4l2_event_subscription subscription = { .type = events[i] };

		command(c, VIDIOC_SUBSCRIBE_EVENT, &subscription, "VIDIOC_SUBSCRIBE_EVENT");
	}
}

int main(int argc, char **argv)
{
	struct camera c = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: webcam /dev/videoN\n");
		return 64;
	}
	c.fd = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (c.fd < 0)
		die(argv[1]);
	subscribe(&c);
	puts("webcam: ready");
	fflush(stdout);
	for (;;) {
		struct pollfd p = { .fd = c.fd, .events = POLLPRI };

		if (c.streaming)
			p.events |= POLLOUT;
		if (poll(&p, 1, -1) < 0)
			die("poll");
		if (p.revents & POLLPRI)
			handle_event(&c);
		else if (p.revents & POLLOUT)
			next_frame(&c);
		else if (p.revents & (POLLERR | POLLHUP)) /* the gadget was removed */
			return 0;
	}
}
