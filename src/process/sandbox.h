/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System call filters (seccomp(2)). A process cannot remove a filter, and its children inherit it.
 * A process needs no_new_privs or CAP_SYS_ADMIN to enter a filter.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Permissions of a sandbox beyond the basic system calls, as bits. With 0 a process can neither use
 * the network, nor write files, nor execute programs.
 */
enum sandbox_permission {
	SANDBOX_NETWORK = 1 << 0,
	SANDBOX_FILES = 1 << 1,
	SANDBOX_PROGRAMS = 1 << 2, /* also allows signals to other processes of the same user */
	SANDBOX_ANY = SANDBOX_NETWORK | SANDBOX_FILES | SANDBOX_PROGRAMS,
};

struct sandbox_call {
	int number;
	unsigned int needs; /* enum sandbox_permission; 0: always allowed */
};
/* The calls of sandbox.list that this architecture has. */
extern const struct sandbox_call sandbox_calls[];
extern const size_t sandbox_n_calls;

struct sandbox {
	struct sock_filter *filter; /* owned */
	size_t n_instructions;
};

/*
 * Makes a filter that refuses only io_uring. FunctionFS cannot cancel io_uring requests when the
 * process that submitted them ends (f_fs.c has no uring_cmd; its kiocbs are not cancelled at exit).
 */
void sandbox_without_io_uring(struct sandbox *sandbox);
/*
 * Makes a filter that allows the calls of sandbox.list for which `permissions` is sufficient. Other
 * calls fail with EPERM, or with ENOSYS if libraries have a fallback.
 */
void sandbox_from_list(struct sandbox *sandbox, unsigned int permissions);
/*
 * Makes a filter that allows only calls[0..n) and signals to the process itself. Sorts `calls`. A
 * build with sanitizers gets no filter.
 */
void sandbox_from_calls(struct sandbox *sandbox, int *calls, size_t n);
void sandbox_free(struct sandbox *sandbox);

/*
 * Enters the filter by one system call, so that a vfork child may call it. Returns false with errno
 * set on failure.
 */
bool sandbox_enter(const struct sandbox *sandbox);
