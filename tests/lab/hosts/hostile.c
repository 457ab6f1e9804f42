// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile host. It sends random and almost valid SETUP packets, sends several requests at the
 * same time, cancels requests and transfers before they end, resets the device without a pause,
 * changes the configuration, and unplugs the cable. Between these acts it sends valid requests,
 * which must be answered correctly and in time.
 *
 *   hostile [-k KINDS] [-n REQUESTS] [-s SEED] [-v] FUNCTION:INTERFACE...
 *
 *   -k  the acts (below), separated by commas; default: all
 *   -n  number of SETUP packets (default: 1000)
 *   -s  seed of the random numbers (default: $SOAK_SEED, or 1)
 *   -v  prints each request when it ends: its start, its duration, its result
 *
 * FUNCTION selects the valid requests for the function with this interface: see hostile_check.c.
 * The FUNCTION `slow` does not answer all requests.
 */
#include "hostile.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define HANG_US 20000000 /* a request that takes longer will never end */

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- requests and transfers --- */

static bool submit(struct hostile *h, struct request *r)
{
	r->urb->usercontext = r;
	r->urb->actual_length = 0;
	r->began = now_us();
	r->busy = ioctl(h->host.fd, USBDEVFS_SUBMITURB, r->urb) == 0;
	if (!r->busy && errno == ENODEV)
		usbfs_fail(&h->host, "the device was removed");
	return r->busy;
}

bool request_submit(struct hostile *h, struct request *r, const struct usb_ctrlrequest *setup)
{
	memcpy(r->data, setup, sizeof(*setup));
	*r->urb = (struct usbdevfs_urb){ .type = USBDEVFS_URB_TYPE_CONTROL,
					 .buffer = r->data,
					 .buffer_length = (int)sizeof(*setup) + setup->wLength };
	return submit(h, r);
}

static void print_request(const struct hostile *h, const struct request *r)
{
	const struct usb_ctrlrequest *s = (const struct usb_ctrlrequest *)r->data;

	fprintf(stderr, "%u %s: %.3f ms, %.3f ms: ", h->host.run, h->host.kind,
		(double)r->began / 1e3, (double)(now_us() - r->began) / 1e3);
	if (r->urb->type == USBDEVFS_URB_TYPE_CONTROL)
		fprintf(stderr, "%02x %02x %04x %04x %04x", s->bRequestType, s->bRequest, s->wValue,
			s->wIndex, s->wLength);
	else
		fprintf(stderr, "endpoint %02x, %d", r->urb->endpoint, r->urb->buffer_length);
	fprintf(stderr, ": %d\n", r->urb->status < 0 ? r->urb->status : r->urb->actual_length);
}

static void reap(struct hostile *h)
{
	struct usbdevfs_urb *urb;

	while (ioctl(h->host.fd, USBDEVFS_REAPURBNDELAY, &urb) == 0) {
		struct request *r = urb->usercontext;

		r->busy = false;
		if (h->verbose)
			print_request(h, r);
	}
}

bool request_await(struct hostile *h, struct request *r, uint64_t us)
{
	uint64_t end = now_us() + us, now;
	struct pollfd fd = { .fd = h->host.fd, .events = POLLOUT };

	for (;;) {
		struct timespec left = { 0 };

		reap(h);
		now = now_us();
		if (!r->busy || now >= end)
			return !r->busy;
		left.tv_sec = (time_t)((end - now) / 1000000);
		left.tv_nsec = (long)((end - now) % 1000000 * 1000);
		ppoll(&fd, 1, &left, NULL);
	}
}

void request_await_in_time(struct hostile *h, struct request *r, uint64_t us)
{
	if (request_await(h, r, us))
		return;
	for (size_t i = 0; i < REQUESTS_MAX; i++)
		if (h->pool[i].busy)
			print_request(h, &h->pool[i]);
	usbfs_fail(&h->host, "what is told of here has no end in %lu ms", (unsigned long)us / 1000);
}

static void await_request(struct hostile *h, struct request *r)
{
	request_await_in_time(h, r, HANG_US);
}

static void cancel_request(struct hostile *h, struct request *r)
{
	ioctl(h->host.fd, USBDEVFS_DISCARDURB, r->urb); /* fails if the request has ended */
	await_request(h, r);
}

/* Returns a random time: mostly as long as an answer takes, sometimes up to the deadline of a
   worker. */
static uint64_t random_us(struct hostile *h)
{
	return usbfs_random(&h->host, usbfs_random(&h->host, 8) ? 500 : DEADLINE_MS * 1200);
}

/* --- the device --- */

