/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"

#define START_FIELD 22
/* Maximum size of /proc/PID/status in bytes, which is enough for NGROUPS_MAX groups. */
#define STATUS_MAX (1024 * 1024)
#define MOUNT_USERS_SHOWN 4
#define MOUNTS_MAX (16 * 1024 * 1024)

/*
 * Replaces the escape sequences in a field of mountinfo: a backslash and three octal digits stand
 * for a space, tab, newline or backslash.
 */
static void unescape_mount_field(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool parse_mountinfo_line(char *line, struct mount *m)
{
	char *rest = NULL, *field = NULL, *p = strtok_r(line, " ", &rest);

	for (int i = 0; p && i < 4; i++)
		p = strtok_r(NULL, " ", &rest);
	m->path = p;
	while ((field = strtok_r(NULL, " ", &rest)) && !streq(field, "-"))
		;
	m->type = strtok_r(NULL, " ", &rest);
	m->source = strtok_r(NULL, " ", &rest);
	if (!m->path || !m->type || !m->source)
		return false;
	unescape_mount_field(m->path);
	unescape_mount_field(m->source);
	return true;
}

static int read_mountinfo(char **text)
{
	return file_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_MAX, text, NULL);
}

int mounts_visit(const char *mounts, int (*fn)(void *data, const struct mount *mount), void *data)
{
	_cleanup_free_ char *current = NULL;
	int r = mounts ? 0 : read_mountinfo(&current);

	for (const char *at = mounts ?: current; r == 0 && *at;) {
		size_t length = strcspn(at, "\n");
		_cleanup_free_ char *line = xstrndup(at, length);
		struct mount m;

		if (parse_mountinfo_line(line, &m))
			r = fn(data, &m);
		at += length + (at[length] == '\n');
	}
	return r;
}

/* Arguments and result of mount_state_at() or mounts_have(). */
struct mount_query {
	const char *path, *type, *source;
	enum mount_state state; /* result */
};

static int match_mountinfo_line(void *data, const struct mount *m)
{
	struct mount_query *f = data;

	if (!streq(m->path, f->path))
		return 0;
	/* If there are several mounts on one path, the last line decides: this mount hides the
	   others. */
	f->state = streq(m->type, f->type) && (!f->source || streq(m->source, f->source))
			   ? MOUNT_MATCH
			   : MOUNT_OTHER;
	return 0;
}

int mount_state_at(const char *path, const char *type, const char *source)
{
	struct mount_query f = {
		.path = path, .type = type, .source = source, .state = MOUNT_NONE
	};
	int r = mounts_visit(NULL, match_mountinfo_line, &f);

	return r < 0 ? r : (int)f.state;
}

char *mounts_read(void)
{
	char *text;

	return read_mountinfo(&text) < 0 ? NULL : text;
}

/* Calls `fn` for each line of `mounts` that contains `word`. */
static void each_mountinfo_line_with(const char *mounts, const char *word,
				     int (*fn)(void *data, const struct mount *m), void *data)
{
	for (const char *at = mounts; at && (at = strstr(at, word)); at++) {
		_cleanup_free_ char *line = NULL;
		const char *begin = at;
		struct mount m;

		while (begin > mounts && begin[-1] != '\n')
			begin--;
		line = xstrndup(begin, strcspn(begin, "\n"));
		if (parse_mountinfo_line(line, &m))
			fn(data, &m);
	}
}

bool mounts_have(const char *mounts, const char *path, const char *type, const char *source)
{
	_cleanup_free_ char *word = strf(" %s ", path);
	struct mount_query f = {
		.path = path, .type = type, .source = source, .state = MOUNT_NONE
	};

	each_mountinfo_line_with(mounts, word, match_mountinfo_line, &f);
	return f.state == MOUNT_MATCH;
}

/* Arguments of mounts_each(). */
struct mounts_each_arguments {
	const char *type;
	void (*on_mount)(void *data, const char *path, const char *source);
	void *callback_data;
};

static int call_if_mount_type(void *data, const struct mount *m)
{
	const struct mounts_each_arguments *each = data;

	if (streq(m->type, each->type))
		each->on_mount(each->callback_data, m->path, m->source);
	return 0;
}

void mounts_each(const char *mounts, const char *type,
		 void (*fn)(void *data, const char *path, const char *source), void *data)
{
	_cleanup_free_ char *word = strf(" - %s ", type);
	struct mounts_each_arguments each = { type, fn, data };

	each_mountinfo_line_with(mounts, word, call_if_mount_type, &each);
}

int process_each(int (*fn)(void *data, pid_t pid), void *data)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	if (!proc)
		return -errno;
	while (r == 0 && (entry = readdir(proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid > 0 && *end == '\0')
			r = fn(data, (pid_t)pid);
	}
	closedir(proc);
	return r;
}

/*
 * Returns the part of /proc/PID/stat from the state (field 3 of proc(5)) on; NULL: no such process.
 * The caller frees *line. The end of the name in field 2 is the last ')', because the name may
 * contain every character.
 */
static const char *read_process_stat(pid_t pid, char **line)
{
	_cleanup_free_ char *path = strf("/proc/%d/stat", (int)pid);
	const char *rest;

	if (file_read_first_line(AT_FDCWD, path, line) < 0)
		return NULL;
	rest = strrchr(*line, ')');
	return rest && strlen(rest) > 2 ? rest + 2 : NULL;
}

