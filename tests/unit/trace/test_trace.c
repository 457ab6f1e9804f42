// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's trace: lines of tracepoints and of probes, the dialogue that they make, and its
 * words. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "trace/conclusion.h"
#include "trace/request_words.h"

static struct trace_event parse(const char *line)
{
	struct trace_event e;

	cr_assert(trace_event_parse(line, &e), "%s", line);
	return e;
}

Test(trace_event, is_read_from_tracepoints_and_probes)
{
	struct trace_event e = parse("          <idle>-0       [001] d.s3.   123.456789: "
				     "composite_setup: udc=fe980000.usb "
				     "setup={0x80,0x6,0x0,0x1,0x0,0x0,0x40,0x0}");

	cr_expect_eq(e.kind, TRACE_EVENT_SETUP);
	cr_expect_eq(e.time_us, 123456789);
	cr_expect_eq(e.cpu, 1);
	cr_expect_str_eq(e.udc, "fe980000.usb");
	cr_expect_eq(memcmp(&e.setup, "\x80\x06\x00\x01\x00\x00\x40\x00", 8), 0);

	e = parse("     ksoftirqd/0-14      [000] d.s4.     7.000001: composite_setup: "
		  "(composite_setup+0x0/0x1d50 [libcomposite]) gadget=0xffff8881034e7000 "
		  "setup={0x0,0x9,0x1,0x0,0x0,0x0,0x0,0x0}");
	cr_expect_eq(e.kind, TRACE_EVENT_SETUP);
	cr_expect_eq(e.gadget, 0xffff8881034e7000);
	cr_expect_str_eq(e.udc, "");
	cr_expect_eq(e.setup.bRequest, USB_REQ_SET_CONFIGURATION);

	e = parse(
		"  ksoftirqd/0-14 [000] d.s4. 7.000002: composite_setup_done: "
		"(configfs_composite_setup+0x5f/0x80 [libcomposite] <- composite_setup) value=-95");
	cr_expect_eq(e.kind, TRACE_EVENT_SETUP_DONE);
	cr_expect_eq(e.value, -95);

	e = parse("x-1 [000] ..... 7.5: udc: (usb_udc_uevent+0x0/0xc0 [udc_core]) "
		  "udc=\"dummy_udc.0\" gadget=0xffff8881034e7000");
	cr_expect_eq(e.kind, TRACE_EVENT_UDC);
	cr_expect_str_eq(e.udc, "dummy_udc.0");

	e = parse("x-1 [000] ..... 8.0: usb_gadget_giveback_request: ep0: req 00000000f00dcafe "
		  "length 18/64 sgs 0/0 stream 0 zsI status -104 --> 0");
	cr_expect_eq(e.kind, TRACE_EVENT_EP0_END);
	cr_expect_eq(e.request, 0xf00dcafe);
	cr_expect_eq(e.actual, 18);
	cr_expect_eq(e.status, -104);

	e = parse(
		"x-1 [000] ..... 8.0: usb_gadget_ep0_data: (usb_gadget_giveback_request+0x0/0x90) "
		"ep=\"ep0in\" self=0x10 first=0x20 data0={0x12,0x1} data1={0xff} "
		"newer0={0x7} newer1={0x7}");
	cr_expect_eq(e.kind, TRACE_EVENT_EP0_DATA);
	cr_expect_eq(e.n_data, 3);
	cr_expect_eq(memcmp(e.data, "\x12\x01\xff", 3), 0);
	e = parse(
		"x-1 [000] ..... 8.0: usb_gadget_ep0_data: (usb_gadget_giveback_request+0x0/0x90) "
		"ep=\"ep0\" self=0x10 first=0x10 data0={0x12,0x1} data1={0xff} newer0={0x7} "
		"newer1={}");
	cr_expect_eq(e.n_data, 1, "a request that begins with its endpoint");
	cr_expect_eq(e.data[0], 7);

	e = parse("CPU:1 [LOST 27 EVENTS]");
	cr_expect_eq(e.kind, TRACE_EVENT_LOST);
	cr_expect_eq(e.lost, 27);
}

Test(trace_event, is_not_read_from_what_else_a_line_can_be)
{
	static const char *const lines[] = {
		"",
		"# tracer: nop",
		"CPU:1 [LOST  EVENTS]",
		"x-1 [000] ..... 8.0: usb_gadget_giveback_request: ep1in: req 1 length 1/1",
		"x-1 [000] ..... 8.0: usb_ep_set_halt: ep2out: mps 512/512",
		"x-1 [000] ..... 8.0: composite_setup: udc=a setup={0x80,0x6,0x0,0x1,0x0,0x0,0x40}",
		"x-1 [000] ..... 8.0: composite_setup_done: udc=a",
		"x-1 [000] ..... 8.0: composite_setup",
		"x-1 [000] ..... 8.0: sched_switch: prev_comm=composite_setup: udc=a",
	};
	struct trace_event e;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		cr_expect_not(trace_event_parse(lines[i], &e), "%s", lines[i]);
	/* A task can have any name. */
	e = parse("[000] x 1: y-3 [002] ..... 8.000000: composite_reset: udc=a");
	cr_expect_eq(e.cpu, 2);
	e = parse("[000] . 1.5: -77 [003] ..... 8.000000: composite_reset: udc=a");
	cr_expect_eq(e.cpu, 3);
}

