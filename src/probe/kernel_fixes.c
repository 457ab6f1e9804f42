/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/kernel_fixes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define NEVER FIX_NEVER

/* In the order of types, and of versions for each. */
/* clang-format off */
const struct kernel_fix kernel_fixes[] = {
	/* type, first of 6.1, 6.12 and 6.18, in ffsctl's patches, CVE, what happens without it */
	{ "", { 159, 61, 0 }, false, "CVE-2025-68282",
	  "a host that disconnects while the UDC's driver is unloaded makes the kernel use "
	  "freed memory" },
	{ "ecm", { 191, 81, 22 }, false, "CVE-2026-31725",
	  "the network interface outlives its gadget, and using it then crashes the kernel" },
	{ "eem", { 191, 81, 22 }, false, "CVE-2026-31724",
	  "the network interface outlives its gadget, and using it then crashes the kernel" },
	{ "ffs", { 95, 0, 0 }, true, "CVE-2024-36894",
	  "a worker that cancels asynchronous I/O makes the kernel use freed memory" },
	{ "ffs", { 159, 58, 0 }, true, "CVE-2025-40315",
	  "I/O just after the host has configured the gadget crashes the kernel" },
	{ "ffs", { 176, 93, 35 }, true, NULL,
	  "a worker that reads a short control request reads memory of the kernel" },
	{ "ffs", { 0, 93, 35 }, true, "CVE-2026-63894",
	  "a worker that cancels a DMABUF transfer makes the kernel use freed memory" },
	{ "ffs", { 188, 109, 50 }, true, "CVE-2026-89732",
	  "a worker that reads ep0 again and again hangs for ever" },
	{ "ffs", { 191, 111, 51 }, true, "CVE-2026-90044",
	  "a worker that cancels asynchronous I/O makes the kernel use freed memory" },
	{ "ffs", { 191, 111, 51 }, true, "CVE-2026-90045",
	  "asynchronous reads of a worker that has ended make the kernel use its freed memory" },
	{ "ffs", { 191, 113, 0 }, true, "CVE-2026-98764",
	  "a worker that asks for an endpoint's descriptor crashes the kernel" },
	{ "ffs", { 0, NEVER, NEVER }, true, NULL,
	  "a host writes behind an array of the kernel by SET_INTERFACE" },
	{ "ffs", { NEVER, NEVER, NEVER }, true, NULL,
	  "a host that does not wait for an answer can get memory of the kernel as the next one" },
	{ "geth", { 191, 81, 22 }, false, "CVE-2026-31723",
	  "the network interface outlives its gadget, and using it then crashes the kernel" },
	{ "hid", { 169, 81, 22 }, false, "CVE-2026-31721",
	  "a program that holds the device while the gadget is bound again crashes the kernel" },
	{ "hid", { 191, 83, 24 }, false, "CVE-2026-31606",
	  "a program that holds the device while the gadget is bound again makes the kernel use "
	  "freed memory" },
	{ "mass_storage", { 167, 78, 0 }, false, NULL,
	  "a host's command with a huge number of blocks is taken for a small one" },
	{ "midi", { 183, 101, 42 }, false, "CVE-2026-64584",
	  "a gadget that goes down while it sends makes the kernel use freed memory" },
	{ "midi", { 191, 110, 51 }, false, "CVE-2026-90021",
	  "a gadget that goes down before it was bound crashes the kernel" },
	{ "midi2", { 0, 110, 51 }, false, "CVE-2026-90024",
	  "a bind that fails crashes the kernel" },
	{ "midi2", { 0, NEVER, NEVER }, true, NULL,
	  "endpoints of the next gadget on the UDC move no data" },
	{ "ncm", { 175, 83, 24 }, false, "CVE-2026-31617",
	  "a host's malformed block puts memory of the kernel into network packets" },
	{ "ncm", { 176, 78, 19 }, false, "CVE-2026-43421",
	  "the network interface outlives its gadget, and using it then crashes the kernel" },
	{ "ncm", { 183, 101, 42 }, false, "CVE-2026-68368",
	  "a host's malformed block puts memory of the kernel into network packets" },
	{ "phonet", { 175, 83, 24 }, false, "CVE-2026-31616",
	  "a host's long packet overwrites memory of the kernel" },
	{ "printer", { 97, 0, 0 }, false, "CVE-2024-25741",
	  "a program that reads while the host disconnects makes the kernel use freed memory" },
	{ "printer", { 183, 101, 42 }, false, "CVE-2026-68369",
	  "an empty packet of the host makes a program that reads spin for ever" },
	{ "rndis", { 178, 96, 39 }, false, "CVE-2026-64505",
	  "a host's malformed packet makes the kernel read behind its buffer" },
	{ "rndis", { 191, 81, 22 }, false, "CVE-2026-31722",
	  "the network interface outlives its gadget, and using it then crashes the kernel" },
	{ "tcm", { 184, 103, 42 }, false, "CVE-2026-68367",
	  "a host that selects the interface while the gadget goes down makes the kernel use "
	  "freed memory" },
	{ "uac1", { 188, 109, 50 }, false, "CVE-2026-89736",
	  "a program that holds the sound card while the gadget goes down makes the kernel use "
	  "freed memory" },
	{ "uac1_legacy", { 168, 81, 22 }, false, "CVE-2026-31720",
	  "a host's long control request overwrites the kernel's stack" },
	{ "uac1_legacy", { 191, 113, 0 }, false, "CVE-2026-98769",
	  "a host's control request makes the kernel read behind a table" },
	{ "uac1_legacy", { NEVER, NEVER, NEVER }, true, NULL,
	  "endpoints of the next gadget on the UDC move no data, once a host has used the sound" },
	{ "uac2", { 188, 109, 50 }, false, "CVE-2026-89736",
	  "a program that holds the sound card while the gadget goes down makes the kernel use "
	  "freed memory" },
	{ "uvc", { 168, 81, 22 }, false, "CVE-2026-31726",
	  "a program that uses the device while the gadget goes down crashes the kernel" },
	{ "uvc", { 183, 101, 42 }, false, "CVE-2026-68366",
	  "a program's long answer to a request makes the kernel read behind its buffer" },
	{ "uvc", { 188, 109, 50 }, false, "CVE-2026-89733",
	  "a bind or an unbind leaves pointers to freed memory behind" },
	{ "webusb", { 0, 93, 35 }, false, NULL,
	  "a host that asks for the landing page reads memory of the kernel" },
	{ NULL, { 0 }, false, NULL, NULL },
};
/* clang-format on */

