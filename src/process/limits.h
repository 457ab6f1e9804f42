/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource limits of a process (setrlimit(2)). */
#pragma once

#include <stdint.h>

/* 0: the limit of the caller applies. */
struct process_limits {
	uint64_t memory;     /* bytes of address space */
	uint32_t files, cpu; /* open descriptors; seconds of CPU time */
	uint32_t tasks;	     /* processes and threads of the process's user */
};
