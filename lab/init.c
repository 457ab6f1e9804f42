// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Process 1 of the lab: sets up the machine (overlay root, file systems, modules, loopback
 * network), runs one command with separate stdin, stdout and stderr, and powers off.
 *
 * It communicates with lab/run over four consoles: tty0 carries stdin and stdout, tty1 stderr, tty2
 * the kernel log, tty3 the control channel of both directions:
 *
 *   lab to lab/run, lines: R            ready, send the job
 *                          O            stdin's console is open, send stdin (data written to a
 *                                       console before that makes no interrupt and is lost)
 *                          A COUNT      bytes of stdin read so far
 *                          B COUNT      bytes of the control channel read so far
 *                          S text       a line of an answer to q
 *                          L text       a fault of the kernel: fails the run
 *                          E text       the lab itself failed, no command was run
 *                          X status taint out err   the command's wait status, the kernel's taint
 *                                       mask, bytes of stdout and of stderr
 *   lab/run to lab:        LENGTH\n, then LENGTH bytes of records (see parse_job), then lines:
 *                          e COUNT      stdin ended after COUNT bytes
 *                          c 1 | c 2    the reader of stdout | stderr has closed it
 *                          s N          send signal N to the command
 *                          w ROWS COLS  the size of the caller's terminal
 *                          q            report with S lines what every process is doing
 *
 * A and B are credit: lab/run never has more bytes in flight than a terminal's buffer can hold.
 * UML's console driver stops for ever if it is throttled (it disables its interrupt and does not
 * enable it again).
 *
 * If the caller has no terminal the command gets pipes instead of the consoles, so that isatty() is
 * right and a closed stdin is an end of file, not a hangup.
 *
 * In QEMU (lab/lib/qemu.py) it is started from an initramfs with a list of modules, and the
 * machine's files are mounted over 9p. The consoles are ports of virtio-serial, the kernel log is
 * the serial line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds after SIGKILL until remaining processes are reported. */
#define KILL_GRACE_MS 5000

#define MACHINE_ID "0123456789abcdef0123456789abcdef\n"

/* Milliseconds until QEMU's ports must appear. */
#define PORT_WAIT_MS 5000

/* From linux/module.h, since Linux 5.17. */
#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

/* From linux/panic.h: bad page, oops or BUG, WARN, soft lockup. */
#define BAD_TAINT (1 << 5 | 1 << 7 | 1 << 9 | 1 << 14)

struct job {
	char *cwd;
	char **argv, **env;
	size_t argc, envc;
	char **modules; /* "PATH PARAMETERS" */
	size_t modulec;
	char *module_dir;     /* becomes /lib/modules/VERSION */
	char *out_host, *out; /* LAB_OUT, its paths outside and in the lab */
	char **from, **to;    /* --bind */
	size_t fromc, toc;
	mode_t umask;
	bool tty, kmemleak;
};

/* One direction of one stream: bytes read from `from` and not yet written to `to`. */
struct stream {
	int from, to;
	bool eof;
	size_t len, off;
	uint64_t count; /* written so far */
	char buf[16384];
};

static struct stream in_stream = { .from = -1, .to = -1 };
static struct stream out_stream = { .from = -1, .to = -1 };
static struct stream err_stream = { .from = -1, .to = -1 };
static int control = -1;

struct machine {
	const char *stdio, *err, *control, *terminal;
	const char *files,
		*files_options; /* type and options of the file system with the machine's files */
};

static const struct machine uml = { "/dev/tty0", "/dev/tty1", "/dev/tty3",
				    "/dev/tty0", "hostfs",    NULL };
static const struct machine qemu = { "/dev/vport0p1",
				     "/dev/vport0p2",
				     "/dev/vport0p3",
				     "/dev/hvc0",
				     "9p",
				     "trans=virtio,version=9p2000.L,msize=262144" };
static const struct machine *machine = &uml;

static void write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n > 0) {
			text += n;
			len -= n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { fd, POLLOUT, 0 };

			poll(&p, 1, -1);
		} else {
			return;
		}
	}
}