/* The first version of mainline that has all fixes of the table. */
enum { NEWER_MAJOR = 7, NEWER_MINOR = 3 };

/* --- the version ------------------------------------------------------------------------------ */

/* Reads "6.12.117", also if more follows. `numbers`: [3]. Returns false if it is no version. */
static bool parse_version(const char *text, unsigned int *numbers)
{
	return sscanf(text, "%2u.%3u.%5u", &numbers[0], &numbers[1], &numbers[2]) == 3;
}

/*
 * Finds the version in a text of a distribution: after "Debian " in /proc/version ("Linux version
 * 6.1.0-49-amd64 (...) ... Debian 6.1.192-2 (2026-11-16)"), and as the last word of
 * /proc/version_signature ("Ubuntu 6.8.0-31.31-generic 6.8.1").
 */
static bool parse_distribution_version(const struct system *system, unsigned int *numbers)
{
	_cleanup_free_ char *version = system_read_line(system, "/proc/version"),
			    *signature = system_read_line(system, "/proc/version_signature");
	const char *debian = version ? strstr(version, " Debian ") : NULL,
		   *ubuntu = signature ? strrchr(signature, ' ') : NULL;

	return (debian && parse_version(debian + strlen(" Debian "), numbers)) ||
	       (ubuntu && parse_version(ubuntu + 1, numbers));
}

struct kernel_version kernel_version_find(const struct system *system)
{
	struct kernel_version found = { .state = KERNEL_VERSION_UNKNOWN };
	const char *release = system->kernel_release;
	enum kernel_series series;
	unsigned int n[3];

	if (!release || !parse_version(release, n))
		return found;
	/* Distributions count otherwise after x.y.0: Debian's 6.1.0-49-amd64 is 6.1.192. */
	if (n[2] == 0 && strchr(release, '-') && !parse_distribution_version(system, n))
		return found;
	snprintf(found.text, sizeof(found.text), "%u.%u.%u", n[0], n[1], n[2]);
	found.state = KERNEL_VERSION_NO_TABLE;
	if (n[0] > NEWER_MAJOR || (n[0] == NEWER_MAJOR && n[1] >= NEWER_MINOR)) {
		found.state = KERNEL_VERSION_KNOWN;
		found.series = KERNEL_SERIES_COUNT - 1;
		found.last = FIX_NEVER - 1;
	}
	if (kernel_series_find(n[0], n[1], &series)) {
		found.state = KERNEL_VERSION_KNOWN;
		found.series = series;
		found.last = n[2];
	}
	return found;
}

/* --- the fixes -------------------------------------------------------------------------------- */

bool kernel_fix_concerns(const struct kernel_fix *fix, const struct gadget *g)
{
	if (!*fix->type)
		return true;
	if (streq(fix->type, "webusb"))
		return configfs_attributes_find(&g->configfs_attributes, "webusb/use");
	for (size_t i = 0; i < g->n_functions; i++)
		if (streq(g->functions[i].type, fix->type))
			return true;
	return false;
}

bool kernel_lacks_fix(const struct kernel_version *kernel, const struct kernel_fix *fix)
{
	return kernel->last < fix->first[kernel->series];
}
