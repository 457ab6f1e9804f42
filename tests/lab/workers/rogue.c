/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attacker of test_enemies.py that is a plugin in its sandbox. For each order "SEED PID..." of
 * the test it makes one attack, called a move. It first sends the name of the move. When the move
 * has ended it sends three lines: the name, an error text as a JSON string, and the data of others
 * that it has read.
 *
 * Moves that must fail are in rogue_refused.c. A move may end the process, which is then restarted.
 */
#include "rogue.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TEST "/tmp/enemy.socket"
#define CHANNEL 500 /* moves do not use such a high descriptor at random */
#define PIDS_MAX 32
#define BLOCKED_US 2000 /* time after which a call that waits is interrupted */

struct rogue rogue;
static int channel = -1;
static long pids[PIDS_MAX];
static size_t n_pids;
static uint64_t state;

/* Returns a pseudo-random number (splitmix64). */
uint64_t rogue_any(void)
{
	uint64_t z = state += 0x9E3779B97F4A7C15ULL;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return z ^ (z >> 31);
}

unsigned int rogue_below(unsigned int n)
{
	return (unsigned int)(rogue_any() % n);
}

long rogue_someone(void)
{
	return pids[rogue_below((unsigned int)n_pids)];
}

static void fill_room(void)
{
	for (size_t i = 0; i < ROOM; i += sizeof(uint64_t)) {
		uint64_t value = rogue_any();

		memcpy(rogue.room + i, &value, sizeof(value));
	}
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Starts or stops a timer whose signals make waiting calls end with EINTR. */
static void interrupt(bool on)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval each = { .it_interval.tv_usec = on ? BLOCKED_US : 0,
					.it_value.tv_usec = on ? BLOCKED_US : 0 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
}

/* --- moves --------------------------------------------------------------------------------------
 */

/*
 * Returns whether moves must not make this system call: it ends the process, changes the handling
 * of signals, cannot be interrupted, or unmaps memory that the process needs.
 */
static bool is_left_out(long number)
{
	static const long numbers[] = {
		SYS_exit,	    SYS_exit_group,	 SYS_rt_sigaction,  SYS_rt_sigreturn,
		SYS_rt_sigprocmask, SYS_rt_sigsuspend,	 SYS_setitimer,	    SYS_clone,
		SYS_munmap,	    SYS_mremap,		 SYS_brk,	    SYS_mprotect,
		SYS_close_range,    SYS_ppoll,		 SYS_pselect6,	    SYS_epoll_pwait,
		SYS_epoll_pwait2,   SYS_rt_sigtimedwait, SYS_io_pgetevents, SYS_futex,
		SYS_rseq,	    SYS_set_robust_list,
#ifdef SYS_arch_prctl
		SYS_arch_prctl,
#endif
#ifdef SYS_alarm
		SYS_alarm,	    SYS_vfork,		 SYS_fork,
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static long argument(void)
{
	static const long values[] = {
		0, 1, 2, -1, 8, 16, 88, 4096, 65536, -100, (long)0x80000000UL, LONG_MAX / 2 + 1
	};
	static char secret[256], record[] = "/run/ffsctl/x/record", file[] = "/tmp/rogue";

	snprintf(secret, sizeof(secret), "%s/secret", rogue.planted);
	switch (rogue_below(12)) {
	case 0:
	case 1:
	case 2:
		return (long)rogue_below(16); /* for example a descriptor or flags */
	case 3:
		return rogue_someone();
	case 4:
		return getpid();
	case 5:
		return (long)secret;
	case 6:
		return (long)(rogue_below(2) ? record : file);
	case 7:
		return (long)rogue_any();
	case 8:
	case 9:
		return values[rogue_below(ARRAY_SIZE(values))];
	default:
		return (long)(rogue.room + 8 * rogue_below(ROOM / 16));
	}
}

/*
 * Limits the number of bytes to read or write. For an endpoint FunctionFS allocates this number of
 * bytes, and the kernel warns if it cannot allocate them in one piece (ffs_alloc_buffer() in
 * f_fs.c).
 */
static long bounded(long number, long size)
{
	bool moves = number == SYS_read || number == SYS_write || number == SYS_pread64 ||
		     number == SYS_pwrite64;

	return moves ? (long)((unsigned long)size % (16 * ROOM)) : size;
}

static void make_any_calls(void)
{
	for (int i = 0; i < 20; i++) {
		long number = (long)rogue_below(470);

		if (!is_left_out(number))
			syscall(number, argument(), argument(), bounded(number, argument()),
				argument(), argument(), argument());
	}
}

static void send_any_message(void)
{
	static const uint16_t types[] = { FFSCTL_MSG_READY, FFSCTL_MSG_ACCEPT,	FFSCTL_MSG_STALL,
					  FFSCTL_MSG_DATA,  FFSCTL_MSG_PONG,	FFSCTL_MSG_STATS,
					  FFSCTL_MSG_STOP,  FFSCTL_MSG_TRAFFIC, FFSCTL_MSG_SWITCH };
	unsigned int n = 1 + rogue_below(5), size;

	for (unsigned int i = 0; i < n; i++) {
		struct ffsctl_msg head = { .version = htole16(FFSCTL_CONTROL_VERSION),
					   .type = htole16(types[rogue_below(ARRAY_SIZE(types))]),
					   .id = htole32(rogue_below(4)) };

		size = rogue_below(3) ? rogue_below(200) : rogue_below(ROOM - sizeof(head));
		head.length = htole32(rogue_below(4) ? size : (uint32_t)rogue_any());
		if (rogue_below(4))
			memcpy(rogue.room, &head, sizeof(head));
		send(CONTROL, rogue.room, sizeof(head) + size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static void hand_over_descriptors(void)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec iov = { rogue.room, 1 + rogue_below(100) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	unsigned int n = 1 + rogue_below(16);
	struct cmsghdr *c = (struct cmsghdr *)control;

	msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (unsigned int i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &(int){ (int)rogue_below(5) }, sizeof(int));
	sendmsg(CONTROL, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void use_the_endpoints(void)
{
	for (int i = 0; i < 4; i++) {
		int fd = FIRST_ENDPOINT + (int)rogue_below(2);

		switch (rogue_below(4)) {
		case 0:
			(void)!read(fd, rogue.room, rogue_below(ROOM));
			break;
		case 1:
			(void)!write(fd, rogue.room, rogue_below(ROOM));
			break;
		case 2:
			ioctl(fd, 0x6700 | rogue_below(256),
			      rogue_below(2) ? (long)rogue.room : (long)rogue_below(10));
			break;
		default:
			ioctl(fd, (unsigned long)argument(), argument());
		}
	}
}

static void seal_memory(void)
{
	int fd = memfd_create("rogue", MFD_ALLOW_SEALING);
	void *map;

	if (fd < 0)
		return;
	(void)!ftruncate(fd, rogue_below(1 << 20));
	(void)!write(fd, rogue.room, rogue_below(ROOM));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, rogue_below(2) ? MAP_SHARED : MAP_PRIVATE,
		   fd, 0);
	fcntl(fd, F_ADD_SEALS, (long)rogue_below(64));
	(void)!write(fd, rogue.room, 1);
	if (map != MAP_FAILED)
		munmap(map, 4096);
	close(fd);
}

static void *sleep_a_little(void *data)
{
	usleep(1000);
	return data;
}

static void start_threads(void)
{
	pthread_t threads[40];
	unsigned int n = 0;

	while (n < ARRAY_SIZE(threads) &&
	       pthread_create(&threads[n], NULL, sleep_a_little, NULL) == 0)
		n++;
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

static void print_something(void)
{
	if (rogue_below(2))
		memset(rogue.room, "\n \x1b"[rogue_below(3)], ROOM);
	for (unsigned int i = 1 + rogue_below(4); i > 0; i--)
		(void)!write(1, rogue.room, rogue_below(ROOM));
}

static void report_anything(void)
{
	static const char *const texts[] = { "{}", "{\"a\":1}", "[", "{\"a\":[[[[[[]]]]]]}",
					     "{\"\\u001b\":2}" };
	static const char *const names[] = { "x", "../x", "", "victim" };

	for (unsigned int i = 1 + rogue_below(100); i > 0; i--)
		rogue.host->call->stats(rogue.host, texts[rogue_below(ARRAY_SIZE(texts))]);
	rogue.host->call->switch_to(rogue.host, names[rogue_below(ARRAY_SIZE(names))],
				    rogue_below(2) ? "{}" : NULL);
	rogue.host->call->reply_to_control_request(rogue.host, rogue_below(1000), rogue.room,
						   rogue_below(1000));
	rogue.host->call->stall_control_request(rogue.host, rogue_below(1000));
}

/* Ends the process, but not with exit status 125, after which it would not be restarted. */
static void end(void)
{
	static const int signals[] = { SIGKILL, SIGSEGV, SIGABRT, SIGTERM };

	if (rogue_below(2))
		_exit((int)rogue_below(100));
	kill(getpid(), signals[rogue_below(ARRAY_SIZE(signals))]);
}

static const struct {
	const char *name;
	unsigned int weight;
	void (*play)(void);
} moves[] = {
	{ "open_what_is_roots", 8, rogue_open_what_is_roots },
	{ "write_to_anything", 10, rogue_write_to_anything },
	{ "reach_others", 8, rogue_reach_others },
	{ "reach_processes", 12, rogue_reach_processes },
	{ "become_more", 10, rogue_become_more },
	{ "write_to_the_configuration", 4, rogue_write_to_the_configuration },
	{ "make_any_calls", 60, make_any_calls },
	{ "send_any_message", 20, send_any_message },
	{ "hand_over_descriptors", 8, hand_over_descriptors },
	{ "use_the_endpoints", 14, use_the_endpoints },
	{ "seal_memory", 6, seal_memory },
	{ "start_threads", 3, start_threads },
	{ "print_something", 6, print_something },
	{ "report_anything", 8, report_anything },
	{ "end", 5, end },
};

/* --- orders -------------------------------------------------------------------------------------
 */

static size_t choose(void)
{
	unsigned int all = 0, n;
	size_t i = 0;

	for (size_t k = 0; k < ARRAY_SIZE(moves); k++)
		all += moves[k].weight;
	for (n = rogue_below(all); n >= moves[i].weight; i++)
		n -= moves[i].weight;
	return i;
}

static void take_order(char *text)
{
	char *end_of_number;

	state = strtoull(text, &text, 10);
	for (n_pids = 0; n_pids < PIDS_MAX; n_pids++, text = end_of_number) {
		pids[n_pids] = strtol(text, &end_of_number, 10);
		if (end_of_number == text)
			break;
	}
}

static void answer(const char *name)
{
	char head[2048];
	int n = snprintf(head, sizeof(head), "%s\n\"%s\"\n", name, rogue.wrong);
	struct iovec iov[] = { { head, (size_t)n }, { rogue.room, 8192 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	/* A move may have closed the channel. */
	if (sendmsg(channel, &msg, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void on_order(struct ffsctl_host *h, struct ffsctl_watch *w, uint32_t events)
{
	char text[1024];
	ssize_t n = recv(channel, text, sizeof(text) - 1, MSG_DONTWAIT);
	size_t i;

	(void)w;
	(void)events;
	if (n <= 0) {
		h->call->exit(h, 0);
		return;
	}
	text[n] = '\0';
	take_order(text);
	rogue.wrong[0] = '\0';
	if (n_pids ==
	    0) { /* an order without a PID needs no action, because moves leave nothing open */
		answer("rest");
		return;
	}
	i = choose();
	send(channel, moves[i].name, strlen(moves[i].name), MSG_NOSIGNAL);
	fill_room();
	interrupt(true);
	moves[i].play();
	interrupt(false);
	answer(moves[i].name);
}

/*
 * Runs before the final sandbox is entered. If ffsctl only reads the plugin's table, the process is
 * already in a sandbox, and no test sends orders.
 */
static __attribute__((constructor)) void rogue_construct(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = TEST };

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		channel = fcntl(fd, F_DUPFD_CLOEXEC, CHANNEL);
	if (fd >= 0)
		close(fd);
}

static int rogue_start(struct ffsctl_host *h)
{
	static struct ffsctl_watch watch;
	char pid[16];

	rogue.host = h;
	rogue.planted = h->call->option_string(h, "planted");
	watch = (struct ffsctl_watch){ .fd = channel, .events = EPOLLIN, .ready = on_order };
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	send(channel, pid, strlen(pid), MSG_NOSIGNAL);
	return h->call->watch(h, &watch);
}

static const struct ffsctl_option options[] = {
	{ .name = "planted",
	  .type = FFSCTL_OPTION_STRING,
	  .default_value = "/",
	  .doc = "a directory of root's" },
	{ 0 },
};

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "rogue",
	.summary = "for the tests of ffsctl",
	.framing = FFSCTL_FRAMING_STREAM,
	.options = options,
	.start = rogue_start,
};
