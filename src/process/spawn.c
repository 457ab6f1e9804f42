/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "process/capabilities.h"
#include "process/credentials.h"
#include "process/worker_processes.h"

/* The number of the program's file descriptor in the child. The exec closes it. */
#define PROGRAM_FD(c) (3 + (int)(c)->n_fds)

/* A failure in the child. The child writes it into the memory of the parent, which both share until
   the exec (vfork). */
struct spawn_failure {
	const char *
		failed_action; /* ACTION in the message "cannot ACTION PROGRAM"; NULL: no failure */
	int errno_value;       /* errno */
};

struct spawn_child {
	const struct spawn_settings *spawn;
	int *fds; /* copy of the caller's array, because place_fds changes its elements */
	size_t n_fds;
	int null_fd, output_fd, program_fd;
	pid_t parent_pid;
	const sigset_t *ignored_signals;
	volatile struct spawn_failure failure; /* volatile: the vfork child writes it */
};

/* The functions from here to child_main() run in the vfork child and make only system calls, except
   find_ignored_signals(). */
static bool become_user(const struct spawn_settings *s)
{
	return s->keep_caller_user || credentials_become(s->uid, s->gid, s->groups, s->n_groups);
}

/*
 * `final` is the number that *fd must have in the new program. If the number of *fd is not greater
 * than `final`, moves *fd above the final numbers of all file descriptors. Without this move, the
 * dup2 of another file descriptor could overwrite *fd, or a dup2 of *fd to its own number would not
 * clear the close-on-exec flag.
 */
static bool move_fd_above_targets(const struct spawn_child *c, int *fd, int final)
{
	/* Uses the lowest possible number, because the limit for open files may be low. */
	if (*fd <= final)
		*fd = fcntl(*fd, F_DUPFD_CLOEXEC, PROGRAM_FD(c) + 1);
	return *fd >= 0;
}

static bool place_fds(struct spawn_child *c)
{
	int answer = c->spawn->stdout_fd >= 0 ? c->spawn->stdout_fd : c->output_fd;

	for (size_t i = 0; i < c->n_fds; i++)
		if (!move_fd_above_targets(c, &c->fds[i], 3 + (int)i))
			return false;
	if (!move_fd_above_targets(c, &c->program_fd, PROGRAM_FD(c)))
		return false;
	if (dup2(c->null_fd, 0) < 0 || dup2(answer, 1) < 0 || dup2(c->output_fd, 2) < 0)
		return false;
	for (size_t i = 0; i < c->n_fds; i++)
		if (dup2(c->fds[i], 3 + (int)i) < 0)
			return false;
	if (dup3(c->program_fd, PROGRAM_FD(c), O_CLOEXEC) < 0)
		return false;
	fd_close_from((unsigned int)PROGRAM_FD(c) + 1);
	return true;
}

/*
 * Returns the signals that the parent of ffsctl made it ignore (nohup, a shell's job). ffsctl
 * itself does not ignore signals, so the set never changes.
 */
static const sigset_t *find_ignored_signals(void)
{
	static sigset_t set;
	static bool known;
	struct sigaction action;

	if (known)
		return &set;
	sigemptyset(&set);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			sigaddset(&set, sig);
	known = true;
	return &set;
}