static void say(char tag, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	line[0] = tag;
	line[1] = ' ';
	va_start(ap, fmt);
	n = vsnprintf(line + 2, sizeof(line) - 3, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 4)
		n = sizeof(line) - 4;
	for (int i = 2; i < n + 2; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[n + 2] = '\n';
	/* Before the control channel is open, messages go to the kernel log by /dev/console. */
	write_all(control < 0 ? 2 : control, line, n + 3);
}

__attribute__((noreturn)) static void power_off(void)
{
	if (control >= 0)
		tcdrain(control);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

__attribute__((noreturn)) static void fail(const char *what)
{
	say('E', "%s: %s", what, strerror(errno));
	power_off();
}

static void must_mount(const char *source, const char *target, const char *type,
		       unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data) < 0)
		fail(target);
}

/*
 * Makes an overlay with the machine's files as the lower layer, below those of the directory
 * LAB_FIRST of the kernel's arguments, if there is one. It is made in /proc, which always exists
 * and is not used yet.
 */
static void make_root(void)
{
	const char *first = getenv("LAB_FIRST");
	char options[128];

	must_mount("tmpfs", "/proc", "tmpfs", 0, "size=100%,mode=0755");
	if (mkdir("/proc/upper", 0755) < 0 || mkdir("/proc/work", 0755) < 0 ||
	    mkdir("/proc/root", 0755) < 0)
		fail("/proc");
	if (first) {
		if (mkdir("/proc/first", 0755) < 0)
			fail("/proc");
		must_mount("first", "/proc/first", machine->files, MS_RDONLY, first);
	}
	snprintf(options, sizeof(options), "lowerdir=%s/,upperdir=/proc/upper,workdir=/proc/work",
		 first ? "/proc/first:" : "");
	must_mount("overlay", "/proc/root", "overlay", 0, options);
	if (chdir("/proc/root") < 0)
		fail("chdir");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		fail("pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		fail("umount of the old root");
	if (chdir("/") < 0)
		fail("chdir");
}

static void insert(const char *file, const char *params)
{
	const char *end = strrchr(file, '.');
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, params,
			      end && strcmp(end, ".xz") == 0 ? MODULE_INIT_COMPRESSED_FILE : 0) < 0)
		fail(file);
	close(fd);
}

/* Switches from the initramfs, if there is one, to the machine's files, with the modules in it. */
static void enter_root(void)
{
	FILE *f = fopen("/modules", "re");
	char path[256];

	if (!f)
		return;
	machine = &qemu;
	while (fgets(path, sizeof(path), f)) {
		path[strcspn(path, "\n")] = 0;
		insert(path, "");
	}
	fclose(f);
	mkdir("/root", 0755);
	snprintf(path, sizeof(path), "%s,cache=loose", machine->files_options);
	must_mount("root", "/root", machine->files, MS_RDONLY, path);
	if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		fail("/root");
}

static void make_system(void)
{
	static const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	must_mount("proc", "/proc", "proc", safe, NULL);
	must_mount("sysfs", "/sys", "sysfs", safe, NULL);
	must_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	mkdir("/dev/pts", 0755);
	must_mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "mode=0620,ptmxmode=0666,gid=5");
	mkdir("/dev/shm", 01777);
	must_mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	mkdir("/run", 0755);
	must_mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	mkdir("/run/lock", 01777);
	must_mount("cgroup2", "/sys/fs/cgroup", "cgroup2", safe, NULL);
	must_mount("configfs", "/sys/kernel/config", "configfs", safe, NULL);
	must_mount("debugfs", "/sys/kernel/debug", "debugfs", safe, NULL);
}

/*
 * Gives the machine an id of its own, from which gadget files make serial numbers and addresses.
 * The host's id is not used: it may have none, and results should not depend on the host.
 */
static void make_machine_id(void)
{
	int fd = open("/etc/machine-id", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444);

	if (fd < 0)
		fail("/etc/machine-id");
	write_all(fd, MACHINE_ID, strlen(MACHINE_ID));
	close(fd);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		say('E', "%s: %s", path, strerror(errno));
	close(fd);
}

