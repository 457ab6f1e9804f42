/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests' programs on the host's side share: the device by usbfs without libusb (there is
 * no udevd in the lab to tell that of a new device), and dice that fall the same again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

/* Features of a hub's port (USB 2.0, 11.24.2) */
#define PORT_FEAT_SUSPEND 2
#define PORT_FEAT_POWER 8

struct usbfs {
	const char *program; /* its name, for messages */
	uint64_t seed, random;
	unsigned int run;     /* disturbances so far */
	const char *kind;     /* the one that is going on, or was the last */
	unsigned int seconds; /* how long nothing may happen */

	char name[256]; /* in /sys/bus/usb/devices */
	int devnum, fd;
};

/* Ends the program: says where it was, and how to have that again. */
_Noreturn void usbfs_fail(const struct usbfs *u, const char *fmt, ...) _printf_(2, 3);
/* Fails with errno when `r` is negative. */
void usbfs_must(const struct usbfs *u, int r, const char *what);
/* Of a command line: ends the program when it is none. */
uint64_t usbfs_number(const char *program, const char *text);
/* Uniform in [0, n). */
uint64_t usbfs_random(struct usbfs *u, uint64_t n);
uint64_t usbfs_mix(uint64_t x);
/* Moments between the ends of transfers, too, which is when the device works. */
void usbfs_spin(uint64_t us);

/* The kernel's uevents, from now on. */
int usbfs_uevents(const struct usbfs *u);
/* Every change of the buses makes some. */
void usbfs_await(const struct usbfs *u, int uevents);
/* Waits for the device, configured, or for the next one when there was one. */
void usbfs_find(struct usbfs *u, int uevents);
void usbfs_lose(struct usbfs *u);
/* The root hub it is at. */
int usbfs_open_hub(const struct usbfs *u);

/* Must succeed. `fd`: the device's or the hub's. */
void usbfs_control(const struct usbfs *u, int fd, uint8_t type, uint8_t request, uint16_t value,
		   uint16_t index, void *data, uint16_t length, const char *what);
/* Sets or clears a feature of the hub's port. */
void usbfs_port(const struct usbfs *u, int hub, uint8_t request, uint16_t feature);
