/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the kernel's log, /dev/kmsg, from some moment on. */
#pragma once

#include <stdbool.h>

/*
 * Size of the buffer for a record of /dev/kmsg, in bytes: the kernel's CONSOLE_EXT_LOG_MAX. read(2)
 * fails with EINVAL if a record does not fit into the buffer.
 */
#define KERNEL_LOG_RECORD_MAX 8192
/*
 * Maximum number of records to read at once. Without a maximum, ffsctl would read forever if the
 * kernel logs faster than ffsctl reads.
 */
#define KERNEL_LOG_RECORDS_MAX 4096

/*
 * Returns a non-blocking file descriptor that returns what is logged from now on; -1: the log
 * cannot be read.
 */
int kernel_log_open(void);
/* Skips what was logged up to now. */
void kernel_log_skip(int fd);
/*
 * Reads the next record into `record`, with a final '\0'. A record that the kernel has overwritten
 * is empty. Returns false if there is no further record, also if `fd` is -1.
 */
bool kernel_log_read_record(int fd, char record[static KERNEL_LOG_RECORD_MAX + 1]);
/*
 * Returns the part TEXT of a record like "6,339,5140900,-;TEXT\n SUBSYSTEM=udc\n ..."; NULL: a
 * program, not the kernel, has logged it. The caller frees it.
 */
char *kernel_log_text(const char *record);
