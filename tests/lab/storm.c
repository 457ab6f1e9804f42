// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's side of an echo in a storm: keeps transfers at full depth in both directions, and in
 * the middle of them does at random moments what hosts and people do: resets, other settings,
 * cancelled transfers, halts, an unplugged cable. After each the echo has to go on: what was
 * written since comes back whole and in order, and nothing of the time before.
 *
 *   storm [-k KINDS] [-n RUNS] [-s SEED] [-d DEPTH] [-f BYTES] [-m BYTES] [-t SECONDS]
 *         [-o COMMAND]
 *
 *   -k  which disturbances (below), with commas between; default: those after
 *       which nothing may be lost, at every speed
 *   -n  how many (default: 100)
 *   -s  default: $SOAK_SEED, or 1
 *   -d  transfers in each direction (default: 8)
 *   -f  all messages have this length, and no ends: the device fixes it
 *   -m  no message is longer (default: three transfers of 64 KiB and 2 bytes)
 *   -t  how long nothing may move (default: 20)
 *   -o  a shell command after which the device has gone and come back: `outside`
 *
 * usbfs without libusb: there is no udevd in the lab to tell that of a new device, and how much of
 * a transfer went before it was ended has to be known to the byte.
 */
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Ports of a hub (USB 2.0, 11.24.2) */
#define PORT_FEAT_SUSPEND 2
#define PORT_FEAT_POWER 8
#define PORT_RESUME_MS 40 /* dummy_hcd: signals for 20 ms, in ticks of 10 */

/* --- disturbances --- */

/* Moments between the ends of transfers, too, which is when the device works. */
static void spin(uint64_t us)
{
	struct timespec begin, now;
	int64_t ns = (int64_t)us * 1000;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < ns);
}

static void control(const struct storm *s, int fd, uint8_t type, uint8_t request, uint16_t value,
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

	must(s, ioctl(fd, USBDEVFS_CONTROL, &c), what);
}

/* What is in flight ends here, and its time with it. */
static void let_go(struct storm *s)
{
	unsigned int interface = 0;

	s->ignoring = true;
	must(s, ioctl(s->fd, USBDEVFS_RELEASEINTERFACE, &interface), "release the interface");
}

/* What was in flight has ended. */
static void begin_again(struct storm *s)
{
	flow_settle(s, &s->out);
	flow_settle(s, &s->in);
	flow_begin(s);
}

static void do_reset(struct storm *s)
{
	s->ignoring = true;
	if (storm_random(s, 2))
		let_go(s);
	must(s, ioctl(s->fd, USBDEVFS_RESET, NULL), "reset the device");
	device_claim(s);
	begin_again(s);
}

static void do_interface(struct storm *s)
{
	struct usbdevfs_setinterface set = { .interface = 0, .altsetting = 0 };

	s->ignoring = true;
	must(s, ioctl(s->fd, USBDEVFS_SETINTERFACE, &set), "set the interface");
	begin_again(s);
}

static void do_config(struct storm *s)
{
	unsigned int none = 0, one = 1;

	let_go(s);
	if (storm_random(s, 2))
		must(s, ioctl(s->fd, USBDEVFS_SETCONFIGURATION, &none), "set configuration 0");
	must(s, ioctl(s->fd, USBDEVFS_SETCONFIGURATION, &one), "set configuration 1");
	device_claim(s);
	begin_again(s);
}

static void stop(struct storm *s, struct direction *d)
{
	flow_discard(s, d);
	flow_settle(s, d);
}

static void do_cancel(struct storm *s)
{
	uint64_t which = storm_random(s, 3);

	if (which != 0)
		flow_discard(s, &s->out);
	if (which != 1)
		flow_discard(s, &s->in);
	if (which != 0)
		flow_settle(s, &s->out);
	if (which != 1)
		flow_settle(s, &s->in);
	flow_go_on(&s->out);
	flow_go_on(&s->in);
}

static void halt(struct storm *s, struct direction *d)
{
	unsigned int address = d->address;

	d->paused = true;
	control(s, s->fd, USB_RECIP_ENDPOINT, USB_REQ_SET_FEATURE, USB_ENDPOINT_HALT, d->address,
		NULL, 0, "halt an endpoint");
	flow_settle(s, d);
	must(s, ioctl(s->fd, USBDEVFS_CLEAR_HALT, &address), "clear a halt");
	flow_go_on(d);
}

