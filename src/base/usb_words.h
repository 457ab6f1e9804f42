/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words for transfer types and speeds, for tables that are indexed by an enum and for those
 * that a word is looked up in. Each list is a macro; its argument is the macro that makes one row
 * of a table.
 */
#pragma once

/*
 * The speeds for which FunctionFS has descriptors: S(end of the enumerators of this speed, as in
 * GADGET_SPEED_FULL; end of that of the speed whose descriptors are used, as in EP_FULL; its word
 * in gadget files, in JSON and for workers; its name in the kernel, usb_speed_names of
 * drivers/usb/common/common.c; its name in messages).
 */
#define USB_DESCRIPTOR_SPEEDS(S)                                                                   \
	S(FULL, FULL, "full", "full-speed", "full speed")                                          \
	S(HIGH, HIGH, "high", "high-speed", "high speed")                                          \
	S(SUPER, SUPER, "super", "super-speed", "SuperSpeed")
/* The speeds of the bus. */
#define USB_SPEEDS(S)                                                                              \
	USB_DESCRIPTOR_SPEEDS(S)                                                                   \
	S(SUPER_PLUS, SUPER, "super-plus", "super-speed-plus", "SuperSpeed Plus")

/* The transfer types that endpoints of functions can have: T(end of its enumerator, as in EP_BULK;
 * its word). */
#define USB_TRANSFER_TYPES(T)                                                                      \
	T(BULK, "bulk")                                                                            \
	T(INTERRUPT, "interrupt")                                                                  \
	T(ISOCHRONOUS, "isochronous")
