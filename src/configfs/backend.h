/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the items that every gadget in configfs has. There are two back ends: libusbgx, if ffsctl
 * is built with it, and the direct writer, for items that libusbgx does not know or cannot make.
 *
 *   direct.c   the direct writer, which uses mkdir(2), symlink(2) and write(2)
 *   usbg.c     the back end that uses libusbgx
 *   backend.c  tries libusbgx first, then the direct writer
 *
 * An undo uses no back end (items.c), so that any process and any build of ffsctl can undo a step.
 */
#pragma once

#include <stdbool.h>

/*
 * The kinds of items. The comments show an item's path below the gadget's directory, and its value.
 * gadgetfile_load has checked both.
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
	bool open_failed;	/* libusbgx could not open the gadget; not tried again until
				   backend_close */
};

/*
 * Makes or writes an item. `path` is absolute, and its parent directory exists. `b` NULL: uses only
 * the direct writer. Returns 0 or a negative errno.
 */
int backend_make(struct backend *b, enum backend_item item, const char *path, const char *value);

/*
 * Discards libusbgx's own list of existing items; the next backend_make reads configfs again. Must
 * be called before an item is removed. `b` may be NULL.
 */
void backend_forget(struct backend *b);

/* Closes libusbgx's view, which is opened again when it is needed. */
void backend_close(struct backend *b);

/* --- The functions of the back ends, for backend.c and tests --- */

/* The direct writer. Returns 0 or a negative errno. */
int direct_make(enum backend_item item, const char *path, const char *value);

/* Returned by usbg_make if libusbgx does not know the item. */
#define BACKEND_UNKNOWN 1

#ifdef HAVE_LIBUSBGX
/*
 * Opens libusbgx's view of the gadget. `gadget` is the gadget's directory in configfs. `root` is a
 * descriptor of an empty directory, in which libusbgx works; usbg_open takes ownership of it.
 * Returns NULL with errno set on failure.
 */
struct usbg_view *usbg_open(int root, const char *gadget);
void usbg_close(struct usbg_view *view);
/*
 * Makes a directory for usbg_open that no other process can open. Returns a descriptor, or a
 * negative errno.
 */
int usbg_private_root(void);
/* Makes or writes an item with libusbgx. Returns 0, a negative errno, or BACKEND_UNKNOWN. */
int usbg_make(struct usbg_view *view, enum backend_item item, const char *path, const char *value);
#endif
