// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libffsctl-stream: the engines behind a stable interface (ffsctl/stream.h). The plugin host gets
 * the endpoints' attributes from ffsctl; this library reads them from the kernel whenever the host
 * enables the function.
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
#define MAX_ENDPOINTS 30 /* 15 numbers, two directions (USB 2.0, 8.3.2.2) */
#define FIRST_FD 3	 /* sd_listen_fds(3) */

/* Size of struct ffsctl_stream_config in its first version. */
#define MIN_CONFIG_SIZE                                                                            \
	(offsetof(struct ffsctl_stream_config, log) +                                              \
	 sizeof(((struct ffsctl_stream_config *)0)->log))

/*
 * struct stream has packet sizes for each speed and starts a new session if the speed changes. This
 * library knows the current packet sizes, but not the speed. It stores the sizes alternately under
 * two speeds, so that a change of the sizes looks like a change of the speed.
 */
#define SIZES_A FFSCTL_SPEED_FULL
#define SIZES_B FFSCTL_SPEED_HIGH

struct ffsctl_stream {
	struct ffsctl_stream_config config;
	struct stream stream;
	struct stream_endpoint eps[MAX_ENDPOINTS];
	uint32_t n_eps;
	enum ffsctl_speed current; /* SIZES_A or SIZES_B */
	int open;
};

static void on_up(void *user)
{
	struct ffsctl_stream *s = user;

	if (s->config.enable)
		s->config.enable(s, s->config.user);
}

static void on_down(void *user)
{
	struct ffsctl_stream *s = user;

	if (s->config.disable)
		s->config.disable(s, s->config.user);
}

static void on_done(void *user, struct ffsctl_transfer *t)
{
	struct ffsctl_stream *s = user;

	if (s->config.done)
		s->config.done(s, t, s->config.user);
	else
		stream_put(&s->stream, t);
}

static void on_log(void *user, const char *text)
{
	struct ffsctl_stream *s = user;

	if (s->config.log)
		s->config.log(s, text, s->config.user);
}

static const struct stream_callbacks callbacks = {
	.up = on_up,
	.down = on_down,
	.done = on_done,
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
	c.depth = c.depth ? c.depth : DEFAULT_DEPTH;
	if ((c.mode != FFSCTL_MODE_STREAM && c.mode != FFSCTL_MODE_MESSAGE) ||
	    c.transfer_size > MAX_SIZE || c.depth > MAX_DEPTH || c.out_length > c.transfer_size)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->config = c;
	s->current = SIZES_A;
	*out = s;
	return 0;
}

void ffsctl_stream_free(struct ffsctl_stream *s)
{
	uint32_t i;

	if (!s)
		return;
	if (s->open)
		stream_close(&s->stream);
	for (i = 0; i < s->n_eps; i++)
		free((char *)s->eps[i].pub.name);
	free(s);
}

int ffsctl_stream_add(struct ffsctl_stream *s, int fd, const char *name)
{
	struct stream_endpoint *ep = &s->eps[s->n_eps];

	if (s->open)
		return -EBUSY;
	if (s->n_eps == MAX_ENDPOINTS)
		return -E2BIG;
	/* With O_NONBLOCK io_submit() does not wait for the host. */
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	ep->pub.name = strdup(name);
	if (!ep->pub.name)
		return -ENOMEM;
	ep->fd = fd;
	return (int)s->n_eps++;
}

/* Returns 1 if `fd` is the file of one endpoint; 0 for other files, also for epN_rw, which is the
   file of two endpoints (rw_proxy). */
static int is_endpoint(int fd, const char *name)
{
	struct usb_endpoint_descriptor desc;
	size_t n = strspn(name + (strncmp(name, "ep", 2) == 0 ? 2 : 0), "0123456789");

	if (n > 0 && strncmp(name, "ep", 2) == 0 && strcmp(name + 2 + n, "_rw") == 0)
		return 0;
	/* Only endpoint files have this ioctl, also while the endpoint is disabled. */
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return 0;
	return ioctl(fd, FUNCTIONFS_ENDPOINT_DESC, &desc) == 0 || errno == EAGAIN ||
	       errno == ESHUTDOWN;
}

