/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/journal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_STDOUT "/run/systemd/journal/stdout"
#define IDENTIFIER "ffsctl"

bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* Adds a field to the message `out`. The protocol of the journal requires the length before a value
   of several lines. */
static void add_journal_field(FILE *out, const char *name, const char *value)
{
	uint64_t length = htole64(strlen(value));

	if (!strchr(value, '\n')) {
		fprintf(out, "%s=%s\n", name, value);
		return;
	}
	fprintf(out, "%s\n", name);
	fwrite(&length, sizeof(length), 1, out);
	fprintf(out, "%s\n", value);
}

static int connect_to_journal(int type, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}

int journal_send(const struct journal_entry *entry)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = connect_to_journal(SOCK_DGRAM, JOURNAL_SOCKET);
	char priority[2] = { (char)('0' + entry->priority), '\0' };
	size_t size = 0;
	FILE *out = fd < 0 ? NULL : open_memstream(&text, &size);

	if (!out)
		return fd < 0 ? fd : -errno;
	add_journal_field(out, "MESSAGE", entry->message);
	add_journal_field(out, "PRIORITY", priority);
	add_journal_field(out, "SYSLOG_IDENTIFIER", IDENTIFIER);
	if (entry->gadget)
		add_journal_field(out, "FFSCTL_GADGET", entry->gadget);
	if (entry->gadget_function)
		add_journal_field(out, "FFSCTL_FUNCTION", entry->gadget_function);
	if (fclose(out) != 0)
		return -ENOMEM;
	return send(fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int journal_open_stream(const char *identifier, int priority)
{
	/* SOCK_NONBLOCK: connect(2) must not wait for a journal that does not answer. */
	_cleanup_close_ int fd = connect_to_journal(SOCK_STREAM | SOCK_NONBLOCK, JOURNAL_STDOUT);
	/*
	 * The header of the stream: identifier, systemd unit (empty), priority, and four flags. The
	 * flags are 0: the lines have no prefix for the priority, and the journal does not forward
	 * them to other logs.
	 */
	_cleanup_free_ char *head = strf("%s\n\n%d\n0\n0\n0\n0\n", identifier, priority);
	int r = fd < 0 ? fd : fd_write_all(fd, head, strlen(head));

	/* Clears O_NONBLOCK, because the program that gets this file descriptor as its output does
	   not expect it. */
	if (r == 0 && fcntl(fd, F_SETFL, 0) < 0)
		r = -errno;
	return r < 0 ? r : steal_fd(&fd);
}