static void claim(struct hostile *h)
{
	for (size_t i = 0; i < h->n_interfaces; i++) {
		struct usbdevfs_disconnect_claim c = {
			.interface = h->interfaces[i],
			.flags = USBDEVFS_DISCONNECT_CLAIM_EXCEPT_DRIVER,
			.driver = "usbfs"
		};

		usbfs_must(&h->host, ioctl(h->host.fd, USBDEVFS_DISCONNECT_CLAIM, &c),
			   "claim an interface");
	}
}

/* Reads the descriptors of the device and of its configuration from the device file. */
static void read_descriptors(struct hostile *h)
{
	unsigned char d[2048];
	ssize_t n = pread(h->host.fd, d, sizeof(d), 0), i;

	h->n_interfaces = h->n_endpoints = 0;
	for (i = 0; i + 2 <= n && d[i] >= 2; i += d[i]) {
		if (d[i + 1] == USB_DT_DEVICE)
			memcpy(h->descriptor, d + i, sizeof(h->descriptor));
		if (d[i + 1] == USB_DT_INTERFACE && d[i + 3] == 0 &&
		    h->n_interfaces < INTERFACES_MAX)
			h->interfaces[h->n_interfaces++] = d[i + 2];
		if (d[i + 1] == USB_DT_ENDPOINT && d[i + 3] == USB_ENDPOINT_XFER_BULK &&
		    h->n_endpoints < ENDPOINTS_MAX)
			h->endpoints[h->n_endpoints++] = (struct endpoint){
				.address = d[i + 2],
				.interface = h->interfaces[h->n_interfaces - 1],
				.packet = (size_t)d[i + 4] | (size_t)d[i + 5] << 8,
			};
	}
	if (h->n_interfaces == 0)
		usbfs_fail(&h->host, "the device has no interfaces");
}

static void find(struct hostile *h, int uevents)
{
	usbfs_find(&h->host, uevents);
	read_descriptors(h);
	claim(h);
}

static void reset(struct hostile *h)
{
	usbfs_must(&h->host, ioctl(h->host.fd, USBDEVFS_RESET, NULL), "reset the device");
	reap(h);
	claim(h);
}

/* --- acts --- */

static void make_vendor_request(struct usb_ctrlrequest *s)
{
	s->bRequestType = (uint8_t)((s->bRequestType & ~USB_TYPE_MASK) | USB_TYPE_VENDOR);
}

/* Sends a hostile request. usbfs refuses some requests; they are changed to vendor requests. */
static bool send_hostile(struct hostile *h, struct request *r, struct usb_ctrlrequest *s)
{
	*s = setup_random(h);
	/* dummy_hcd would execute SET_CONFIGURATION, and the host's kernel would not know it */
	if (s->bRequestType == 0 && s->bRequest == USB_REQ_SET_CONFIGURATION)
		s->wValue = 1;
	/* dwc2 would take the address, also of a request to an interface or endpoint */
	if ((s->bRequestType & USB_TYPE_MASK) == USB_TYPE_STANDARD &&
	    s->bRequest == USB_REQ_SET_ADDRESS)
		make_vendor_request(s);
	h->requests++;
	if (request_submit(h, r, s))
		return true;
	make_vendor_request(s);
	return request_submit(h, r, s);
}

static void do_setup(struct hostile *h)
{
	struct usb_ctrlrequest s;

	if (send_hostile(h, &h->pool[0], &s))
		await_request(h, &h->pool[0]);
}

static void do_cancel(struct hostile *h)
{
	struct request *r = &h->pool[0];
	struct usb_ctrlrequest s;

	if (!send_hostile(h, r, &s) || request_await(h, r, random_us(h)))
		return;
	cancel_request(h, r);
	h->given_up = true;
}

/* Sends several requests at the same time, and cancels some of them in any order. */
static void do_several(struct hostile *h)
{
	size_t n = 2 + usbfs_random(&h->host, REQUESTS_MAX - 2), i;
	struct usb_ctrlrequest s[REQUESTS_MAX];

	for (i = 0; i < n; i++)
		if (!send_hostile(h, &h->pool[i], &s[i]))
			n = i;
	request_await(h, &h->pool[0], random_us(h));
	for (i = 0; i < n; i++) {
		size_t which = usbfs_random(&h->host, n);

		if (h->pool[which].busy && usbfs_random(&h->host, 2)) {
			cancel_request(h, &h->pool[which]);
			h->given_up = true;
		}
	}
	for (i = 0; i < n; i++)
		await_request(h, &h->pool[i]);
}

