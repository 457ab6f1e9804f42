/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares hid_report_check() with the kernel: makes a device of each generated report descriptor
 * with /dev/uhid, and fails at the first one that the kernel's parser takes although there is an
 * error, or refuses although there is none. Then it prints how often each rule was found.
 *
 *   uhid_diff [-s SEED] [-f FIRST] [-n COUNT] [-p] [-r]
 *
 *   -s  the seed of the generator (default: 1)
 *   -f  the first descriptor's number, -n how many (default: 0, 10000)
 *   -p  only print each descriptor and whether there is an error, for the comparison with usbhid
 *       (test_usbhid.py): also those that uhid does not take
 *   -r  take the opposite of what the check says, which must be noticed
 *
 * hid_generic must be loaded. Only for the lab: it lowers the kernel's console level.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/uhid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fuzz/hid_reports.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "hid/check_report.h"

#define DRIVERS_PROBE "/sys/bus/hid/drivers_probe"
#define UNBIND "/sys/bus/hid/drivers/hid-generic/unbind"
#define CONSOLE_LEVEL "1"
/* The bus of the devices, and how the name of a HID device begins, but of none below it. */
#define BUS 6 /* BUS_VIRTUAL */
#define BUS_OF_NAME "/0006:"
/*
 * The limit of reports is 16384 bytes in HID, but 4096 in uhid (max_buffer_size of its driver):
 * descriptors with reports between them are left out.
 */
#define UHID_REPORT_MAX UHID_DATA_MAX

