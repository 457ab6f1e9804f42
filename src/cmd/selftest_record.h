/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of a selftest, RUN/.selftest: the gadget that it has unbound, and the UDC. The file is
 * locked (fcntl, F_OFD_SETLK) while the selftest runs. If there is a record without a lock, the
 * selftest was killed, and the gadget must still be bound again.
 */
#pragma once

#include "base/error.h"
#include "base/paths.h"

struct selftest_record {
	int fd;			    /* -1: closed */
	char *unbound_gadget, *udc; /* NULL: no gadget was unbound */
};
#define SELFTEST_RECORD_NONE ((struct selftest_record){ .fd = -1 })

/*
 * Locks the record and reads what a killed selftest has left in it. Fails with EX_CANTCREAT if
 * another selftest runs.
 */
int selftest_record_open(struct selftest_record *record, const struct paths *paths,
			 struct error *err);
/* Writes the record, before the gadget is unbound. */
int selftest_record_write(struct selftest_record *record, const char *gadget, const char *udc,
			  struct error *err);
/* Removes the record, when there is nothing to restore. */
void selftest_record_remove(struct selftest_record *record, const struct paths *paths);
void selftest_record_close(struct selftest_record *record);
#define _cleanup_selftest_record_ _cleanup_(selftest_record_close)

/*
 * Returns the name of the gadget that a killed selftest has unbound; NULL: there is none, or the
 * selftest still runs. The caller frees it.
 */
char *selftest_record_of_killed(const struct paths *paths);
