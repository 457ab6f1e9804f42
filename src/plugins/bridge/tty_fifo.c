/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The peer is a tty or a pair of FIFOs. */
#include "bridge.h"

/* For struct termios2, which allows any baud rate. termios.h cannot be included at the same
   time. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAUD 115200

/* PowerPC and some other architectures have no termios2: their struct termios allows any rate. */
#ifndef TCGETS2
#define termios2 termios
#define TCGETS2 TCGETS
#define TCSETS2 TCSETS
#endif

static const char *open_advice(int error)
{
	switch (-error) {
	case EACCES:
		return "; the worker's user (worker.user, worker.groups) must be able to read "
		       "and write it";
	case ENOTTY:
		return "; it is not a tty";
	}
	return "";
}

/* --- a tty --- */

/* Sets raw mode: 8 data bits, no parity, modem lines are ignored. Sets the options `baud` and
   `flow`. Returns 0 or a negative errno. */
static int set_raw_mode(struct bridge *b, int fd)
{
	int64_t baud = b->host->call->option_int(b->host, "baud");
	const char *flow = b->host->call->option_string(b->host, "flow");
	struct termios2 t;

	if (ioctl(fd, TCGETS2, &t) < 0)
		return -errno;
	t.c_iflag = 0;
	t.c_oflag = 0;
	t.c_lflag = 0;
	t.c_cflag = CS8 | CREAD | CLOCAL | BOTHER;
	t.c_ospeed = t.c_ispeed = baud ? (speed_t)baud : BAUD;
	if (flow && strcmp(flow, "hardware") == 0)
		t.c_cflag |= CRTSCTS;
	if (flow && strcmp(flow, "software") == 0)
		t.c_iflag |= IXON | IXOFF;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	return ioctl(fd, TCSETS2, &t) < 0 ? -errno : 0;
}

static const char *tty_path(const struct bridge *b)
{
	return b->host->call->option_string(b->host, "tty");
}

static void tty_open(struct bridge *b)
{
	int fd = open(tty_path(b), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	int r = fd < 0 ? -errno : set_raw_mode(b, fd), second = -1;

	if (r == 0) {
		second = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		r = second < 0 ? -errno : 0;
	}
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		bridge_open_failed(b, r, "cannot open %s: %s%s", tty_path(b), strerror(-r),
				   open_advice(r));
		return;
	}
	bridge_add_peer(b, fd, second);
	bridge_note_peer_opened(b, tty_path(b));
}

static int check_absolute_path(struct bridge *b, const char *option)
{
	const char *path = b->host->call->option_string(b->host, option);

	if (!path || *path == '/')
		return 0;
	return bridge_fail_start(b, "option '%s' is '%s'; it must be an absolute path", option,
				 path);
}

static int tty_check_options(struct bridge *b)
{
	return check_absolute_path(b, "tty");
}

const struct peer_type peer_type_tty = {
	.option_names = { "tty" },
	.check_options_and_prepare = tty_check_options,
	.open = tty_open,
};

/* --- FIFOs --- */

static int fifo_check_options(struct bridge *b)
{
	bool in = b->host->call->option_string(b->host, "fifo_in");
	bool out = b->host->call->option_string(b->host, "fifo_out");
	int r = check_absolute_path(b, "fifo_in");

	if (r == 0)
		r = check_absolute_path(b, "fifo_out");
	if (r == 0 && in && !b->has_in_endpoint)
		return bridge_fail_start(b, "option 'fifo_in': the function has no IN endpoint");
	if (r == 0 && out && !b->has_out_endpoint)
		return bridge_fail_start(b, "option 'fifo_out': the function has no OUT endpoint");
	return r;
}

/* Opens the FIFO, for reading and writing. Therefore read() returns no end of file while no
   other program has the FIFO open. Stores the file descriptor in *out; -1 if `path` is NULL. */
static int open_fifo_path(struct bridge *b, const char *path, int *out)
{
	struct stat st;
	int fd, r = 0;

	*out = -1;
	if (!path)
		return 0;
	fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		bridge_open_failed(b, r, "cannot open %s: %s%s", path, strerror(-r),
				   open_advice(r));
	} else if (!S_ISFIFO(st.st_mode)) {
		r = -EINVAL;
		bridge_open_failed(b, r, "cannot open %s: not a FIFO; use mkfifo(1)", path);
	} else {
		*out = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

static void fifo_open(struct bridge *b)
{
	const char *in = b->host->call->option_string(b->host, "fifo_in");
	const char *out = b->host->call->option_string(b->host, "fifo_out");
	int read_fd, write_fd;

	if (open_fifo_path(b, in, &read_fd) < 0)
		return;
	if (open_fifo_path(b, out, &write_fd) < 0) {
		if (read_fd >= 0)
			close(read_fd);
		return;
	}
	bridge_add_peer(b, read_fd, write_fd);
	bridge_note_peer_opened(b, in ? in : out);
}

const struct peer_type peer_type_fifo = {
	.option_names = { "fifo_in", "fifo_out" },
	.check_options_and_prepare = fifo_check_options,
	.open = fifo_open,
};
