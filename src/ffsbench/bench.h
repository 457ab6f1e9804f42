/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command measures each combination of direction, size and depth in separate runs. A row of the
 * report has the results of all runs of a combination.
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

/* Exit status: received data was wrong, or the device reports that it received wrong data. */
#define EXIT_WRONG 1

struct options {
	struct device_filter device;
	struct list sizes, depths;
	uint64_t bytes;	     /* of a run; 0: limited by run_ms only */
	unsigned int run_ms; /* longest time of a run; 0: no limit */
	unsigned int repeat;
	enum memory_choice memory;
	unsigned int pattern;
	unsigned int timeout_ms; /* longest time without any data moved */
	struct lengths lengths;	 /* of messages; count 0: use `sizes` */
	uint64_t count, seed;
	unsigned int transfer; /* bytes of the longest transfer of a message */
	bool recover;	       /* clear a stall and continue */
	bool json, csv, quiet;
	const char *plot; /* path of the chart; NULL: none */
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

/* The results of one run, which may have failed or been interrupted. */
struct measure {
	uint64_t size; /* bytes that were used: IN transfers are whole packets */
	bool zero_copy;
	char *remark; /* warning about the memory; NULL: none */
	uint64_t transfers, messages, bytes;
	uint64_t short_transfers; /* transfers that ended with a short packet */
	unsigned int recoveries;
	double seconds, cpu_seconds;
	struct queue queue;
	double latency[LATENCIES]; /* seconds */
};

struct row {
	struct combination combination;
	struct measure *runs;
	size_t n_runs;
	bool succeeded; /* no run failed */
};

/* Selects the columns of the rows. */
enum kind { KIND_STREAM = 1, KIND_MESSAGES = 2, KIND_LATENCY = 4, KIND_ALL = 7 };

typedef int run_fn(const struct device *d, const struct options *o, const struct combination *c,
		   struct progress *p, struct measure *m, struct error *err);

struct command {
	const char *name, *summary;
	enum kind kind;
	unsigned int directions;    /* enum direction; each is measured separately */
	const char *sizes, *depths; /* defaults of the options, as are the following */
	uint64_t bytes;
	unsigned int run_ms;
	uint64_t count;
	run_fn *run;
};

run_fn stream_run, verify_run, loop_run, messages_run, latency_run;

struct report {
	const struct command *command;
	const struct device *device; /* all zero: not opened */
	struct row *rows;
	size_t n_rows;
	unsigned int repeat; /* allocated runs in each row */
	bool interrupted;
};

/* Runs every combination `repeat` times; each round runs all combinations once. */
int bench_run(const struct options *o, struct report *r, struct error *err);
void bench_free(struct report *r);
