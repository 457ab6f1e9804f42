/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the log of a gadget (rundir/log_file.h) while its supervisor writes it. The supervisor
 * replaces the file when it becomes too long; the reader then continues in the new file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/paths.h"

/*
 * Maximum size of `last_read_bytes`, by which the reader finds its position in the new file.
 */
#define LOG_READER_LAST_BYTES 4096

struct log_reader {
	char *log_path;
	int watch_fd; /* inotify(7) of the gadget's run directory */
	int log_fd;
	off_t offset; /* of the next byte in log_fd */
	char last_read_bytes[LOG_READER_LAST_BYTES];
	size_t n_last_read_bytes;
	bool has_unread_replacement; /* the file was replaced, and the new one was not read yet */
	bool log_ended;		     /* the log was removed, and was read up to its end */
};

/* Opens the log of a gadget that is up. Fails with EX_UNAVAILABLE if the gadget has no log. */
int log_reader_open(struct log_reader *r, const struct paths *paths, const char *name,
		    struct error *err);
/*
 * Stores the complete lines that were written since the last call in *text, which ends with a NUL
 * and which the caller frees. At the end of the gadget, also stores an incomplete line, and sets
 * r->log_ended.
 */
int log_reader_read(struct log_reader *r, char **text, size_t *size, struct error *err);
/*
 * Waits until there may be something to read. Returns false if the reader of stdout has closed the
 * pipe.
 */
bool log_reader_wait(const struct log_reader *r);
void log_reader_close(struct log_reader *r);
#define _cleanup_log_reader_ _cleanup_(log_reader_close)
