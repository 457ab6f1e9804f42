/* SPDX-License-Identifier: GPL-2.0-or-later */
/* USB language ids (LANGIDs 1.0) and their names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LANG_EN_US 0x0409

/* Returns whether the kernel accepts the language id (usb_validate_langid). */
bool lang_is_valid(uint16_t lang);
/* Returns the id of a name like "en-us", in upper or lower case; 0: unknown. */
uint16_t lang_by_name(const char *name);
/* Returns the name of a language that is most similar to `name`; NULL: none is similar. */
const char *lang_nearest(const char *name);
