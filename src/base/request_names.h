/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the USB specifications call control requests. */
#pragma once

#include <stdint.h>

/* Returns the name of a standard request (bRequest), as "GET_DESCRIPTOR"; NULL: it has none. */
const char *standard_request_name(uint8_t request);
/* Returns the name of a request to an interface of this class, as "SET_LINE_CODING"; NULL: it has
   none. */
const char *class_request_name(uint8_t class, uint8_t subclass, uint8_t request);
