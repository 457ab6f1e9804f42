/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in configfs now, read into memory: whatever made it, known to us or not. Only attributes
 * that could be written again are read.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum live_kind { LIVE_DIRECTORY, LIVE_ATTRIBUTE, LIVE_LINK };

struct live {
	enum live_kind kind;
	char *name;
	/*
	 * Of an attribute what was read, with a NUL behind it that does not count, or NULL: it is
	 * read-only, write-only, or `err` says why not. Of a link what it leads to, from configfs'
	 * own top: "usb_gadget/echo/functions/acm.a".
	 */
	char *value;
	size_t size;
	int err; /* errno of the reading; 0 */
	struct live *children;
	size_t n; /* in the order in which they were made */
};

/* The directory `path`, which is in the configfs at `configfs`. -ENOENT: there is none. */
int live_read(const char *configfs, const char *path, struct live *top, struct error *err);
void live_free(struct live *live);
#define _cleanup_live_ _cleanup_(live_free)

/* By its name; NULL: there is none. */
const struct live *live_child(const struct live *directory, const char *name);
/* The same for one below others: "os_desc/use". */
const struct live *live_find(const struct live *directory, const char *path);
