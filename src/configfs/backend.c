// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/backend.h"

#include <errno.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/detached_mount.h"
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
		[ITEM_SYMLINK] = 3,
	};
	char *gadget = xstrdup(path);

	for (int i = 0; i < levels[item]; i++) {
		_cleanup_free_ char *child = gadget;

		gadget = path_parent(child);
	}
	return gadget;
}

static void open_gadget_in_libusbgx(struct backend_state *b, enum backend_item item,
				    const char *path)
{
	_cleanup_free_ char *gadget = gadget_directory_of_item(item, path);
	int tmpfs_fd = mount_detached("tmpfs", NULL);

	errno = -tmpfs_fd;
	b->libusbgx = tmpfs_fd < 0 ? NULL : libusbgx_open(tmpfs_fd, gadget);
	b->usbg_open_failed = !b->libusbgx;
	if (b->usbg_open_failed)
		log_debug("without libusbgx: %s: %s", gadget, errno_words(errno));
	else
		log_debug("with libusbgx: %s", gadget);
}

static int try_make_item_with_libusbgx(struct backend_state *b, enum backend_item item,
				       const char *path, const char *value)
{
	if (!b->libusbgx && !b->usbg_open_failed)
		open_gadget_in_libusbgx(b, item, path);
	return b->libusbgx ? libusbgx_make_item(b->libusbgx, item, path, value) : BACKEND_UNKNOWN;
}

static void close_libusbgx(struct backend_state *b)
{
	if (b->libusbgx)
		libusbgx_close(steal_ptr(b->libusbgx));
}
#else
static int try_make_item_with_libusbgx(struct backend_state *b _unused_,
				       enum backend_item item _unused_, const char *path _unused_,
				       const char *value _unused_)
{
	return BACKEND_UNKNOWN;
}

static void close_libusbgx(struct backend_state *b _unused_)
{
}
#endif

int backend_make_item(struct backend_state *b, enum backend_item item, const char *path,
		      const char *value)
{
	int r = b ? try_make_item_with_libusbgx(b, item, path, value) : BACKEND_UNKNOWN;

	return r == BACKEND_UNKNOWN ? direct_make_item(item, path, value) : r;
}

void backend_close_before_removal(struct backend_state *b)
{
	if (b)
		close_libusbgx(b);
}

void backend_close(struct backend_state *b)
{
	close_libusbgx(b);
	b->usbg_open_failed = false;
}
