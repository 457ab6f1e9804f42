/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker for the tests. Its arguments are words, which select actions; it executes them in order.
 * See `words`.
 *
 * It is written in C, because the tests start it a thousand times and a Python program takes ten
 * times as long to start. It is built without sanitizers for the same reason, and because tests
 * limit its memory.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <ffsctl/control.h>

#include "base/util.h"

#include "../errno_name.h"

#define FIRST_FD 3
#define FDS_MAX 34 /* `config`, `control`, and the endpoints */

extern char **environ;

struct message {
	struct ffsctl_msg head;
	unsigned char body[FFSCTL_MSG_MAX_BODY];
};

static char *fd_names[FDS_MAX]; /* names of the descriptors from FIRST_FD on */
static int n_fds, control;

/* Returns the first descriptor whose name ends with `end`. */
static int descriptor(const char *end)
{
	for (int i = 0; i < n_fds; i++)
		if (str_has_suffix(fd_names[i], end))
			return FIRST_FD + i;
	errx(1, "no descriptor is %s", end);
}

static void send_bytes(const void *data, size_t size)
{
	if (send(control, data, size, MSG_NOSIGNAL) < 0)
		err(1, "send");
}

static void send_message(uint16_t type, uint32_t id, const void *body, size_t length)
{
	static struct message m;

	m.head = (struct ffsctl_msg){ FFSCTL_CONTROL_VERSION, type, (uint32_t)length, id };
	if (length)
		memcpy(m.body, body, length);
	send_bytes(&m, sizeof(m.head) + length);
}

/* Receives a message. Returns the length of its body; -1 if ffsctl has closed the socket. */
static ssize_t receive(struct message *m)
{
	ssize_t n = recv(control, m, sizeof(*m), 0);

	if (n < 0)
		err(1, "recv");
	return n < (ssize_t)sizeof(m->head) ? -1 : n - (ssize_t)sizeof(m->head);
}

static _Noreturn void forever(void)
{
	for (;;)
		pause();
}

static void wait_seconds(double seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) < 0)
		if (errno != EINTR)
			err(1, "nanosleep");
}

/* --- reports to ffsctl and tests -----------------------------------------------------------------
 */

static void do_ready(char **args _unused_)
{
	send_message(FFSCTL_MSG_READY, 0, NULL, 0);
}

static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!path || strlen(path) >= sizeof(to.sun_path))
		errx(1, "no NOTIFY_SOCKET");
	strcpy(to.sun_path, path);
	if (fd < 0 || sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "%s", path);
	close(fd);
}

static void do_notify(char **args _unused_)
{
	notify("STATUS=here\nREADY=1\n");
}

static void do_fd(char **args _unused_)
{
	const char *number = getenv("NOTIFY_FD");
	int fd = number ? atoi(number) : -1;

	if (write(fd, "\n", 1) != 1)
		err(1, "NOTIFY_FD");
	close(fd);
}

static _Noreturn void do_beat(char **args)
{
	for (;;) {
		notify("WATCHDOG=1\n");
		wait_seconds(atof(args[0]));
	}
}

static void do_tell(char **args)
{
	FILE *f = fopen(args[0], "we");

	if (!f || fprintf(f, "%d\n", (int)getpid()) < 0 || fclose(f))
		err(1, "%s", args[0]);
}

static void do_switch(char **args)
{
	send_message(FFSCTL_MSG_SWITCH, 0, args[0], strlen(args[0]));
}

static void do_wakeup(char **args _unused_)
{
	send_message(FFSCTL_MSG_WAKEUP, 0, NULL, 0);
}

/* --- processes ----------------------------------------------------------------------------------
 */

static void child(int begun)
{
	if (write(begun, ".", 1) != 1)
		err(1, "pipe");
	close(begun);
}

static void daemon_child(int begun)
{
	setsid();
	if (fork() != 0)
		_exit(0);
	child(begun);
}

static void naked_child(int begun)
{
	setsid();
	if (fork() != 0)
		_exit(0);
	/* The exec closes this end, which shows that the child has started. It inherits the
	   endpoints. */
	fcntl(begun, F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < n_fds; i++)
		fcntl(FIRST_FD + i, F_SETFD, 0);
	execve("/bin/sleep", (char *[]){ "naked", "100000", NULL }, (char *[]){ NULL });
	_exit(1);
}