/* Returns the pid of the parent; 0: no parent, or no such process. */
static pid_t parent_pid_of(pid_t pid)
{
	_cleanup_free_ char *line = NULL;
	const char *state = read_process_stat(pid, &line);

	return state && strlen(state) > 2 ? (pid_t)strtol(state + 2, NULL, 10) : 0;
}

bool process_start_time(pid_t pid, uint64_t *ticks)
{
	_cleanup_free_ char *line = NULL;
	const char *field = read_process_stat(pid, &line);

	for (int i = 3; field && i < START_FIELD; i++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	*ticks = field ? strtoull(field, NULL, 10) : 0;
	return field;
}

/* Returns whether a line of /proc/PID/status contains the number `id`. `line_start` is the start of
   the line, for example "\nUid:". */
static bool status_line_has_id(const char *text, const char *line_start, unsigned long id)
{
	const char *at = strstr(text, line_start);
	char *end;

	for (at = at ? at + strlen(line_start) : NULL; at; at = end) {
		unsigned long next;

		at += strspn(at, " \t");
		if (*at < '0' || *at > '9')
			return false;
		next = strtoul(at, &end, 10);
		if (next == id)
			return true;
	}
	return false;
}

bool process_has_uid_or_gid(pid_t pid, unsigned int id)
{
	_cleanup_free_ char *path = strf("/proc/%d/status", (int)pid);
	_cleanup_free_ char *text = NULL;

	/* The file also contains the process's name, which the process can choose. But the name
	   cannot imitate one of these lines, because the kernel escapes newlines in the name. */
	return file_read(AT_FDCWD, path, STATUS_MAX, &text, NULL) >= 0 &&
	       (status_line_has_id(text, "\nUid:", id) || status_line_has_id(text, "\nGid:", id) ||
		status_line_has_id(text, "\nGroups:", id));
}

static bool descends_from(pid_t pid, pid_t ancestor)
{
	while (pid > 0 && pid != ancestor)
		pid = parent_pid_of(pid);
	return pid > 0;
}

/* Arguments and result of mount_users_as_text(). */
struct mount_user_search {
	pid_t except_pid; /* 0: no exception */
	dev_t mount_device;
	char *process_list;	    /* the list so far; NULL: empty */
	unsigned int n_users_found; /* number of processes that were found */
};

static bool process_uses_filesystem(pid_t pid, dev_t dev)
{
	static const char *const links[] = { "cwd", "root", "exe" };
	_cleanup_free_ char *dir = strf("/proc/%d/fd", (int)pid);
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *fds;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		_cleanup_free_ char *path = strf("/proc/%d/%s", (int)pid, links[i]);

		if (stat(path, &st) == 0 && st.st_dev == dev)
			return true;
	}
	fds = opendir(dir);
	if (!fds)
		return false;
	while (!found && (entry = readdir(fds)))
		found = fstatat(dirfd(fds), entry->d_name, &st, 0) == 0 && st.st_dev == dev &&
			entry->d_name[0] != '.';
	closedir(fds);
	return found;
}

static int add_mount_user(void *data, pid_t pid)
{
	struct mount_user_search *h = data;
	_cleanup_free_ char *name = NULL, *old = NULL;

	if (pid == getpid() || !process_uses_filesystem(pid, h->mount_device) ||
	    (h->except_pid && descends_from(pid, h->except_pid)))
		return 0;
	name = process_name(pid);
	old = h->process_list;
	if (++h->n_users_found > MOUNT_USERS_SHOWN) {
		h->process_list = strf("%s and others", old);
		return 1;
	}
	h->process_list = old ? strf("%s, %s (pid %d)", old, name, (int)pid)
			      : strf("%s (pid %d)", name, (int)pid);
	return 0;
}

bool process_uses_mount(pid_t pid, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && process_uses_filesystem(pid, st.st_dev);
}

char *mount_users_as_text(const char *path, pid_t except)
{
	struct mount_user_search h = { .except_pid = except };
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	h.mount_device = st.st_dev;
	process_each(add_mount_user, &h);
	return h.process_list;
}

char *process_name(pid_t pid)
{
	_cleanup_free_ char *path = strf("/proc/%d/comm", (int)pid);
	char *name;

	return file_read_first_line(AT_FDCWD, path, &name) < 0 ? xstrdup("?") : name;
}

void process_await_end(int pidfd, int timeout_ms)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	while (poll(&pfd, 1, timeout_ms) < 0 && errno == EINTR)
		;
}

/* Returns the letter for the state of the process (proc(5)); 0: no such process. */
static char process_state(pid_t pid)
{
	_cleanup_free_ char *line = NULL;
	const char *state = read_process_stat(pid, &line);

	return state ? *state : 0;
}

/* Does what process_alive does, for a process whose /proc/PID/exe the caller has no permission to
   read. */
static bool is_alive_by_proc_state(pid_t pid)
{
	char state = process_state(pid);

	return state && state != 'Z' && state != 'X';
}

bool process_is_stopped(pid_t pid)
{
	return process_state(pid) == 'T';
}

bool process_alive(pid_t pid)
{
	char path[32], byte;

	/*
	 * readlink() fails with ENOENT for a process that has ended, because it has no memory map
	 * (fs/proc/base.c).
	 */
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (readlink(path, &byte, 1) >= 0)
		return true;
	return errno != ENOENT && is_alive_by_proc_state(pid);
}
