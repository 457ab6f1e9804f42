// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the device, waits for its removal, and finds it again. Ends the program after an error. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "usbfs.h"

#define DEVICES "/sys/bus/usb/devices"
#define VENDOR "1d6b"
#define PRODUCT "0104"

void usbfs_fail(const struct usbfs *u, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: seed %lu, disturbance %u (%s): ", u->program, (unsigned long)u->seed,
		u->run, u->kind);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void usbfs_must(const struct usbfs *u, int r, const char *what)
{
	if (r < 0)
		usbfs_fail(u, "cannot %s: %s", what, strerror(errno));
}

static bool sysfs_read(const char *name, const char *attribute, char *text, size_t size)
{
	_cleanup_free_ char *path = strf(DEVICES "/%s/%s", name, attribute);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* Returns whether this is the device, is configured, and is not the device that was removed. */
static bool is_there(struct usbfs *u, const char *name)
{
	char text[16], bus[16];
	_cleanup_free_ char *interface = strf(DEVICES "/%s:1.0", name), *node = NULL;
	int devnum;

	if (!sysfs_read(name, "idVendor", text, sizeof(text)) || !streq(text, VENDOR) ||
	    !sysfs_read(name, "idProduct", text, sizeof(text)) || !streq(text, PRODUCT) ||
	    !sysfs_read(name, "devnum", text, sizeof(text)) ||
	    !sysfs_read(name, "busnum", bus, sizeof(bus)) || access(interface, F_OK) < 0)
		return false;
	devnum = atoi(text);
	if (devnum == u->devnum && streq(name, u->name))
		return false;
	node = strf("/dev/bus/usb/%03d/%03d", atoi(bus), devnum);
	u->fd = open(node, O_RDWR | O_CLOEXEC);
	if (u->fd < 0)
		return false;
	u->devnum = devnum;
	snprintf(u->name, sizeof(u->name), "%s", name);
	return true;
}

static bool look(struct usbfs *u)
{
	DIR *dir = opendir(DEVICES);
	struct dirent *e;
	bool found = false;

	if (!dir)
		usbfs_fail(u, DEVICES ": %s", strerror(errno));
	while (!found && (e = readdir(dir)))
		found = e->d_name[0] != '.' && !strchr(e->d_name, ':') && is_there(u, e->d_name);
	closedir(dir);
	return found;
}

int usbfs_uevents(const struct usbfs *u)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	usbfs_must(u, fd, "open a socket");
	usbfs_must(u, bind(fd, (struct sockaddr *)&address, sizeof(address)), "listen to uevents");
	return fd;
}

void usbfs_await(const struct usbfs *u, int uevents)
{
	struct pollfd fd = { .fd = uevents, .events = POLLIN };
	char text[8192];

	if (poll(&fd, 1, (int)u->seconds * 1000) <= 0)
		usbfs_fail(u, "the host does not see the device for %u s", u->seconds);
	(void)!recv(uevents, text, sizeof(text), MSG_DONTWAIT);
}

void usbfs_find(struct usbfs *u, int uevents)
{
	while (!look(u))
		usbfs_await(u, uevents);
}

void usbfs_lose(struct usbfs *u)
{
	close(u->fd);
	u->fd = -1;
}

int usbfs_open_hub(const struct usbfs *u)
{
	char bus[16] = "";
	_cleanup_free_ char *path = NULL;
	int hub;

	if (!sysfs_read(u->name, "busnum", bus, sizeof(bus)))
		usbfs_fail(u, "cannot read the number of the bus");
	path = strf("/dev/bus/usb/%03d/001", atoi(bus));
	hub = open(path, O_RDWR | O_CLOEXEC);
	usbfs_must(u, hub, path);
	return hub;
}
void usbfs_control(const struct usbfs *u, int fd, uint8_t type, uint8_t request, uint16_t value,
		   uint16_t index, void *data, uint16_t length, const char *what)
{
	struct usbdevfs_ctrltransfer c = {
		.bRequestType = type,
		.bRequest = request,
		.wValue = value,
		.wIndex = index,
		.wLength = length,
		.timeout = 5000,
		.data = data,
	};

	usbfs_must(u, ioctl(fd, USBDEVFS_CONTROL, &c), what);
}

/* Waits without sleeping, so that a disturbance may begin at any time, not only when a transfer
 * ends. */
void usbfs_spin(uint64_t us)
{
	struct timespec begin, now;
	int64_t ns = (int64_t)us * 1000;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < ns);
}

void usbfs_port(const struct usbfs *u, int hub, uint8_t request, uint16_t feature)
{
	usbfs_control(u, hub, USB_TYPE_CLASS | USB_RECIP_OTHER, request, feature, 1, NULL, 0,
		      "set a feature of the hub's port");
}

uint64_t usbfs_number(const char *program, const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*text && !*end)
		return n;
	fprintf(stderr, "%s: %s is not a number\n", program, text);
	exit(64);
}

/* --- dice --- */

uint64_t usbfs_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t usbfs_random(struct usbfs *u, uint64_t n)
{
	u->random += UINT64_C(0x9e3779b97f4a7c15);
	return usbfs_mix(u->random) % n;
}
