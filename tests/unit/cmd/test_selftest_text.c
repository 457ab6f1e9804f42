/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the report of `selftest` must not have, and the lines of the kernel log that it has. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "cmd/selftest_text.h"

static void check(const char *line, const char *wanted)
{
	_cleanup_selftest_secrets_ struct selftest_secrets secrets = { 0 };
	_cleanup_free_ char *text = NULL;

	selftest_secrets_add(&secrets, "board7", "<host name>");
	selftest_secrets_add(&secrets, "10000000c0ffee", "<serial number>");
	selftest_secrets_add(&secrets, "x", "<too short>");
	selftest_secrets_add(&secrets, NULL, "<nothing>");
	text = selftest_remove_secrets(line, &secrets);
	cr_expect_str_eq(text, wanted);
}

Test(selftest_text, removes_secrets_that_are_whole_words)
{
	check("board7: up, BOARD7 board77 aboard7 x",
	      "<host name>: up, <host name> board77 aboard7 x");
	check("serial of this board: 10000000c0ffee.", "serial of this board: <serial number>.");
	check("board7", "<host name>");
	check("", "");
}

Test(selftest_text, removes_mac_addresses)
{
	check("gadget.0: HOST MAC 02:0a:ff:00:00:01", "gadget.0: HOST MAC <MAC address>");
	check("02-0A-FF-00-00-01, 12:34:56:78", "<MAC address>, 12:34:56:78");
	check("02:0a:ff:00:00:01:02", "<MAC address>:02");
	check("102:0a:ff:00:00:01", "102:0a:ff:00:00:01");
	check("02:0a:ff:00:00:0", "02:0a:ff:00:00:0");
}

Test(selftest_text, removes_what_follows_the_words_for_a_serial_number)
{
	check("usb 1-1: SerialNumber: ABC-123", "usb 1-1: SerialNumber: <serial number>");
	check("serial number 'A1', more", "serial number '<serial number>', more");
	check("serial=A1 dev", "serial=<serial number> dev");
	check("iSerial # 3", "iSerial # <serial number>");
	check("a serial line for = 1", "a serial line for = 1");
	check("serial", "serial");
	check("SerialNumber:", "SerialNumber:");
}

Test(selftest_text, chooses_lines_of_the_device_side)
{
	cr_expect(selftest_is_gadget_line("fe980000.usb: bound", "fe980000.usb", "dwc2"));
	cr_expect(selftest_is_gadget_line("dwc2 x: mode", "fe980000.usb", "dwc2"));
	cr_expect(selftest_is_gadget_line("configfs-gadget gadget.0: x", NULL, NULL));
	cr_expect_not(
		selftest_is_gadget_line("usb 1-1: new high-speed device", "fe980000.usb", "dwc2"));
	cr_expect_not(selftest_is_gadget_line("EXT4-fs: mounted", NULL, NULL));
}

static void check_record(const char *record, const char *wanted)
{
	_cleanup_free_ char *line = selftest_kmsg_line(record);

	cr_expect(streq_null(line, wanted), "%s", line);
}

Test(selftest_text, reads_records_of_the_kernel_log)
{
	check_record("6,339,5140900,-;NET: Registered\n SUBSYSTEM=pci\n",
		     "[    5.140900] NET: Registered");
	check_record("30,340,5690716,-;udevd[80]: starting\n", NULL); /* facility 3: a program */
	check_record("6,1,1,-;a\x1b[31m\n", "[    0.000001] a?[31m");
	check_record("6,339,5140900", NULL);
	check_record("x;y", NULL);
	check_record("", NULL);
}
