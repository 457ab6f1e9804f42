/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generates HID report descriptors, at random but reproducible from a seed and an index: from what
 * every host takes to what none does. Shared by the
 * unit tests and the comparison with the kernel.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HID_REPORTS_MAX 4096

/* Returns the size of the descriptor that it writes into `bytes`, at most HID_REPORTS_MAX. */
size_t hid_reports_make(uint8_t bytes[HID_REPORTS_MAX], uint64_t seed, uint64_t index);
