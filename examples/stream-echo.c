/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker with libffsctl-stream: sends back every message of the host. All transfers of an
 * endpoint are in flight at once, with the fastest engine of this kernel. The program has its own
 * event loop.
 *
 *	cc -o stream-echo stream-echo.c $(pkg-config --cflags --libs libffsctl-stream)
 */
#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ffsctl/stream.h>

#define CONTROL 4 /* the second descriptor of LISTEN_FDNAMES */

static uint32_t in, out; /* indices of the endpoints */

static void submit(struct ffsctl_stream *s, uint32_t endpoint, struct ffsctl_transfer *t)
{
	if (ffsctl_stream_submit(s, endpoint, t) < 0)
		ffsctl_stream_release_transfer(s, t); /* the link is down */
}

static void on_enable(struct ffsctl_stream *s, void *user)
{
	struct ffsctl_transfer *t;
	uint32_t i;

	(void)user;
	for (i = 0; i < ffsctl_stream_n_endpoints(s); i++)
		*(ffsctl_stream_endpoint(s, i)->direction == FFSCTL_IN ? &in : &out) = i;
	while ((t = ffsctl_stream_get_transfer(s, out)))
		submit(s, out, t);
}

/* The host fills a buffer, the buffer is sent back, and then filled again. */
static void on_done(struct ffsctl_stream *s, struct ffsctl_transfer *t, void *user)
{
	(void)user;
	if (t->status < 0)
		ffsctl_stream_release_transfer(s, t);
	else
		submit(s, t->endpoint == out ? in : out, t);
}

static void on_log(struct ffsctl_stream *s, const char *text, void *user)
{
	(void)s;
	(void)user;
	fprintf(stderr, "%s\n", text);
}

/* Handles a message from ffsctl. Returns 0 after the last one. */
static int control(struct ffsctl_stream *s)
{
	struct {
		struct ffsctl_msg head;
		struct ffsctl_event event;
	} m;
	int type;

	if (read(CONTROL, &m, sizeof(m)) < (ssize_t)sizeof(m.head))
		return 0;
	type = le16toh(m.head.type);
	if (type == FFSCTL_MSG_SETUP) { /* this worker supports no control requests */
		m.head.type = htole16(FFSCTL_MSG_STALL);
		m.head.length = 0;
		return write(CONTROL, &m.head, sizeof(m.head)) > 0;
	}
	if (type == FFSCTL_MSG_EVENT)
		ffsctl_stream_handle_event(s, &m.event);
	return type != FFSCTL_MSG_STOP;
}

int main(void)
{
	struct ffsctl_stream_config config = { FFSCTL_STREAM_CONFIG_HEAD,
					       .framing = FFSCTL_FRAMING_MESSAGES,
					       .enable = on_enable, .done = on_done,
					       .log = on_log };
	struct pollfd p[] = { { CONTROL, POLLIN, 0 }, { -1, POLLIN, 0 } };
	struct ffsctl_stream *s;
	int r;

	r = ffsctl_stream_new(&s, &config);
	if (r == 0)
		r = ffsctl_stream_add_passed_endpoints(s);
	if (r >= 0)
		r = ffsctl_stream_open(s);
	if (r < 0) {
		fprintf(stderr, "stream-echo: %s\n", strerror(-r));
		return 1;
	}
	p[1].fd = ffsctl_stream_fd(s);
	for (;;) {
		int more = ffsctl_stream_flush(s);

		if (poll(p, 2, more ? 0 : -1) < 0)
			continue;
		if (p[0].revents && !control(s))
			break;
		if (p[1].revents)
			ffsctl_stream_dispatch(s);
	}
	ffsctl_stream_free(s);
	return 0;
}