/* Starts a child, and returns when the child has started its work. */
static pid_t fork_to(void (*begin)(int begun))
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe(ends) < 0 || (pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0) {
		close(ends[0]);
		begin(ends[1]);
		forever();
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) < 0)
		err(1, "pipe");
	close(ends[0]);
	return pid;
}

/* Starts a child of a child, and returns when the process between them has ended. */
static void fork_twice_to(void (*begin)(int begun))
{
	pid_t pid = fork_to(begin);

	if (waitpid(pid, NULL, 0) != pid)
		err(1, "waitpid");
}

static void do_children(char **args _unused_)
{
	fork_to(child);
	fork_to(child);
}

static void do_daemon(char **args _unused_)
{
	fork_twice_to(daemon_child);
}

static void do_naked_daemon(char **args _unused_)
{
	fork_twice_to(naked_child);
}

/* --- what the worker got ------------------------------------------------------------------------
 */

/* Returns the text of a file in /proc. */
static char *text_of(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		err(1, "%s", path);
	close(fd);
	text[n] = '\0';
	return text;
}

static json_t *lines_of(char *text, const char *between)
{
	json_t *found = json_object();
	char *save, *value;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		value = strstr(line, between);
		if (value) {
			*value = '\0';
			json_object_set_new(found, line, json_string(value + strlen(between)));
		}
	}
	return found;
}

static json_t *environment(void)
{
	json_t *found = json_object();

	for (char **e = environ; *e; e++) {
		const char *value = strchr(*e, '=');
		char *name = strndup(*e, (size_t)(value - *e));

		json_object_set_new(found, name, json_string(value + 1));
		free(name);
	}
	return found;
}

/* Returns the target of each descriptor, except of the descriptor that lists them. */
static json_t *descriptors(void)
{
	json_t *found = json_object();
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[4096];

	while (dir && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));

		if (n >= 0 && atoi(entry->d_name) != dirfd(dir))
			json_object_set_new(found, entry->d_name, json_stringn(target, (size_t)n));
	}
	if (dir)
		closedir(dir);
	return found;
}

static json_t *flags(void)
{
	json_t *found = json_object();
	char path[64];

	for (int i = 0; i < n_fds; i++) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", FIRST_FD + i);
		json_object_set_new(found, fd_names[i], json_string(text_of(path)));
	}
	return found;
}

static json_t *limits(void)
{
	static const struct {
		const char *name;
		int resource;
	} all[] = { { "AS", RLIMIT_AS }, { "NOFILE", RLIMIT_NOFILE }, { "CPU", RLIMIT_CPU } };
	json_t *found = json_object();
	struct rlimit l;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		getrlimit(all[i].resource, &l);
		/* RLIM_INFINITY is -1, as in Python */
		json_object_set_new(
			found, all[i].name,
			json_pack("[II]", (json_int_t)l.rlim_cur, (json_int_t)l.rlim_max));
	}
	return found;
}

static json_t *configuration(void)
{
	static char text[1 << 20];
	ssize_t n = pread(descriptor("config"), text, sizeof(text), 0);

	return n < 0 ? NULL : json_loadb(text, (size_t)n, 0, NULL);
}

static void do_dump(char **args)
{
	json_t *all = json_object();
	char directory[4096];

	if (!getcwd(directory, sizeof(directory)))
		err(1, "getcwd");
	json_object_set_new(all, "fds", descriptors()); /* before the worker opens files */
	json_object_set_new(all, "flags", flags());
	json_object_set_new(all, "config", configuration());
	json_object_set_new(all, "environ", environment());
	json_object_set_new(all, "limits", limits());
	json_object_set_new(all, "cwd", json_string(directory));
	json_object_set_new(all, "pid", json_integer(getpid()));
	json_object_set_new(all, "sid", json_integer(getsid(0)));
	json_object_set_new(all, "pgid", json_integer(getpgrp()));
	json_object_set_new(all, "status", lines_of(text_of("/proc/self/status"), ":\t"));
	if (json_dump_file(all, args[0], 0) < 0)
		err(1, "%s", args[0]);
	json_decref(all);
}

/* --- actions in the background ------------------------------------------------------------------
 */

static void in_background(void *(*run)(void *))
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, run, NULL);
	if (errno)
		err(1, "pthread_create");
}

