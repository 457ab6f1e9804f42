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

static void open_view(struct backend *b, enum backend_item item, const char *path)
{
	_cleanup_free_ char *gadget = gadget_directory_of_item(item, path);
	int root = usbg_private_root();

	errno = -root;
	b->view = root < 0 ? NULL : usbg_open(root, gadget);
	b->open_failed = !b->view;
	if (b->open_failed)
		log_debug("without libusbgx: %s: %s", gadget, errno_words(errno));
	else
		log_debug("with libusbgx: %s", gadget);
}

static int library_make(struct backend *b, enum backend_item item, const char *path,
			const char *value)
{
	if (!b->view && !b->open_failed)
		open_view(b, item, path);
	return b->view ? usbg_make(b->view, item, path, value) : BACKEND_UNKNOWN;
}

static void library_close(struct backend *b)
{
	if (b->view)
		usbg_close(steal_ptr(b->view));
}
#else
static int library_make(struct backend *b _unused_, enum backend_item item _unused_,
			const char *path _unused_, const char *value _unused_)
{
	return BACKEND_UNKNOWN;
}

static void library_close(struct backend *b _unused_)
{
}
#endif

int backend_make(struct backend *b, enum backend_item item, const char *path, const char *value)
{
	int r = b ? library_make(b, item, path, value) : BACKEND_UNKNOWN;

	return r == BACKEND_UNKNOWN ? direct_make(item, path, value) : r;
}

void backend_forget(struct backend *b)
{
	if (b)
		library_close(b);
}

void backend_close(struct backend *b)
{
	library_close(b);
	b->open_failed = false;
}
