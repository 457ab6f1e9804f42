/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of fuzz_control share: an input is a script, one step behind the other, of who
 * does what. Each part takes the sources that it is about into its own, so that nothing is forked,
 * nobody waits, and what the machine would do is done by doubles.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/message.h"

struct script {
	const uint8_t *at;
	size_t left;
};

/* 5 bytes: op, type, id, size (little-endian); then the body, or what there is of it. */
struct step_of {
	uint8_t op, type, id;
	const uint8_t *body;
	size_t size;
};

/* False: that was all. */
bool script_next(struct script *script, struct step_of *step);

/* As a message with those head and body, or (raw) the body as it is: what does not fit is lost. */
void script_send(int fd, const struct step_of *step, bool raw, const int *fds, size_t n_fds);

/* What the other side was told must be a whole message; its body's size. -EAGAIN: nothing. */
ssize_t script_hear(int fd, struct ffsctl_msg *head, uint8_t *body, size_t room);

/* Ends the program: what has been found. */
_Noreturn void found(const char *what);

/* The parts. */
void control_fuzz_keeper(struct script *script);
void control_fuzz_supervisor(struct script *script);
void control_fuzz_commands(struct script *script);
void control_fuzz_worker(struct script *script);
