/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schemas and completion scripts that are embedded in the program. `schema` and `completion`
 * print the embedded files, which have the version of the program and exist also before `make
 * install`. The build makes embedded.c with embed.sh.
 */
#pragma once

struct embedded_file {
	const char *file_name; /* file name without directory */
	const char *text;
};

/* Each list is sorted by file name; its last element has a NULL file name. */
extern const struct embedded_file embedded_schema_files[], embedded_completion_files[];
