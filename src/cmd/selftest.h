/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `selftest`: what its files share. The command tests a UDC in rounds. In each round a gadget with
 * the name SELFTEST_GADGET is up, and a child process, which has the connection to the gadget's
 * supervisor, does the steps of the round and reports their results (selftest_round.c). After each
 * round the command takes the gadget down, also if the child was killed (selftest_run.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/paths.h"

#define SELFTEST_GADGET "ffsctl-selftest"

enum selftest_outcome {
	SELFTEST_PASSED,
	SELFTEST_FAILED,
	SELFTEST_NOT_POSSIBLE, /* something is missing: a host, a feature of the kernel */
	SELFTEST_NOT_SEEN,     /* the test ended before the step */
	SELFTEST_OUTCOME_COUNT
};
extern const char *const selftest_outcome_words[SELFTEST_OUTCOME_COUNT];

#define SELFTEST_NO_SECONDS (-1.0)

/* The result of a step. The child sends it as a packet, so it has no pointers. */
struct selftest_result {
	char step[32];
	enum selftest_outcome outcome;
	double seconds;	      /* duration of the step; SELFTEST_NO_SECONDS: unknown */
	bool host_is_missing; /* of the step "enumeration": there is no host */
	char text[300];	      /* one sentence without a final period */
};

/* Sets the result; the text is shortened if it is too long. */
void selftest_result_set(struct selftest_result *result, const char *step,
			 enum selftest_outcome outcome, double seconds, const char *text);

enum selftest_round_kind {
	SELFTEST_BASICS,   /* enumeration, restart, rebind, cable */
	SELFTEST_ENGINE,   /* a way to move bytes (stream/engines.h), with ffsbench on the host */
	SELFTEST_FUNCTION, /* a type of kernel function */
};

struct selftest_round {
	enum selftest_round_kind kind;
	const char *name; /* "basics", an engine, or a type of function */
};

/* What a run knows. */
struct selftest {
	const struct paths *paths;
	char *udc, *driver; /* the UDC that is tested, and its driver; NULL: unknown */
	bool asks_for_cable;
	double host_wait_seconds;     /* maximum time until a host configures a gadget */
	double ffsbench_wait_seconds; /* maximum time until ffsbench on the host asks */
	bool host_is_missing;	      /* no host has configured the gadget of the round "basics" */
	bool ffsbench_is_missing;     /* ffsbench has not asked for tests in a round before */
	bool was_interrupted;	      /* SIGINT or SIGTERM has ended the test */
	struct selftest_result *results;
	size_t n_results;
};

/*
 * selftest_rounds.c: the rounds in the order in which they are run. Returns false after the last
 * one; the name is valid until the process ends.
 */
bool selftest_round_by_index(size_t index, struct selftest_round *round);

/*
 * selftest_round.c: runs in the child. Does the steps of a round and sends each result to
 * `result_fd`, a SOCK_SEQPACKET socket. `is_last_with_host`: the last round in which ffsbench has
 * tests. The caller takes the gadget down afterwards.
 */
void selftest_do_round(const struct selftest *t, const struct selftest_round *round,
		       bool is_last_with_host, int result_fd);

/*
 * selftest_run.c: runs a round in a child and adds its results. `signal_fd` is a signalfd(2) of
 * SIGINT and SIGTERM, which are blocked: the signals end the child and set was_interrupted. Then
 * takes the gadget down. Fails if that is not possible; then no other round can be run.
 */
int selftest_run_round(struct selftest *t, const struct selftest_round *round,
		       bool is_last_with_host, int signal_fd, struct error *err);