/* --- the dialogue ----------------------------------------------------------------------------- */

static char said[4096];

static void say(void *data _unused_, struct trace_gadget *g, const struct exchange *x)
{
	_cleanup_free_ char *text = exchange_text(g, x);
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s %s\n", g->udc, text);
}

/* Lets the dialogue hear the lines, each without what precedes the name of the event, which is for
   processor 0 if it does not begin with '1'. */
static struct dialogue hear(const char *const *lines)
{
	struct dialogue d = { .on_exchange = say };

	*said = '\0';
	for (size_t i = 0; lines[i]; i++) {
		bool is_other = *lines[i] == '1';
		_cleanup_free_ char *line = strf("x-1 [00%d] d.... %zu.000000: %s", is_other, 1 + i,
						 lines[i] + 2 * is_other);
		struct trace_event e = parse(line);

		dialogue_add(&d, &e);
	}
	return d;
}

#define SETUP(udc, bytes) "composite_setup: udc=" udc " setup={" bytes "}"
#define DEVICE "0x80,0x6,0x0,0x1,0x0,0x0,0x12,0x0"
#define VENDOR "0xc1,0x7,0x0,0x0,0x0,0x0,0x8,0x0"
#define SELECT "0x0,0x9,0x1,0x0,0x0,0x0,0x0,0x0"
#define QUEUE(request) "usb_ep_queue: ep0: req " request " length 0/18 sgs 0/0 status -115 --> 0"
#define END(request, n, status)                                                                    \
	"usb_gadget_giveback_request: ep0: req " request " length " n "/18 sgs 0/0 status " status \
	" --> 0"

Test(dialogue, has_an_answer_or_none_for_each_request)
{
	static const char *const lines[] = {
		SETUP("a", DEVICE), QUEUE("1"), "composite_setup_done: udc=a value=18",
		"usb_gadget_ep0_data: ep=ep0 data={0x12,0x1}", END("1", "18", "0"),
		/* of a function that does not know it */
		SETUP("a", VENDOR), "composite_setup_done: udc=a value=-95",
		/* of a program that stalls it */
		SETUP("a", VENDOR), "composite_setup_done: udc=a value=0",
		"usb_ep_set_halt: ep0: mps 64",
		/* of one that answers, and is too late */
		SETUP("a", VENDOR), "composite_setup_done: udc=a value=0", QUEUE("2"),
		END("2", "0", "-104"),
		/* of one that does not answer */
		SETUP("a", VENDOR), "composite_setup_done: udc=a value=0", "composite_reset: udc=a",
		SETUP("a", SELECT), QUEUE("1"), "composite_setup_done: udc=a value=0",
		END("1", "0", "0"), NULL
	};
	struct dialogue d = hear(lines);

	cr_expect_str_eq(
		said,
		"a GET_DESCRIPTOR device, 18 bytes: 18 bytes, after 4.0 s\n"
		"a vendor request 0x07, wValue 0x0000, wIndex 0x0000 of interface 0, 8 bytes: "
		"stalled (Operation not supported), after 1.0 s\n"
		"a vendor request 0x07, wValue 0x0000, wIndex 0x0000 of interface 0, 8 bytes: "
		"stalled, after 2.0 s\n"
		"a vendor request 0x07, wValue 0x0000, wIndex 0x0000 of interface 0, 8 bytes: "
		"cancelled (Connection reset by peer), after 3.0 s\n"
		"a vendor request 0x07, wValue 0x0000, wIndex 0x0000 of interface 0, 8 bytes: "
		"not answered, after 2.0 s\n"
		"a reset\n"
		"a SET_CONFIGURATION 1: done, after 3.0 s\n");
	cr_expect_eq(d.gadgets[0].config, 1);
	cr_expect_eq(d.gadgets[0].n_failed, 3, "stalls of the same request are one");
	dialogue_free(&d);
}

