/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The systems that a gadget may be plugged into (key `hosts`), each: constant, word, name. The
 * drivers that they have are in predict/host_driver_table.c.
 */
#pragma once

#define GADGET_HOSTS(X)                                                                            \
	X(LINUX, "linux", "Linux")                                                                 \
	X(WINDOWS_7, "windows-7", "Windows 7")                                                     \
	X(WINDOWS_10, "windows-10", "Windows 10")                                                  \
	X(WINDOWS_11, "windows-11", "Windows 11")                                                  \
	X(MACOS, "macos", "macOS")                                                                 \
	X(ANDROID, "android", "Android")                                                           \
	X(CHROMEOS, "chromeos", "a Web page on ChromeOS")                                          \
	X(UEFI, "uefi", "UEFI (EDK II)")                                                           \
	X(BIOS, "bios", "BIOS (SeaBIOS)")

#define GADGET_HOST_CONSTANT(NAME, word, name) GADGET_HOST_##NAME,
enum gadget_host { GADGET_HOSTS(GADGET_HOST_CONSTANT) GADGET_HOST_COUNT };
#undef GADGET_HOST_CONSTANT

extern const char *const gadget_host_words[GADGET_HOST_COUNT]; /* "linux", ... */
