/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process gives up for good, by system-call filters (seccomp(2)), which all that it starts
 * has as well. A filter needs no_new_privs, or CAP_SYS_ADMIN.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

/* What is left open; bits. Without any: no sockets, no writing to files, no programs. */
enum sandbox_open {
	SANDBOX_NETWORK = 1 << 0,
	SANDBOX_FILES = 1 << 1,
	SANDBOX_PROGRAMS =
		1 << 2, /* with it, signals to others may be sent, if they are one's own */
	SANDBOX_ANY = SANDBOX_NETWORK | SANDBOX_FILES | SANDBOX_PROGRAMS,
};

struct sandbox_call {
	int number;
	unsigned int needs; /* enum sandbox_open; 0: always there */
};
/* sandbox.list, those that this architecture has. */
extern const struct sandbox_call sandbox_calls[];
extern const size_t sandbox_n_calls;

struct sandbox {
	struct sock_filter *filter; /* owned */
	size_t n;
};

/*
 * io_uring alone: its requests outlive the process that has made them, and FunctionFS cannot cancel
 * them (f_fs.c has no uring_cmd and its kiocbs are not cancelled at exit).
 */
void sandbox_without_io_uring(struct sandbox *sandbox);
/* All but what is left open. What is refused fails with EPERM, what nobody may know with ENOSYS. */
void sandbox_closed(struct sandbox *sandbox, unsigned int open);
/*
 * These calls and no others, of which there is an array that this sorts, and signals to oneself.
 * Not when sanitized.
 */
void sandbox_only(struct sandbox *sandbox, int *calls, size_t n);
void sandbox_free(struct sandbox *sandbox);

/* Only one system call: may be called in a vfork child. False: errno says why. */
bool sandbox_enter(const struct sandbox *sandbox);
