/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are installed and that the program has inside as well, so that what it prints is of
 * its own version, and works before anything is installed. embedded.c is made by the build
 * (embed.sh) from schemas/ and completions/.
 */
#pragma once

struct embedded {
	const char *name; /* the file's, without its directory */
	const char *text;
};

/* Both are sorted by name, and end with a name that is NULL. */
extern const struct embedded embedded_schemas[], embedded_completions[];