Test(dialogue, has_the_data_of_each_request_and_of_no_other)
{
	static const char *const lines[] = { "usb_gadget_ep0_data: ep=ep0 data={0x12,0x1,0x2}",
					     END("7", "3", "0"),
					     SETUP("a", DEVICE),
					     QUEUE("1"),
					     "composite_setup_done: udc=a value=18",
					     END("1", "2", "0"),
					     NULL };
	struct dialogue d = hear(lines);

	cr_expect_eq(d.gadgets[0].last.actual, 2);
	cr_expect_eq(d.gadgets[0].last.n_data, 0);
	dialogue_free(&d);
}

Test(dialogue, knows_the_gadget_of_an_event_that_names_none)
{
	static const char *const lines[] = {
		/* two at the same time on two processors */
		SETUP("a", DEVICE), "1 " SETUP("b", DEVICE), "1 " QUEUE("2"), QUEUE("1"),
		"composite_setup_done: udc=a value=18", "1 composite_setup_done: udc=b value=18",
		"usb_gadget_ep0_data: ep=ep0 data={0x12}",
		"1 usb_gadget_ep0_data: ep=ep0 data={0x12}", "1 " END("2", "17", "0"),
		END("1", "18", "0"),
		/* the UDC ends a request before usb_ep_queue() returns */
		SETUP("a", SELECT), END("1", "0", "0"), QUEUE("1"),
		"composite_setup_done: udc=a value=0", NULL
	};
	struct dialogue d = hear(lines);

	cr_expect_eq(d.n_gadgets, 2);
	cr_expect_str_eq(said, "b GET_DESCRIPTOR device, 18 bytes: 17 bytes, after 7.0 s\n"
			       "a GET_DESCRIPTOR device, 18 bytes: 18 bytes, after 9.0 s\n"
			       "a SET_CONFIGURATION 1: done, after 1.0 s\n");
	dialogue_free(&d);
}

Test(dialogue, gives_no_gadget_an_answer_that_can_be_of_two)
{
	static const char *const lines[] = { SETUP("a", VENDOR),
					     "composite_setup_done: udc=a value=0",
					     SETUP("b", VENDOR),
					     "composite_setup_done: udc=b value=0",
					     QUEUE("9"),
					     END("9", "8", "0"),
					     NULL };
	struct dialogue d = hear(lines);

	cr_expect_str_eq(said, "");
	dialogue_end(&d, 99000000);
	cr_expect_eq(d.gadgets[0].last.outcome, REQUEST_UNANSWERED);
	dialogue_free(&d);
}

Test(dialogue, gives_no_answer_to_a_request_whose_own_can_be_lost)
{
	static const char *const lines[] = { SETUP("a", DEVICE), QUEUE("1"),
					     "composite_setup_done: udc=a value=18",
					     "usb_gadget_ep0_data: ep=ep0 data={0x12}", NULL };
	struct dialogue d = hear(lines);
	struct trace_event lost = parse("CPU:0 [LOST 9 EVENTS]"),
			   end = parse("x-1 [000] d.... 9.0: " END("1", "9", "0"));

	dialogue_add(&d, &lost);
	dialogue_add(&d, &end);
	cr_expect_str_eq(said, "a GET_DESCRIPTOR device, 18 bytes: the answer was lost\n");
	cr_expect_eq(d.gadgets[0].n_failed, 0);
	dialogue_free(&d);
}

Test(dialogue, knows_a_udc_by_the_address_of_its_gadget)
{
	static const char *const lines[] = {
		"composite_setup: (composite_setup+0x0/0x1) gadget=0x10 setup={" SELECT "}",
		"composite_setup_done: (x <- composite_setup) value=-22",
		"udc: (usb_udc_uevent+0x0/0x1) udc=\"a\" gadget=0x10",
		"udc: (usb_udc_uevent+0x0/0x1) udc=\"b\" gadget=0x30 other=0x20",
		"composite_setup: (composite_setup+0x0/0x1) gadget=0x20 setup={" SELECT "}",
		"composite_setup_done: (x <- composite_setup) value=-22",
		NULL
	};
	struct dialogue d = hear(lines);

	cr_expect_eq(d.n_gadgets, 2);
	cr_expect_str_eq(said, " SET_CONFIGURATION 1: stalled (Invalid argument), after 1.0 s\n"
			       "b SET_CONFIGURATION 1: stalled (Invalid argument), after 1.0 s\n");
	cr_expect_str_eq(d.gadgets[0].udc, "a");
	dialogue_free(&d);
}

/* --- words ------------------------------------------------------------------------------------ */

