/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process may use at most (setrlimit(2)). */
#pragma once

#include <stdint.h>

/* 0: no other limit than the caller's own. */
struct process_limits {
	uint64_t memory;     /* bytes of address space */
	uint32_t files, cpu; /* open descriptors; seconds of processor time */
	uint32_t tasks;	     /* processes and threads of the process's user */
};
