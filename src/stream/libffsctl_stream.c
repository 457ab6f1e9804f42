// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libffsctl-stream: the public interface (ffsctl/stream.h) of the engines. This library reads the
 * attributes of the endpoints from the kernel whenever the host enables the function. (The plugin
 * host gets these attributes from ffsctl.)
 */
#include "ffsctl/stream.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/functionfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "stream/stream.h"

#define DEFAULT_SIZE 65536
#define DEFAULT_DEPTH 8
#define MAX_SIZE (1 << 30)
#define MAX_DEPTH 1024
#define MAX_ENDPOINTS 30 /* 15 endpoint numbers, two directions (USB 2.0, 8.3.2.2) */
#define FIRST_FD 3	 /* the first file descriptor of sd_listen_fds(3) */

/* Size of the first version of struct ffsctl_stream_config, in bytes. */
#define MIN_CONFIG_SIZE                                                                            \
	(offsetof(struct ffsctl_stream_config, log) +                                              \
	 sizeof(((struct ffsctl_stream_config *)0)->log))

/*
 * Two speeds that this library uses in turn, whatever the real speed is, because it can read the
 * current packet sizes, but not the speed. When the packet sizes change, it stores the new ones as
 * those of the other of these two speeds (stream_endpoint.packet_size) and passes that speed to
 * stream_link_up(). stream_link_up() then starts a new session with the new packet sizes, because
 * the speed has changed.
 */
#define SIZES_A FFSCTL_SPEED_FULL
#define SIZES_B FFSCTL_SPEED_HIGH

struct ffsctl_stream {
	struct ffsctl_stream_config config;
	struct stream stream;
	struct stream_endpoint eps[MAX_ENDPOINTS];
	uint32_t n_eps;
	/* SIZES_A or SIZES_B, not the real speed */
	enum ffsctl_speed fake_speed_of_current_sizes;
	int is_open; /* boolean */
};

static void on_link_up(void *user)
{
	struct ffsctl_stream *s = user;

	if (s->config.enable)
		s->config.enable(s, s->config.user);
}

static void on_link_down(void *user)
{
	struct ffsctl_stream *s = user;

	if (s->config.disable)
		s->config.disable(s, s->config.user);
}

static void on_transfer_done(void *user, struct ffsctl_transfer *t)
{
	struct ffsctl_stream *s = user;

	if (s->config.done)
		s->config.done(s, t, s->config.user);
	else
		stream_release_transfer(&s->stream, t);
}

static void on_log(void *user, const char *text)
{
	struct ffsctl_stream *s = user;

	if (s->config.log)
		s->config.log(s, text, s->config.user);
}

static const struct stream_callbacks callbacks = {
	.link_up = on_link_up,
	.link_down = on_link_down,
	.transfer_done = on_transfer_done,
	.log = on_log,
};

/* --- new, add, open --- */

int ffsctl_stream_new(struct ffsctl_stream **out, const struct ffsctl_stream_config *config)
{
	struct ffsctl_stream_config c = { 0 };
	struct ffsctl_stream *s;

	*out = NULL;
	if (config->size < MIN_CONFIG_SIZE)
		return -EINVAL;
	memcpy(&c, config, config->size < sizeof(c) ? config->size : sizeof(c));
	c.transfer_size = c.transfer_size ? c.transfer_size : DEFAULT_SIZE;
	c.transfers_per_endpoint =
		c.transfers_per_endpoint ? c.transfers_per_endpoint : DEFAULT_DEPTH;
	if ((c.framing != FFSCTL_FRAMING_STREAM && c.framing != FFSCTL_FRAMING_MESSAGES) ||
	    c.transfer_size > MAX_SIZE || c.transfers_per_endpoint > MAX_DEPTH ||
	    c.out_transfer_length > c.transfer_size)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->config = c;
	s->fake_speed_of_current_sizes = SIZES_A;
	*out = s;
	return 0;
}

void ffsctl_stream_free(struct ffsctl_stream *s)
{
	uint32_t i;

	if (!s)
		return;
	if (s->is_open)
		stream_close(&s->stream);
	for (i = 0; i < s->n_eps; i++)
		free((char *)s->eps[i].public.name);
	free(s);
}