Test(request_words, name_each_kind_of_request)
{
	static const struct {
		const char *setup, *words;
	} cases[] = {
		{ "\x80\x06\x00\x02\x00\x00\x09\x00", "GET_DESCRIPTOR configuration 0, 9 bytes" },
		{ "\x80\x06\x00\x03\x00\x00\xff\x00",
		  "GET_DESCRIPTOR string 0 (languages), 255 bytes" },
		{ "\x80\x06\xee\x03\x00\x00\x12\x00",
		  "GET_DESCRIPTOR string 0xee (Microsoft OS), 18 bytes" },
		{ "\x80\x06\x02\x03\x09\x04\xff\x00", "GET_DESCRIPTOR string 2, 255 bytes" },
		{ "\x81\x06\x00\x22\x01\x00\x3f\x00",
		  "GET_DESCRIPTOR report of interface 1 'keys', 63 bytes" },
		{ "\x80\x06\x00\x77\x00\x00\x05\x00", "GET_DESCRIPTOR of type 0x77, 5 bytes" },
		{ "\x00\x03\x01\x00\x00\x00\x00\x00", "SET_FEATURE DEVICE_REMOTE_WAKEUP" },
		{ "\x02\x01\x00\x00\x81\x00\x00\x00",
		  "CLEAR_FEATURE ENDPOINT_HALT of endpoint 0x81" },
		{ "\x01\x0b\x02\x00\x01\x00\x00\x00", "SET_INTERFACE 2 of interface 1 'keys'" },
		{ "\x21\x0a\x00\x00\x01\x00\x00\x00", "SET_IDLE of interface 1 'keys'" },
		{ "\x21\x20\x00\x00\x00\x00\x07\x00", "SET_LINE_CODING of interface 0, 7 bytes" },
		{ "\x21\x0a\x00\x00\x05\x00\x00\x00",
		  "class request 0x0a, wValue 0x0000, wIndex 0x0005 of interface 5" },
		{ "\xc0\xcd\x00\x00\x04\x00\x10\x00", "Microsoft compatible ids, 16 bytes" },
		{ "\xc0\x05\x01\x00\x02\x00\xff\x00", "WebUSB landing page, 255 bytes" },
		{ "\x40\x05\x01\x00\x02\x00\x00\x00",
		  "vendor request 0x05, wValue 0x0001, wIndex 0x0002" },
		{ "\x80\x55\x01\x00\x02\x00\x01\x00",
		  "standard request 0x55, wValue 0x0001, 1 bytes" },
	};
	struct known k = KNOWN_NOTHING;

	known_set_interface(&k, 0, (const uint8_t[]){ USB_CLASS_COMM, 2, 1 }, NULL);
	known_set_interface(&k, 1, (const uint8_t[]){ USB_CLASS_HID, 1, 1 }, "keys");
	k.microsoft_code = 0xcd;
	k.webusb_code = 5;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct usb_ctrlrequest r;
		_cleanup_free_ char *words = NULL;

		memcpy(&r, cases[i].setup, sizeof(r));
		words = request_words(&r, &k);
		cr_expect_str_eq(words, cases[i].words);
	}
	known_free(&k);
}

Test(known, learns_from_answers)
{
	static const uint8_t config[] = { 9, 2, 25, 0, 2, 1, 0, 0x80, 250, /* truncated */
					  9, 4, 3,  0, 1, 8, 6, 0x50, 0,   7, 5, 0x81 },
			     microsoft[18] = { 18, 3, 'M', 0, 'S', [16] = 0xcd },
			     bos[] = { 5,    0x0f, 29,	 0,    1,    24,   0x10, 5,    0,    0x38,
				       0xb6, 0x08, 0x34, 0xa9, 0x09, 0xa0, 0x47, 0x8b, 0xfd, 0xa0,
				       0x76, 0x88, 0x15, 0xb6, 0x65, 0,	   1,	 7,    1 };
	struct known k = KNOWN_NOTHING;

	known_learn(&k, USB_DT_CONFIG, 0, config, sizeof(config));
	cr_assert_not_null(known_find(&k, 3));
	cr_expect_eq(known_find(&k, 3)->class[0], USB_CLASS_MASS_STORAGE);
	cr_expect_eq(k.max_power, 250);
	known_learn(&k, USB_DT_STRING, MICROSOFT_STRING, microsoft, sizeof(microsoft));
	cr_expect_eq(k.microsoft_code, 0xcd);
	known_learn(&k, USB_DT_BOS, 0, bos, sizeof(bos));
	cr_expect_eq(k.webusb_code, 7);
	known_free(&k);
}

Test(host_habits, fit_only_what_was_seen)
{
	cr_expect_null(host_guess_by_habits(&(struct host_habits){ .n_strings = 1 }));
	cr_expect_str_eq(
		host_guess_by_habits(&(struct host_habits){ .n_strings = 3, .n_strings_255 = 3 })
			->host,
		"Linux, as also Android and ChromeOS are");
	cr_expect_null(
		host_guess_by_habits(&(struct host_habits){ .n_strings = 3, .n_strings_255 = 2 }));
}