static int open_console(const char *path, int flags, bool raw)
{
	struct termios t;
	int fd = open(path, flags | O_NOCTTY | O_CLOEXEC);

	/* A port of virtio-serial appears some time after the start */
	for (int i = 0; fd < 0 && errno == ENOENT && i < PORT_WAIT_MS; i++) {
		poll(NULL, 0, 1);
		fd = open(path, flags | O_NOCTTY | O_CLOEXEC);
	}
	if (fd < 0)
		fail(path);
	if (raw && isatty(fd)) {
		if (tcgetattr(fd, &t) < 0)
			fail(path);
		cfmakeraw(&t);
		if (tcsetattr(fd, TCSANOW, &t) < 0)
			fail(path);
	}
	return fd;
}

/* Bytes read from the control channel so far. */
static uint64_t control_taken;

static void read_job(char *buf, size_t len)
{
	for (size_t n = 0; n < len;) {
		ssize_t r = read(control, buf + n, len - n);

		if (r <= 0)
			fail("control channel");
		n += r;
		control_taken += r;
		say('B', "%llu", (unsigned long long)control_taken);
	}
}

static void push(char ***list, size_t *count, char *item)
{
	char **grown = realloc(*list, (*count + 2) * sizeof(char *));

	if (!grown)
		fail("job");
	grown[(*count)++] = item;
	grown[*count] = NULL;
	*list = grown;
}

/* Parses the job: records of a letter and a text, each ended by a NUL. */
static void parse_job(struct job *job)
{
	size_t len = 0;
	char *buf, c;

	for (;;) {
		read_job(&c, 1);
		if (c == '\n')
			break;
		len = len * 10 + (size_t)(c - '0');
	}
	buf = malloc(len);
	if (!buf)
		fail("job");
	read_job(buf, len);
	for (char *p = buf; p < buf + len; p += strlen(p) + 1) {
		switch (*p) {
		case 'A':
			push(&job->argv, &job->argc, p + 1);
			break;
		case 'E':
			push(&job->env, &job->envc, p + 1);
			break;
		case 'D':
			job->cwd = p + 1;
			break;
		case 'I':
			push(&job->modules, &job->modulec, p + 1);
			break;
		case 'm':
			job->module_dir = p + 1;
			break;
		case 'o':
			job->out_host = p + 1;
			break;
		case 'O':
			job->out = p + 1;
			break;
		case 'b':
			push(&job->from, &job->fromc, p + 1);
			break;
		case 'B':
			push(&job->to, &job->toc, p + 1);
			break;
		case 'U':
			job->umask = strtoul(p + 1, NULL, 8);
			break;
		case 'S': /* "PATH VALUE": a file of /proc or /sys */
		{
			char *value = strchr(p + 1, ' ');

			*value++ = 0;
			write_file(p + 1, value);
			p = value;
			break;
		}
		case 'K':
			job->kmemleak = true;
			break;
		case 'T':
			job->tty = true;
			break;
		default:
			errno = EINVAL;
			fail("job");
		}
	}
}

static void load_modules(const struct job *job)
{
	struct utsname u;
	char path[128];

	uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s", u.release);
	mkdir("/lib/modules", 0755);
	if (job->module_dir && symlink(job->module_dir, path) < 0) {
		/* The machine has modules of the same kernel */
		if (errno != EEXIST)
			fail(path);
		must_mount(job->module_dir, path, NULL, MS_BIND, NULL);
	}
	for (size_t i = 0; i < job->modulec; i++) {
		char *file = job->modules[i], *params = strchr(file, ' ');

		*params++ = 0;
		insert(file, params);
	}
}

/*
 * With 32 bits, User-Mode Linux programs its timer for at once if the next event is 2^32 ns away or
 * more (arch/um/kernel/time.c, itimer_next_event()), so that it never sleeps. A timer makes an
 * earlier event. Its signal is ignored, as all signals of process 1 without a handler.
 */
static void limit_sleep_of_kernel(void)
{
	const struct itimerspec often = { { .tv_sec = 4 }, { .tv_sec = 4 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
	    timer_settime(timer, 0, &often, NULL) < 0)
		fail("timer");
}

/* Makes a directory and its parents; ignores errors, which mount() will report. */
static void make_path(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		mkdir(path, 0755);
		*p = '/';
	}
	mkdir(path, 0755);
}

static void raise_loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		fail("lo");
	close(fd);
}

