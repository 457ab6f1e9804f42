/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schemas and completion scripts that are installed and also embedded in the program. So `schema`
 * and `completion` print those of the same version, also before the program is installed. The build
 * makes embedded.c with embed.sh.
 */
#pragma once

struct embedded {
	const char *name; /* file name without directory */
	const char *text;
};

/* Sorted by name; the last has a NULL name. */
extern const struct embedded embedded_schemas[], embedded_completions[];
