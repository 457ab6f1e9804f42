/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of /dev/kmsg, as Linux 6.1 and 6.12 write them. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "configfs/bind_kernel_log.h"

#define OURS "dummy_udc.0", "meter"

static int error_of(const char *record)
{
	struct bind_kernel_log log = { .kmsg_fd = -1 };
	bool last = bind_kernel_log_add_kmsg(&log, record, OURS);

	cr_expect_eq(last, log.bind_errno != 0);
	cr_expect_null(log.function_message);
	bind_kernel_log_close(&log);
	return log.bind_errno;
}

Test(bind_kernel_log, the_error_is_the_udc_cores)
{
	cr_expect_eq(error_of("3,339,514090,-;udc dummy_udc.0: failed to start meter: -524\n"
			      " SUBSYSTEM=udc\n DEVICE=+udc:dummy_udc.0\n"),
		     524);
	cr_expect_eq(
		error_of("3,339,514090,-,caller=T71;udc dummy_udc.0: failed to start meter: -19"),
		19);
}

Test(bind_kernel_log, others_are_not_ours)
{
	static const char *const others[] = {
		"3,1,1,-;udc dummy_udc.1: failed to start meter: -19\n",
		"3,1,1,-;udc dummy_udc.0: failed to start meter2: -19\n",
		"3,1,1,-;udc dummy_udc.0: failed to start mete: -19\n",
		"6,1,1,-;usb 1-1: udc dummy_udc.0: failed to start meter: -19\n",
		"4,1,1,-;UDC core: meter: couldn't find an available UDC or it's busy\n",
		"3,1,1,-;udc dummy_udc.0: failed to start meter: \n",
		"3,1,1,-;configfs-gadget.meter2 gadget.0: no endpoint\n",
		"3,1,1,-;configfs-gadget.meter gadget.0\n",
		"no semicolon",
		"",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_expect_eq(error_of(others[i]), 0, "%s", others[i]);
}

Test(bind_kernel_log, the_words_are_the_last_before_the_error)
{
	struct bind_kernel_log log = { .kmsg_fd = -1 };

	cr_expect(!bind_kernel_log_add_kmsg(&log, "6,1,1,-;configfs-gadget.meter gadget.0: one\n",
					    OURS));
	cr_expect(!bind_kernel_log_add_kmsg(
		&log, "3,2,1,-;configfs-gadget.meter gadget.0: two: 2\n X=y\n", OURS));
	cr_expect(!bind_kernel_log_add_kmsg(&log, "3,3,1,-;configfs-gadget.other gadget.0: three\n",
					    OURS));
	cr_expect(bind_kernel_log_add_kmsg(
		&log, "3,4,1,-;udc dummy_udc.0: failed to start meter: -22", OURS));
	cr_expect_eq(log.bind_errno, 22);
	cr_expect_str_eq(log.function_message, "two: 2");
	bind_kernel_log_close(&log);
}

Test(bind_kernel_log, a_log_that_cannot_be_read_says_nothing)
{
	struct bind_kernel_log log = { .kmsg_fd = -1 };

	bind_kernel_log_read(&log, OURS);
	cr_expect_eq(log.bind_errno, 0);
	cr_expect_null(log.function_message);
	bind_kernel_log_close(&log);
}
