/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The capabilities and resource limits that a gadget file sets for the process of a worker. */
#pragma once

#include <stdint.h>

/*
 * The part of struct worker that launch_prepare copies to struct spawn_settings, and that spawn.c
 * applies. launch_digest computes a digest of the bytes, and so a reload restarts the worker if any
 * member changes. Bytes of padding could differ by chance, so -Wpadded rejects padding: each member
 * must have 64 bits.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
struct process_limits {
	/*
	 * A flag: 1: do not reduce the privileges; 0: set no_new_privs and keep only
	 * `capabilities`. All members have the type that the setters of keys expect.
	 */
	uint64_t keep_all_privileges;
	uint64_t capabilities; /* bit n is the capability with the number n (capabilities(7)) */
	/* Resource limits (setrlimit(2)). 0: the worker has the same limit as ffsctl. */
	uint64_t max_memory_bytes;  /* maximum size of the address space */
	uint64_t max_open_files;    /* maximum number of open files */
	uint64_t max_cpu_seconds;   /* maximum CPU time */
	uint64_t max_tasks_of_user; /* maximum number of processes and threads of the worker's user
				     */
};
#pragma GCC diagnostic pop
