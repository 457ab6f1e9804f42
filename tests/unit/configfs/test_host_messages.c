/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel of a board logs about a host, as Linux 6.1 and 6.12 write it. The messages of a
 * host that is the same system are in tests/lab/client/test_refused.py.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "configfs/host_messages.h"

#define OURS "fe980000.usb", "meter"
#define NO_DESCRIPTORS " doesn't hold the descriptors for current speed"

static struct host_messages messages;

static void clear(void)
{
	host_messages_clear(&messages);
}

TestSuite(host_messages, .fini = clear);

Test(host_messages, the_boards_kernel_reports_missing_descriptors)
{
	cr_expect(host_messages_add_kmsg(&messages,
					 "4,339,514090,-;configfs-gadget.meter gadget.0: Function "
					 "FS Gadget" NO_DESCRIPTORS "\n SUBSYSTEM=gadget\n",
					 OURS));
	cr_expect(host_messages_add_kmsg(
		&messages,
		"3,340,514091,-;ffs_func_eps_enable: config_ep_by_speed(ep1in) returned -5\n",
		OURS));
	cr_expect(messages.descriptors_lacked);
	cr_expect_not(messages.host_was_refused);
	cr_expect_str_eq(messages.quoted,
			 "\"configfs-gadget.meter gadget.0: Function FS Gadget" NO_DESCRIPTORS
			 "\", \"ffs_func_eps_enable: config_ep_by_speed(ep1in) returned -5\"");
}

Test(host_messages, others_are_not_ours)
{
	static const char *const others[] = {
		"4,1,1,-;configfs-gadget.meter2 gadget.0: f" NO_DESCRIPTORS "\n",
		"4,1,1,-;configfs-gadget.mete gadget.0: f" NO_DESCRIPTORS "\n",
		"4,1,1,-;configfs-gadget.meter gadget.0: no endpoint\n",
		/* A UDC with a connector has its host elsewhere. */
		"3,1,1,-;usb 1-1: can't set config #1, error -32\n",
		"3,1,1,-;usb 1-1: no configurations\n",
		/* A program has logged it. */
		"12,1,1,-;configfs-gadget.meter gadget.0: f" NO_DESCRIPTORS "\n",
		"",
		";",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		cr_expect_not(host_messages_add_kmsg(&messages, others[i], OURS), "%s", others[i]);
	cr_expect_null(messages.quoted);
}

Test(host_messages, a_host_that_repeats_its_attempts_fills_no_memory)
{
	char record[200];

	for (int i = 0; i < 1000; i++) {
		snprintf(record, sizeof(record),
			 "3,1,1,-;ffs_func_eps_enable: config_ep_by_speed(ep%din) returned -5\n",
			 i % 30);
		host_messages_add_kmsg(&messages, record, OURS);
	}
	cr_expect_lt(strlen(messages.quoted), 600);
}
