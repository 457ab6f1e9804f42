/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource limits of a process (setrlimit(2)). */
#pragma once

#include <stdint.h>

/*
 * The limits of a worker. 0: the worker has the same limit as ffsctl. All members are uint64_t, so
 * that the struct has no padding: launch_digest computes a digest of its bytes, and so a reload
 * notices a change of each member.
 */
struct process_limits {
	uint64_t memory; /* maximum size of the address space, in bytes */
	uint64_t files;	 /* maximum number of open files */
	uint64_t cpu;	 /* maximum CPU time, in seconds */
	uint64_t tasks;	 /* maximum number of processes and threads of the worker's user */
};