int ffsctl_stream_add_endpoint(struct ffsctl_stream *s, int fd, const char *name)
{
	struct stream_endpoint *ep = &s->eps[s->n_eps];

	if (s->is_open)
		return -EBUSY;
	if (s->n_eps == MAX_ENDPOINTS)
		return -E2BIG;
	/* Without O_NONBLOCK, io_submit() waits until the host has enabled the endpoint. */
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	ep->public.name = strdup(name);
	if (!ep->public.name)
		return -ENOMEM;
	ep->fd = fd;
	return (int)s->n_eps++;
}

/* Returns whether `fd` is the file of exactly one endpoint. The file epN_rw belongs to two
   endpoints (rw_proxy). */
static bool is_file_of_single_endpoint(int fd, const char *name)
{
	struct usb_endpoint_descriptor desc;
	size_t n = strspn(name + (strncmp(name, "ep", 2) == 0 ? 2 : 0), "0123456789");

	if (n > 0 && strncmp(name, "ep", 2) == 0 && strcmp(name + 2 + n, "_rw") == 0)
		return false;
	/* FUNCTIONFS_ENDPOINT_DESC exists only for endpoint files; EAGAIN: the endpoint is
	   disabled. */
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return false;
	return ioctl(fd, FUNCTIONFS_ENDPOINT_DESC, &desc) == 0 || errno == EAGAIN ||
	       errno == ESHUTDOWN;
}

int ffsctl_stream_add_passed_endpoints(struct ffsctl_stream *s)
{
	const char *pid = getenv("LISTEN_PID"), *names = getenv("LISTEN_FDNAMES");
	const char *count = getenv("LISTEN_FDS");
	int fd, end, added = 0, r = 0;

	if (!pid || !names || !count || atol(pid) != (long)getpid())
		return -ENOENT;
	end = FIRST_FD + atoi(count);
	for (fd = FIRST_FD; fd < end && *names && r >= 0; fd++) {
		char name[64];
		size_t n = strcspn(names, ":");

		/* The first two file descriptors are `config` and `control` (ffsctl-worker(7)). */
		if (n < sizeof(name) && fd > FIRST_FD + 1) {
			memcpy(name, names, n);
			name[n] = '\0';
			if (is_file_of_single_endpoint(fd, name)) {
				r = ffsctl_stream_add_endpoint(s, fd, name);
				added++;
			}
		}
		names += n + (names[n] == ':');
	}
	return r < 0 ? r : added;
}

int ffsctl_stream_open(struct ffsctl_stream *s)
{
	struct stream_config sc = {
		.callbacks = &callbacks,
		.callback_data = s,
		.framing = s->config.framing,
		.buffer_size = s->config.transfer_size,
		.transfers_per_endpoint = s->config.transfers_per_endpoint,
		.out_transfer_length = s->config.out_transfer_length,
		/* ffsctl_stream_config has no member for a device that makes DMABUFs. */
		.missing_features = STREAM_NEEDS_DMABUF,
		.dmabuf_device_fd = -1,
	};
	int r;

	if (s->is_open)
		return -EBUSY;
	r = stream_choose_engine_and_open(
		&s->stream, &sc, s->config.engine ? s->config.engine : "auto", s->eps, s->n_eps);
	s->is_open = r == 0;
	return r;
}

/* --- attributes --- */

const char *ffsctl_stream_engine(const struct ffsctl_stream *s)
{
	return s->is_open ? s->stream.config.engine->name : NULL;
}

uint32_t ffsctl_stream_n_endpoints(const struct ffsctl_stream *s)
{
	return s->n_eps;
}

const struct ffsctl_endpoint *ffsctl_stream_endpoint(const struct ffsctl_stream *s,
						     uint32_t endpoint)
{
	return endpoint < s->n_eps ? &s->eps[endpoint].public : NULL;
}

/* --- the event loop --- */

int ffsctl_stream_fd(const struct ffsctl_stream *s)
{
	return s->is_open ? stream_completion_fd(&s->stream) : -EINVAL;
}

