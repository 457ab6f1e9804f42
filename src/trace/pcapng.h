/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes requests to a file of pcapng (draft-ietf-opsawg-pcapng) as usbmon shows them to a host,
 * for Wireshark: link type 220, LINKTYPE_USB_LINUX_MMAPPED (Documentation/usb/usbmon.rst).
 */
#pragma once

#include <stdio.h>

#include "trace/dialogue.h"

/* Writes the head of the file. */
void pcapng_begin(FILE *file);
/*
 * Writes a request and its end. `device` is the number of the gadget from 1 on, which stands for
 * the address that the host has given to it. `realtime_offset_us` is the time of CLOCK_REALTIME
 * when CLOCK_MONOTONIC was 0.
 */
void pcapng_add(FILE *file, unsigned int device, int64_t realtime_offset_us,
		const struct exchange *x);
