/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The access of a worker to its device. A program without the key `user` has a user id of its own,
 * and a device belongs to root. So the worker may read and write its device from each start to the
 * end of its last process: the device node of a kernel function, by an entry in its access control
 * list, or the endpoint file to which the key `device` leads, by the group of the mount, which is
 * the worker's own. The worker never owns the device, because an owner can let others in. Owner and
 * group of a node stay those that udev sets, perhaps later.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "function/function.h"
#include "functionfs/endpoint.h"

#define FUNCTIONFS_MAGIC 0xa647361 /* f_fs.c */
#define ENDPOINT_FILE_MODE 0600	   /* `fmode` of the mount (function.c) */
#define GROUP_MAY_READ_AND_WRITE 0060
#define ACL_ATTRIBUTE "system.posix_acl_access"
#define ACL_ENTRIES_MAX 64
#define READ_AND_WRITE (ACL_READ | ACL_WRITE)
/* The mask of a list that had none. If it has another value later, chmod(2) has set it. */
#define OUR_MASK (ACL_READ | ACL_WRITE | ACL_EXECUTE)

/* --- access control lists --- */

struct acl {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[ACL_ENTRIES_MAX + 2]; /* room for acl_add_user() */
	size_t n;
};

static void acl_insert(struct acl *acl, size_t at, unsigned int tag, unsigned int perm, uint32_t id)
{
	memmove(&acl->entries[at + 1], &acl->entries[at], (acl->n++ - at) * sizeof(*acl->entries));
	acl->entries[at] = (struct posix_acl_xattr_entry){ htole16((uint16_t)tag),
							   htole16((uint16_t)perm), htole32(id) };
}

static void acl_remove(struct acl *acl, size_t at)
{
	memmove(&acl->entries[at], &acl->entries[at + 1], (--acl->n - at) * sizeof(*acl->entries));
}

/* Returns the index of the first entry with the tag; acl->n: there is none. */
static size_t acl_find(const struct acl *acl, unsigned int tag)
{
	size_t at = 0;

	while (at < acl->n && le16toh(acl->entries[at].e_tag) != tag)
		at++;
	return at;
}

/* Reads the list of a file; if it has none, makes the list that means the same as its mode. */
static int acl_read(struct acl *acl, const char *path, mode_t mode)
{
	ssize_t size = getxattr(path, ACL_ATTRIBUTE, acl,
				sizeof(acl->header) + ACL_ENTRIES_MAX * sizeof(*acl->entries));

	acl->n = 0;
	if (size < 0 && errno != ENODATA)
		return -errno;
	if (size >= (ssize_t)sizeof(acl->header)) {
		acl->n = ((size_t)size - sizeof(acl->header)) / sizeof(*acl->entries);
		return 0;
	}
	acl->header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
	acl_insert(acl, 0, ACL_USER_OBJ, mode >> 6 & 7, (uint32_t)ACL_UNDEFINED_ID);
	acl_insert(acl, 1, ACL_GROUP_OBJ, mode >> 3 & 7, (uint32_t)ACL_UNDEFINED_ID);
	acl_insert(acl, 2, ACL_OTHER, mode & 7, (uint32_t)ACL_UNDEFINED_ID);
	return 0;
}

/* Writes the list; one without users, groups and mask becomes the mode of the file. */
static int acl_write(const struct acl *acl, const char *path)
{
	return setxattr(path, ACL_ATTRIBUTE, acl,
			sizeof(acl->header) + acl->n * sizeof(*acl->entries), 0) < 0
		       ? -errno
		       : 0;
}

/* Removes the entries of all workers' user ids. Returns whether there were any. */
static bool acl_remove_workers(struct acl *acl)
{
	size_t before = acl->n;

	for (size_t i = acl->n; i-- > 0;) {
		uint32_t id = le32toh(acl->entries[i].e_id);

		if (le16toh(acl->entries[i].e_tag) == ACL_USER && id >= FFSCTL_WORKER_ID_FIRST &&
		    id <= FFSCTL_WORKER_ID_LAST)
			acl_remove(acl, i);
	}
	return acl->n != before;
}

static void acl_add_user(struct acl *acl, uid_t uid)
{
	size_t mask = acl_find(acl, ACL_MASK);

	if (mask == acl->n)
		acl_insert(acl, acl_find(acl, ACL_OTHER), ACL_MASK, OUR_MASK,
			   (uint32_t)ACL_UNDEFINED_ID);
	else
		acl->entries[mask].e_perm |= htole16(READ_AND_WRITE);
	acl_insert(acl, acl_find(acl, ACL_USER_OBJ) + 1, ACL_USER, READ_AND_WRITE, uid);
}

/*
 * Removes the mask if the list has no other users and groups. chmod(2) changes the mask of a list
 * instead of the permissions of the group, so what it has set becomes these.
 */