struct compare {
	int uevents, uhid;
	uint64_t seed;
	bool prints, reverses;
	uint64_t n_compared, n_refused, n_left_out, n_of_rule[HID_RULE_COUNT];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "uhid_diff: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- the kernel --- */

static int listen_to_uevents(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("uevents");
	return fd;
}

/* Waits until the HID device has been added, and writes its name into `name`. */
static void await_device(int uevents, char name[64])
{
	char event[8192];

	for (;;) {
		ssize_t n = recv(uevents, event, sizeof(event) - 1, 0);
		const char *last;

		if (n < 0 && errno == ENOBUFS)
			continue;
		if (n < 0)
			die("uevents");
		event[n] = 0; /* the header is "add@PATH" */
		last = strrchr(event, '/');
		if (str_has_prefix(event, "add@") && last && str_has_prefix(last, BUS_OF_NAME)) {
			snprintf(name, 64, "%s", last + 1);
			return;
		}
	}
}

static void send_event(int uhid, const struct uhid_event *event)
{
	if (write(uhid, event, sizeof(*event)) != sizeof(*event))
		die("/dev/uhid");
}

/* Returns whether the device has been started, which a driver does after the parser has ended. */
static bool was_started(int uhid)
{
	struct uhid_event event;

	while (read(uhid, &event, sizeof(event)) > 0)
		if (event.type == UHID_START)
			return true;
	if (errno != EAGAIN)
		die("/dev/uhid");
	return false;
}

/*
 * Returns whether the kernel takes the descriptor. The device exists when the event of its addition
 * arrives. A write to drivers_probe probes it, unless it has a driver: for good, or because its
 * first probe goes on; a write to unbind waits for the end of that.
 */
static bool kernel_takes(struct compare *c, const uint8_t *bytes, size_t size)
{
	struct uhid_event event = { .type = UHID_CREATE2 };
	char name[64];
	bool takes;

	snprintf((char *)event.u.create2.name, sizeof(event.u.create2.name), "uhid_diff");
	event.u.create2.rd_size = (uint16_t)size;
	event.u.create2.bus = BUS;
	memcpy(event.u.create2.rd_data, bytes, size);
	send_event(c->uhid, &event);
	await_device(c->uevents, name);
	if (file_write(AT_FDCWD, DRIVERS_PROBE, name, strlen(name)) < 0)
		die(DRIVERS_PROBE);
	file_write(AT_FDCWD, UNBIND, name, strlen(name)); /* refused after a probe that failed */
	takes = was_started(c->uhid);
	send_event(c->uhid, &(struct uhid_event){ .type = UHID_DESTROY });
	while (was_started(c->uhid))
		; /* events of the end */
	return takes;
}

/* --- the comparison --- */

static bool has_error(const struct hid_report *report)
{
	return report->n_findings > 0 && hid_finding_is_error(&report->findings[0]);
}

static void print_disagreement(const struct compare *c, uint64_t index, const uint8_t *bytes,
			       size_t size, const struct hid_report *report)
{
	printf("DISAGREEMENT: seed %" PRIu64 ", descriptor %" PRIu64 ": the kernel %s it\n",
	       c->seed, index, has_error(report) ? "takes" : "refuses");
	for (size_t i = 0; i < report->n_findings; i++) {
		_cleanup_free_ char *text = hid_finding_text(&report->findings[i]);

		printf("  byte %zu: %s\n", report->findings[i].offset, text);
	}
	for (size_t i = 0; i < size; i++)
		printf("%s%02x", i % 16 ? " " : "\n  ", bytes[i]);
	putchar('\n');
}

static void print_descriptor(const uint8_t *bytes, size_t size, bool has_error)
{
	printf("%s ", has_error ? "refused" : "taken");
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	putchar('\n');
}

/* Returns false if the check and the kernel disagree. */
static bool compare_one(struct compare *c, uint64_t index)
{
	uint8_t bytes[HID_REPORTS_MAX];
	size_t size = hid_reports_make(bytes, c->seed, index);
	struct hid_report report;
	uint64_t longest;

	hid_report_check(bytes, size, HID_BOOT_NONE, &report);
	longest = report.input_length;
	if (report.output_length > longest)
		longest = report.output_length;
	if (report.feature_length > longest)
		longest = report.feature_length;
	if (size == 0 || (!c->prints && !has_error(&report) && longest >= UHID_REPORT_MAX)) {
		c->n_left_out++;
		return true;
	}
	c->n_compared++;
	c->n_refused += has_error(&report);
	for (size_t i = 0; i < report.n_findings; i++)
		c->n_of_rule[report.findings[i].rule]++;
	if (c->prints) {
		print_descriptor(bytes, size, has_error(&report));
		return true;
	}
	if (kernel_takes(c, bytes, size) != (has_error(&report) ^ c->reverses))
		return true;
	print_disagreement(c, index, bytes, size, &report);
	return false;
}

static void print_counts(const struct compare *c)
{
	printf("# seed %" PRIu64 ": %" PRIu64 " descriptors compared, %" PRIu64
	       " of them refused; %" PRIu64 " left out\n",
	       c->seed, c->n_compared, c->n_refused, c->n_left_out);
	for (size_t rule = 0; rule < HID_RULE_COUNT; rule++)
		printf("# rule %zu%s: %" PRIu64 "\n", rule,
		       rule < HID_RULE_FIRST_WARNING ? " (error)" : "", c->n_of_rule[rule]);
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
	struct compare c = { .seed = 1, .uevents = -1, .uhid = -1 };
	uint64_t first = 0, count = 10000;
	bool agreed = true;

	for (int option; (option = getopt(argc, argv, "s:f:n:pr")) != -1;)
		switch (option) {
		case 's':
			c.seed = number(optarg);
			break;
		case 'f':
			first = number(optarg);
			break;
		case 'n':
			count = number(optarg);
			break;
		case 'p':
			c.prints = true;
			break;
		case 'r':
			c.reverses = true;
			break;
		default:
			return 2;
		}
	if (!c.prints) {
		file_write(AT_FDCWD, "/proc/sys/kernel/printk", CONSOLE_LEVEL,
			   strlen(CONSOLE_LEVEL));
		c.uevents = listen_to_uevents();
		c.uhid = open("/dev/uhid", O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (c.uhid < 0)
			die("/dev/uhid");
	}
	for (uint64_t index = first; agreed && index < first + count; index++)
		agreed = compare_one(&c, index);
	print_counts(&c);
	return agreed ? 0 : 1;
}
