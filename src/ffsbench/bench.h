/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command of ffsbench measures each combination of direction, size and depth in separate runs.
 * For each combination the report has one row: the results of all runs of the combination.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ffsbench/args.h"
#include "ffsbench/buffers.h"
#include "ffsbench/device.h"
#include "ffsbench/progress.h"
#include "ffsbench/stats.h"

#define MAX_DEPTH 256
#define MAX_TRANSFER (64u << 20)

/* Exit status after ffsbench or the device has received wrong data. */
#define EXIT_WRONG_DATA 1

/* The options of the command line, or their defaults. */
struct options {
	struct device_filter device_filter;
	struct value_list sizes;  /* lengths of transfers or messages in bytes */
	struct value_list depths; /* numbers of transfers in flight */
	uint64_t max_run_bytes;	  /* bytes to move in a run; 0: only max_run_ms limits the run */
	unsigned int max_run_ms;  /* longest time of a run; 0: no limit */
	unsigned int n_rounds;	  /* number of runs of each combination */
	enum memory_choice memory_choice;
	unsigned int usbtest_pattern; /* number of a pattern of the host's driver usbtest */
	unsigned int timeout_ms;      /* a run fails if no data moves for this time */
	/* The lengths of --lengths; if there are none, `sizes` is used. */
	struct message_lengths message_lengths;
	uint64_t n_messages;
	uint64_t random_seed;		/* seed of random lengths of messages */
	unsigned int max_transfer_size; /* length in bytes of the longest transfer */
	/* After a stall, ffsbench clears the halt of the endpoints and continues. */
	bool recover_from_stall;
	bool json, csv, quiet;
	bool prints_version;
	const char *chart_path; /* file for the chart; NULL: no chart */
};

enum direction { DIRECTION_IN = 1, DIRECTION_OUT = 2, DIRECTION_BOTH = 4 };

/* What one run measures. */
struct run_parameters {
	enum direction direction;
	uint64_t size;	    /* length of a transfer or message in bytes */
	unsigned int depth; /* number of transfers in flight, in each direction */
};

/* Indices of run_result.latency_seconds. */
enum {
	LATENCY_MIN,
	LATENCY_MEDIAN,
	LATENCY_P90,
	LATENCY_P99,
	LATENCY_P999,
	LATENCY_MAX,
	LATENCIES
};

/* The results of one run. The run may have failed, or may have been interrupted. */
struct run_result {
	/* run_parameters.size; for IN transfers rounded up to whole packets. */
	uint64_t size_rounded_to_packets;
	bool zero_copy;
	char *memory_warning; /* warning about the kind of memory of the buffers; NULL: none */
	uint64_t transfers, messages, bytes; /* how many were moved */
	uint64_t short_transfers; /* number of transfers that ended with a short packet */
	/* Number of stalls that ffsbench has cleared to continue. */
	unsigned int n_recovered_stalls;
	double seconds, cpu_seconds;
	struct queue_samples host_queue;
	double latency_seconds[LATENCIES];
};

/* A row of the report. */
struct result_row {
	struct run_parameters run_parameters;
	struct run_result *runs;
	size_t n_runs; /* number of runs that have results */
	bool all_runs_succeeded;
};

/* The kind of a command. The kind decides which values the rows of the report have. */
enum command_kind { KIND_STREAM = 1, KIND_MESSAGES = 2, KIND_LATENCY = 4, KIND_ALL = 7 };

/* Does one run of a command and stores its results in *m. */
typedef int run_fn(const struct device *d, const struct options *o, const struct run_parameters *c,
		   struct progress_bar *p, struct run_result *m, struct error *err);

struct command {
	const char *name, *summary;
	enum command_kind kind;
	/* Flags of enum direction; each of these directions is measured separately. */
	unsigned int directions;
	/* Defaults of options: */
	const char *default_sizes, *default_depths;
	uint64_t default_max_run_bytes;
	unsigned int default_max_run_ms;
	uint64_t default_n_messages;
	run_fn *run; /* NULL: the command `selftest`, which has no such runs */
};

/* run_stream_command() is for the commands source and sink, the others for the commands of their
   names. */
run_fn run_stream_command, run_verify_command, run_loop_command, run_messages_command,
	run_latency_command;

struct report {
	const struct command *command;
	const struct device *device; /* all members are 0 if no device was opened */
	struct result_row *rows;
	size_t n_rows;
	unsigned int n_allocated_runs_per_row; /* number of elements of each result_row.runs */
	bool interrupted;
};

/* Measures all combinations once in each of o->n_rounds rounds, and stores the results in the
   report. */
int bench_run_all(const struct options *o, struct report *r, struct error *err);
void report_free(struct report *r);