static void begin_transfer(struct hostile *h, struct request *r)
{
	const struct endpoint *e = &h->endpoints[usbfs_random(&h->host, h->n_endpoints)];
	size_t packets = DATA_MAX / e->packet,
	       n = (1 + usbfs_random(&h->host, packets)) * e->packet;

	/* A host that reads into a short buffer loses data, which ends the worker (test_storm.py).
	 */
	if (!(e->address & USB_DIR_IN))
		n -= usbfs_random(&h->host, e->packet);
	*r->urb = (struct usbdevfs_urb){ .type = USBDEVFS_URB_TYPE_BULK,
					 .endpoint = e->address,
					 .buffer = r->data,
					 .buffer_length = (int)n };
	submit(h, r);
}

/* Begins transfers, sends a request, and cancels the transfers. */
static void do_transfers(struct hostile *h)
{
	struct usb_ctrlrequest s;

	if (h->n_endpoints == 0)
		return;
	for (size_t i = 1; i < 4; i++)
		begin_transfer(h, &h->pool[i]);
	if (send_hostile(h, &h->pool[0], &s))
		await_request(h, &h->pool[0]);
	usbfs_spin(usbfs_random(&h->host, 300));
	for (size_t i = 1; i < 4; i++)
		if (h->pool[i].busy)
			cancel_request(h, &h->pool[i]);
}

static void do_reset(struct hostile *h)
{
	struct usb_ctrlrequest s;

	if (send_hostile(h, &h->pool[0], &s) && !request_await(h, &h->pool[0], random_us(h) % 500))
		h->given_up = true;
	for (uint64_t n = 1 + usbfs_random(&h->host, 4); n > 0; n--)
		reset(h);
	await_request(h, &h->pool[0]);
}

static void set_configuration(struct hostile *h, uint8_t n)
{
	const struct usb_ctrlrequest s = setup_of(0, USB_REQ_SET_CONFIGURATION, n, 0, 0);

	if (!request_submit(h, &h->pool[1], &s))
		usbfs_fail(&h->host, "cannot set a configuration");
	await_request(h, &h->pool[1]);
	if (h->pool[1].urb->status < 0)
		usbfs_fail(&h->host, "configuration %d: %s", n, strerror(-h->pool[1].urb->status));
}

/* Changes the configuration by a control request, which the host's kernel does not notice. */
static void do_config(struct hostile *h)
{
	set_configuration(h, 0);
	for (uint64_t n = usbfs_random(&h->host, 3); n > 0; n--)
		do_cancel(h);
	set_configuration(h, 1);
}

/* Turns the power of the hub's port off and on. */
static void do_unplug(struct hostile *h)
{
	_cleanup_close_ int uevents = usbfs_uevents(&h->host), hub = usbfs_open_hub(&h->host);
	struct usb_ctrlrequest s;

	send_hostile(h, &h->pool[0], &s);
	usbfs_spin(usbfs_random(&h->host, 300));
	usbfs_port(&h->host, hub, USB_REQ_CLEAR_FEATURE, PORT_FEAT_POWER);
	usbfs_port(&h->host, hub, USB_REQ_SET_FEATURE, PORT_FEAT_POWER);
	while (h->pool[0].busy &&
	       ioctl(h->host.fd, USBDEVFS_GET_CAPABILITIES, &(uint32_t){ 0 }) == 0) {
		usbfs_await(&h->host, uevents);
		reap(h);
	}
	h->pool[0].busy = false;
	h->given_up = true;
	usbfs_lose(&h->host);
	find(h, uevents);
}

static const struct act {
	const char *name;
	void (*run)(struct hostile *h);
	unsigned int weight;
} acts[] = {
	{ "setup", do_setup, 40 },	{ "give-up", do_cancel, 20 }, { "several", do_several, 10 },
	{ "halves", do_transfers, 10 }, { "reset", do_reset, 1 },     { "config", do_config, 2 },
	{ "unplug", do_unplug, 1 },
};

/* --- and in between --- */

/*
 * Waits until no function works on a cancelled request. A function does not notice that the host
 * has cancelled a request until it gets its next request. A late answer would be used for the
 * request of another function, or for the next request (f_fs.c, __ffs_ep0_stall() and
 * __ffs_ep0_queue_wait()). Each function may have two cancelled requests: the second one was
 * cancelled while it worked on the first.
 */
static void await_idle(struct hostile *h)
{
	if (h->given_up)
		usleep((2 * DEADLINE_MS + WORK_MS) * 1000);
	h->given_up = false;
}

static const struct function *random_function(struct hostile *h)
{
	return &h->functions[usbfs_random(&h->host, h->n_functions)];
}

static void check(struct hostile *h)
{
	await_idle(h);
	check_function(h, random_function(h));
}

