/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command measures each combination of direction, size and depth in runs of their own; what the
 * runs of a combination have found is a row of the report.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ffsbench/args.h"
#include "ffsbench/device.h"
#include "ffsbench/memory.h"
#include "ffsbench/progress.h"
#include "ffsbench/stats.h"

#define MAX_DEPTH 256
#define MAX_TRANSFER (64u << 20)

/* Data came back or came wrong, or the device says so of what it got. */
#define EXIT_WRONG 1

struct options {
	struct device_wanted wanted;
	struct list sizes, depths;
	uint64_t bytes;	     /* of a run; 0: as long as run_ms */
	unsigned int run_ms; /* 0: no matter how long */
	unsigned int repeat;
	enum memory_wish memory;
	unsigned int pattern;
	unsigned int timeout_ms; /* without any progress */
	struct lengths lengths;	 /* of messages; count 0: sizes */
	uint64_t count, seed;
	unsigned int transfer; /* bytes of the longest transfer of a message */
	bool recover;	       /* clear a stall and go on */
	bool json, csv, quiet;
	const char *plot; /* file; NULL: none */
};

enum direction { DIRECTION_IN = 1, DIRECTION_OUT = 2, DIRECTION_BOTH = 4 };

struct combination {
	enum direction direction;
	uint64_t size;
	unsigned int depth;
};

enum {
	LATENCY_MIN,
	LATENCY_MEDIAN,
	LATENCY_P90,
	LATENCY_P99,
	LATENCY_P999,
	LATENCY_MAX,
	LATENCIES
};

/* What one run has found, also one that failed or was interrupted. */
struct measure {
	uint64_t size; /* that was used: IN takes whole packets */
	bool zero_copy;
	char *remark; /* about the memory; NULL: none */
	uint64_t transfers, messages, bytes;
	uint64_t shorts; /* transfers that ended with a short packet */
	unsigned int recoveries;
	double seconds, cpu_seconds;
	struct queue queue;
	double latency[LATENCIES]; /* seconds */
};

struct row {
	struct combination c;
	struct measure *runs;
	size_t n;
	bool ok; /* none of them failed */
};

/* What rows say, and how. */
enum kind { KIND_STREAM = 1, KIND_MESSAGES = 2, KIND_LATENCY = 4, KIND_ALL = 7 };

typedef int run_fn(const struct device *d, const struct options *o, const struct combination *c,
		   struct progress *p, struct measure *m, struct error *err);

struct command {
	const char *name, *summary;
	enum kind kind;
	unsigned int directions; /* enum direction; each is measured by itself */
	const char *sizes, *depths;
	uint64_t bytes;
	unsigned int run_ms;
	uint64_t count;
	run_fn *run;
};

run_fn stream_run, verify_run, loop_run, messages_run, latency_run;

struct report {
	const struct command *command;
	const struct device *device; /* all zero: none */
	struct row *rows;
	size_t n;
	unsigned int repeat; /* room for so many runs in each row */
	bool interrupted;
};

/* Runs every combination `repeat` times, all of them once before any twice. */
int bench_run(const struct options *o, struct report *r, struct error *err);
void bench_free(struct report *r);
