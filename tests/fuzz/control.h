/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the parts of fuzz_control. An input is a script: a sequence of steps. Each part
 * includes the sources under test and replaces their system calls by fakes, so that nothing is
 * forked and nothing waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/control_message.h"

struct script {
	const uint8_t *at;
	size_t left;
};

/* A step: 5 bytes op, type, id, size (little-endian), then the body, which may be shorter. */
struct script_step {
	uint8_t op, type, id;
	const uint8_t *body;
	size_t size;
};

/* Returns the next step; false at the end. */
bool script_next(struct script *script, struct script_step *step);

/* Sends a message with the step's head and body, or (raw) only the body. Lost if the socket is
 * full. */
void script_send(int fd, const struct script_step *step, bool raw, const int *fds, size_t n_fds);

/* Receives a message, which must be complete; returns the size of its body. -EAGAIN: there is
   none. */
ssize_t script_receive(int fd, struct ffsctl_msg *head, uint8_t *body, size_t room);

/* Reports a failure and aborts. */
_Noreturn void found(const char *what);

/* The parts. */
void control_fuzz_keeper(struct script *script);
void control_fuzz_supervisor(struct script *script);
void control_fuzz_commands(struct script *script);
void control_fuzz_worker(struct script *script);
