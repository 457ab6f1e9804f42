// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks libconfig whether it accepts the text, so that every other program that uses libconfig reads
 * the same file. libconfig gets the text with @include lines replaced by the files, and only a text
 * without errors: for a text with errors it leaks memory, and it reports only the line of the first
 * error.
 */
#include <libconfig.h>

#include "gadgetfile/syntax/lex.h"

void scan_ask_libconfig(struct scan *s)
{
	config_t config;

	config_init(&config);
	if (config_read_string(&config, s->expanded) != CONFIG_TRUE) {
		struct text_range at = expanded_range(s, (unsigned int)config_error_line(&config));

		s->overruled = true;
		diag_error(s->diags, &at, "libconfig rejects this: %s", config_error_text(&config));
	}
	config_destroy(&config);
}
