/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the items that every gadget in configfs has. There are two back ends: libusbgx, if ffsctl
 * is built with it, and the direct writer, for items that libusbgx does not know or cannot make.
 *
 *   direct.c   mkdir(2), symlink(2) and write(2)
 *   usbg.c     libusbgx
 *   backend.c  asks libusbgx first, then the direct writer
 *
 * An undo uses neither back end: it removes what is in configfs (items.c), in any process and any
 * build.
 */
#pragma once

#include <stdbool.h>

/* The comments show the path below the gadget's directory, and the value. gadgetfile_load has
 * checked both.
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

/* The state of the back ends for one gadget; initially all zero. */
struct backend {
	struct usbg_view *view; /* libusbgx's view of the gadget; NULL: not opened */
	bool open_failed;	/* libusbgx could not open the gadget: it is not tried again before
			   backend_close */
};

/*
 * Makes or writes an item. `path` is absolute, its parent directory exists. -errno. `b` NULL: uses
 * the direct writer.
 */
int backend_make(struct backend *b, enum backend_item item, const char *path, const char *value);

/*
 * Makes the next backend_make let libusbgx read configfs again. Must be called after an item was
 * removed, because libusbgx has its own list of what exists. `b` may be NULL.
 */
void backend_forget(struct backend *b);

/* Closes libusbgx's view, which is opened again when it is needed. */
void backend_close(struct backend *b);

/* --- The functions of the back ends, for backend.c and tests --- */

/* -errno */
int direct_make(enum backend_item item, const char *path, const char *value);

/* Returned by usbg_make: libusbgx does not know such an item. */
#define BACKEND_UNKNOWN 1

#ifdef HAVE_LIBUSBGX
/*
 * Opens libusbgx's view of the gadget whose directory in configfs is `gadget`. `root` is a
 * descriptor of an empty directory, in which libusbgx works; the view then owns it. NULL with errno
 * on failure.
 */
struct usbg_view *usbg_open(int root, const char *gadget);
void usbg_close(struct usbg_view *view);
/*
 * Makes a directory for usbg_open that no other process can reach. Returns a descriptor or -errno.
 */
int usbg_private_root(void);
/* Returns 0, -errno or BACKEND_UNKNOWN. */
int usbg_make(struct usbg_view *view, enum backend_item item, const char *path, const char *value);
#endif