static void do_halt_out(struct storm *s)
{
	halt(s, &s->out);
}

static void do_halt_in(struct storm *s)
{
	halt(s, &s->in);
}

static void port(const struct storm *s, int hub, uint8_t request, uint16_t feature)
{
	control(s, hub, USB_TYPE_CLASS | USB_RECIP_OTHER, request, feature, 1, NULL, 0,
		"set a feature of the hub's port");
}

/*
 * The hub's port loses its power, so that the device loses VBUS, and gets it again. (soft_connect
 * of the UDC leaves dummy_hcd without events: soft_connect_store() forgets to enable them.)
 */
static void do_unplug(struct storm *s)
{
	_cleanup_close_ int uevents = device_uevents(s), hub = device_open_hub(s);

	s->ignoring = true;
	port(s, hub, USB_REQ_CLEAR_FEATURE, PORT_FEAT_POWER);
	spin(storm_random(s, 2) * storm_random(s, 20000));
	port(s, hub, USB_REQ_SET_FEATURE, PORT_FEAT_POWER);
	while (flow_reap(s))
		device_await(s, uevents);
	device_lose(s);
	device_find(s, uevents);
}

/* The lab's kernel has no power management, but its hub (of high speed) has. */
static void do_suspend(struct storm *s)
{
	_cleanup_close_ int hub = device_open_hub(s);
	struct timespec resume = { .tv_nsec = PORT_RESUME_MS * 1000000 };
	uint32_t state;

	s->out.paused = s->in.paused = true; /* dummy_hcd ends them with EPROTO */
	port(s, hub, USB_REQ_SET_FEATURE, PORT_FEAT_SUSPEND);
	spin(storm_random(s, 2) * storm_random(s, 20000));
	port(s, hub, USB_REQ_CLEAR_FEATURE, PORT_FEAT_SUSPEND);
	nanosleep(&resume, NULL);
	control(s, hub, USB_DIR_IN | USB_TYPE_CLASS | USB_RECIP_OTHER, USB_REQ_GET_STATUS, 0, 1,
		&state, sizeof(state), "look at the hub's port");
	stop(s, &s->out);
	stop(s, &s->in);
}

/* Control requests, which the worker stalls, without a pause; the data have to go on. */
static void do_setups(struct storm *s)
{
	unsigned char data[64];
	struct usbdevfs_ctrltransfer c = {
		.bRequestType = USB_DIR_IN | USB_TYPE_VENDOR | USB_RECIP_INTERFACE,
		.bRequest = 1,
		.wLength = sizeof(data),
		.timeout = 5000,
		.data = data,
	};

	for (unsigned int i = 0; i < 20; i++)
		if (ioctl(s->fd, USBDEVFS_CONTROL, &c) >= 0 || errno != EPIPE)
			storm_fail(s, "a control request was not stalled");
}

static void do_outside(struct storm *s)
{
	_cleanup_close_ int uevents = device_uevents(s);
	pid_t pid = fork();
	int status;

	must(s, pid, "fork");
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", s->outside, (char *)NULL);
		_exit(127);
	}
	/* Traffic until the last moment, which is seen at once or after the host's transfers have
	   failed */
	s->ignoring = true;
	while (flow_pump(s))
		;
	device_lose(s);
	device_find(s, uevents);
	must(s, waitpid(pid, &status, 0), "wait");
	if (status)
		storm_fail(s, "%s: status 0x%x", s->outside, status);
}

static const struct kind {
	const char *name;
	void (*run)(struct storm *s);
} kinds[] = {
	{ "reset", do_reset },	   { "interface", do_interface }, { "config", do_config },
	{ "cancel", do_cancel },   { "halt-out", do_halt_out },	  { "halt-in", do_halt_in },
	{ "unplug", do_unplug },   { "suspend", do_suspend },	  { "setups", do_setups },
	{ "outside", do_outside },
};

/* --- the storm --- */

static void pump(struct storm *s)
{
	if (!flow_pump(s))
		storm_fail(s, "the device is gone");
}

