/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a serial number of this system, for the key strings.serialnumber = { from = ... }. */
#pragma once

#include "configfs/board_id.h"

#define SERIAL_SIZE (2 * MACHINE_ID_SIZE + 1) /* bytes of the digits and a NUL */

/*
 * Reads the serial number from the source `from`: "machine-id", "device-tree" or the absolute path
 * of a file (gadget_strings.serialnumber_source). On success, *serial is a valid string for the
 * kernel; the caller frees it.
 */
int serial_number_read(const char *from, char **serial, struct error *err);

/*
 * Makes a serial number from a machine id. The machine id itself must not be sent to other systems
 * (machine-id(5)). The serial number is the first half of the HMAC-SHA-256 of "ffsctl serial
 * number" with the 16 bytes of the machine id as the key. It has 32 upper-case hexadecimal digits,
 * which every USB device class allows.
 */
void serial_from_machine_id(const uint8_t id[MACHINE_ID_SIZE], char serial[SERIAL_SIZE]);
