/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for every blob whatsoever. */
#pragma once

#include "blob/validate.h"

struct blob_session {
	struct ffs_validator validator;
	struct ffs_instance kernel, usb; /* what each verdict has made of the instance */
	bool usb_accepts;		 /* everything so far */
};

/*
 * Both verdicts on one write; the kernel's comes back. Aborts, saying why, when the two do not go
 * together or one is not what verdict.h promises.
 */
struct ffs_finding blob_check(struct blob_session *s, const uint8_t *data, size_t size);