static void acl_remove_mask(struct acl *acl)
{
	size_t mask = acl_find(acl, ACL_MASK), group = acl_find(acl, ACL_GROUP_OBJ);

	if (mask == acl->n || group == acl->n || acl_find(acl, ACL_USER) < acl->n ||
	    acl_find(acl, ACL_GROUP) < acl->n)
		return;
	if (acl->entries[mask].e_perm != htole16(OUR_MASK))
		acl->entries[group].e_perm = acl->entries[mask].e_perm;
	acl_remove(acl, mask);
}

/* Makes `uid` the only worker that may open the device node; 0: none. */
static int set_worker_of_node(const char *path, mode_t mode, uid_t uid)
{
	struct acl acl;
	int r = acl_read(&acl, path, mode);
	bool changed;

	if (r < 0)
		return uid ? r : 0; /* without lists, no worker has an entry */
	changed = acl_remove_workers(&acl);
	if (uid)
		acl_add_user(&acl, uid);
	else if (changed)
		acl_remove_mask(&acl);
	return uid || changed ? acl_write(&acl, path) : 0;
}

/* --- the device --- */

bool function_worker_gets_device(const struct live_function *function)
{
	const struct live_worker *worker = function->worker;
	const struct ffs *ffs = function->model->ffs;
	const struct ffs_mount *m = ffs ? &ffs->mount : NULL;

	if (!worker || worker->model->kind != WORKER_EXEC || worker->model->user.value ||
	    worker->spawn.uid == 0)
		return false;
	/* Owner and mode that the gadget file sets are not changed. */
	return !ffs || (ffs->endpoint_file_symlink.value && !m->uid.value && !m->gid.value &&
			!m->mode.set && !m->rmode.set && !m->fmode.set);
}

static int store_first_endpoint(void *data, const struct endpoint *ep)
{
	*(const struct endpoint **)data = ep;
	return 1;
}

/*
 * Returns the name of the endpoint file to which the symbolic link of the key `device` leads;
 * gadgetfile_load ensures that the function has one endpoint or one pair. The caller frees the
 * name.
 */
static char *linked_endpoint_file_name(const struct ffs *ffs)
{
	const struct endpoint *ep = NULL;

	ffs_each_endpoint(ffs, store_first_endpoint, &ep);
	return ffs_count_in_out_pairs(ffs) > 0 ? ffs_in_out_pair_file_name(ffs, ep)
					       : ffs_endpoint_file(ffs, ep);
}

char *function_device_endpoint_path(const struct live_function *function)
{
	const struct ffs *ffs = function->model->ffs;
	_cleanup_free_ char *file =
		ffs->endpoint_file_symlink.value ? linked_endpoint_file_name(ffs) : NULL;

	return file ? strf("%s/%s", ffs->mount.path, file) : NULL;
}

/* Returns the path of the device; NULL: there is none, or none yet. The caller frees it. */
static char *device_path(const struct live_function *function)
{
	return function->model->ffs ? function_device_endpoint_path(function)
				    : xstrdup_or_null(function->kernel_device.device_node);
}

/*
 * Opens the device without the right to read or write. Returns -1 if the path does not lead to a
 * device of the function: it may have been replaced.
 */
static int open_device(const struct live_function *function, struct stat *st)
{
	_cleanup_free_ char *path = device_path(function);
	_cleanup_close_ int fd = path ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	struct statfs fs;

	if (fd < 0 || fstat(fd, st) < 0 || fstatfs(fd, &fs) < 0)
		return -1;
	if (function->model->ffs ? !S_ISREG(st->st_mode) || fs.f_type != FUNCTIONFS_MAGIC
				 : !S_ISCHR(st->st_mode))
		return -1;
	return steal_fd(&fd);
}

/* Lets the worker open its device, or no longer. */
static void set_access(const struct live_function *function, bool allowed, const char *action)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (!function_worker_gets_device(function))
		return;
	fd = open_device(function, &st);
	if (fd < 0)
		return;
	/* Calls for a file descriptor refuse one that is opened with O_PATH. */
	path = strf("/proc/self/fd/%d", fd);
	if (function->model->ffs)
		r = chmod(path, ENDPOINT_FILE_MODE | (allowed ? GROUP_MAY_READ_AND_WRITE : 0)) < 0
			    ? -errno
			    : 0;
	else
		r = set_worker_of_node(path, st.st_mode, allowed ? function->worker->spawn.uid : 0);
	if (r < 0)
		functions_log_about(function->functions, function->model->label, LOG_WARNING,
				    "cannot %s: %s", action, strerror(-r));
}

void function_give_device_to_worker(const struct live_function *function)
{
	set_access(function, true, "let the worker open its device");
}

void function_take_device_from_worker(const struct live_function *function)
{
	set_access(function, false, "take the device from the worker");
}
