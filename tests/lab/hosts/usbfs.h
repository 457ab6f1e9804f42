/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the programs of the tests that act as the host. They access the device by usbfs without
 * libusb, which finds no new devices in the lab, because there is no udevd. They use random numbers
 * that depend on a seed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

/* Features of a hub's port (USB 2.0, 11.24.2) */
#define PORT_FEAT_SUSPEND 2
#define PORT_FEAT_POWER 8
#define PORT_FEAT_C_SUSPEND 18

struct usbfs {
	const char *program; /* its name, for messages */
	uint64_t seed, random;
	unsigned int run;     /* number of disturbances so far */
	const char *kind;     /* name of the current or last disturbance */
	unsigned int seconds; /* longest time without an event */

	char name[256]; /* name of the device in /sys/bus/usb/devices */
	int devnum, fd;
};

/* Ends the program. Prints the error, the current disturbance, and the options that repeat the run.
 */
_Noreturn void usbfs_fail(const struct usbfs *u, const char *fmt, ...) _printf_(2, 3);
/* Ends the program with an error for errno if `r` is negative. */
void usbfs_must(const struct usbfs *u, int r, const char *what);
/* Parses a number of the command line. Ends the program if the text is no number. */
uint64_t usbfs_number(const char *program, const char *text);
/* Returns a uniformly distributed random number in [0, n). */
uint64_t usbfs_random(struct usbfs *u, uint64_t n);
uint64_t usbfs_mix(uint64_t x);
/* Waits for `us` microseconds without sleeping. */
void usbfs_spin(uint64_t us);

/* Returns a socket that receives all uevents of the kernel from now on. */
int usbfs_uevents(const struct usbfs *u);
/* Waits for the next uevents; every change on a USB bus causes some. */
void usbfs_await(const struct usbfs *u, int uevents);
/* Waits until the device is configured. After usbfs_lose() waits for a new device. */
void usbfs_find(struct usbfs *u, int uevents);
void usbfs_lose(struct usbfs *u);
/* Opens the root hub of the device; returns the descriptor. */
int usbfs_open_hub(const struct usbfs *u);

/* Sends a control request, which must succeed. `fd`: the device or the hub. */
void usbfs_control(const struct usbfs *u, int fd, uint8_t type, uint8_t request, uint16_t value,
		   uint16_t index, void *data, uint16_t length, const char *what);
/* Sets or clears a feature of the hub's port. */
void usbfs_port(const struct usbfs *u, int hub, uint8_t request, uint16_t feature);
