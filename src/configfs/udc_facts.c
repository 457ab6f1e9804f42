/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/udc_facts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/configfs.h"
#include "configfs/udc.h"

/* --- SuperSpeed ------------------------------------------------------------------------------- */

static enum udc_answer is_superspeed_udc(const char *udc)
{
	_cleanup_free_ char *speed = udc_read_attribute(udc, "maximum_speed");

	if (!speed || streq(speed, "UNKNOWN"))
		return UDC_UNKNOWN;
	return str_has_prefix(speed, "super-speed") ? UDC_YES : UDC_NO;
}

/* The table has the fastest hardware of a driver: some of it may have no SuperSpeed. */
static enum udc_answer is_superspeed_driver(const char *driver)
{
	enum gadget_speed fastest = udc_traits_or_unknown(driver)->max_speed;

	return fastest == GADGET_SPEED_NONE || fastest >= GADGET_SPEED_SUPER ? UDC_UNKNOWN : UDC_NO;
}

/* --- the fix of WebUSB ------------------------------------------------------------------------ */

static char *read_gadget_attribute(const struct paths *paths, const char *gadget,
				   const char *attribute)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, gadget),
			    *path = strf("%s/%s", dir, attribute);
	char *value;

	return file_read_first_line(AT_FDCWD, path, &value) < 0 ? NULL : value;
}

/*
 * Returns what a gadget shows of the fix. The kernel sets bcdUSB when a host reads the device
 * descriptor: once a host has configured the gadget, the attribute in configfs is what was sent.
 */
static enum udc_answer fix_shown_by_gadget(const struct paths *paths, const char *gadget)
{
	_cleanup_free_ char *udc = read_gadget_attribute(paths, gadget, "UDC");
	_cleanup_free_ char *use = NULL, *state = NULL, *version = NULL;

	if (!udc || !*udc || is_superspeed_udc(udc) != UDC_NO)
		return UDC_UNKNOWN;
	use = read_gadget_attribute(paths, gadget, "webusb/use");
	state = udc_read_attribute(udc, "state");
	version = read_gadget_attribute(paths, gadget, "bcdUSB");
	if (!streq_null(use, "1") || !streq_null(state, "configured") || !version)
		return UDC_UNKNOWN;
	return streq(version, "0x0210") ? UDC_YES : streq(version, "0x0201") ? UDC_NO : UDC_UNKNOWN;
}

/* Returns what the gadgets in configfs show. No attribute shows whether the kernel has the fix. */
static enum udc_answer find_fix(const struct paths *paths)
{
	_cleanup_free_ char *path = strf("%s/usb_gadget", paths->configfs_mount_point);
	enum udc_answer answer = UDC_UNKNOWN;
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && answer == UDC_UNKNOWN && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			answer = fix_shown_by_gadget(paths, entry->d_name);
	if (dir)
		closedir(dir);
	return answer;
}

/* --- FIFOs ------------------------------------------------------------------------------------ */

#define PARAMS_MAX (16 * 1024)
#define WORD 4 /* bytes: dwc2 counts in words */

/* dwc2/debugfs.c, params_show(). FIFOs that the controller does not have are 0. */
void udc_facts_set_tx_fifos(struct udc_facts *facts, const char *params)
{
	unsigned int n, words, one_each = 0;

	facts->n_tx_fifos = 0;
	for (const char *line = params; line; line = str_next_line(line)) {
		if (sscanf(line, "g_tx_fifo_size[%2u] : %6u", &n, &words) == 2 && n > 0 && words &&
		    facts->n_tx_fifos < UDC_TX_FIFOS_MAX)
			facts->tx_fifos[facts->n_tx_fifos++] = words * WORD;
		else
			sscanf(line, "en_multiple_tx_fifo : %1u", &one_each);
	}
	if (!one_each)
		facts->n_tx_fifos = 0;
}

/*
 * Reads `params`, which the driver keeps in memory, and not `fifo`, for which it reads registers:
 * the controller may have no clock (dwc2/debugfs.c, fifo_show()).
 */
static void find_tx_fifos(const char *udc, struct udc_facts *facts)
{
	_cleanup_free_ char *driver = udc_driver(udc), *params = NULL,
			    *path = strf(USB_DEBUGFS_DIR "/%s/params", udc);
	size_t size;

	if (streq_null(driver, "dwc2") &&
	    file_read(AT_FDCWD, path, PARAMS_MAX, &params, &size) == 0)
		udc_facts_set_tx_fifos(facts, params);
}

struct udc_facts udc_facts_find(const struct paths *paths, const struct gadget *g, const char *udc,
				const char *driver)
{
	_cleanup_free_ char *bound = read_gadget_attribute(paths, g->name, "UDC");
	struct udc_facts facts = { 0 };

	if (bound && *bound)
		udc = bound;
	facts.superspeed = udc ? is_superspeed_udc(udc) : is_superspeed_driver(driver);
	if (udc)
		find_tx_fifos(udc, &facts);
	/* A system may have many gadgets: reads them only if the answer matters. */
	if (configfs_attributes_find(&g->configfs_attributes, "webusb/use"))
		facts.webusb_fix = find_fix(paths);
	return facts;
}
