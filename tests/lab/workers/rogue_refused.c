/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks that must fail in the sandbox. */
#include "rogue.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void must_fail(const char *name, long result)
{
	if (result >= 0)
		snprintf(rogue.wrong, sizeof(rogue.wrong), "%s succeeds: %ld", name, result);
}

#define FAILS(call) must_fail(#call, (long)(call))

void rogue_open_what_is_roots(void)
{
	static const char *const names[] = {
		"mem",	"environ", "maps",  "auxv", "pagemap",
		"fd/3", "fd/4",	   "smaps", "io",   "root/run/ffsctl"
	};
	char path[256];

	snprintf(path, sizeof(path), "/proc/%ld/%s", rogue_someone(),
		 names[rogue_below(ARRAY_SIZE(names))]);
	FAILS(open(path, O_RDONLY | O_NONBLOCK));
	snprintf(path, sizeof(path), "%s/secret", rogue.planted);
	FAILS(open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/run/ffsctl/%s/%s", rogue.host->gadget,
		 rogue_below(2) ? "record" : "log");
	FAILS(open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/dev/ffs/%s/victim/ep%u", rogue.host->gadget, rogue_below(3));
	FAILS(open(path, O_RDONLY | O_NONBLOCK));
}

void rogue_write_to_anything(void)
{
	static const char *const paths[] = { "/dev/null",	"/tmp/rogue",
					     "/run/ffsctl/x",	"/dev/ffs",
					     "/proc/self/comm", "/etc/passwd",
					     "/dev/shm/x",	"/proc/self/fd/1",
					     "/proc/self/fd/3", "/dev/ffs/x/rogue/ep1" };
	static const int flags[] = { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE | O_RDWR };
	const char *path = paths[rogue_below(ARRAY_SIZE(paths))];
	struct stat st;

	switch (rogue_below(12)) {
	case 0:
		FAILS(mkdir("/tmp/rogue.d", 0700));
		break;
	case 1:
		FAILS(unlink(path));
		break;
	case 2:
		FAILS(rename(path, "/tmp/rogue"));
		break;
	case 3:
		FAILS(symlink("/etc/passwd", "/tmp/rogue"));
		break;
	case 4:
		FAILS(chmod(path, 0777));
		break;
	case 5:
		FAILS(truncate(path, 0));
		break;
	case 6:
		FAILS(link(path, "/tmp/rogue"));
		break;
	case 7:
		FAILS(mknod("/tmp/rogue", S_IFIFO | 0600, 0));
		break;
	default:
		/* A file that does not exist cannot be opened in any mode. */
		for (size_t i = 0; stat(path, &st) == 0 && i < ARRAY_SIZE(flags); i++)
			FAILS(open(path, flags[i] | O_NONBLOCK, 0600));
	}
}

static long send_to(int type, const struct sockaddr_un *to)
{
	int pair[2];
	long n;

	if (socketpair(AF_UNIX, type, 0, pair) < 0)
		return -1;
	n = sendto(pair[0], "x", 1, MSG_DONTWAIT, (const struct sockaddr *)to, sizeof(*to));
	close(pair[0]);
	close(pair[1]);
	return n;
}

void rogue_reach_others(void)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };
	static const int types[] = { SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM };
	int family = families[rogue_below(ARRAY_SIZE(families))],
	    type = types[rogue_below(ARRAY_SIZE(types))];
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	FAILS(socket(family, type, family == AF_NETLINK ? 15 : 0));
	snprintf(to.sun_path, sizeof(to.sun_path), "/run/ffsctl/%s/%s", rogue.host->gadget,
		 rogue_below(2) ? "control" : "notify-neighbour");
	FAILS(send_to(type, &to));
	FAILS(connect(CONTROL, (struct sockaddr *)&to, sizeof(to)));
	FAILS(bind(CONTROL, (struct sockaddr *)&to, sizeof(to)));
}

void rogue_reach_processes(void)
{
	long pid = rogue_someone();
	int sig = (int)rogue_below(65);

	switch (rogue_below(10)) {
	case 0:
		FAILS(kill((pid_t)pid, sig));
		break;
	case 1:
		FAILS(kill(-1, sig));
		break;
	case 2:
		FAILS(syscall(SYS_tgkill, pid, pid, sig));
		break;
	case 3:
		FAILS(syscall(SYS_tkill, pid, sig));
		break;
	case 4:
		FAILS(syscall(SYS_rt_sigqueueinfo, pid, sig, rogue.room));
		break;
	case 5:
		FAILS(syscall(SYS_pidfd_open, pid, 0));
		break;
	case 6:
		FAILS(syscall(SYS_prlimit64, pid, rogue_below(16), NULL, rogue.room));
		break;
	case 7:
		FAILS(syscall(SYS_ptrace, 0x4206, pid, 0, 0));
		break;
	case 8:
		FAILS(fcntl(CONTROL, F_SETOWN, pid));
		break;
	default:
		FAILS(syscall(SYS_process_vm_readv, pid, rogue.room, 1, rogue.room, 1, 0));
	}
}

void rogue_become_more(void)
{
	switch (rogue_below(12)) {
	case 0:
		FAILS(setuid(0));
		break;
	case 1:
		FAILS(unshare(CLONE_NEWUSER));
		break;
	case 2:
		FAILS(mount("x", "/tmp", "tmpfs", 0, NULL));
		break;
	case 3:
		FAILS(umount2("/dev/ffs", MNT_DETACH));
		break;
	case 4:
		FAILS(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
		break;
	case 5:
		FAILS(syscall(SYS_clone, CLONE_THREAD | CLONE_NEWUSER, 0, 0, 0, 0));
		break;
	case 6:
		FAILS(syscall(SYS_clone3, rogue.room, 88));
		break;
	case 7:
		FAILS(execl("/bin/true", "true", NULL));
		break;
	case 8:
		FAILS(syscall(SYS_io_uring_setup, 1, rogue.room));
		break;
	case 9:
		FAILS(syscall(SYS_bpf, 0, rogue.room, 128));
		break;
	case 10:
		FAILS(chroot("/"));
		break;
	default:
		FAILS(syscall(SYS_setns, CONFIG, 0));
	}
}

void rogue_write_to_the_configuration(void)
{
	FAILS(write(CONFIG, "x", 1));
	FAILS(ftruncate(CONFIG, rogue_below(100000)));
	FAILS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, CONFIG, 0) == MAP_FAILED ? -1
											    : 0);
	FAILS(fcntl(CONFIG, F_ADD_SEALS, F_SEAL_WRITE));
}
