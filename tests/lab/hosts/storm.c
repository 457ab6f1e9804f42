// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host of a device that echoes messages. It keeps the full number of transfers in flight in
 * both directions and disturbs the link at random times: it resets the device, selects interfaces
 * and configurations, cancels transfers, halts endpoints, and unplugs the cable. After each
 * disturbance the echo must work: all later messages come back complete and in order, and no
 * earlier ones.
 *
 *   storm [-k KINDS] [-n RUNS] [-s SEED] [-d DEPTH] [-f BYTES] [-m BYTES] [-t SECONDS]
 *         [-o COMMAND]
 *
 *   -k  the disturbances (below), separated by commas; default: those that work
 *       at every speed and after which no message may be lost
 *   -n  number of disturbances (default: 100)
 *   -s  seed of the random numbers (default: $SOAK_SEED, or 1)
 *   -d  transfers in each direction (default: 8)
 *   -f  all messages have this length, which the device requires, and no end
 *   -m  length of the longest message (default: MESSAGE_MAX)
 *   -t  longest time without a completed transfer (default: 20)
 *   -o  for the disturbance `outside`: a shell command, during which the device
 *       disconnects and connects again
 *
 * It uses usbfs without libusb, because the lab has no udevd, without which libusb does not find
 * new devices, and because it must know exactly how many bytes a cancelled transfer has moved.
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

#define PORT_RESUME_MS 40 /* dummy_hcd signals resume for 20 ms, in ticks of 10 ms */

/* --- disturbances --- */

/* Releases the interface, which ends all transfers in flight. This epoch ends: later data of it is
   ignored. */
static void release_interface(struct storm *s)
{
	unsigned int interface = 0;

	s->ignoring = true;
	usbfs_must(&s->host, ioctl(s->host.fd, USBDEVFS_RELEASEINTERFACE, &interface),
		   "release the interface");
}

/* Waits for the ends of all transfers and begins a new epoch. */
static void await_ends_and_begin(struct storm *s)
{
	flow_settle(s, &s->out);
	flow_settle(s, &s->in);
	flow_begin(s);
}

static void do_reset(struct storm *s)
{
	s->ignoring = true;
	if (usbfs_random(&s->host, 2))
		release_interface(s);
	usbfs_must(&s->host, ioctl(s->host.fd, USBDEVFS_RESET, NULL), "reset the device");
	device_claim(s);
	await_ends_and_begin(s);
}

static void do_interface(struct storm *s)
{
	struct usbdevfs_setinterface set = { .interface = 0, .altsetting = 0 };

	s->ignoring = true;
	usbfs_must(&s->host, ioctl(s->host.fd, USBDEVFS_SETINTERFACE, &set), "set the interface");
	await_ends_and_begin(s);
}

static void do_config(struct storm *s)
{
	unsigned int none = 0, one = 1;

	release_interface(s);
	if (usbfs_random(&s->host, 2))
		usbfs_must(&s->host, ioctl(s->host.fd, USBDEVFS_SETCONFIGURATION, &none),
			   "set configuration 0");
	usbfs_must(&s->host, ioctl(s->host.fd, USBDEVFS_SETCONFIGURATION, &one),
		   "set configuration 1");
	device_claim(s);
	await_ends_and_begin(s);
}

static void cancel_direction(struct storm *s, struct direction *d)
{
	flow_discard(s, d);
	flow_settle(s, d);
}

static void do_cancel(struct storm *s)
{
	uint64_t which = usbfs_random(&s->host, 3);

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
	usbfs_control(&s->host, s->host.fd, USB_RECIP_ENDPOINT, USB_REQ_SET_FEATURE,
		      USB_ENDPOINT_HALT, d->address, NULL, 0, "halt an endpoint");
	flow_settle(s, d);
	usbfs_must(&s->host, ioctl(s->host.fd, USBDEVFS_CLEAR_HALT, &address), "clear a halt");
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

/*
 * Turns the power of the hub's port, and so the VBUS of the device, off and on. (The attribute
 * soft_connect of the UDC cannot be used: soft_connect_store() does not enable the events of
 * dummy_hcd again.)
 */
static void do_unplug(struct storm *s)
{
	_cleanup_close_ int uevents = usbfs_uevents(&s->host), hub = usbfs_open_hub(&s->host);

	s->ignoring = true;
	usbfs_port(&s->host, hub, USB_REQ_CLEAR_FEATURE, PORT_FEAT_POWER);
	usbfs_spin(usbfs_random(&s->host, 2) * usbfs_random(&s->host, 20000));
	usbfs_port(&s->host, hub, USB_REQ_SET_FEATURE, PORT_FEAT_POWER);
	while (flow_reap(s))
		usbfs_await(&s->host, uevents);
	device_lose(s);
	device_find(s, uevents);
}

/* Suspends the port of the hub, because the lab's kernel has no power management. */
static void do_suspend(struct storm *s)
{
	_cleanup_close_ int hub = usbfs_open_hub(&s->host);
	struct timespec resume = { .tv_nsec = PORT_RESUME_MS * 1000000 };
	uint32_t state;

	s->out.paused = s->in.paused = true; /* dummy_hcd would end transfers with EPROTO */
	usbfs_port(&s->host, hub, USB_REQ_SET_FEATURE, PORT_FEAT_SUSPEND);
	usbfs_spin(usbfs_random(&s->host, 2) * usbfs_random(&s->host, 20000));
	usbfs_port(&s->host, hub, USB_REQ_CLEAR_FEATURE, PORT_FEAT_SUSPEND);
	nanosleep(&resume, NULL);
	usbfs_control(&s->host, hub, USB_DIR_IN | USB_TYPE_CLASS | USB_RECIP_OTHER,
		      USB_REQ_GET_STATUS, 0, 1, &state, sizeof(state), "look at the hub's port");
	/*
	 * Without power management, the kernel does not clear this. As long as it is set, dummy_hcd
	 * wakes the kernel's hub driver again and again.
	 */
	usbfs_port(&s->host, hub, USB_REQ_CLEAR_FEATURE, PORT_FEAT_C_SUSPEND);
	cancel_direction(s, &s->out);
	cancel_direction(s, &s->in);
}

/* Sends control requests without a pause. The worker stalls them; the data must not stop. */
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
		if (ioctl(s->host.fd, USBDEVFS_CONTROL, &c) >= 0 || errno != EPIPE)
			usbfs_fail(&s->host, "a control request was not stalled");
}

