/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of systemd's journal. It uses the native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL),
 * and so needs no libsystemd. `journalctl` can search entries by their fields.
 */
#pragma once

#include <stdbool.h>

/*
 * Returns whether stderr is connected to the journal. Reads the variable JOURNAL_STREAM
 * (systemd.exec(5)).
 */
bool journal_is_stderr(void);

struct journal_entry {
	int priority;	      /* as in syslog.h */
	const char *gadget;   /* field FFSCTL_GADGET; NULL: none */
	const char *function; /* field FFSCTL_FUNCTION; NULL: none */
	const char *message;
};

/* Sends an entry and never blocks. Returns 0, or a negative errno if the entry was not sent. */
int journal_send(const struct journal_entry *entry);

/*
 * Returns a descriptor for the output of another program: each line that the program writes becomes
 * an entry with this identifier (`journalctl -t`). The caller closes the descriptor. Returns a
 * negative errno on failure.
 */
int journal_stream(const char *identifier, int priority);
