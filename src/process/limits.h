/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource limits of a process (setrlimit(2)). */
#pragma once

#include <stdint.h>

/*
 * 0: the limit of the caller applies. All members are uint64_t, so that there is no padding:
 * launch_digest reads the struct as bytes, and a reload notices a change of any member.
 */
struct process_limits {
	uint64_t memory; /* bytes of address space */
	uint64_t files;	 /* open descriptors */
	uint64_t cpu;	 /* seconds of CPU time */
	uint64_t tasks;	 /* processes and threads of the process's user */
};
