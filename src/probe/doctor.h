/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds what keeps a system from being a gadget, and how to mend it: kernel, configfs, UDCs, ports
 * and roles. Only reads files of /sys, /proc, /lib/modules and /boot, and needs no root.
 */
#pragma once

#include "probe/board.h"
#include "probe/finding.h"
#include "probe/system.h"
#include "probe/usb_port.h"

/* A UDC of the system, which may be a copy of another system's files. */
struct doctor_udc {
	char *name;
	char *controller_driver; /* driver of the UDC; NULL: unknown */
	char *state;		 /* such as "configured"; NULL: unknown */
	/* name of the gadget driver that is bound to it, which for a gadget in configfs is the
	   gadget's name; NULL: the UDC is free */
	char *bound_gadget_driver;
	char *device_tree_path; /* usb_port.device_tree_path of its controller; NULL: none */
	bool is_virtual;
};

/* What the checks know of a system. */
struct doctor {
	struct system system;
	const struct board *board; /* NULL: unknown */
	char *board_model;	   /* as the device tree has it; NULL: no device tree */
	struct doctor_udc *udcs;   /* sorted by name */
	size_t n_udcs;
	struct usb_ports ports;
};

/* `root` and `paths` are those of struct system. */
void doctor_open(struct doctor *doctor, const char *root, const struct paths *paths);
void doctor_close(struct doctor *doctor);
#define _cleanup_doctor_ _cleanup_(doctor_close)

/* Runs all checks and adds their findings. */
void doctor_check_system(const struct doctor *doctor, struct findings *findings);