static void *print_for_ever(void *nothing)
{
	static const char line[] = "all work and no play makes jack a dull boy\n";
	char text[100 * (sizeof(line) - 1)];

	for (size_t i = 0; i < sizeof(text); i += sizeof(line) - 1)
		memcpy(text + i, line, sizeof(line) - 1);
	while (write(STDOUT_FILENO, text, sizeof(text)) > 0)
		;
	return nothing;
}

static void do_flood(char **args _unused_)
{
	in_background(print_for_ever);
}

static void *echo_for_ever(void *nothing)
{
	int out = descriptor("-out"), in = descriptor("-in");
	static char data[65536];

	for (;;) {
		ssize_t n = read(out, data, sizeof(data));

		if ((n < 0 || write(in, data, (size_t)n) < 0) && errno != ESHUTDOWN)
			abort();
	}
	return nothing;
}

static void do_echo(char **args _unused_)
{
	in_background(echo_for_ever);
}

/* Halts an endpoint as ffsctl-worker(7) says. */
static void halt(int fd, bool in)
{
	char byte = 0;

	if ((in ? read(fd, &byte, 1) : write(fd, &byte, 1)) >= 0 || errno != EBADMSG)
		err(1, "halt");
}

/* Echoes, but halts the IN endpoint for "halt in", and the OUT endpoint for "halt out". */
static void *echo_and_halt(void *nothing)
{
	int out = descriptor("-out"), in = descriptor("-in");
	static char data[65536];

	for (;;) {
		ssize_t n = read(out, data, sizeof(data));

		if (n == 7 && memcmp(data, "halt in", 7) == 0) {
			halt(in, true);
			continue;
		}
		if (n == 8 && memcmp(data, "halt out", 8) == 0) {
			halt(out, false);
			memcpy(data, "halted", 6);
			n = 6;
		}
		if ((n < 0 || write(in, data, (size_t)n) < 0) && errno != ESHUTDOWN)
			abort();
	}
	return nothing;
}

static void do_halts(char **args _unused_)
{
	in_background(echo_and_halt);
}

/* --- control ------------------------------------------------------------------------------------
 */

static void await_event(uint8_t event)
{
	struct message m;
	ssize_t n;

	do {
		n = receive(&m);
		if (n < 0)
			errx(1, "control is closed");
	} while (m.head.type != FFSCTL_MSG_EVENT || n < 1 || m.body[0] != event);
}

static void do_bound(char **args _unused_)
{
	await_event(FFSCTL_EVENT_BIND);
}

static void do_unbound(char **args _unused_)
{
	await_event(FFSCTL_EVENT_UNBIND);
}

static void do_shut(char **args _unused_)
{
	close(control);
}

