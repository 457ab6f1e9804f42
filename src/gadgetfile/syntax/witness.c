// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libconfig has the last word on the syntax, so that what is accepted here is what every other
 * libconfig program accepts. It gets the text without @include lines, and only a text in which
 * nothing is wrong: with others it leaks memory, and it has only a line to offer.
 */
#include <libconfig.h>

#include "gadgetfile/syntax/lex.h"

void scan_ask_libconfig(struct scan *s)
{
	config_t config;

	config_init(&config);
	if (config_read_string(&config, s->expanded) != CONFIG_TRUE) {
		struct place at = expanded_place(s, (unsigned int)config_error_line(&config));

		s->overruled = true;
		diag_error(s->diags, &at, "libconfig does not take this: %s",
			   config_error_text(&config));
	}
	config_destroy(&config);
}
