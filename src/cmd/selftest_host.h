/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests that `ffsbench selftest` runs on the host, as the gadget sees them. */
#pragma once

#include "cmd/selftest.h"

#define SELFTEST_HOST_TESTS 5
/* The names in the statistics of the plugin `selftest`. */
extern const char *const selftest_host_test_names[SELFTEST_HOST_TESTS];

struct selftest_host_tests {
	bool asked, ended;	  /* ffsbench has asked for tests; it has sent all results */
	unsigned int n_restarts;  /* of the worker: results of an earlier one are lost */
	int n_errors, last_error; /* failed transfers of the gadget; positive errno of the last */
	char *engine;		  /* the engine that the worker reports; NULL: unknown */
	struct {
		enum selftest_outcome outcome;
		char *text;
	} results[SELFTEST_HOST_TESTS];
};

/*
 * Waits until ffsbench has sent all results: at most t->ffsbench_wait_seconds until it asks for the
 * tests, and then a limited time. The caller frees *tests, also on failure. A test without a result
 * was not possible or not seen, and its text says why.
 */
int selftest_host_tests_await(const struct selftest *t, struct selftest_host_tests *tests,
			      struct error *err);
void selftest_host_tests_free(struct selftest_host_tests *tests);
