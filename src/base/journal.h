/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of systemd's journal. Uses the native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), whose
 * entries have fields to search by, and so needs no libsystemd.
 */
#pragma once

#include <stdbool.h>

/* Returns whether stderr is connected to the journal, by JOURNAL_STREAM (systemd.exec(5)). */
bool journal_is_stderr(void);

struct journal_entry {
	int priority;	      /* as in syslog.h */
	const char *gadget;   /* FFSCTL_GADGET; NULL: none */
	const char *function; /* FFSCTL_FUNCTION; NULL: none */
	const char *message;
};

/* Sends an entry; never blocks. -errno: the entry was not sent. */
int journal_send(const struct journal_entry *entry);

/*
 * Returns a descriptor for the output of another program: each line becomes an entry with this
 * identifier (`journalctl -t`). The caller closes it. -errno.
 */
int journal_stream(const char *identifier, int priority);
