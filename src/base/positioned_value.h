/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a gadget file with their positions in the file, for the messages of later errors. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct positioned_int {
	bool set; /* false: not in the gadget file, so a default applies */
	int64_t value;
	struct position at;
};

struct positioned_str {
	char *value; /* NULL: not in the gadget file */
	struct position at;
};
