// SPDX-License-Identifier: GPL-2.0-or-later
/* The device: found, lost, and found again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/usb/ch9.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "storm.h"

#define DEVICES "/sys/bus/usb/devices"
#define VENDOR "1d6b"
#define PRODUCT "0104"

void storm_fail(const struct storm *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "storm: seed %lu, disturbance %u (%s): ", (unsigned long)s->seed, s->run,
		s->kind);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void must(const struct storm *s, int r, const char *what)
{
	if (r < 0)
		storm_fail(s, "cannot %s: %s", what, strerror(errno));
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

/* Whether it is the device, configured, and not the one of before. */
static bool is_there(struct storm *s, const char *name)
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
	if (devnum == s->devnum && streq(name, s->name))
		return false;
	node = strf("/dev/bus/usb/%03d/%03d", atoi(bus), devnum);
	s->fd = open(node, O_RDWR | O_CLOEXEC);
	if (s->fd < 0)
		return false;
	s->devnum = devnum;
	snprintf(s->name, sizeof(s->name), "%s", name);
	return true;
}

static bool look(struct storm *s)
{
	DIR *dir = opendir(DEVICES);
	struct dirent *e;
	bool found = false;

	if (!dir)
		storm_fail(s, DEVICES ": %s", strerror(errno));
	while (!found && (e = readdir(dir)))
		found = e->d_name[0] != '.' && !strchr(e->d_name, ':') && is_there(s, e->d_name);
	closedir(dir);
	return found;
}

void device_claim(struct storm *s)
{
	unsigned int interface = 0;

	must(s, ioctl(s->fd, USBDEVFS_CLAIMINTERFACE, &interface), "claim the interface");
}

/* The node gives the descriptors of the device and of the configuration. */
static void read_endpoints(struct storm *s)
{
	unsigned char d[1024];
	ssize_t n = pread(s->fd, d, sizeof(d), 0), i;

	s->out.address = s->in.address = 0;
	for (i = 0; i + 2 <= n && d[i] >= 2; i += d[i]) {
		if (d[i + 1] != USB_DT_ENDPOINT)
			continue;
		if (d[i + 2] & USB_DIR_IN)
			s->in.address = d[i + 2];
		else
			s->out.address = d[i + 2];
		s->packet = (size_t)d[i + 4] | (size_t)d[i + 5] << 8;
	}
	if (!s->out.address || !s->in.address)
		storm_fail(s, "the device has no pair of endpoints");
}

int device_uevents(const struct storm *s)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	must(s, fd, "open a socket");
	must(s, bind(fd, (struct sockaddr *)&address, sizeof(address)), "listen to uevents");
	return fd;
}

void device_await(const struct storm *s, int uevents)
{
	struct pollfd fd = { .fd = uevents, .events = POLLIN };
	char text[8192];

	if (poll(&fd, 1, (int)s->seconds * 1000) <= 0)
		storm_fail(s, "the host does not see the device for %u s", s->seconds);
	(void)!recv(uevents, text, sizeof(text), MSG_DONTWAIT);
}

void device_find(struct storm *s, int uevents)
{
	while (!look(s))
		device_await(s, uevents);
	device_claim(s);
	read_endpoints(s);
	flow_begin(s);
}

void device_lose(struct storm *s)
{
	close(s->fd);
	s->fd = -1;
	flow_forget(s);
}

int device_open_hub(const struct storm *s)
{
	char bus[16] = "";
	_cleanup_free_ char *path = NULL;
	int hub;

	if (!sysfs_read(s->name, "busnum", bus, sizeof(bus)))
		storm_fail(s, "cannot read the number of the bus");
	path = strf("/dev/bus/usb/%03d/001", atoi(bus));
	hub = open(path, O_RDWR | O_CLOEXEC);
	must(s, hub, path);
	return hub;
}
