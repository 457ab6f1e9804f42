/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What makes the items that every gadget in configfs has. Two back ends do that: libusbgx, if
 * ffsctl is built with it, and the direct writer, which makes what libusbgx does not know or cannot
 * do.
 *
 *   direct.c   mkdir(2), symlink(2) and write(2)
 *   usbg.c     libusbgx
 *   backend.c  asks libusbgx first, then the direct writer
 *
 * An undo needs neither: it removes what is in configfs (items.c), in any process and any build.
 */
#pragma once

#include <stdbool.h>

/* In the comments: path below the gadget's directory, and value. gadgetfile_load has checked both.
 */
enum backend_item {
	ITEM_ATTRIBUTE,	       /* idVendor, a number */
	ITEM_STRING,	       /* strings/0x409/product, text */
	ITEM_FUNCTION,	       /* functions/ffs.echo, NULL */
	ITEM_CONFIG,	       /* configs/c.1, NULL */
	ITEM_CONFIG_ATTRIBUTE, /* configs/c.1/MaxPower, a number */
	ITEM_CONFIG_STRING,    /* configs/c.1/strings/0x409/configuration, text */
	ITEM_LINK,	       /* configs/c.1/echo, the function's directory "ffs.echo" */
};

struct usbg_view;

/* All zero to begin with. */
struct backend {
	struct usbg_view *view; /* what libusbgx knows of the gadget; NULL: not opened */
	bool refused;		/* it could not be opened: not tried again before backend_close */
};

/*
 * Makes or writes an item. `path` is absolute, its parent directory exists. -errno. `b` NULL: by
 * the direct writer.
 */
int backend_make(struct backend *b, enum backend_item item, const char *path, const char *value);

/*
 * After an item was removed without libusbgx, which keeps its own list of what exists: the next
 * backend_make lets it read configfs again. `b` may be NULL.
 */
void backend_forget(struct backend *b);

/* Frees what libusbgx holds. It is opened again when it is needed. */
void backend_close(struct backend *b);

/* --- The back ends, for backend.c and tests --- */

/* -errno */
int direct_make(enum backend_item item, const char *path, const char *value);

/* usbg_make: libusbgx does not know such an item. */
#define BACKEND_UNKNOWN 1

#ifdef HAVE_LIBUSBGX
/*
 * libusbgx's view of the gadget whose directory in configfs is `gadget`. `root` is an empty
 * directory for libusbgx to work in; this takes it over. NULL: libusbgx refuses, see errno.
 */
struct usbg_view *usbg_open(int root, const char *gadget);
void usbg_close(struct usbg_view *view);
/* A directory for usbg_open that no other process can reach. -errno. */
int usbg_private_root(void);
/* -errno or BACKEND_UNKNOWN */
int usbg_make(struct usbg_view *view, enum backend_item item, const char *path, const char *value);
#endif
