/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what distinguishes this board from others, for the keys whose value is { from = ... }. */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define MACHINE_ID_SIZE 16

/*
 * Returns the path of a source. `from` is "machine-id", "device-tree" or an absolute path, here and
 * below.
 */
const char *board_id_path(const char *from);
/*
 * Reads the first line of a source; the caller frees it. `purpose` is what is made from the line,
 * for messages: "the serial number".
 */
int board_id_read(const char *from, const char *purpose, char **line, struct error *err);
/*
 * Converts the line of "machine-id", 32 hexadecimal digits, to 16 bytes. Fails with EX_UNAVAILABLE
 * if it is not a machine id, for example "uninitialized" at the first boot.
 */
int board_id_parse_machine_id(const char *line, uint8_t id[MACHINE_ID_SIZE], struct error *err);
