// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/backend.h"

#include <errno.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "base/util.h"

#ifdef HAVE_LIBUSBGX
/* Returns the gadget's directory in configfs, from the path of an item; the caller frees it. */
static char *gadget_directory_of_item(enum backend_item item, const char *path)
{
	static const int levels[] = {
		[ITEM_ATTRIBUTE] = 1, [ITEM_STRING] = 3,	   [ITEM_FUNCTION] = 2,
		[ITEM_CONFIG] = 2,    [ITEM_CONFIG_ATTRIBUTE] = 3, [ITEM_CONFIG_STRING] = 5,
		[ITEM_LINK] = 3,
	};
	char *gadget = xstrdup(path);

	for (int i = 0; i < levels[item]; i++) {
		_cleanup_free_ char *child = gadget;

		gadget = path_parent(child);
	}
	return gadget;
}

static void open_libusbgx_view_of_gadget(struct backend *b, enum backend_item item,
					 const char *path)
{
	_cleanup_free_ char *gadget = gadget_directory_of_item(item, path);
	int root_fd = usbg_view_open_unmounted_tmpfs();

	errno = -root_fd;
	b->usbg_view = root_fd < 0 ? NULL : usbg_view_open(root_fd, gadget);
	b->usbg_open_failed = !b->usbg_view;
	if (b->usbg_open_failed)
		log_debug("without libusbgx: %s: %s", gadget, errno_words(errno));
	else
		log_debug("with libusbgx: %s", gadget);
}

static int libusbgx_make_item(struct backend *b, enum backend_item item, const char *path,
			      const char *value)
{
	if (!b->usbg_view && !b->usbg_open_failed)
		open_libusbgx_view_of_gadget(b, item, path);
	return b->usbg_view ? usbg_view_make_item(b->usbg_view, item, path, value)
			    : BACKEND_UNKNOWN;
}

static void close_libusbgx_view(struct backend *b)
{
	if (b->usbg_view)
		usbg_view_close(steal_ptr(b->usbg_view));
}
#else
static int libusbgx_make_item(struct backend *b _unused_, enum backend_item item _unused_,
			      const char *path _unused_, const char *value _unused_)
{
	return BACKEND_UNKNOWN;
}

static void close_libusbgx_view(struct backend *b _unused_)
{
}
#endif

int backend_make_item(struct backend *b, enum backend_item item, const char *path,
		      const char *value)
{
	int r = b ? libusbgx_make_item(b, item, path, value) : BACKEND_UNKNOWN;

	return r == BACKEND_UNKNOWN ? direct_make_item(item, path, value) : r;
}

void backend_drop_view(struct backend *b)
{
	if (b)
		close_libusbgx_view(b);
}

void backend_close(struct backend *b)
{
	close_libusbgx_view(b);
	b->usbg_open_failed = false;
}
