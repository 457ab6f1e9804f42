/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of boards: their device port, and how to put it into device mode (doc/boards.md).
 */
#pragma once

#include "probe/system.h"

/* How the port of a board is put into device mode for good. */
enum device_mode_method {
	DEVICE_MODE_BY_DEVICE_TREE, /* dr_mode in the device tree or in an overlay */
	DEVICE_MODE_BY_CONFIG_TXT,  /* a line in config.txt */
	DEVICE_MODE_NONE	    /* the board has no device port */
};

struct board {
	const char *compatible; /* of the device tree's root; a '*' stands for any text */
	const char *name;	/* a board or a family of boards */
	/* text: the socket that can be a device; NULL: depends on the board */
	const char *device_port;
	enum device_mode_method device_mode_method;
	const char *advice; /* a pitfall of this board that keeps a port from being a device; NULL:
			       none is known */
	/* name of the gadget in configfs that the board's system makes at boot; NULL: none */
	const char *gadget_made_at_boot;
	const char *gadget_making_service; /* the systemd service that makes it */
};

/* Returns the row of this system's board; NULL: the board is unknown, or there is no device tree.
 */
const struct board *board_find(const struct system *system);
