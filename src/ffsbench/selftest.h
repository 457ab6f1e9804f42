/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's end of `ffsctl selftest`, which runs on the gadget. */
#pragma once

#include "ffsbench/bench.h"

/* The class codes of the interface of its gadgets. */
#define SELFTEST_INTERFACE_SUBCLASS 0x46
#define SELFTEST_INTERFACE_PROTOCOL 0x53

/*
 * Waits for the gadgets of `ffsctl selftest`, one after the other, runs the tests with each of them
 * and sends it the results. Returns after the gadget that says that it is the last. Fails with
 * EXIT_WRONG_DATA if a test failed.
 */
int selftest_follow_gadgets(const struct options *o, struct error *err);