/* Sends a request that is not answered (request 5, see odd_worker.c) to a slow function. */
static bool send_to_slow(struct hostile *h, struct request *r)
{
	struct usb_ctrlrequest s;
	uint16_t interface;

	do
		interface = (uint16_t)usbfs_random(&h->host, INTERFACES_MAX);
	while (!(h->slow & UINT32_C(1) << interface));
	s = setup_of(USB_DIR_IN | USB_TYPE_VENDOR | USB_RECIP_INTERFACE, 5, 0, interface, 64);
	h->requests++;
	return request_submit(h, r, &s);
}

/* Sends any request to one function, then a valid request to another function. */
static void check_after_other(struct hostile *h)
{
	struct request *before = &h->pool[1];
	struct usb_ctrlrequest s;
	bool slow = h->slow && usbfs_random(&h->host, 8) == 0;

	await_idle(h);
	if (slow ? send_to_slow(h, before) : send_hostile(h, before, &s)) {
		check_function(h, random_function(h));
		await_request(h, before);
	}
}

static void run(struct hostile *h, const struct act **chosen, size_t n)
{
	uint64_t count[ARRAY_SIZE(acts)] = { 0 };

	while (h->requests < h->wanted) {
		const struct act *act = chosen[usbfs_random(&h->host, n)];

		h->host.run++;
		h->host.kind = act->name;
		act->run(h);
		count[act - acts]++;
		if (usbfs_random(&h->host, 4) == 0)
			check(h);
		else if (usbfs_random(&h->host, 8) == 0)
			check_after_other(h);
	}
	printf("{\"seed\": %lu, \"requests\": %lu, \"checks\": %lu, \"slowest_ms\": %.1f",
	       (unsigned long)h->host.seed, (unsigned long)h->requests, (unsigned long)h->checks,
	       (double)h->slowest / 1e3);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (count[i])
			printf(", \"%s\": %lu", acts[i].name, (unsigned long)count[i]);
	puts("}");
}

/* Stores the acts with these names, each as often as its weight; all acts if `names` is NULL. */
static size_t choose(const char *names, const struct act **chosen)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		size_t length = strlen(acts[i].name);
		const char *at = names ? strstr(names, acts[i].name) : NULL;

		if (names && !(at && (at == names || at[-1] == ',') && strchr(",", at[length])))
			continue;
		for (unsigned int k = 0; k < acts[i].weight; k++)
			chosen[n++] = &acts[i];
	}
	if (n == 0) {
		fprintf(stderr, "hostile: there is no act of %s\n", names);
		exit(64);
	}
	return n;
}

static void parse_function(struct hostile *h, char *text)
{
	char *colon = strchr(text, ':');
	uint64_t interface = colon ? usbfs_number("hostile", colon + 1) : INTERFACES_MAX;

	if (interface >= INTERFACES_MAX || h->n_functions == INTERFACES_MAX) {
		fprintf(stderr, "hostile: %s has no interface\n", text);
		exit(64);
	}
	*colon = '\0';
	if (streq(text, "slow"))
		h->slow |= UINT32_C(1) << interface;
	else
		h->functions[h->n_functions++] =
			(struct function){ check_find(text), (uint8_t)interface };
}

int main(int argc, char **argv)
{
	const char *seed = getenv("SOAK_SEED"), *which = NULL;
	static struct hostile h;
	const struct act *chosen[100];
	_cleanup_close_ int uevents = -1;
	int o;

	h.host = (struct usbfs){ .program = "hostile",
				 .seed = seed ? usbfs_number("hostile", seed) : 1,
				 .seconds = 20,
				 .kind = "none" };
	h.wanted = 1000;
	while ((o = getopt(argc, argv, "k:n:s:v")) >= 0) {
		if (o == 'k')
			which = optarg;
		else if (o == 'n')
			h.wanted = usbfs_number("hostile", optarg);
		else if (o == 's')
			h.host.seed = usbfs_number("hostile", optarg);
		else if (o == 'v')
			h.verbose = true;
		else
			exit(64);
	}
	for (; optind < argc; optind++)
		parse_function(&h, argv[optind]);
	if (h.n_functions == 0) {
		fprintf(stderr, "hostile: which functions?\n");
		exit(64);
	}
	for (int i = 0; i < REQUESTS_MAX; i++)
		h.pool[i].urb = xcalloc(1, sizeof(*h.pool[i].urb));
	h.host.random = h.host.seed;
	uevents = usbfs_uevents(&h.host);
	find(&h, uevents);
	run(&h, chosen, choose(which, chosen));
	return 0;
}
