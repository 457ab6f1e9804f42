/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends entries to systemd's journal. Uses the native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL)
 * and so does not need libsystemd. `journalctl` can search entries by the values of their fields.
 */
#pragma once

#include <stdbool.h>

/*
 * Returns whether stderr is connected to the journal, from the environment variable JOURNAL_STREAM
 * (systemd.exec(5)).
 */
bool stderr_is_journal(void);

struct journal_entry {
	int priority;	    /* LOG_ERR, LOG_INFO, ... of syslog.h */
	const char *gadget; /* name of the gadget: field FFSCTL_GADGET; NULL: no such field */
	/* name of the gadget's function: field FFSCTL_FUNCTION; NULL: no such field */
	const char *gadget_function;
	const char *message;
};

/* Sends an entry without waiting. Returns 0, or a negative errno if the entry was not sent. */
int journal_send(const struct journal_entry *entry);

/*
 * Connects to the journal and returns the file descriptor of the connection: it can be stdout or
 * stderr of another program. Each line that is written to it becomes an entry with this identifier
 * (`journalctl -t`). The caller closes the file descriptor. Returns a negative errno on failure.
 */
int journal_open_stream(const char *identifier, int priority);
