/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command of ffsbench measures each combination of direction, size and depth in separate runs. A
 * row of the report has the results of all runs of one combination.
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

/* Exit status if ffsbench, or the device, has received wrong data. */
#define EXIT_WRONG_DATA 1

struct options {
	struct device_filter device;
	struct value_list sizes, depths;
	uint64_t bytes;	     /* bytes to move in a run; 0: only run_ms limits the run */
	unsigned int run_ms; /* longest time of a run; 0: no limit */
	unsigned int repeat;
	enum memory_choice memory;
	unsigned int pattern;
	unsigned int timeout_ms; /* longest time without any data moved */
	struct lengths lengths;	 /* lengths of the messages; if their count is 0, `sizes` is used */
	uint64_t count, seed;
	unsigned int transfer; /* largest number of bytes of a transfer */
	bool recover;	       /* after a stall, clear the halt and continue */
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
struct run_result {
	uint64_t size; /* bytes of a transfer; those of IN transfers are whole packets */
	bool zero_copy;
	char *remark; /* warning about the kind of memory that was used; NULL: none */
	uint64_t transfers, messages, bytes;
	uint64_t short_transfers; /* transfers that ended with a short packet */
	unsigned int recoveries;
	double seconds, cpu_seconds;
	struct queue_samples queue;
	double latency[LATENCIES]; /* seconds */
};

struct row {
	struct combination combination;
	struct run_result *runs;
	size_t n_runs;
	bool succeeded; /* no run failed */
};

/* The kind of a command, which selects the columns of its rows. */
enum kind { KIND_STREAM = 1, KIND_MESSAGES = 2, KIND_LATENCY = 4, KIND_ALL = 7 };

typedef int run_fn(const struct device *d, const struct options *o, const struct combination *c,
		   struct progress *p, struct run_result *m, struct error *err);

struct command {
	const char *name, *summary;
	enum kind kind;
	unsigned int
		directions; /* flags of enum direction; each direction is measured separately */
	const char *sizes, *depths; /* defaults of options, like the following members */
	uint64_t bytes;
	unsigned int run_ms;
	uint64_t count;
	run_fn *run;
};

run_fn stream_run, verify_run, loop_run, messages_run, latency_run;

struct report {
	const struct command *command;
	const struct device *device; /* if all its members are 0, no device was opened */
	struct row *rows;
	size_t n_rows;
	unsigned int repeat; /* number of allocated elements of row->runs */
	bool interrupted;
};

/* Measures every combination `repeat` times, in rounds: each round measures all combinations once.
 */
int bench_run(const struct options *o, struct report *r, struct error *err);
void bench_free(struct report *r);