void ffsctl_stream_dispatch(struct ffsctl_stream *s)
{
	uint64_t unused;

	if (!s->is_open)
		return;
	/* Resets the counter of the eventfd, because the caller may use level-triggered poll(2). */
	while (read(stream_completion_fd(&s->stream), &unused, sizeof(unused)) < 0 &&
	       errno == EINTR)
		;
	stream_handle_completions(&s->stream);
}

int ffsctl_stream_flush(struct ffsctl_stream *s)
{
	return s->is_open && stream_submit_queued_requests(&s->stream);
}

/* --- the link --- */

static int read_endpoint_descriptor(const struct ffsctl_stream *s, struct stream_endpoint *ep,
				    enum ffsctl_speed speed)
{
	struct usb_endpoint_descriptor desc;
	uint32_t packet;

	/* ESHUTDOWN: the host has disabled the endpoint since the event ENABLE. */
	if (ioctl(ep->fd, FUNCTIONFS_ENDPOINT_DESC, &desc) < 0)
		return errno == ESHUTDOWN ? -EAGAIN : -errno;
	/* Clears bits 11 and 12, which are the number of packets per microframe. */
	packet = le16toh(desc.wMaxPacketSize) & 0x7ff;
	if (packet > s->config.transfer_size)
		return -EMSGSIZE;
	ep->public.address = desc.bEndpointAddress;
	ep->public.direction = desc.bEndpointAddress & USB_DIR_IN ? FFSCTL_IN : FFSCTL_OUT;
	ep->public.type =
		(enum ffsctl_endpoint_type)(desc.bmAttributes & USB_ENDPOINT_XFERTYPE_MASK);
	ep->packet_size[speed] = packet;
	return 0;
}

int ffsctl_stream_enable(struct ffsctl_stream *s)
{
	enum ffsctl_speed next;
	int r, differs = 0;
	uint32_t i;

	if (!s->is_open)
		return -EINVAL;
	next = s->fake_speed_of_current_sizes == SIZES_A ? SIZES_B : SIZES_A;
	for (i = 0; i < s->n_eps; i++) {
		r = read_endpoint_descriptor(s, &s->eps[i], next);
		if (r < 0)
			return r;
		differs |= s->eps[i].packet_size[next] !=
			   s->eps[i].packet_size[s->fake_speed_of_current_sizes];
	}
	if (differs)
		s->fake_speed_of_current_sizes = next;
	return stream_link_up(&s->stream, s->fake_speed_of_current_sizes);
}

void ffsctl_stream_disable(struct ffsctl_stream *s)
{
	if (s->is_open)
		stream_link_down(&s->stream);
}

int ffsctl_stream_handle_event(struct ffsctl_stream *s, const struct ffsctl_event *event)
{
	switch (event->event) {
	case FFSCTL_EVENT_ENABLE:
		s->stream.max_transfer = event->max_transfer * 1024U;
		return ffsctl_stream_enable(s);
	case FFSCTL_EVENT_DISABLE:
	case FFSCTL_EVENT_UNBIND:
		ffsctl_stream_disable(s);
		break;
	case FFSCTL_EVENT_SUSPEND:
	case FFSCTL_EVENT_RESUME:
		if (s->is_open)
			stream_set_suspended(&s->stream, event->event == FFSCTL_EVENT_SUSPEND);
		break;
	}
	return 0;
}

/* --- transfers --- */

struct ffsctl_transfer *ffsctl_stream_get_transfer(struct ffsctl_stream *s, uint32_t endpoint)
{
	return s->is_open ? stream_get_free_transfer(&s->stream, endpoint) : NULL;
}

void ffsctl_stream_release_transfer(struct ffsctl_stream *s, struct ffsctl_transfer *t)
{
	stream_release_transfer(&s->stream, t);
}

int ffsctl_stream_submit(struct ffsctl_stream *s, uint32_t endpoint, struct ffsctl_transfer *t)
{
	return stream_submit_transfer(&s->stream, endpoint, t);
}

void ffsctl_stream_cancel(struct ffsctl_stream *s, uint32_t endpoint)
{
	if (s->is_open)
		stream_cancel_transfers(&s->stream, endpoint);
}
