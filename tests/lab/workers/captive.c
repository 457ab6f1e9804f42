/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plugin for the tests that tries forbidden actions. It prints one line for each attempt: "NAME:
 * EPERM", or "NAME: done" if the action succeeded. NEEDS is set at compile time: the needs that the
 * plugin declares.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ffsctl/plugin.h>

#include "../errno_name.h"

#ifndef NEEDS
#define NEEDS 0
#endif

static char byte;
static int constructed; /* errno of an action that the constructor must not do, even if declared */

static long closed(long fd)
{
	if (fd >= 0)
		close((int)fd);
	return fd;
}

static long reaped(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid;
}

static void *nothing(void *data)
{
	return data;
}

static long start_thread(void)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, nothing, NULL);

	if (r == 0)
		pthread_join(thread, NULL);
	errno = r;
	return -!!r;
}

static long read_from(pid_t pid)
{
	struct iovec mine = { &byte, 1 }, theirs = { &byte, 1 };

	return process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
}

static long execute(void)
{
	pid_t pid = vfork();
	int status = 0;

	if (pid == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status)
		errno = EACCES;
	return pid < 0 || status ? -1 : 0;
}

/* Makes a pair of sockets of this type, and sends a byte to `path` from the first one. */
static long send_to(int type, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int pair[2];
	long n;

	if (socketpair(AF_UNIX, type, 0, pair) < 0)
		return -1;
	strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
	n = sendto(pair[0], "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	close(pair[0]);
	close(pair[1]);
	return n;
}

static long make_pair(int type)
{
	int pair[2];

	return socketpair(AF_UNIX, type, 0, pair) < 0 ? -1 : closed(pair[0]) | closed(pair[1]);
}

#define TRY(name, call)                                                                            \
	do {                                                                                       \
		errno = 0;                                                                         \
		printf("%s: %s\n", name, (call) < 0 ? errno_name(errno) : "done");                 \
	} while (0)

/* Runs when the plugin is loaded, also if ffsctl only reads its table. */
static __attribute__((constructor)) void captive_construct(void)
{
	int fd = open("/tmp/captive-constructor", O_WRONLY | O_CREAT, 0644);
	int sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/tmp/captive.socket" };

	if (fd >= 0)
		close(fd);
	if (sender >= 0) {
		sendto(sender, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
		close(sender);
	}
	constructed =
		reaped(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)) < 0 ? errno : 0;
}

static int captive_start(struct ffsctl_host *host)
{
	const char *other = host->call->option_string(host, "other"),
		   *listener = host->call->option_string(host, "listener");
	unsigned char room[256] = { 0 };
	struct rlimit limit;
	pid_t parent = getppid();

	printf("a constructor's namespace: %s\n", constructed ? errno_name(constructed) : "done");
	TRY("read a file", closed(open("/proc/self/status", O_RDONLY)));
	TRY("a thread", start_thread());
	TRY("memory", closed(memfd_create("captive", 0)));
	TRY("signal to oneself", kill(getpid(), 0));
	TRY("own limits", getrlimit(RLIMIT_CPU, &limit));

	TRY("write a file", closed(open("/dev/null", O_WRONLY)));
	TRY("empty a file", closed(open("/dev/null", O_RDONLY | O_TRUNC)));
	TRY("make a file", closed(open("/tmp/captive", O_RDONLY | O_CREAT, 0600)));
	TRY("a nameless file", closed(open("/tmp", O_TMPFILE | O_RDWR, 0600)));
	TRY("make a directory", mkdir("/tmp/captive.d", 0700));
	TRY("remove a directory", rmdir("/tmp/captive.d"));
	TRY("change a mode", chmod("/dev/null", 0666));
	TRY("openat2", closed(syscall(SYS_openat2, AT_FDCWD, "/dev/null", room, 24)));
	TRY("the other's endpoint", closed(open(other, O_RDONLY)));

	TRY("a socket", closed(socket(AF_INET, SOCK_STREAM, 0)));
	TRY("a local socket", closed(socket(AF_UNIX, SOCK_STREAM, 0)));
	TRY("a datagram to a socket", send_to(SOCK_DGRAM, listener));
	TRY("a raw datagram to a socket", send_to(SOCK_RAW, listener));
	TRY("a packet to a socket", send_to(SOCK_SEQPACKET, listener));
	TRY("a stream to itself", make_pair(SOCK_STREAM | SOCK_CLOEXEC));
	TRY("packets to itself", make_pair(SOCK_SEQPACKET | SOCK_NONBLOCK));
	TRY("a netlink socket", closed(socket(AF_NETLINK, SOCK_RAW, 0)));

	TRY("a process", reaped(fork()));
	TRY("a program", execute());
	TRY("clone3", syscall(SYS_clone3, room, 88));

	TRY("signal to the parent", kill(parent, 0));
	TRY("signal to init", kill(1, 0));
	TRY("signal to all", kill(-1, 0));
	TRY("signal to a thread of another's", syscall(SYS_tgkill, parent, parent, 0));
	TRY("queue a signal", syscall(SYS_rt_sigqueueinfo, parent, 0, room));
	TRY("a pidfd", closed(syscall(SYS_pidfd_open, parent, 0)));
	TRY("own a descriptor", fcntl(0, F_SETOWN, parent));
	TRY("other's limits", prlimit(parent, RLIMIT_CPU, NULL, &limit));
	TRY("ptrace", ptrace(PTRACE_SEIZE, parent, NULL, NULL));
	TRY("read other's memory", read_from(parent));

	TRY("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	TRY("unmount", umount2("/proc", MNT_DETACH));
	TRY("unshare", unshare(CLONE_NEWUSER));
	TRY("a namespace", reaped(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
	TRY("chroot", chroot("/"));
	TRY("io_uring", closed(syscall(SYS_io_uring_setup, 1, room)));
	TRY("bpf", syscall(SYS_bpf, 0, room, sizeof(room)));
	TRY("perf", syscall(SYS_perf_event_open, room, 0, -1, -1, 0));
	TRY("userfaultfd", closed(syscall(SYS_userfaultfd, 0)));
	TRY("keys", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	TRY("a module", syscall(SYS_init_module, room, sizeof(room), ""));
	TRY("the clock", syscall(SYS_clock_settime, 0, room));
	TRY("a call that nobody knows", syscall(100000));
	fflush(stdout);
	return 0;
}

static const struct ffsctl_option options[] = {
	{ .name = "other", .type = FFSCTL_OPTION_STRING, .default_value = "/", .doc = "a file" },
	{ .name = "listener",
	  .type = FFSCTL_OPTION_STRING,
	  .default_value = "/",
	  .doc = "a socket" },
	{ 0 },
};

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "captive",
	.summary = "for the tests of ffsctl",
	.framing = FFSCTL_FRAMING_STREAM,
	.needs = NEEDS,
	.options = options,
	.start = captive_start,
};