int ffsctl_stream_add_passed(struct ffsctl_stream *s)
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

		/* The first two descriptors are `config` and `control` (ffsctl-worker(7)). */
		if (n < sizeof(name) && fd > FIRST_FD + 1) {
			memcpy(name, names, n);
			name[n] = '\0';
			if (is_endpoint(fd, name)) {
				r = ffsctl_stream_add(s, fd, name);
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
		.user = s,
		.mode = s->config.mode,
		.size = s->config.transfer_size,
		.depth = s->config.depth,
		.out_length = s->config.out_length,
		/* The caller cannot pass a device that makes DMABUFs. */
		.missing_needs = STREAM_NEEDS_DMABUF,
		.dmabuf_fd = -1,
	};
	int r;

	if (s->open)
		return -EBUSY;
	r = stream_open_first(&s->stream, &sc, s->config.engine ? s->config.engine : "auto", s->eps,
			      s->n_eps);
	s->open = r == 0;
	return r;
}

/* --- attributes --- */

const char *ffsctl_stream_engine(const struct ffsctl_stream *s)
{
	return s->open ? s->stream.config.engine->name : NULL;
}

uint32_t ffsctl_stream_n_endpoints(const struct ffsctl_stream *s)
{
	return s->n_eps;
}

const struct ffsctl_endpoint *ffsctl_stream_endpoint(const struct ffsctl_stream *s,
						     uint32_t endpoint)
{
	return endpoint < s->n_eps ? &s->eps[endpoint].pub : NULL;
}

/* --- the event loop --- */

int ffsctl_stream_fd(const struct ffsctl_stream *s)
{
	return s->open ? stream_fd(&s->stream) : -EINVAL;
}

void ffsctl_stream_dispatch(struct ffsctl_stream *s)
{
	uint64_t unused;

	if (!s->open)
		return;
	/* Resets the counter of the eventfd: the caller's poll(2) may be level-triggered. */
	while (read(stream_fd(&s->stream), &unused, sizeof(unused)) < 0 && errno == EINTR)
		;
	stream_dispatch(&s->stream);
}

int ffsctl_stream_flush(struct ffsctl_stream *s)
{
	return s->open && stream_flush(&s->stream);
}

/* --- the link --- */

static int read_descriptor(const struct ffsctl_stream *s, struct stream_endpoint *ep,
			   enum ffsctl_speed speed)
{
	struct usb_endpoint_descriptor desc;
	uint32_t packet;

	/* ESHUTDOWN: the host disabled the endpoint meanwhile. */
	if (ioctl(ep->fd, FUNCTIONFS_ENDPOINT_DESC, &desc) < 0)
		return errno == ESHUTDOWN ? -EAGAIN : -errno;
	packet = le16toh(desc.wMaxPacketSize) & 0x7ff; /* bits 11 and 12: packets per microframe */
	if (packet > s->config.transfer_size)
		return -EMSGSIZE;
	ep->pub.address = desc.bEndpointAddress;
	ep->pub.direction = desc.bEndpointAddress & USB_DIR_IN ? FFSCTL_IN : FFSCTL_OUT;
	ep->pub.type = (enum ffsctl_endpoint_type)(desc.bmAttributes & USB_ENDPOINT_XFERTYPE_MASK);
	ep->packet_size[speed] = packet;
	return 0;
}

int ffsctl_stream_enable(struct ffsctl_stream *s)
{
	enum ffsctl_speed next;
	int r, differs = 0;
	uint32_t i;

	if (!s->open)
		return -EINVAL;
	next = s->current == SIZES_A ? SIZES_B : SIZES_A;
	for (i = 0; i < s->n_eps; i++) {
		r = read_descriptor(s, &s->eps[i], next);
		if (r < 0)
			return r;
		differs |= s->eps[i].packet_size[next] != s->eps[i].packet_size[s->current];
	}
	if (differs)
		s->current = next;
	return stream_up(&s->stream, s->current);
}

void ffsctl_stream_disable(struct ffsctl_stream *s)
{
	if (s->open)
		stream_down(&s->stream);
}

/* --- transfers --- */

struct ffsctl_transfer *ffsctl_stream_get(struct ffsctl_stream *s, uint32_t endpoint)
{
	return s->open ? stream_get(&s->stream, endpoint) : NULL;
}

void ffsctl_stream_put(struct ffsctl_stream *s, struct ffsctl_transfer *t)
{
	stream_put(&s->stream, t);
}

int ffsctl_stream_submit(struct ffsctl_stream *s, uint32_t endpoint, struct ffsctl_transfer *t)
{
	return stream_submit(&s->stream, endpoint, t);
}

void ffsctl_stream_cancel(struct ffsctl_stream *s, uint32_t endpoint)
{
	if (s->open)
		stream_cancel(&s->stream, endpoint);
}
