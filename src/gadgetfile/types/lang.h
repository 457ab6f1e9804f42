/* SPDX-License-Identifier: GPL-2.0-or-later */
/* USB language ids (LANGIDs 1.0) and their names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LANG_EN_US 0x0409

/* Whether the kernel accepts it: usb_validate_langid. */
bool lang_is_valid(uint16_t lang);
/* "en-us" in any case; 0: unknown. */
uint16_t lang_by_name(const char *name);
/* The nearest name; NULL: none is near. */
const char *lang_nearest(const char *name);
