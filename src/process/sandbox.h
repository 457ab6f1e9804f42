/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes and installs system call filters (seccomp(2)). The kernel applies an installed filter to
 * the process and its children; a process cannot remove it. To install a filter, a process must
 * have set no_new_privs, or must have CAP_SYS_ADMIN.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Permissions of a sandbox, as bits. A process without permissions has only the basic system calls:
 * it cannot use the network, write files or execute programs.
 */
enum sandbox_permission {
	SANDBOX_NETWORK = 1 << 0,
	SANDBOX_FILES = 1 << 1,
	/* execute programs, and send signals to other processes of the same user */
	SANDBOX_PROGRAMS = 1 << 2,
	SANDBOX_ANY = SANDBOX_NETWORK | SANDBOX_FILES | SANDBOX_PROGRAMS,
};

struct sandbox_call {
	int number; /* of the system call */
	unsigned int
		required_permissions; /* bits of enum sandbox_permission; 0: basic system call */
};
/* The system calls of sandbox.list that exist on this architecture. */
extern const struct sandbox_call sandbox_calls[];
extern const size_t sandbox_n_calls;

/* A system call filter, as seccomp(2) installs it. */
struct sandbox {
	struct sock_filter *filter; /* array of instructions */
	size_t n_instructions;
};

/*
 * Makes a filter that refuses only the system calls of io_uring. FunctionFS does not cancel
 * io_uring requests when the process that submitted them ends (f_fs.c has no uring_cmd, and the
 * kernel does not cancel its kiocbs at exit).
 */
void sandbox_refusing_only_io_uring(struct sandbox *sandbox);
/*
 * Makes a filter that allows the system calls of sandbox.list that require no other permissions
 * than `permissions`. Other system calls fail with EPERM, or with ENOSYS if libraries then use an
 * older system call.
 */
void sandbox_from_permissions(struct sandbox *sandbox, unsigned int permissions);
/*
 * Makes a filter that allows only the `n` system calls whose numbers are in `calls`, those that
 * send a signal to the process itself, and ioctl(2) with the requests in `ioctls`. Sorts `calls`.
 * Makes no filter in a build with sanitizers.
 */
void sandbox_from_calls(struct sandbox *sandbox, int *calls, size_t n, const unsigned int *ioctls,
			size_t n_ioctls);
void sandbox_free(struct sandbox *sandbox);

/*
 * Installs the filter for this process. Makes only one system call, so that a vfork child may call
 * this function. Returns false with errno set on failure.
 */
bool sandbox_enter(const struct sandbox *sandbox);
