/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes what every gadget in configfs has: attributes, strings, functions, configurations and
 * links. Here each of these is called an item. There are two back ends, which are two ways to make
 * an item: libusbgx, if ffsctl is built with it, and system calls, for items that libusbgx does not
 * know or cannot make.
 *
 *   usbg.c     makes items with libusbgx
 *   direct.c   makes items with the system calls mkdir(2), symlink(2) and write(2)
 *   backend.c  tries libusbgx first, then system calls
 *
 * An undo uses only system calls (items.c), so that any process and any build of ffsctl can undo a
 * step.
 */
#pragma once

#include <stdbool.h>

/*
 * The kinds of items. Each comment shows an example of the path, relative to the gadget's
 * directory, and describes the value. gadgetfile_load has validated paths and values.
 */
enum backend_item {
	ITEM_ATTRIBUTE,	       /* idVendor, a number */
	ITEM_STRING,	       /* strings/0x409/product, a text */
	ITEM_FUNCTION,	       /* functions/ffs.echo, no value (NULL) */
	ITEM_CONFIG,	       /* configs/c.1, no value (NULL) */
	ITEM_CONFIG_ATTRIBUTE, /* configs/c.1/MaxPower, a number */
	ITEM_CONFIG_STRING,    /* configs/c.1/strings/0x409/configuration, a text */
	ITEM_SYMLINK, /* configs/c.1/echo, the name of the function's directory: "ffs.echo" */
};

struct libusbgx_session; /* libusbgx, opened for one gadget */

/* The state of both back ends for one gadget; initially all zero. */
struct backend_state {
	struct libusbgx_session
		*libusbgx; /* libusbgx, opened for the gadget; NULL: it is not open */
	/* libusbgx could not be opened. ffsctl tries to open it again only after backend_close. */
	bool usbg_open_failed;
};

/*
 * Makes or writes an item. `path` must be absolute, and its parent directory must exist. If `b` is
 * NULL, uses only system calls. Returns 0 or a negative errno.
 */
int backend_make_item(struct backend_state *b, enum backend_item item, const char *path,
		      const char *value);

/*
 * Must be called before an item is removed. Closes libusbgx, because its list of existing items
 * would be wrong after the removal. The next backend_make_item opens libusbgx with a new list. `b`
 * may be NULL.
 */
void backend_close_before_removal(struct backend_state *b);

/*
 * Closes libusbgx if it is open. The next backend_make_item opens it again, also if libusbgx could
 * not be opened before.
 */
void backend_close(struct backend_state *b);

/* --- The functions of the back ends, for backend.c and tests --- */

/* Makes or writes an item with system calls. Returns 0 or a negative errno. */
int direct_make_item(enum backend_item item, const char *path, const char *value);

/* Returned by libusbgx_make_item if libusbgx does not know the item. */
#define BACKEND_UNKNOWN 1

#ifdef HAVE_LIBUSBGX
/*
 * Opens libusbgx for one gadget. `gadget` is the gadget's directory in configfs.
 * `empty_directory_fd` is a file descriptor of an empty directory, which libusbgx uses in place of
 * configfs. libusbgx_open takes ownership of the file descriptor. Returns NULL with errno set on
 * failure.
 */
struct libusbgx_session *libusbgx_open(int empty_directory_fd, const char *gadget);
void libusbgx_close(struct libusbgx_session *usbg);
/* Makes or writes an item with libusbgx. Returns 0, a negative errno, or BACKEND_UNKNOWN. */
int libusbgx_make_item(struct libusbgx_session *usbg, enum backend_item item, const char *path,
		       const char *value);
#endif
