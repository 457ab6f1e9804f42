/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A minimal worker: blocking reads and writes, one transfer at a time. It ignores `control`; ffsctl
 * stalls control requests that are not answered.
 *
 *	worker : { exec = [ "./blocking-echo" ]; ready = "started"; };
 */
#include <errno.h>
#include <linux/usb/functionfs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SIZE 16384 /* bytes of a read: whole packets at every speed, which every UDC takes */
#define FIRST_FD 3 /* of LISTEN_FDNAMES */

/* Returns the descriptor of the first endpoint whose name ends with `end`; -1 if there is none. */
static int find(const char *names, const char *end)
{
	size_t n, e = strlen(end);
	int fd;

	for (fd = FIRST_FD; *names; fd++) {
		n = strcspn(names, ":");
		if (n >= e && strncmp(names + n - e, end, e) == 0)
			return fd;
		names += n + (names[n] == ':');
	}
	return -1;
}

/* Returns the packet size of an endpoint at the current speed, in bytes; -1 if it is disabled. */
static int packet_size(int fd)
{
	struct usb_endpoint_descriptor d;

	return ioctl(fd, FUNCTIONFS_ENDPOINT_DESC, &d) < 0 ? -1 : d.wMaxPacketSize & 0x7ff;
}

/* Returns whether the last call has moved no data because the host has cleared a halt. Then the
   same call follows again (ffsctl-worker(7)). */
static bool halt_was_cleared(void)
{
	return errno == EPIPE || errno == EINPROGRESS;
}

static ssize_t read_again(int fd, char *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && halt_was_cleared());
	return n;
}

static ssize_t write_again(int fd, const char *buffer, size_t size)
{
	ssize_t n;

	do
		n = write(fd, buffer, size);
	while (n < 0 && halt_was_cleared());
	return n;
}

/* Reads once and writes the data back. Returns 0, or -1 with errno. */
static int echo(int out, int in, char *buffer)
{
	ssize_t n = read_again(out, buffer, SIZE);
	int packet;

	if (n < 0)
		return -1;
	if (n > 0 && write_again(in, buffer, (size_t)n) != n)
		return -1;
	if (n == SIZE)
		return 0; /* the message continues, or an empty packet follows */
	packet = packet_size(in);
	if (packet <= 0)
		return -1;
	/* A message of whole packets must end with an empty packet. */
	return n % packet == 0 && write_again(in, buffer, 0) < 0 ? -1 : 0;
}

int main(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int out = names ? find(names, "-out") : -1, in = names ? find(names, "-in") : -1;
	static char buffer[SIZE];

	if (out < 0 || in < 0) {
		fputs("blocking-echo: no endpoints *-out and *-in were passed by ffsctl\n", stderr);
		return 125;
	}
	/* ESHUTDOWN: the link went down; the next read waits until it is up again. */
	while (echo(out, in, buffer) == 0 || errno == ESHUTDOWN)
		;
	perror("blocking-echo");
	return 1;
}
