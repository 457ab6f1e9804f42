/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a gadget file with their positions, so that a later error can report the position. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct placed_int {
	bool set; /* false: not in the file; the default of the kernel or of ffsctl applies */
	int64_t value;
	struct position at;
};

struct placed_str {
	char *value; /* NULL: not in the file */
	struct position at;
};