static void do_outside(struct storm *s)
{
	_cleanup_close_ int uevents = usbfs_uevents(&s->host);
	pid_t pid = fork();
	int status;

	usbfs_must(&s->host, pid, "fork");
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", s->outside, (char *)NULL);
		_exit(127);
	}
	/* Data flows until the device disconnects. The host notices this at once, or when transfers
	   have failed */
	s->ignoring = true;
	while (flow_pump(s))
		;
	device_lose(s);
	device_find(s, uevents);
	usbfs_must(&s->host, waitpid(pid, &status, 0), "wait");
	if (status)
		usbfs_fail(&s->host, "%s: status 0x%x", s->outside, status);
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
		usbfs_fail(&s->host, "the device was removed");
}

/* Sends some messages of a new epoch, which show whether earlier messages were lost. Then stops in
   a random state. */
static void run_undisturbed(struct storm *s)
{
	uint64_t until = s->counts.messages + 1 + usbfs_random(&s->host, 20);

	while (s->counts.messages < until)
		pump(s);
	/* Stop when the device is full, when it is empty, or in between. */
	switch (usbfs_random(&s->host, 4)) {
	case 0:
		cancel_direction(s, &s->in);
		break;
	case 1:
		cancel_direction(s, &s->out);
		break;
	}
	usbfs_spin(usbfs_random(&s->host, 400));
}

static void storm(struct storm *s, const struct kind **chosen, size_t n)
{
	unsigned int count[ARRAY_SIZE(kinds)] = { 0 };
	size_t i;

	for (s->host.run = 1; s->host.run <= s->runs; s->host.run++) {
		run_undisturbed(s);
		i = usbfs_random(&s->host, n);
		s->host.kind = chosen[i]->name;
		chosen[i]->run(s);
		flow_go_on(&s->out);
		flow_go_on(&s->in);
		count[chosen[i] - kinds]++;
	}
	run_undisturbed(s);
	flow_go_on(&s->out);
	flow_go_on(&s->in);
	s->finishing = true;
	while (s->in.next.seq < s->out.next.seq || s->out.next.at > 0)
		pump(s);
	cancel_direction(s, &s->in);
	printf("{\"messages\": %lu, \"bytes\": %lu, \"epochs\": %u, \"stale\": %lu",
	       (unsigned long)s->counts.messages, (unsigned long)s->counts.bytes, s->epoch,
	       (unsigned long)s->counts.stale);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (count[i])
			printf(", \"%s\": %u", kinds[i].name, count[i]);
	puts("}");
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
	struct storm s = { .host = { .program = "storm",
				     .seed = seed ? usbfs_number("storm", seed) : 1,
				     .seconds = 20,
				     .kind = "none" },
			   .runs = 100,
			   .depth = 8,
			   .longest = MESSAGE_MAX };
	const struct kind *chosen[ARRAY_SIZE(kinds)];
	_cleanup_close_ int uevents = -1;
	int o;

	while ((o = getopt(argc, argv, "k:n:s:d:f:m:t:o:")) >= 0) {
		if (o == 'k')
			which = optarg;
		else if (o == 'n')
			s.runs = (unsigned int)usbfs_number("storm", optarg);
		else if (o == 's')
			s.host.seed = usbfs_number("storm", optarg);
		else if (o == 'd')
			s.depth = (unsigned int)usbfs_number("storm", optarg);
		else if (o == 'f')
			s.fixed = usbfs_number("storm", optarg);
		else if (o == 'm')
			s.longest = usbfs_number("storm", optarg);
		else if (o == 't')
			s.host.seconds = (unsigned int)usbfs_number("storm", optarg);
		else if (o == 'o')
			s.outside = optarg;
		else
			exit(64);
	}
	if (s.depth < 1 || s.depth > DEPTH_MAX)
		usbfs_fail(&s.host, "-d: from 1 to %d", DEPTH_MAX);
	s.host.random = s.host.seed;
	for (unsigned int i = 0; i < s.depth; i++) {
		s.out.slots[i].data = xcalloc(1, TRANSFER_MAX);
		s.out.slots[i].urb = xcalloc(1, sizeof(*s.out.slots[i].urb));
		s.in.slots[i].urb = xcalloc(1, sizeof(*s.in.slots[i].urb));
		s.in.slots[i].data = xcalloc(1, TRANSFER_MAX);
	}
	uevents = usbfs_uevents(&s.host);
	device_find(&s, uevents);
	storm(&s, chosen, choose(which, chosen));
	return 0;
}