/* Some messages of this epoch, so that what was sent before is seen to have been lost or not. */
static void fair_weather(struct storm *s)
{
	uint64_t until = s->counts.messages + 1 + storm_random(s, 20);

	while (s->counts.messages < until)
		pump(s);
	/* Then a device that is full, or one that is hungry, or one in the middle of it. */
	switch (storm_random(s, 4)) {
	case 0:
		stop(s, &s->in);
		break;
	case 1:
		stop(s, &s->out);
		break;
	}
	spin(storm_random(s, 400));
}

static void storm(struct storm *s, const struct kind **chosen, size_t n)
{
	unsigned int count[ARRAY_SIZE(kinds)] = { 0 };
	size_t i;

	for (s->run = 1; s->run <= s->runs; s->run++) {
		fair_weather(s);
		i = storm_random(s, n);
		s->kind = chosen[i]->name;
		chosen[i]->run(s);
		flow_go_on(&s->out);
		flow_go_on(&s->in);
		count[chosen[i] - kinds]++;
	}
	fair_weather(s);
	flow_go_on(&s->out);
	flow_go_on(&s->in);
	s->finishing = true;
	while (s->in.next.seq < s->out.next.seq || s->out.next.at > 0)
		pump(s);
	stop(s, &s->in);
	printf("{\"messages\": %lu, \"bytes\": %lu, \"epochs\": %u, \"stale\": %lu",
	       (unsigned long)s->counts.messages, (unsigned long)s->counts.bytes, s->epoch,
	       (unsigned long)s->counts.stale);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (count[i])
			printf(", \"%s\": %u", kinds[i].name, count[i]);
	puts("}");
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*text && !*end)
		return n;
	fprintf(stderr, "storm: %s is not a number\n", text);
	exit(64);
}

static size_t choose(char *names, const struct kind **chosen)
{
	size_t n = 0, i;

	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		for (i = 0; i < ARRAY_SIZE(kinds) && !streq(kinds[i].name, name); i++)
			;
		if (i == ARRAY_SIZE(kinds) || n == ARRAY_SIZE(kinds)) {
			fprintf(stderr, "storm: there is no disturbance %s\n", name);
			exit(64);
		}
		chosen[n++] = &kinds[i];
	}
	return n;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("SOAK_SEED");
	char names[] = "reset,cancel,halt-out,halt-in,setups,unplug", *which = names;
	struct storm s = { .seed = seed ? number(seed) : 1,
			   .runs = 100,
			   .depth = 8,
			   .seconds = 20,
			   .longest = MESSAGE_MAX,
			   .kind = "none" };
	const struct kind *chosen[ARRAY_SIZE(kinds)];
	_cleanup_close_ int uevents = -1;
	int o;

	while ((o = getopt(argc, argv, "k:n:s:d:f:m:t:o:")) >= 0) {
		if (o == 'k')
			which = optarg;
		else if (o == 'n')
			s.runs = (unsigned int)number(optarg);
		else if (o == 's')
			s.seed = number(optarg);
		else if (o == 'd')
			s.depth = (unsigned int)number(optarg);
		else if (o == 'f')
			s.fixed = number(optarg);
		else if (o == 'm')
			s.longest = number(optarg);
		else if (o == 't')
			s.seconds = (unsigned int)number(optarg);
		else if (o == 'o')
			s.outside = optarg;
		else
			exit(64);
	}
	if (s.depth < 1 || s.depth > DEPTH_MAX)
		storm_fail(&s, "-d: from 1 to %d", DEPTH_MAX);
	s.random = s.seed;
	for (unsigned int i = 0; i < s.depth; i++) {
		s.out.slots[i].data = xcalloc(1, TRANSFER_MAX);
		s.out.slots[i].urb = xcalloc(1, sizeof(*s.out.slots[i].urb));
		s.in.slots[i].urb = xcalloc(1, sizeof(*s.in.slots[i].urb));
		s.in.slots[i].data = xcalloc(1, TRANSFER_MAX);
	}
	uevents = device_uevents(&s);
	device_find(&s, uevents);
	storm(&s, chosen, choose(which, chosen));
	return 0;
}
