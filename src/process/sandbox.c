/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/test_environment.h"
#include "base/util.h"

#ifndef F_SETOWN_EX
#define F_SETOWN_EX 15
#endif
#define X32_BIT 0x40000000u /* __X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h */
#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */)

/* The AUDIT_ARCH_ constant (linux/audit.h) of the architecture that the program is built for. */
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__mips64) && defined(__MIPSEL__)
#define ARCHITECTURE AUDIT_ARCH_MIPSEL64
#elif defined(__mips__) && defined(__MIPSEL__)
#define ARCHITECTURE AUDIT_ARCH_MIPSEL
#elif defined(__mips__)
#define ARCHITECTURE AUDIT_ARCH_MIPS
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__powerpc__) && !defined(__powerpc64__)
#define ARCHITECTURE AUDIT_ARCH_PPC
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#else
#error "the sandbox needs the AUDIT_ARCH_ constant of this architecture"
#endif

#define ALLOW SECCOMP_RET_ALLOW
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

/*
 * Offsets of the low half and of the high half of argument `n` in struct seccomp_data. The low half
 * is enough for flags and numbers.
 */
#define ARGUMENT_AT(n, offset)                                                                     \
	((unsigned int)(offsetof(struct seccomp_data, args) + 8 * (n) + (offset)))
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARGUMENT(n) ARGUMENT_AT(n, 0)
#define ARGUMENT_HIGH(n) ARGUMENT_AT(n, 4)
#else
#define ARGUMENT(n) ARGUMENT_AT(n, 4)
#define ARGUMENT_HIGH(n) ARGUMENT_AT(n, 0)
#endif
/* CONFIG_CLONE_BACKWARDS2 of the kernel */
#ifdef __s390x__
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif
/* The bits for the socket type in the argument `type`; the other bits are flags
 * (include/linux/net.h). */
#define SOCK_TYPE_MASK 0xfu

static void add_instruction(struct sandbox *s, unsigned int code, unsigned int k, size_t yes,
			    size_t no)
{
	*array_add(s->filter, s->n_instructions) =
		(struct sock_filter){ .code = (unsigned short)code,
				      .jt = (unsigned char)yes,
				      .jf = (unsigned char)no,
				      .k = k };
}

