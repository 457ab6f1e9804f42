/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd's journal, where a service's stderr is: its native protocol
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL), so that a line has fields to search by. These few lines
 * take the place of a library that would have to be there, or not.
 */
#pragma once

#include <stdbool.h>

/* Whether stderr leads there, as JOURNAL_STREAM says (systemd.exec(5)). */
bool journal_is_stderr(void);

struct journal_entry {
	int priority;	      /* as in syslog.h */
	const char *gadget;   /* FFSCTL_GADGET; NULL: none */
	const char *function; /* FFSCTL_FUNCTION; NULL: none */
	const char *message;
};

/* Never waits. -errno: it was not taken. */
int journal_send(const struct journal_entry *entry);

/*
 * A descriptor for what somebody else prints, each line of which becomes an entry of that
 * identifier (`journalctl -t`). -errno.
 */
int journal_stream(const char *identifier, int priority);
