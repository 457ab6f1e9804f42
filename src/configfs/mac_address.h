/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the Ethernet addresses of network functions, for the keys dev_addr = { from = ... } and
 * host_addr = { from = ... }. An address depends only on the source, the gadget, the function and
 * the attribute, so it is the same after each start, and no two boards, functions or ends of a
 * cable have the same address.
 */
#pragma once

#include "configfs/board_id.h"
#include "gadgetfile/gadget.h"

#define MAC_ADDRESS_SIZE sizeof("02:00:00:00:00:01") /* bytes of the text with its NUL */

/* The attribute for which an address is made. */
struct mac_address_target {
	const char *gadget;		  /* name of the gadget */
	const char *function_in_configfs; /* name of the function's directory, TYPE.INSTANCE */
	const char *attribute;		  /* "dev_addr" or "host_addr" */
};

/*
 * Makes the address from the source: "machine-id", "device-tree" or an absolute path. Fails with
 * EX_UNAVAILABLE if the source cannot be read or is empty.
 */
int mac_address_read(const char *from, const struct mac_address_target *target,
		     char address[MAC_ADDRESS_SIZE], struct error *err);

/*
 * Makes the address for an attribute of a function; the attribute's kind is
 * ATTRIBUTE_ADDRESS_SOURCE.
 */
int mac_address_from_attribute_source(const struct gadget *gadget, const struct function *function,
				      const struct configfs_attribute *attribute,
				      char address[MAC_ADDRESS_SIZE], struct error *err);

/*
 * Makes the address from the bytes that distinguish this board: the first six bytes of the
 * HMAC-SHA-256 of "ffsctl address GADGET/TYPE.INSTANCE/ATTRIBUTE" with these bytes as the key. In
 * the first byte, bit 1 is set (locally administered) and bit 0 is cleared (unicast).
 */
void mac_address_from_key(const void *key, size_t size, const struct mac_address_target *target,
			  char address[MAC_ADDRESS_SIZE]);
