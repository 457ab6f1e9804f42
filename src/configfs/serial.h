/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serial numbers that the machine knows: strings.serialnumber = { from = ... }. */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define MACHINE_ID_SIZE 16
#define SERIAL_SIZE (2 * MACHINE_ID_SIZE + 1) /* with its NUL */

/*
 * `from` is gadget_strings.serial_from: "machine-id", "device-tree" or an absolute path. The caller
 * frees *serial, which the kernel takes for a string.
 */
int serial_read(const char *from, char **serial, struct error *err);

/*
 * What the host sees of a machine id, which must not leave the machine (machine-id(5)): the first
 * half of HMAC-SHA-256 of "ffsctl serial number" with its 16 bytes as the key, as 32 upper-case
 * hexadecimal digits. These are what every class of device takes for a serial number.
 */
void serial_of_machine(const uint8_t id[MACHINE_ID_SIZE], char serial[SERIAL_SIZE]);