/* Gives the worker default signal actions and an empty signal mask. */
static void unignore_and_unblock_signals(const sigset_t *ignored)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sigismember(ignored, sig) == 1)
			sigaction(sig, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool set_resource_limit(int resource, uint64_t limit)
{
	/* The kernel sends SIGXCPU at the limit for CPU time, and SIGKILL one second later. */
	const struct rlimit r = { .rlim_cur = limit,
				  .rlim_max = resource == RLIMIT_CPU ? limit + 1 : limit };

	return !limit || setrlimit(resource, &r) == 0;
}

static bool set_resource_limits(const struct process_limits *limits)
{
	return set_resource_limit(RLIMIT_AS, limits->max_memory_bytes) &&
	       set_resource_limit(RLIMIT_NOFILE, limits->max_open_files) &&
	       set_resource_limit(RLIMIT_CPU, limits->max_cpu_seconds) &&
	       set_resource_limit(RLIMIT_NPROC, limits->max_tasks_of_user);
}

static void write_decimal_pid(char *to, pid_t pid)
{
	char digits[SPAWN_PID_DIGITS + 1];
	int n = 0;

	for (; pid > 0; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	while (n > 0)
		*to++ = digits[--n];
	*to = '\0';
}

/* Executes the program. Returns only on failure: ACTION of the message "cannot ACTION PROGRAM". */
static const char *become_worker(struct spawn_child *c)
{
	const struct spawn_settings *s = c->spawn;
	char link_target[WORKER_PID_SYMLINK_SIZE];

	if (setsid() < 0)
		return "start a process session for";
	/*
	 * Makes the link first, because the link identifies the processes of the worker if the
	 * supervisor dies.
	 */
	worker_pid_symlink_format_target(link_target);
	if (s->worker_pid_symlink_name &&
	    symlinkat(link_target, s->worker_pid_symlink_dir_fd, s->worker_pid_symlink_name) < 0)
		return "record the pid of";
	if (!place_fds(c))
		return "pass file descriptors to";
	if (chdir(s->working_directory) < 0)
		return "change to the directory of";
	/*
	 * The limits are set before the capabilities are dropped, because raising a limit needs a
	 * capability.
	 */
	if (!set_resource_limits(&s->process_limits))
		return "set the resource limits of";
	/* An unprivileged caller cannot change the bounding set. */
	if (!s->process_limits.keep_all_privileges && !s->caller_bounding_set_is_empty &&
	    !s->keep_caller_user &&
	    !capabilities_reduce_bounding_set(s->process_limits.capabilities))
		return "drop the capabilities of";
	/* Without PR_SET_KEEPCAPS, the change of the user would drop the capabilities. */
	if (s->process_limits.capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return "keep the capabilities of";
	/* A worker that keeps its privileges must install the filter while it has CAP_SYS_ADMIN,
	   because no_new_privs is not set. */
	if (s->process_limits.keep_all_privileges && s->sandbox.n_instructions > 0 &&
	    !sandbox_enter(&s->sandbox))
		return "restrict the system calls of";
	if (!become_user(s))
		return "set the user and the groups of";
	if (!s->process_limits.keep_all_privileges &&
	    !capabilities_change_to(s->process_limits.capabilities))
		return "set the capabilities of";
	if (!s->process_limits.keep_all_privileges && s->sandbox.n_instructions > 0 &&
	    !sandbox_enter(&s->sandbox))
		return "restrict the system calls of";
	/* Set here, because the change of the user above clears the parent-death signal. */
	if ((s->dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) ||
	    getppid() != c->parent_pid)
		return "set the parent-death signal of";
	if (s->listen_pid_value)
		write_decimal_pid(s->listen_pid_value, getpid());
	unignore_and_unblock_signals(c->ignored_signals);
	execve(s->program_path, s->argv, s->env);
	/*
	 * EACCES: the user has no permission to search a directory of the path, for example of a
	 * build tree in a home directory. An exec by file descriptor needs no path. It does not
	 * work for scripts, because their interpreter needs a path: the kernel then returns ENOENT.
	 */
	if (errno == EACCES) {
		syscall(SYS_execveat, PROGRAM_FD(c), "", s->argv, s->env, AT_EMPTY_PATH);
		if (errno == ENOENT)
			errno = EACCES;
	}
	return "execute";
}

static _Noreturn void child_main(struct spawn_child *c)
{
	c->failure.failed_action = become_worker(c);
	c->failure.errno_value = errno;
	_exit(127);
}

/*
 * Uses vfork, so that the kernel does not copy the memory of the supervisor, and c->failure is set
 * when vfork returns. No signal handler can run in the child, because the supervisor blocks all
 * signals (signalfd).
 */
static pid_t vfork_child(struct spawn_child *c)
{
	pid_t pid = vfork();

	if (pid == 0)
		child_main(c);
	return pid;
}

int spawn_start(const struct spawn_settings *spawn, const int *fds, size_t n_fds, int output,
		pid_t *pid, struct error *err)
{
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int program = open(spawn->program_path, O_PATH | O_CLOEXEC);
	int r = program < 0 ? -errno : 0;
	_cleanup_free_ int *copy = xcalloc(n_fds, sizeof(*copy));
	struct spawn_child c = { .spawn = spawn,
				 .fds = copy,
				 .n_fds = n_fds,
				 .null_fd = null,
				 .output_fd = output,
				 .program_fd = program,
				 .parent_pid = getpid(),
				 .ignored_signals = find_ignored_signals() };

	/* Removes the symbolic link that the previous start made. */
	if (spawn->worker_pid_symlink_name)
		unlinkat(spawn->worker_pid_symlink_dir_fd, spawn->worker_pid_symlink_name, 0);
	if (n_fds > 0)
		memcpy(copy, fds, n_fds * sizeof(*copy));
	*pid = r == 0 ? vfork_child(&c) : -1;
	if (*pid < 0) {
		r = r < 0 ? r : -errno;
		*pid = 0;
		error_errno(err, r == -ENOENT ? EX_UNAVAILABLE : EX_OSERR, -r, spawn->program_path,
			    "cannot start %s", spawn->program_path);
	} else if (c.failure.failed_action) {
		/* Reaps the zombie, because the caller gets no pid. */
		syscall(SYS_wait4, *pid, NULL, 0, NULL);
		*pid = 0;
		r = error_errno(err, EX_UNAVAILABLE, c.failure.errno_value, spawn->program_path,
				"cannot %s %s", c.failure.failed_action, spawn->program_path);
		if (streq((const char *)c.failure.failed_action, "execute"))
			spawn_add_execute_hint(spawn->program_path, err);
	}
	return r;
}

void spawn_free(struct spawn_settings *spawn)
{
	strings_free(spawn->argv);
	strings_free(spawn->env);
	free(spawn->program_path);
	free(spawn->working_directory);
	free(spawn->groups);
	free(spawn->worker_pid_symlink_name);
	sandbox_free(&spawn->sandbox);
	*spawn = (struct spawn_settings){ 0 };
}

static bool parse_uid_or_gid(const char *name, unsigned int *id)
{
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	if (*name < '0' || *name > '9' || *end || n >= (unsigned int)-1)
		return false;
	*id = (unsigned int)n;
	return true;
}

int spawn_find_user(const char *name, uid_t *uid, gid_t *gid, const struct position *at,
		    struct error *err)
{
	unsigned int number = 0;
	bool numeric = parse_uid_or_gid(name, &number);
	const struct passwd *pw = numeric ? getpwuid(number) : getpwnam(name);

	if (!pw && !numeric) {
		error_set(err, EX_UNAVAILABLE, ENOENT, NULL, "unknown user '%s'", name);
		return error_set_position(err, at);
	}
	*uid = pw ? pw->pw_uid : number;
	*gid = pw ? pw->pw_gid : number;
	return 0;
}

int spawn_find_group(const char *name, gid_t *gid, const struct position *at, struct error *err)
{
	unsigned int number = 0;
	bool numeric = parse_uid_or_gid(name, &number);
	const struct group *gr = numeric ? NULL : getgrnam(name);

	if (!gr && !numeric) {
		error_set(err, EX_UNAVAILABLE, ENOENT, NULL, "unknown group '%s'", name);
		return error_set_position(err, at);
	}
	*gid = gr ? gr->gr_gid : number;
	return 0;
}
