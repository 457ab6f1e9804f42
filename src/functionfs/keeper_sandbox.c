/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/keeper_sandbox.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/test_environment.h"
#include "base/util.h"
#include "blob/uapi.h"
#include "process/capabilities.h"
#include "process/sandbox.h"

/*
 * Refuses all system calls except those that the keeper (keeper_main.c, keeper_setup.c,
 * link_speed.c, request_index.c) makes after this call, and those of malloc and exit.
 */
static void restrict_system_calls(void)
{
	int calls[] = {
		SYS_read,
		SYS_pread64,
		SYS_write,
		SYS_close,
		SYS_sendmsg,
		SYS_recvmsg,
		SYS_sendto,
		SYS_recvfrom,
		SYS_accept4,
		SYS_getsockopt,
		SYS_setsockopt,
		SYS_setitimer,
		SYS_brk,
		SYS_munmap,
		SYS_mremap,
		SYS_madvise,
		SYS_futex,
		SYS_geteuid,
		SYS_getpid,
		SYS_gettid,
		SYS_exit_group,
		SYS_rt_sigreturn,
		SYS_rt_sigprocmask,
		SYS_restart_syscall,
		SYS_clock_gettime,
		SYS_epoll_pwait,
#ifdef SYS_epoll_wait
		SYS_epoll_wait,
#endif
#ifdef SYS_poll
		SYS_poll,
#endif
		SYS_ppoll,
#ifdef SYS_ppoll_time64
		SYS_ppoll_time64,
#endif
#ifdef SYS_clock_gettime64
		SYS_clock_gettime64,
#endif
#ifdef SYS_geteuid32
		SYS_geteuid32,
#endif
#ifdef SYS_sigreturn
		SYS_sigreturn,
#endif
#ifdef SYS_alarm
		SYS_alarm,
#endif
#ifdef SYS_mmap
		SYS_mmap,
#endif
#ifdef SYS_mmap2
		SYS_mmap2,
#endif
	};
	static const unsigned int ioctls[] = { FUNCTIONFS_ENDPOINT_DESC,
					       FUNCTIONFS_INTERFACE_REVMAP };
	struct sandbox sandbox = { 0 };

	sandbox_from_calls(&sandbox, calls, ARRAY_SIZE(calls), ioctls, ARRAY_SIZE(ioctls));
	if (sandbox.n_instructions > 0)
		sandbox_enter(&sandbox);
	sandbox_free(&sandbox);
}

void keeper_enter_sandbox(void)
{
	capabilities_reduce_bounding_set(0);
	capabilities_reduce(0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (env_wants_no_syscall_filter())
		return;
	trace_open();
	restrict_system_calls();
}
