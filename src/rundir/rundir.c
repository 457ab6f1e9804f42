/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "process/worker_uid.h"
#include "rundir/udc_notes.h"

#define JSON_FILE_MAX (4 * 1024 * 1024)
/*
 * Maximum number of attempts of a system call that races with another command. If all these
 * attempts fail, the reason is not the race.
 */
#define RACES_MAX 1000

/* Sets the error "cannot WHAT PATH" from errno; with the hint about root if access was denied. */
static int fail_at_path(struct error *err, const char *path, const char *what)
{
	int e = errno;

	error_errno(err, e == EACCES || e == EPERM ? EX_NOPERM : EX_OSERR, e, path, "cannot %s %s",
		    what, path);
	return err->exit == EX_NOPERM ? error_add_root_hint(err) : -e;
}

/*
 * Opens RUN/NAME and creates missing directories. `down` of another gadget can remove /run/ffsctl
 * after this process has created it. Then mkdir of RUN/NAME fails with ENOENT and the loop tries
 * again.
 */
static int open_or_create_dir(struct rundir *rundir, const struct paths *paths, struct error *err)
{
	int tries = 0;

	do {
		if (mkdir(paths->run_dir, 0755) < 0 && errno != EEXIST)
			return fail_at_path(err, paths->run_dir, "create");
		if (mkdir(rundir->path, 0755) < 0 && errno != EEXIST && errno != ENOENT)
			return fail_at_path(err, rundir->path, "create");
		rundir->dir_fd =
			open(rundir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	} while (rundir->dir_fd < 0 && errno == ENOENT && ++tries < RACES_MAX);
	return rundir->dir_fd < 0 ? fail_at_path(err, rundir->path, "open") : 0;
}

static bool lock_file_is_current(const struct rundir *rundir)
{
	_cleanup_free_ char *path = strf("%s/" RUNDIR_LOCK, rundir->path);

	return fd_is_file_at_path(rundir->lock_fd, path);
}

const char *const lock_owner_role_words[OWNER_ROLE_COUNT] = {
	[OWNER_STARTING] = "up",	   [OWNER_TAKING_OVER] = "up, taking over",
	[OWNER_SUPERVISOR] = "supervisor", [OWNER_STOPPING] = "going down",
	[OWNER_CLEARING] = "down",	   [OWNER_PROBING] = "features",
};

/* Parses the line of a lock file, "PID WORDS". Returns the pid, or 0 if the line has no pid. */
static pid_t parse_lock_line(const char *line, enum lock_owner_role *role)
{
	int pid = 0, at = 0;

	*role = OWNER_UNKNOWN;
	sscanf(line, "%d %n", &pid, &at);
	for (enum lock_owner_role i = 0; at > 0 && i < OWNER_ROLE_COUNT; i++)
		if (streq_null(lock_owner_role_words[i], line + at))
			*role = i;
	return at > 0 && pid > 0 ? pid : 0;
}

static enum lock_owner_role read_last_lock_owner_role(const struct rundir *rundir)
{
	_cleanup_free_ char *line = NULL;
	enum lock_owner_role role = OWNER_UNKNOWN;

	if (file_read_first_line(rundir->dir_fd, RUNDIR_LOCK, &line) == 0)
		parse_lock_line(line, &role);
	return role;
}

/*
 * Sets previous_supervisor_died from the role of the previous owner of the lock. Returns the role
 * of the new owner: for a takeover OWNER_TAKING_OVER instead of OWNER_STARTING. So the next `up`
 * can take over if this process dies during the takeover.
 */
static enum lock_owner_role change_role_if_supervisor_died(struct rundir *rundir,
							   enum lock_owner_role requested_role)
{
	enum lock_owner_role was = read_last_lock_owner_role(rundir);

	rundir->previous_supervisor_died = was == OWNER_SUPERVISOR || was == OWNER_TAKING_OVER;
	return rundir->previous_supervisor_died && requested_role == OWNER_STARTING
		       ? OWNER_TAKING_OVER
		       : requested_role;
}

int rundir_lock(struct rundir *rundir, const struct paths *paths, const char *name,
		enum lock_owner_role role, struct error *err)
{
	*rundir = RUNDIR_NONE;
	for (;;) {
		int r;

		rundir->path = strf("%s/%s", paths->run_dir, name);
		r = open_or_create_dir(rundir, paths, err);
		if (r < 0)
			break;
		rundir->lock_fd = openat(rundir->dir_fd, RUNDIR_LOCK,
					 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (rundir->lock_fd < 0 && errno != ENOENT) {
			fail_at_path(err, rundir->path, "lock");
			break;
		}
		if (rundir->lock_fd >= 0 && fd_lock(rundir->lock_fd) < 0) {
			error_errno(err, EX_CANTCREAT, errno, rundir->path, "cannot lock %s",
				    rundir->path);
			break;
		}
		/*
		 * The previous owner may have removed the directory before this process got the
		 * lock.
		 */
		if (rundir->lock_fd >= 0 && lock_file_is_current(rundir))
			return rundir_write_lock_owner(
				rundir, change_role_if_supervisor_died(rundir, role), err);
		rundir_close(rundir);
	}
	rundir_close(rundir);
	return -err->errno_value;
}

/* Opens a run directory without its lock. Returns false if it does not exist. */
static bool open_existing(struct rundir *rundir, const struct paths *paths, const char *name)
{
	*rundir = RUNDIR_NONE;
	rundir->path = strf("%s/%s", paths->run_dir, name);
	rundir->dir_fd = open(rundir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return rundir->dir_fd >= 0;
}

/* Takes the lock, and leaves the lock file as it is. Returns false if there is no such file, or an
 * owner. */
static bool try_lock(struct rundir *rundir)
{
	rundir->lock_fd = openat(rundir->dir_fd, RUNDIR_LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return rundir->lock_fd >= 0 && fd_lock(rundir->lock_fd) == 0 &&
	       lock_file_is_current(rundir);
}

int rundir_reopen_locked(struct rundir *rundir, const struct paths *paths, const char *name,
			 int lock_fd, struct error *err)
{
	int r;

	*rundir = RUNDIR_NONE;
	rundir->path = strf("%s/%s", paths->run_dir, name);
	rundir->lock_fd = lock_fd;
	rundir->previous_supervisor_died = true;
	r = open_or_create_dir(rundir, paths, err);
	if (r < 0 || lock_file_is_current(rundir))
		return r;
	return error_set(err, EX_OSERR, ENOENT, rundir->path, "the lock in %s was replaced",
			 rundir->path);
}

int rundir_write_lock_owner(const struct rundir *rundir, enum lock_owner_role role,
			    struct error *err)
{
	_cleanup_free_ char *text = strf("%d %s\n", (int)getpid(), lock_owner_role_words[role]);

	/* Readers use only the first line, so they read either the old owner or the new owner. */
	if (pwrite(rundir->lock_fd, text, strlen(text), 0) == (ssize_t)strlen(text) &&
	    ftruncate(rundir->lock_fd, (off_t)strlen(text)) == 0)
		return 0;
	return error_errno(err, EX_IOERR, errno, rundir->path, "cannot write %s/" RUNDIR_LOCK,
			   rundir->path);
}

struct rundir rundir_steal(struct rundir *rundir)
{
	struct rundir taken = *rundir;

	*rundir = RUNDIR_NONE;
	return taken;
}

bool rundir_lock_without_owner(struct rundir *rundir, const struct paths *paths, const char *name)
{
	bool locked = open_existing(rundir, paths, name) && try_lock(rundir);

	if (!locked)
		rundir_close(rundir);
	return locked;
}

void rundir_close(struct rundir *rundir)
{
	if (rundir->lock_fd >= 0)
		close(rundir->lock_fd);
	if (rundir->dir_fd >= 0)
		close(rundir->dir_fd);
	free(rundir->path);
	*rundir = RUNDIR_NONE;
}

/*
 * Removes the directory. If another command creates a new lock file in it meanwhile, or removes or
 * replaces the directory, returns 0: the directory then belongs to that command.
 */
static int remove_dir(const struct rundir *rundir)
{
	int r = 0;

	for (int i = 0; i < RACES_MAX; i++) {
		if (rmdir(rundir->path) == 0 || errno == ENOENT)
			return 0;
		r = -errno;
		if (faccessat(rundir->dir_fd, RUNDIR_LOCK, F_OK, 0) == 0 ||
		    !fd_is_file_at_path(rundir->dir_fd, rundir->path))
			return 0;
	}
	return r;
}

/*
 * Returns a new stream of the run directory, at its first entry; the caller closes it. Returns NULL
 * and sets errno on failure.
 */
static DIR *open_dir_stream(const struct rundir *rundir)
{
	_cleanup_close_ int fd = fcntl(rundir->dir_fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return NULL;
	steal_fd(&fd);
	rewinddir(dir);
	return dir;
}

/* Sets *user for the worker of a function. The caller frees the strings with free_uid_owner. */
static void make_uid_owner(struct worker_uid_owner *user, const struct rundir *rundir,
			   const char *function)
{
	_cleanup_free_ char *parent = path_parent(rundir->path);

	*user = (struct worker_uid_owner){
		.pool_dir = strf("%s/" RUNDIR_UID_POOL, parent),
		.uid_lookup_symlink_path =
			strf("%s/" RUNDIR_UID_SYMLINK "%s", rundir->path, function),
		.owner_name = strf("%s/%s", path_last_component(rundir->path), function)
	};
}

static void free_uid_owner(struct worker_uid_owner *user)
{
	free((char *)user->pool_dir);
	free((char *)user->uid_lookup_symlink_path);
	free((char *)user->owner_name);
}

int rundir_get_worker_uid(const struct rundir *rundir, const char *function, uid_t *uid)
{
	struct worker_uid_owner user;
	int r;

	make_uid_owner(&user, rundir, function);
	r = rundir->lock_fd >= 0 ? worker_uid_reserve(&user, uid) : worker_uid_preview(&user, uid);
	free_uid_owner(&user);
	return r;
}

void rundir_release_worker_uid(const struct rundir *rundir, const char *function)
{
	struct worker_uid_owner user;

	make_uid_owner(&user, rundir, function);
	worker_uid_release(&user);
	free_uid_owner(&user);
}

void rundir_release_worker_uids(const struct rundir *rundir,
				bool (*keep)(const void *data, const char *function),
				const void *data)
{
	DIR *dir = open_dir_stream(rundir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *function = str_after(entry->d_name, RUNDIR_UID_SYMLINK);

		if (function && !(keep && keep(data, function)))
			rundir_release_worker_uid(rundir, function);
	}
	if (dir)
		closedir(dir);
}

bool rundir_read_worker_processes(const struct rundir *rundir, const char *function,
				  struct worker_processes *processes)
{
	_cleanup_free_ char *name = strf(RUNDIR_WORKER_SYMLINK "%s", function);
	char text[WORKER_PID_SYMLINK_SIZE];
	ssize_t n = readlinkat(rundir->dir_fd, name, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	return worker_pid_symlink_parse_target(text, processes);
}

/* Returns the user id that is reserved for the worker of `function`; 0: no id is reserved. */
static uid_t reserved_uid_of(const struct rundir *rundir, const char *function)
{
	struct worker_uid_owner user;
	uid_t uid;
	bool has;

	make_uid_owner(&user, rundir, function);
	has = worker_uid_find_reserved(&user, &uid);
	free_uid_owner(&user);
	return has ? uid : 0;
}

void rundir_each_worker(const struct rundir *rundir,
			void (*fn)(void *data, const char *function,
				   const struct worker_processes *processes),
			void *data)
{
	DIR *dir = open_dir_stream(rundir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *user = str_after(entry->d_name, RUNDIR_UID_SYMLINK),
			   *function =
				   user ? user : str_after(entry->d_name, RUNDIR_WORKER_SYMLINK);
		struct worker_processes processes = {
			.reserved_uid = function ? reserved_uid_of(rundir, function) : 0
		};

		/*
		 * A function can have both user-FUNCTION and worker-FUNCTION. Skips worker-FUNCTION
		 * then, so that `fn` is called once for the function.
		 */
		if (!function || (processes.reserved_uid != 0) != (user != NULL))
			continue;
		rundir_read_worker_processes(rundir, function, &processes);
		if (processes.reserved_uid || processes.session_id)
			fn(data, function, &processes);
	}
	if (dir)
		closedir(dir);
}

void rundir_release_all_worker_uids(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *pool = strf("%s/" RUNDIR_UID_POOL, paths->run_dir),
			    *prefix = strf("%s/", name);

	worker_uid_release_all(pool, prefix);
	rmdir(paths->run_dir); /* fails while other gadgets exist */
}

/*
 * Removes the notes about UDCs and all files but the lock. Releases the user ids of all functions.
 */
static int remove_files(const struct rundir *rundir)
{
	struct dirent *entry;
	DIR *dir;

	rundir_release_worker_uids(rundir, NULL, NULL);
	rundir_remove_udc_notes(rundir);
	dir = open_dir_stream(rundir);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_type != DT_DIR && !streq(entry->d_name, RUNDIR_LOCK))
			unlinkat(rundir->dir_fd, entry->d_name, 0);
	closedir(dir);
	return 0;
}

int rundir_remove(struct rundir *rundir, struct error *err)
{
	_cleanup_free_ char *parent = path_parent(rundir->path);
	/*
	 * The lock is removed last, so that no command uses a partly removed directory as a new
	 * one.
	 */
	int r = remove_files(rundir);

	if (r < 0)
		return error_errno(err, EX_OSERR, -r, rundir->path, "cannot list %s", rundir->path);
	unlinkat(rundir->dir_fd, RUNDIR_LOCK, 0);
	r = remove_dir(rundir);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, rundir->path, "cannot remove %s",
				   rundir->path);
	rmdir(parent); /* fails while other gadgets exist */
	rundir_close(rundir);
	return 0;
}

void rundir_remove_files(struct rundir *rundir)
{
	remove_files(rundir); /* rundir_remove reports the same error later */
}

int rundir_get_lock_owner(const struct paths *paths, const char *name, pid_t *pid,
			  enum lock_owner_role *role)
{
	_cleanup_free_ char *path = strf("%s/%s/" RUNDIR_LOCK, paths->run_dir, name), *line = NULL;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum lock_owner_role written = OWNER_UNKNOWN;
	bool locked = false, known;
	pid_t number = 0;
	int r;

	*pid = 0;
	if (role)
		*role = OWNER_UNKNOWN;
	if (fd < 0)
		return -errno;
	r = fd_is_locked(fd, &locked);
	if (r < 0 || !locked)
		return r;
	if (fd_read_first_line(fd, &line) == 0)
		number = parse_lock_line(line, &written);
	/*
	 * A new owner takes the lock before it writes its pid. Until then, the file contains the
	 * pid of the previous owner, which may be dead.
	 */
	known = number > 0 && process_alive(number);
	*pid = known ? number : -1;
	if (role && known)
		*role = written;
	return 0;
}

int rundir_read_text(const struct paths *paths, const char *name, const char *file, size_t max,
		     char **text, size_t *size, struct error *err)
{
	_cleanup_free_ char *path = strf("%s/%s/%s", paths->run_dir, name, file);
	int r = file_read_until_short_read(AT_FDCWD, path, max, text, size);

	if (r < 0 && r != -ENOENT)
		return error_errno(err, r == -EACCES ? EX_NOPERM : EX_IOERR, -r, path,
				   "cannot read %s", path);
	return r;
}

int rundir_read(const struct paths *paths, const char *name, const char *file, json_t **json,
		struct error *err)
{
	_cleanup_free_ char *text = NULL, *path = NULL;
	json_error_t error;
	size_t size;
	int r = rundir_read_text(paths, name, file, JSON_FILE_MAX, &text, &size, err);

	if (r < 0)
		return r;
	*json = json_loadb(text, size, 0, &error);
	if (*json)
		return 0;
	path = strf("%s/%s/%s", paths->run_dir, name, file);
	return error_set(err, EX_IOERR, EBADMSG, path, "%s is damaged: %s", path, error.text);
}

int rundir_write(const struct rundir *rundir, const char *file, const json_t *json,
		 struct error *err)
{
	_cleanup_free_ char *text = json_dumps(json, JSON_COMPACT);
	/* The record contains the gadget file, which other users may not be allowed to read. */
	mode_t mode = streq(file, RUNDIR_RECORD) ? 0600 : 0644;
	int r = text ? file_replace(rundir->dir_fd, file, text, strlen(text), mode) : -EINVAL;

	if (r < 0)
		return error_errno(err, EX_IOERR, -r, rundir->path, "cannot write %s/%s",
				   rundir->path, file);
	return 0;
}

bool rundir_has_file(const struct paths *paths, const char *name, const char *file)
{
	_cleanup_free_ char *path = strf("%s/%s/%s", paths->run_dir, name, file);

	return path_exists(path);
}

/*
 * Checks for files in the directory, because RUN/gadget.d is a directory of gadget files and not
 * the run directory of a gadget.
 */
bool rundir_exists(const struct paths *paths, const char *name)
{
	static const char *const files[] = { RUNDIR_LOCK, RUNDIR_RECORD, RUNDIR_STATUS,
					     RUNDIR_CONTROL };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (rundir_has_file(paths, name, files[i]))
			return true;
	return false;
}

int rundir_each_entry(const struct paths *paths, int (*fn)(void *data, const char *name),
		      void *data)
{
	DIR *dir = opendir(paths->run_dir);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = fn(data, entry->d_name);
	closedir(dir);
	return r;
}

struct rundir_each_gadget_arguments {
	const struct paths *paths;
	int (*fn)(void *data, const char *name);
	void *data;
};

static int call_fn_for_gadget_run_dir(void *data, const char *name)
{
	const struct rundir_each_gadget_arguments *e = data;

	return rundir_exists(e->paths, name) ? e->fn(e->data, name) : 0;
}

int rundir_each_gadget(const struct paths *paths, int (*fn)(void *data, const char *name),
		       void *data)
{
	struct rundir_each_gadget_arguments existing = { paths, fn, data };

	return rundir_each_entry(paths, call_fn_for_gadget_run_dir, &existing);
}

bool rundir_has_record(const struct rundir *rundir)
{
	return faccessat(rundir->dir_fd, RUNDIR_RECORD, F_OK, 0) == 0;
}

int rundir_fail_in_use(const char *name, pid_t pid, enum lock_owner_role role, struct error *err)
{
	if (pid <= 0 || role == OWNER_UNKNOWN)
		return error_set(err, EX_CANTCREAT, EBUSY, NULL, "another command works on '%s'",
				 name);
	return error_set(err, EX_CANTCREAT, EBUSY, NULL,
			 "another command works on '%s': '%s' (pid %d)", name,
			 lock_owner_role_words[role], (int)pid);
}
