/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a file, each with its position there, so that any later error can point at it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct placed_int {
	bool set; /* false: the file does not say; the kernel's or our default applies */
	int64_t value;
	struct position at;
};

struct placed_str {
	char *value; /* NULL: the file does not say */
	struct position at;
};
