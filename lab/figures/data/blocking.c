/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocking SIZE: a source and a sink for lab/bench data, written in the usual way without ffsctl's
 * library: read() and write(), and one thread for each direction. It is a worker of ffsctl
 * (ffsctl-worker(7)): descriptor 5 is the IN endpoint, 6 the OUT endpoint.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EP_IN 5
#define EP_OUT 6

static size_t size;

static void *buffer(void)
{
	void *p;

	if (posix_memalign(&p, 4096, size) != 0)
		abort();
	return p;
}

/* Also EPIPE, with which UDC drivers give a request back when the host clears a halt. */
static int is_temporary(int why)
{
	return why == ESHUTDOWN || why == EINTR || why == EPIPE;
}

static void *source(void *unused)
{
	char *data = buffer();

	(void)unused;
	for (size_t i = 0; i < size; i++)
		data[i] = 0;
	for (;;)
		if (write(EP_IN, data, size) < 0 && !is_temporary(errno))
			exit(1);
}

static void sink(void)
{
	char *data = buffer();

	for (;;)
		if (read(EP_OUT, data, size) < 0 && !is_temporary(errno))
			exit(1);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 2 || (size = strtoul(argv[1], NULL, 10)) == 0)
		return 64;
	/* Without O_NONBLOCK, read() and write() wait until the host has enabled the endpoint. */
	if (fcntl(EP_IN, F_SETFL, O_RDWR) < 0 || fcntl(EP_OUT, F_SETFL, O_RDWR) < 0)
		return 1;
	if (pthread_create(&thread, NULL, source, NULL) != 0)
		return 1;
	sink();
}