static void do_fill(char **args _unused_)
{
	struct message m = { .head = { FFSCTL_CONTROL_VERSION, FFSCTL_MSG_STALL, 1000, 12345 } };

	while (send(control, &m, sizeof(m.head) + 1000, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		;
	if (errno != EAGAIN)
		err(1, "send");
}

static void do_garbage(char **args _unused_)
{
	static const struct ffsctl_msg no_length = { 1, FFSCTL_MSG_DATA, 0xFFFFFFFF, 0 },
				       no_version = { 77, FFSCTL_MSG_STALL, 0, 0 };
	static const size_t sizes[] = { 11, 12, 4000 };
	static unsigned char data[60000];

	send_bytes("x", 1);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (getrandom(data, sizes[i], 0) < 0)
			err(1, "getrandom");
		send_bytes(data, sizes[i]);
	}
	memset(data, 0, sizeof(data));
	send_bytes(data, sizeof(data));
	send_bytes(&no_length, sizeof(no_length));
	send_message(FFSCTL_MSG_SETUP, 1, data, 8);
	send_message(FFSCTL_MSG_STOP, 0, NULL, 0);
	send_message(4711, 4711, "?", 1);
	send_message(FFSCTL_MSG_DATA, 99, "never asked", 11);
	send_bytes(&no_version, sizeof(no_version));
	send_bytes("", 0); /* ffsctl handles it like the end of the connection */
}

static unsigned int known = ~0u; /* bit n: the worker supports bRequest n */

static void do_only(char **args)
{
	char *save;

	known = 0;
	for (char *n = strtok_r(args[0], ",", &save); n; n = strtok_r(NULL, ",", &save))
		known |= 1u << atoi(n);
}

static struct {
	unsigned char data[FFSCTL_MSG_MAX_BODY];
	size_t length;
	bool pending; /* the data of request `id` will arrive */
	uint32_t id;
} kept = { .data = "nothing", .length = 7 };

/*
 * Answers a control request. The values of bRequest: 1 returns the data that 2 has written; 3 has
 * no data; 4 is refused; 5 is never answered; 6 is answered after 600 ms; 7 ends the worker; 8 is
 * answered first with a wrong id, then twice; 9 is answered with more data than requested; 10 is
 * accepted, and the data that 2 has written is sent as the body of a SWITCH; 11 is answered after
 * wValue milliseconds, with its SETUP packet; 12 is answered with the body of the message SETUP.
 */
static void answer(uint32_t id, const unsigned char *setup, size_t length)
{
	static const unsigned char zeros[1000];
	unsigned int request = setup[1];

	if (request > 12 || !(known & 1u << request))
		request = 0;
	switch (request) {
	case 1:
		send_message(FFSCTL_MSG_DATA, id, kept.data, kept.length);
		break;
	case 2:
		kept.pending = true;
		kept.id = id;
		send_message(FFSCTL_MSG_ACCEPT, id, NULL, 0);
		break;
	case 3: /* wValue and wIndex */
		kept.length = 4;
		memcpy(kept.data, setup + 2, 4);
		send_message(FFSCTL_MSG_ACCEPT, id, NULL, 0);
		break;
	case 5:
		break;
	case 6:
		wait_seconds(0.6);
		send_message(FFSCTL_MSG_DATA, id, "late", 4);
		break;
	case 7:
		_exit(1);
	case 8:
		send_message(FFSCTL_MSG_DATA, id + 1, "wrong", 5);
		send_message(FFSCTL_MSG_DATA, id, "right", 5);
		send_message(FFSCTL_MSG_DATA, id, "again", 5);
		break;
	case 9:
		send_message(FFSCTL_MSG_DATA, id, zeros, sizeof(zeros));
		break;
	case 10:
		send_message(FFSCTL_MSG_ACCEPT, id, NULL, 0);
		send_message(FFSCTL_MSG_SWITCH, 0, kept.data, kept.length);
		break;
	case 11:
		wait_seconds((setup[2] | setup[3] << 8) / 1e3);
		if (setup[0] & USB_DIR_IN)
			send_message(FFSCTL_MSG_DATA, id, setup, 8);
		else
			send_message(FFSCTL_MSG_ACCEPT, id, NULL, 0);
		break;
	case 12:
		send_message(FFSCTL_MSG_DATA, id, setup, length);
		break;
	default:
		send_message(FFSCTL_MSG_STALL, id, NULL, 0);
	}
}

static void do_setup(char **args _unused_)
{
	struct message m;
	ssize_t n;

	while ((n = receive(&m)) >= 0 && m.head.type != FFSCTL_MSG_STOP) {
		if (m.head.type == FFSCTL_MSG_SETUP) {
			answer(m.head.id, m.body, (size_t)n);
		} else if (m.head.type == FFSCTL_MSG_DATA && kept.pending && m.head.id == kept.id) {
			kept.length = (size_t)n;
			memcpy(kept.data, m.body, kept.length);
		}
	}
}

static void do_stop(char **args _unused_)
{
	struct message m;

	while (receive(&m) >= 0 && m.head.type != FFSCTL_MSG_STOP)
		;
}

/* --- statistics ---------------------------------------------------------------------------------
 */

static void do_traffic(char **args)
{
	uint64_t each = strtoull(args[0], NULL, 10), moved[2];

	for (int n = 1; n <= atoi(args[1]); n++) {
		moved[0] = each * (uint64_t)n;
		moved[1] = 2 * moved[0];
		send_message(FFSCTL_MSG_TRAFFIC, 0, moved, sizeof(moved));
		wait_seconds(1);
	}
}

static void do_stats(char **args)
{
	static unsigned char body[FFSCTL_MSG_MAX_BODY];
	FILE *f = fopen(args[0], "re");
	char *line = NULL, *digits;
	size_t size = 0;

	if (!f)
		err(1, "%s", args[0]);
	while (getline(&line, &size, f) > 0) {
		long times = strtol(line, &digits, 10);
		size_t n = 0;
		int used;

		while (n < sizeof(body) && sscanf(digits, " %2hhx%n", &body[n], &used) == 1) {
			digits += used;
			n++;
		}
		while (times-- > 0)
			send_message(FFSCTL_MSG_STATS, 0, body, n);
	}
	free(line);
	fclose(f);
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void do_deaf(char **args _unused_)
{
	signal(SIGTERM, SIG_IGN);
}

static void do_take(char **args)
{
	if (!malloc(strtoull(args[0], NULL, 10)))
		errx(1, "%s bytes: %s", args[0], errno_name(errno));
}

static _Noreturn void do_spin(char **args _unused_)
{
	for (;;)
		__asm__ volatile("");
}

static _Noreturn void do_exit(char **args)
{
	_exit(atoi(args[0])); /* exit() is not safe: other threads are in system calls */
}

static void do_raise(char **args)
{
	raise(atoi(args[0]));
}

static _Noreturn void do_wait(char **args _unused_)
{
	forever();
}

static const struct word {
	const char *name;
	int n_args;
	void (*run)(char **args);
} words[] = {
	/* report that the worker is ready: by the control socket, NOTIFY_SOCKET, NOTIFY_FD */
	{ "ready", 0, do_ready },
	{ "notify", 0, do_notify },
	{ "fd", 0, do_fd },
	/* wait until the function is bound, because `up` would fail if the worker ended before;
	   wait until the function is unbound */
	{ "bound", 0, do_bound },
	{ "unbound", 0, do_unbound },
	/* FIFO: write the worker's pid to the FIFO, to report that it has started */
	{ "tell", 1, do_tell },
	/* FILE: write to the file what the worker got from ffsctl, as JSON */
	{ "dump", 1, do_dump },
	/* start two children in the worker's session, which do nothing */
	{ "children", 0, do_children },
	/* start a child in a new session, like a daemon; the same, but also without an
	   environment */
	{ "daemon", 0, do_daemon },
	{ "naked-daemon", 0, do_naked_daemon },
	/* ignore SIGTERM */
	{ "deaf", 0, do_deaf },
	/* N: allocate N bytes of memory and keep them */
	{ "take", 1, do_take },
	/* use the processor for ever; print without end in the background */
	{ "spin", 0, do_spin },
	{ "flood", 0, do_flood },
	/* SECONDS: send WATCHDOG=1 for ever, with this period */
	{ "beat", 1, do_beat },
	/* close the control socket */
	{ "shut", 0, do_shut },
	/* send unexpected messages until the socket is full; send invalid messages */
	{ "fill", 0, do_fill },
	{ "garbage", 0, do_garbage },
	/* send all data of the first OUT endpoint back on the first IN endpoint, in the
	   background */
	{ "echo", 0, do_echo },
	/* the same, but halt an endpoint for "halt in" and "halt out" */
	{ "halts", 0, do_halts },
	/* N,N...: support only these values of bRequest in answer(); answer control requests until
	   STOP */
	{ "only", 1, do_only },
	{ "setup", 0, do_setup },
	/* NAME: request the switch to this gadget */
	{ "switch", 1, do_switch },
	/* request that the host is woken */
	{ "wakeup", 0, do_wakeup },
	/* FIFO: send STATS messages. Each line of the FIFO is a number of messages and the bytes of
	   the body, in hex */
	{ "stats", 1, do_stats },
	/* N SECONDS: report each second that N more bytes were moved on the first endpoint, and 2 N
	   on the second */
	{ "traffic", 2, do_traffic },
	/* STATUS: end with this exit status; SIGNAL: end by this signal */
	{ "exit", 1, do_exit },
	{ "raise", 1, do_raise },
	/* wait for ever; wait for STOP */
	{ "wait", 0, do_wait },
	{ "stop", 0, do_stop },
};

static const struct word *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(words[i].name, name))
			return &words[i];
	errx(1, "what is '%s'?", name);
}

int main(int argc, char **argv)
{
	const char *names = getenv("LISTEN_FDNAMES");
	char *copy = strdup(names ? names : ""), *save;

	for (char *n = strtok_r(copy, ":", &save); n && n_fds < FDS_MAX;
	     n = strtok_r(NULL, ":", &save))
		fd_names[n_fds++] = n;
	control = descriptor("control");
	signal(SIGPIPE, SIG_IGN); /* the process that reads the output may end */
	for (int i = 1; i < argc;) {
		const struct word *word = find(argv[i++]);

		if (argc - i < word->n_args)
			errx(1, "'%s' needs more", word->name);
		word->run(argv + i);
		i += word->n_args;
	}
	_exit(0); /* the threads are inside system calls */
}
