/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of every blob. */
#pragma once

#include "blob/validate_blob.h"

struct blob_session {
	struct ffs_validation_options options;
	struct ffs_instance kernel, usb; /* the instance after each kind of validation */
	bool usb_accepts;		 /* the last write */
};

/*
 * Validates one write by the kernel's rules and by the standards. Returns the kernel's finding.
 * Aborts with a message if the two do not match or break what blob/validate_blob.h promises.
 */
struct ffs_finding blob_check(struct blob_session *s, const uint8_t *data, size_t size);
