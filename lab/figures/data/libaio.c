/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libaio SIZE DEPTH [direct]: a source and a sink for lab/bench data, written in the usual way
 * without ffsctl's library: libaio with DEPTH transfers in flight in each direction. It calls
 * io_getevents() and io_submit() once for all completed transfers, and needs no eventfd. `direct`:
 * with O_DIRECT, for kernels with the patches of lab/figures/direct. It is a
 * worker of ffsctl (ffsctl-worker(7)): descriptor 4 is its socket, 5 the IN endpoint, 6 the OUT
 * endpoint.
 */
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROL 4
#define EP_IN 5
#define EP_OUT 6
#define MANY 512

static io_context_t context;
static struct iocb *again[MANY]; /* requests to submit */
static long n_again;

static void submit(void)
{
	long done = 0;
	int n;

	while (done < n_again) {
		n = io_submit(context, n_again - done, again + done);
		if (n <= 0)
			exit(1);
		done += n;
	}
	n_again = 0;
}

/* Waits until the supervisor reports that the host has enabled the endpoints. */
static void await_enable(void)
{
	unsigned char packet[256];
	ssize_t n;

	do {
		n = read(CONTROL, packet, sizeof(packet));
		if (n <= 0)
			exit(0);
	} while (n < 16 || packet[2] != 1 || packet[12] != 2); /* EVENT, enable */
}

static void prepare(int fd, size_t size, int depth)
{
	char *data;

	if (posix_memalign((void **)&data, 4096, size * (size_t)depth) != 0)
		abort();
	memset(data, 0, size * (size_t)depth);
	for (int i = 0; i < depth; i++) {
		struct iocb *cb = calloc(1, sizeof(*cb));

		if (!cb)
			abort();
		if (fd == EP_IN)
			io_prep_pwrite(cb, fd, data + (size_t)i * size, size, 0);
		else
			io_prep_pread(cb, fd, data + (size_t)i * size, size, 0);
		again[n_again++] = cb;
	}
}

int main(int argc, char **argv)
{
	struct io_event events[MANY];
	size_t size = argc >= 3 ? strtoul(argv[1], NULL, 10) : 0;
	int depth = argc >= 3 ? atoi(argv[2]) : 0, n;
	int flags = O_RDWR | O_NONBLOCK | (argc > 3 ? O_DIRECT : 0);

	if (!size || depth < 1 || depth * 2 > MANY || io_setup(depth * 2, &context) < 0)
		return 64;
	/* Otherwise io_submit() would wait for the host. */
	if (fcntl(EP_IN, F_SETFL, flags) < 0 || fcntl(EP_OUT, F_SETFL, flags) < 0)
		return 1;
	prepare(EP_IN, size, depth);
	prepare(EP_OUT, size, depth);
	await_enable();
	for (;;) {
		submit();
		n = io_getevents(context, 1, MANY, events, NULL);
		if (n < 0 && n != -EINTR)
			return 1;
		for (int i = 0; i < n; i++) {
			/* EPIPE: the host has cleared a halt, after which some UDC drivers give
			   requests back. Else the link went down: start again with the next
			   session. */
			if ((long)events[i].res < 0 && (long)events[i].res != -EPIPE)
				return 0;
			again[n_again++] = events[i].obj;
		}
	}
}
