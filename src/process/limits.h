/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource limits of a process (setrlimit(2)). */
#pragma once

#include <stdint.h>

/*
 * A limit of 0 means that the limit of the caller applies. All members are uint64_t, so that the
 * struct has no padding: launch_digest reads it as bytes, and so a reload notices a change of any
 * member.
 */
struct process_limits {
	uint64_t memory; /* bytes of address space */
	uint64_t files;	 /* open descriptors */
	uint64_t cpu;	 /* seconds of CPU time */
	uint64_t tasks;	 /* processes and threads of the process's user */
};