static void set_window(const char *text)
{
	unsigned int rows, cols;
	int fd;

	if (sscanf(text, "%u %u", &rows, &cols) != 2)
		return;
	fd = open(machine->terminal, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	struct winsize ws = { .ws_row = rows, .ws_col = cols };
	ioctl(fd, TIOCSWINSZ, &ws);
	close(fd);
}

/* Runs the command in the child; prints errors on the command's stderr. */
__attribute__((noreturn)) static void run_command(const struct job *job, const int fds[3])
{
	struct rlimit files = { 1024, 524288 };
	sigset_t none;

	setsid();
	if (job->tty) {
		int fd = open(machine->terminal, O_RDWR);

		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
			_exit(126);
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		if (fd > 2)
			close(fd);
	} else {
		for (int i = 0; i < 3; i++)
			dup2(fds[i], i);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setrlimit(RLIMIT_NOFILE, &files);
	umask(job->umask);
	if (chdir(job->cwd) < 0) {
		dprintf(2, "lab/run: %s: %s\n", job->cwd, strerror(errno));
		_exit(126);
	}
	environ = job->env;
	execvp(job->argv[0], job->argv);
	dprintf(2, "lab/run: %s: %s\n", job->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static pid_t spawn(const struct job *job)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	pid_t pid;

	if (!job->tty &&
	    (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		run_command(job, (const int[]){ in[0], out[1], err[1] });
	if (job->tty) {
		in_stream.eof = out_stream.eof = err_stream.eof = true;
		return pid;
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	/* Only these ends: the other end of a pipe is another open file. */
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	/* A port can be opened only once */
	in_stream.from = open_console(machine->stdio, O_RDWR | O_NONBLOCK, true);
	in_stream.to = in[1];
	out_stream.from = out[0];
	out_stream.to = fcntl(in_stream.from, F_DUPFD_CLOEXEC, 0);
	err_stream.from = err[0];
	err_stream.to = open_console(machine->err, O_WRONLY | O_NONBLOCK, true);
	return pid;
}

static void close_from(struct stream *s)
{
	if (s->from >= 0)
		close(s->from);
	s->from = -1;
	s->eof = true;
}

/* Ends stdin: data that was read is still written, then the command gets the end of file. */
static void end_stdin(void)
{
	close_from(&in_stream);
	if (in_stream.len == in_stream.off && in_stream.to >= 0) {
		close(in_stream.to);
		in_stream.to = -1;
	}
}

static void pump_in(uint64_t *taken, uint64_t end)
{
	struct stream *s = &in_stream;

	if (s->len == s->off && !s->eof) {
		ssize_t n = read(s->from, s->buf, sizeof(s->buf));

		s->off = s->len = 0;
		if (n > 0) {
			s->len = n;
			*taken += n;
			say('A', "%llu", (unsigned long long)*taken);
		}
	}
	if (s->len > s->off && s->to >= 0) {
		ssize_t n = write(s->to, s->buf + s->off, s->len - s->off);

		if (n > 0) {
			s->off += n;
		} else if (n < 0 && errno == EPIPE) {
			/* The command closed its stdin: drop the rest. */
			close(s->to);
			s->to = -1;
			s->off = s->len;
		}
	}
	if (s->to < 0)
		s->off = s->len;
	if (*taken == end)
		end_stdin();
}

static void pump_out(struct stream *s)
{
	if (s->len == s->off && !s->eof) {
		ssize_t n = read(s->from, s->buf, sizeof(s->buf));

		s->off = s->len = 0;
		if (n > 0)
			s->len = n;
		else if (n == 0 || errno != EAGAIN)
			close_from(s);
	}
	if (s->len > s->off) {
		ssize_t n = write(s->to, s->buf + s->off, s->len - s->off);

		if (n > 0) {
			s->off += n;
			s->count += n;
		}
	}
}

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

/*
 * Reports every process but this one and kernel threads, with its kernel stack if available (only
 * with frame pointers). Returns true if one is in state D.
 */
static bool show_processes(char tag, const char *words)
{
	char path[64], text[4096];
	bool blocked = false;

	for (int pid = 2; pid < 32768; pid++) {
		char *comm, *state;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		if (!read_text(path, text, sizeof(text)))
			continue;
		/* "pid (comm) state ppid ..."; kernel threads are 2 and its children */
		comm = strchr(text, '(');
		state = strrchr(text, ')');
		if (pid == 2 || !comm || !state || strtol(state + 3, NULL, 10) == 2)
			continue;
		state[1] = 0;
		say(tag, "process %d %s %s %c", pid, comm, words, state[2]);
		blocked |= state[2] == 'D';
		snprintf(path, sizeof(path), "/proc/%d/stack", pid);
		if (!read_text(path, text, sizeof(text)))
			continue;
		for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n"))
			say(tag, "  %s", l);
	}
	return blocked;
}

/* Reports where all processes wait, after a timeout. */
static void answer_query(void)
{
	if (show_processes('S', "is in state")) {
		/* The detector of hung tasks prints the stacks; it needs two checks, a second
		 * apart. */
		write_file("/proc/sys/kernel/hung_task_timeout_secs", "1");
		poll(NULL, 0, 2500);
	}
	say('S', "end");
}

static bool on_control(pid_t pid, uint64_t *end)
{
	static char line[128];
	static size_t len;
	char c;
	int n;

	while ((n = read(control, &c, 1)) == 1) {
		control_taken++;
		if (c != '\n') {
			if (len < sizeof(line) - 1)
				line[len++] = c;
			continue;
		}
		line[len] = 0;
		len = 0;
		switch (line[0]) {
		case 'e':
			*end = strtoull(line + 1, NULL, 10);
			break;
		case 'c':
			/* The command gets SIGPIPE, as outside of the lab. */
			close_from(strtol(line + 1, NULL, 10) == 1 ? &out_stream : &err_stream);
			break;
		case 's':
			if (pid > 0)
				kill(-pid, (int)strtol(line + 1, NULL, 10));
			break;
		case 'w':
			set_window(line + 1);
			break;
		case 'q':
			answer_query();
			break;
		}
	}
	say('B', "%llu", (unsigned long long)control_taken);
	return n != 0;
}

/* Reaps all ended children; returns true if `pid` was one of them. */
static bool reap(pid_t pid, int *status, bool *none_left)
{
	bool found = false;
	int st;
	pid_t p;

	while ((p = waitpid(-1, &st, WNOHANG)) > 0) {
		if (p == pid) {
			*status = st;
			found = true;
		}
	}
	*none_left = p < 0 && errno == ECHILD;
	return found;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Moves data until the command has ended; returns its wait status. */
static int serve(pid_t pid, int sfd)
{
	uint64_t taken = 0, end = UINT64_MAX;
	bool control_up = true, none_left;
	int status = 0;

	for (;;) {
		struct pollfd p[] = {
			{ sfd, POLLIN, 0 },
			{ control_up ? control : -1, POLLIN, 0 },
			{ in_stream.len == in_stream.off ? in_stream.from : -1, POLLIN, 0 },
			{ in_stream.len > in_stream.off ? in_stream.to : -1, POLLOUT, 0 },
			{ out_stream.len == out_stream.off ? out_stream.from : -1, POLLIN, 0 },
			{ out_stream.len > out_stream.off ? out_stream.to : -1, POLLOUT, 0 },
			{ err_stream.len == err_stream.off ? err_stream.from : -1, POLLIN, 0 },
			{ err_stream.len > err_stream.off ? err_stream.to : -1, POLLOUT, 0 },
		};

		if (poll(p, sizeof(p) / sizeof(*p), -1) < 0 && errno != EINTR)
			fail("poll");
		if (p[1].revents)
			control_up = on_control(pid, &end);
		pump_in(&taken, end);
		pump_out(&out_stream);
		pump_out(&err_stream);
		if (p[0].revents) {
			struct signalfd_siginfo si;

			if (read(sfd, &si, sizeof(si)) < 0)
				fail("signalfd");
			if (reap(pid, &status, &none_left))
				return status;
		}
	}
}

/* A process that does not die of SIGKILL hangs in the kernel. */
static void report_unkillable(void)
{
	show_processes('L', "does not die of SIGKILL, in state");
}

/* Kills all remaining processes and delivers the last data. */
static void clean_up(int sfd)
{
	int64_t until = now_ms() + KILL_GRACE_MS;
	bool none_left = false;
	int status;

	kill(-1, SIGKILL);
	close_from(&in_stream);
	for (;;) {
		bool busy = out_stream.len > out_stream.off || err_stream.len > err_stream.off;
		struct pollfd p[] = {
			{ sfd, POLLIN, 0 },
			{ out_stream.len == out_stream.off ? out_stream.from : -1, POLLIN, 0 },
			{ out_stream.len > out_stream.off ? out_stream.to : -1, POLLOUT, 0 },
			{ err_stream.len == err_stream.off ? err_stream.from : -1, POLLIN, 0 },
			{ err_stream.len > err_stream.off ? err_stream.to : -1, POLLOUT, 0 },
		};
		struct signalfd_siginfo si;

		reap(0, &status, &none_left);
		if (none_left && !busy && out_stream.eof && err_stream.eof)
			break;
		if (!none_left && now_ms() >= until) {
			report_unkillable();
			break;
		}
		/* No time limit for a slow reader outside, only for remaining processes. */
		if (poll(p, sizeof(p) / sizeof(*p), none_left ? -1 : (int)(until - now_ms())) < 0)
			break;
		if (p[0].revents && read(sfd, &si, sizeof(si)) < 0)
			break;
		pump_out(&out_stream);
		pump_out(&err_stream);
	}
	if (out_stream.to >= 0)
		tcdrain(out_stream.to);
	if (err_stream.to >= 0)
		tcdrain(err_stream.to);
}

#define RCU_FREES_MS 50 /* several ticks */

static const char kmemleak[] = "/sys/kernel/debug/kmemleak";

static void find_leaks(void)
{
	char line[512];
	FILE *f;

	/*
	 * RCU frees objects of the process that has ended last when the machine has been idle. The
	 * list of these objects may go through memory that kmemleak does not read, so that they
	 * look like leaks.
	 */
	poll(NULL, 0, RCU_FREES_MS);
	/* kmemleak reports an object after two consecutive scans with the same checksum. */
	write_file(kmemleak, "scan");
	write_file(kmemleak, "scan");
	f = fopen(kmemleak, "re");
	if (!f) {
		say('L', "%s: %s", kmemleak, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		say('L', "kmemleak: %s", line);
	}
	fclose(f);
}

static unsigned long taint(void)
{
	FILE *f = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long mask = 0;

	if (!f || fscanf(f, "%lu", &mask) != 1)
		say('L', "/proc/sys/kernel/tainted cannot be read");
	if (f)
		fclose(f);
	return mask & BAD_TAINT;
}

int main(void)
{
	struct job job = { .umask = 022 };
	sigset_t set;
	int sfd, status;
	pid_t pid;

	umask(0);
	enter_root();
	make_root();
	make_system();
	control = open_console(machine->control, O_RDWR, true);
	if (write(control, "R\n", 2) < 0)
		fail("control channel");
	parse_job(&job);
	fcntl(control, F_SETFL, O_NONBLOCK);
	sethostname("lab", 3);
	make_machine_id();
	raise_loopback();
	if (sizeof(long) == 4)
		limit_sleep_of_kernel();
	load_modules(&job);
	if (job.out) {
		make_path(job.out);
		must_mount("lab-out", job.out, machine->files, 0,
			   machine->files_options ? machine->files_options : job.out_host);
	}
	for (size_t i = 0; i < job.toc; i++) {
		make_path(job.to[i]);
		must_mount(job.from[i], job.to[i], NULL, MS_BIND, NULL);
	}
	/* A closed pipe must be an error code, not the end of process 1. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = signalfd(-1, &set, SFD_CLOEXEC);
	if (sfd < 0)
		fail("signalfd");
	/* Keep the terminal open: its size is lost at the last close. */
	if (job.tty)
		open_console(machine->terminal, O_RDWR | O_NONBLOCK, false);
	pid = spawn(&job);
	say('O', "");
	status = serve(pid, sfd);
	clean_up(sfd);
	if (job.kmemleak)
		find_leaks();
	say('X', "%d %lu %llu %llu", status, taint(), (unsigned long long)out_stream.count,
	    (unsigned long long)err_stream.count);
	power_off();
}
