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
 * The kinds of items. Each comment shows an example: a path relative to the gadget's directory, and
 * the kind of value. gadgetfile_load has validated paths and values.
 */
enum backend_item {
	ITEM_ATTRIBUTE,	       /* idVendor, a number */
	ITEM_STRING,	       /* strings/0x409/product, a text */
	ITEM_FUNCTION,	       /* functions/ffs.echo, no value (NULL) */
	ITEM_CONFIG,	       /* configs/c.1, no value (NULL) */
	ITEM_CONFIG_ATTRIBUTE, /* configs/c.1/MaxPower, a number */
	ITEM_CONFIG_STRING,    /* configs/c.1/strings/0x409/configuration, a text */
	ITEM_LINK,	       /* configs/c.1/echo, name of the function's directory: "ffs.echo" */
};

struct usbg_view;

/* The state of the back ends for one gadget; initially all zero. */
struct backend {
	struct usbg_view *usbg_view; /* libusbgx's view of the gadget; NULL: not opened */
	bool usbg_open_failed; /* libusbgx could not open the gadget; ffsctl tries again only after
				  backend_close */
};

/*
 * Makes or writes an item. `path` must be absolute, and its parent directory must exist. If `b` is
 * NULL, uses only the direct writer. Returns 0 or a negative errno.
 */
int backend_make_item(struct backend *b, enum backend_item item, const char *path,
		      const char *value);

/*
 * Closes libusbgx's view, whose list of existing items would be wrong after an item is removed.
 * Must be called before the removal. The next backend_make_item opens a new view. `b` may be NULL.
 */
void backend_drop_view(struct backend *b);

/*
 * Closes libusbgx's view, and forgets that opening it failed. The next backend_make_item opens a
 * new view.
 */
void backend_close(struct backend *b);

/* --- The functions of the back ends, for backend.c and tests --- */

/* Makes or writes an item with the direct writer. Returns 0 or a negative errno. */
int direct_make_item(enum backend_item item, const char *path, const char *value);

/* Returned by usbg_view_make_item if libusbgx does not know the item. */
#define BACKEND_UNKNOWN 1

#ifdef HAVE_LIBUSBGX
/*
 * Opens libusbgx's view of the gadget. `gadget` is the gadget's directory in configfs. `root_fd` is
 * a file descriptor of an empty directory, which libusbgx uses in place of configfs; usbg_view_open
 * takes ownership of it. Returns NULL with errno set on failure.
 */
struct usbg_view *usbg_view_open(int root_fd, const char *gadget);
void usbg_view_close(struct usbg_view *view);
/*
 * Makes an empty directory for usbg_view_open that no other process can open. Returns a file
 * descriptor, or a negative errno.
 */
int usbg_view_open_unmounted_tmpfs(void);
/* Makes or writes an item with libusbgx. Returns 0, a negative errno, or BACKEND_UNKNOWN. */
int usbg_view_make_item(struct usbg_view *view, enum backend_item item, const char *path,
			const char *value);
#endif
