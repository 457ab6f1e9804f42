/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of `ffsctl up examples/loopback.conf` and nothing else: the lower limit of its
 * time. A child keeps ep0 open.
 *
 *   rawup UDC            brings it up
 *   rawup down           removes it
 *   rawup serve MOUNT    only writes the descriptors, prints a line and keeps ep0 open; for
 * shellup.sh
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define GADGET "/sys/kernel/config/usb_gadget/raw"
#define MOUNT "/dev/ffs-raw"
#define HOLDER "/run/rawup.pid"

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void put(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_CREAT, 0600);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size, path);
	close(fd);
}

static void text(const char *path, const char *value)
{
	put(path, value, strlen(value));
}

/* Full-, high- and SuperSpeed descriptors of an interface with a bulk pair (linux/usb/functionfs.h,
 * v2). */
static size_t descriptors(unsigned char *b)
{
	static const unsigned char interface[] = { 9, 4, 0, 0, 2, 0xff, 0, 0, 1 };
	static const unsigned int sizes[] = { 64, 512, 1024 };
	static const unsigned char head[] = { 3, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0,
					      3, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 };
	size_t n = sizeof(head);

	memcpy(b, head, n);
	for (int speed = 0; speed < 3; speed++) {
		memcpy(b + n, interface, sizeof(interface));
		n += sizeof(interface);
		for (int ep = 0; ep < 2; ep++) {
			const unsigned char d[] = { 7,
						    5,
						    (unsigned char)(ep ? 0x02 : 0x81),
						    2,
						    (unsigned char)(sizes[speed] & 0xff),
						    (unsigned char)(sizes[speed] >> 8),
						    0 };
			static const unsigned char companion[] = { 6, 0x30, 0, 0, 0, 0 };

			memcpy(b + n, d, sizeof(d));
			n += sizeof(d);
			if (speed == 2) {
				memcpy(b + n, companion, sizeof(companion));
				n += sizeof(companion);
			}
		}
	}
	b[4] = (unsigned char)n;
	return n;
}

static int down(void)
{
	char pid[16] = "";
	int fd = open(HOLDER, O_RDONLY);

	must(fd >= 0 && read(fd, pid, sizeof(pid) - 1) > 0, HOLDER);
	text(GADGET "/UDC", "\n");
	kill(atoi(pid), SIGKILL);
	while (umount(MOUNT) < 0 && errno == EBUSY)
		sched_yield();
	rmdir(MOUNT);
	unlink(HOLDER);
	unlink(GADGET "/configs/c.1/f");
	rmdir(GADGET "/configs/c.1");
	rmdir(GADGET "/functions/ffs.raw");
	rmdir(GADGET "/strings/0x409");
	return rmdir(GADGET) < 0;
}

/* Writes descriptors and strings to MOUNT/ep0. Returns its file descriptor, which must stay open.
 */
static int write_ep0(const char *mount_point)
{
	static const unsigned char strings[] = { 2,   0,   0,	0,   27,  0,   0,   0,	 1,
						 0,   0,   0,	1,   0,	  0,   0,   9,	 4,
						 'L', 'o', 'o', 'p', 'b', 'a', 'c', 'k', 0 };
	unsigned char blob[256];
	char path[256];
	int ep0;

	snprintf(path, sizeof(path), "%s/ep0", mount_point);
	ep0 = open(path, O_RDWR | O_CLOEXEC);
	must(ep0 >= 0, path);
	must(write(ep0, blob, descriptors(blob)) > 0, "descriptors");
	must(write(ep0, strings, sizeof(strings)) > 0, "strings");
	return ep0;
}

static _Noreturn void serve(const char *mount_point)
{
	write_ep0(mount_point);
	must(write(1, "ready\n", 6) == 6, "stdout");
	close(1);
	pause();
	_exit(0);
}

static void up(const char *udc)
{
	char holder[16];
	pid_t pid;

	must(mkdir(GADGET, 0755) == 0, GADGET);
	text(GADGET "/idVendor", "0x1d6b");
	text(GADGET "/idProduct", "0x0104");
	text(GADGET "/bcdDevice", "0x0100");
	must(mkdir(GADGET "/strings/0x409", 0755) == 0, "strings");
	text(GADGET "/strings/0x409/manufacturer", "ffsctl examples");
	text(GADGET "/strings/0x409/product", "Loopback");
	text(GADGET "/strings/0x409/serialnumber", "0001");
	must(mkdir(GADGET "/functions/ffs.raw", 0755) == 0, "function");
	must(mkdir(GADGET "/configs/c.1", 0755) == 0, "config");
	must(symlink(GADGET "/functions/ffs.raw", GADGET "/configs/c.1/f") == 0, "link");
	must(mkdir(MOUNT, 0755) == 0, MOUNT);
	must(mount("raw", MOUNT, "functionfs", 0, "uid=0,gid=0") == 0, "mount");
	write_ep0(MOUNT);
	pid = fork();
	if (pid == 0) {
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		pause();
		_exit(0);
	}
	snprintf(holder, sizeof(holder), "%d", (int)pid);
	text(HOLDER, holder);
	text(GADGET "/UDC", udc);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	if (argc != 2)
		return 64;
	if (strcmp(argv[1], "down") == 0)
		return down();
	up(argv[1]);
	return 0;
}