static void load_call_field(struct sandbox *s, unsigned int offset)
{
	add_instruction(s, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void load_call_number(struct sandbox *s)
{
	load_call_field(s, offsetof(struct seccomp_data, nr));
}

static void add_return(struct sandbox *s, unsigned int action)
{
	add_instruction(s, BPF_RET | BPF_K, action, 0, 0);
}

static void add_return_if_equal(struct sandbox *s, unsigned int value, unsigned int action)
{
	add_instruction(s, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	add_return(s, action);
}

/* Returns `action` for the numbers from `first` to `last`, both included. */
static void add_return_if_between(struct sandbox *s, unsigned int first, unsigned int last,
				  unsigned int action)
{
	add_instruction(s, BPF_JMP | BPF_JGE | BPF_K, first, 0, 2);
	add_instruction(s, BPF_JMP | BPF_JGT | BPF_K, last, 1, 0);
	add_return(s, action);
}

static void add_return_unless_equal(struct sandbox *s, unsigned int value, unsigned int action)
{
	add_instruction(s, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
	add_return(s, action);
}

static void add_return_if_any_bit(struct sandbox *s, unsigned int bits, unsigned int action)
{
	add_instruction(s, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
	add_return(s, action);
}

static void refuse_io_uring(struct sandbox *s)
{
	/* The numbers of these system calls are the same on all architectures; x32 adds X32_BIT. */
	add_return_if_between(s, SYS_io_uring_setup, SYS_io_uring_register, UNKNOWN);
	add_return_if_between(s, X32_BIT | SYS_io_uring_setup, X32_BIT | SYS_io_uring_register,
			      UNKNOWN);
}

void sandbox_refusing_only_io_uring(struct sandbox *s)
{
	load_call_number(s);
	refuse_io_uring(s);
	add_return(s, ALLOW);
}

/* --- calls with checked arguments ---------------------------------------------------------------
 * Each of these functions adds a block of instructions for one system call. Instructions before the
 * block must have loaded the number of the system call.
 */

/* Begins the block of instructions for one system call. For other system calls, the filter jumps to
 * the end of the block. Returns the index of the jump instruction, for end_call_block(). */
static size_t begin_call_block(struct sandbox *s, int number)
{
	add_instruction(s, BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number, 0, 0);
	return s->n_instructions - 1;
}

static void end_call_block(struct sandbox *s, size_t at, unsigned int action)
{
	add_return(s, action);
	s->filter[at].jf = (unsigned char)(s->n_instructions - at - 1);
}

static void allow_open_to_read(struct sandbox *s, int number, unsigned int flags_argument)
{
	size_t at = begin_call_block(s, number);

	load_call_field(s, ARGUMENT(flags_argument));
	/* This also refuses O_TMPFILE, which requires O_WRONLY or O_RDWR (open(2)). */
	add_return_if_any_bit(s, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, REFUSE);
	end_call_block(s, at, ALLOW);
}

static void allow_if_argument_is(struct sandbox *s, int number, unsigned int argument,
				 unsigned int value)
{
	size_t at = begin_call_block(s, number);

	load_call_field(s, ARGUMENT(argument));
	add_return_if_equal(s, value, ALLOW);
	end_call_block(s, at, REFUSE);
}

static void refuse_if_argument_is(struct sandbox *s, int number, unsigned int argument,
				  const unsigned int *values, size_t n)
{
	size_t at = begin_call_block(s, number);

	load_call_field(s, ARGUMENT(argument));
	for (size_t i = 0; i < n; i++)
		add_return_if_equal(s, values[i], REFUSE);
	end_call_block(s, at, ALLOW);
}

/*
 * On some architectures (i386, s390x) glibc calls socketcall for every function of sockets, whose
 * arguments are in memory. So all are allowed but those that make, bind or connect a socket; a
 * socket pair is among these, because its type cannot be read.
 */
static void allow_socketcall_on_open_sockets(struct sandbox *s _unused_)
{
#ifdef SYS_socketcall
	static const unsigned int makes[] = { SYS_SOCKET, SYS_SOCKETPAIR, SYS_BIND, SYS_CONNECT,
					      SYS_LISTEN };

	refuse_if_argument_is(s, SYS_socketcall, 0, makes, ARRAY_SIZE(makes));
#endif
}

/*
 * Allows only socket pairs that cannot send to other sockets: SOCK_STREAM and SOCK_SEQPACKET. A
 * datagram socket can send to any local socket by sendmsg() with an address
 * (unix_dgram_sendmsg in net/unix/af_unix.c). The address is in memory, which a filter cannot read.
 */
static void allow_socket_pairs_and_send(struct sandbox *s)
{
	size_t at = begin_call_block(s, SYS_socketpair);

	load_call_field(s, ARGUMENT(0));
	add_return_unless_equal(s, AF_UNIX, REFUSE);
	load_call_field(s, ARGUMENT(1));
	add_instruction(s, BPF_ALU | BPF_AND | BPF_K, SOCK_TYPE_MASK, 0, 0);
	add_return_if_equal(s, SOCK_STREAM, ALLOW);
	add_return_if_equal(s, SOCK_SEQPACKET, ALLOW);
	end_call_block(s, at, REFUSE);

	at = begin_call_block(s, SYS_sendto);
	load_call_field(s, ARGUMENT(4));
	add_return_unless_equal(s, 0, REFUSE);
	load_call_field(s, ARGUMENT_HIGH(4));
	add_return_unless_equal(s, 0, REFUSE);
	end_call_block(s, at, ALLOW);
	allow_socketcall_on_open_sockets(s);
}

static void refuse_new_namespaces(struct sandbox *s, bool only_threads)
{
#ifdef SYS_clone
	size_t at = begin_call_block(s, SYS_clone);

	load_call_field(s, ARGUMENT(CLONE_FLAGS_ARGUMENT));
	add_return_if_any_bit(s, NEW_NAMESPACES, REFUSE);
	add_return_if_any_bit(s, CLONE_THREAD, ALLOW);
	end_call_block(s, at, only_threads ? REFUSE : ALLOW);
#endif
}

/* Refuses two indirect ways to send signals to other processes: SIGIO, and input to a terminal. */
static void refuse_sigio_and_terminal_input(struct sandbox *s)
{
	static const unsigned int fcntls[] = { F_SETOWN, F_SETOWN_EX },
				  ioctls[] = { FIOSETOWN, SIOCSPGRP, TIOCSTI };

	refuse_if_argument_is(s, SYS_fcntl, 1, fcntls, ARRAY_SIZE(fcntls));
#ifdef SYS_fcntl64
	refuse_if_argument_is(s, SYS_fcntl64, 1, fcntls, ARRAY_SIZE(fcntls));
#endif
	refuse_if_argument_is(s, SYS_ioctl, 1, ioctls, ARRAY_SIZE(ioctls));
}

/* Allows raise() and abort(), which call tgkill in glibc, and tkill in musl: there only for the
 * first thread. */
static void allow_own_signals(struct sandbox *s)
{
	allow_if_argument_is(s, SYS_tgkill, 0, (unsigned int)getpid());
	allow_if_argument_is(s, SYS_tkill, 0, (unsigned int)getpid());
}

static void check_call_arguments(struct sandbox *s, unsigned int permissions)
{
	/* kill(-1, ...) would send a signal to other workers that run as the same user. */
	static const unsigned int everybody = (unsigned int)-1;

	if (!(permissions & SANDBOX_FILES)) {
		allow_open_to_read(s, SYS_openat, 2);
#ifdef SYS_open
		allow_open_to_read(s, SYS_open, 1);
#endif
	}
	if (!(permissions & SANDBOX_NETWORK))
		allow_socket_pairs_and_send(s);
	refuse_new_namespaces(s, !(permissions & SANDBOX_PROGRAMS));
	if (permissions & SANDBOX_PROGRAMS) {
		refuse_if_argument_is(s, SYS_kill, 0, &everybody, 1);
		return;
	}
	allow_if_argument_is(s, SYS_kill, 0, (unsigned int)getpid());
	allow_own_signals(s);
	/* A process may change only its own resource limits. */
	allow_if_argument_is(s, SYS_prlimit64, 0, 0);
	refuse_sigio_and_terminal_input(s);
}

/* --- sandbox.list --- */

static int compare_numbers(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Allows the system calls with these numbers. Adds one comparison to the filter for each range of
   consecutive numbers, so that the filter is short. */
static void allow_call_numbers(struct sandbox *s, int *numbers, size_t n)
{
	qsort(numbers, n, sizeof(*numbers), compare_numbers);
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && numbers[k] <= numbers[k - 1] + 1; k++)
			;
		add_return_if_between(s, (unsigned int)numbers[i], (unsigned int)numbers[k - 1],
				      ALLOW);
	}
}

/* Allows the system calls of sandbox.list that require no other permissions than `permissions`. */
static void allow_listed_calls(struct sandbox *s, unsigned int permissions)
{
	int *numbers = xcalloc(sandbox_n_calls, sizeof(*numbers));
	size_t n = 0;

	for (size_t i = 0; i < sandbox_n_calls; i++)
		if ((sandbox_calls[i].required_permissions & ~permissions) == 0)
			numbers[n++] = sandbox_calls[i].number;
	allow_call_numbers(s, numbers, n);
	free(numbers);
}

static void begin_filter(struct sandbox *s)
{
	load_call_field(s, offsetof(struct seccomp_data, arch));
	add_instruction(s, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	add_return(s, UNKNOWN);
	load_call_number(s);
}

void sandbox_from_calls(struct sandbox *s, int *calls, size_t n, const unsigned int *ioctls,
			size_t n_ioctls)
{
	/* In tests, a refused system call kills the process: a test does not always notice
	   EPERM. */
	unsigned int refuse =
		env_wants_kill_on_refused_syscall() ? SECCOMP_RET_KILL_PROCESS : REFUSE;
	size_t at;

#ifdef FFSCTL_SANITIZED /* Sanitizers make system calls that are not in `calls`. */
	return;
#endif
	begin_filter(s);
	allow_own_signals(s);
	allow_socketcall_on_open_sockets(s);
	at = begin_call_block(s, SYS_ioctl);
	load_call_field(s, ARGUMENT(1));
	for (size_t i = 0; i < n_ioctls; i++)
		add_return_if_equal(s, ioctls[i], ALLOW);
	end_call_block(s, at, refuse);
	allow_call_numbers(s, calls, n);
	add_return(s, refuse);
}

void sandbox_from_permissions(struct sandbox *s, unsigned int permissions)
{
#ifdef FFSCTL_SANITIZED /* The process that LeakSanitizer starts must be able to use ptrace(2). */
	sandbox_refusing_only_io_uring(s);
	return;
#endif
	begin_filter(s);
	refuse_io_uring(s);
	/*
	 * The arguments of clone3 and openat2 are in memory, which a filter cannot read, so both
	 * fail with ENOSYS: libraries then use an older system call.
	 */
	add_return_if_equal(s, SYS_clone3, UNKNOWN);
	add_return_if_equal(s, SYS_openat2, UNKNOWN);
	check_call_arguments(s, permissions);
	allow_listed_calls(s, permissions);
	add_return(s, REFUSE);
}

void sandbox_free(struct sandbox *s)
{
	free(s->filter);
	*s = (struct sandbox){ 0 };
}

bool sandbox_enter(const struct sandbox *s)
{
	const struct sock_fprog program = { .len = (unsigned short)s->n_instructions,
					    .filter = s->filter };

	return syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}
