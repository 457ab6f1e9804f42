/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads serial numbers on this system: strings.serialnumber = { from = ... }. */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define MACHINE_ID_SIZE 16
#define SERIAL_SIZE (2 * MACHINE_ID_SIZE + 1) /* with its NUL */

/*
 * Reads the serial number. `from` is gadget_strings.serial_from: "machine-id", "device-tree" or an
 * absolute path. The caller frees *serial, which the kernel accepts as a string.
 */
int serial_read(const char *from, char **serial, struct error *err);

/*
 * Makes a serial number from a machine id, which must not be sent to other systems (machine-id(5)):
 * the first half of HMAC-SHA-256 of "ffsctl serial number", with the 16 bytes of the id as the key,
 * as 32 upper-case hexadecimal digits, which are allowed for every class of device.
 */
void serial_of_machine(const uint8_t id[MACHINE_ID_SIZE], char serial[SERIAL_SIZE]);
