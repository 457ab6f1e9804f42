// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control protocol with an attacker: a worker or a dying supervisor to the keeper, the keeper
 * to the supervisor, a command to the supervisor, ffsctl to a plugin. The first byte of an input
 * selects one; see control.h for the rest. In addition to the sanitizers' checks, no file
 * descriptor may be leaked, and answers must follow the protocol.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void found(const char *what)
{
	fprintf(stderr, "fuzz_control: %s\n", what);
	abort();
}

bool script_next(struct script *script, struct script_step *step)
{
	const uint8_t *p = script->at;
	size_t size;

	if (script->left < 5)
		return false;
	size = p[3] | (size_t)p[4] << 8;
	if (size > script->left - 5)
		size = script->left - 5;
	*step = (struct script_step){ p[0], p[1], p[2], p + 5, size };
	script->at += 5 + size;
	script->left -= 5 + size;
	return true;
}

void script_send(int fd, const struct script_step *step, bool raw, const int *fds, size_t n_fds)
{
	if (raw)
		send(fd, step->body, step->size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		control_message_send_fds(fd, step->type, step->id, step->body, step->size, fds,
					 n_fds);
}

ssize_t script_receive(int fd, struct ffsctl_msg *head, uint8_t *body, size_t room)
{
	uint8_t packet[sizeof(*head) + FFSCTL_MSG_MAX_BODY];
	ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);

	if (n <= 0)
		return -EAGAIN;
	memcpy(head, packet, sizeof(*head));
	head->type = le16toh(head->type);
	head->length = le32toh(head->length);
	head->id = le32toh(head->id);
	n -= (ssize_t)sizeof(*head);
	if (n < 0 || (size_t)n > room || head->length != (size_t)n ||
	    le16toh(head->version) != FFSCTL_CONTROL_VERSION)
		found("an invalid message");
	memcpy(body, packet + sizeof(*head), (size_t)n);
	return n;
}

/* Returns the set of open descriptors; an input needs fewer than 64. */
static uint64_t open_descriptors(void)
{
	uint64_t set = 0;

	for (int fd = 0; fd < 64; fd++)
		set |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(struct script * script) = {
		control_fuzz_keeper,
		control_fuzz_supervisor,
		control_fuzz_commands,
		control_fuzz_worker,
	};
	uint64_t before = open_descriptors();
	struct script script;

	if (size == 0)
		return 0;
	script = (struct script){ data + 1, size - 1 };
	parts[data[0] % ARRAY_SIZE(parts)](&script);
	if (open_descriptors() != before)
		found("a descriptor is left open");
	return 0;
}
