/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/mount_point.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "functionfs/mount.h"

/* --- the holder of a mount --- */

/*
 * Returns the name of the gadget that has the FunctionFS instance; the caller frees it. NULL: none,
 * or `paths` is NULL.
 */
static char *gadget_of_instance(const struct paths *paths, const char *instance)
{
	_cleanup_free_ char *top =
		paths ? strf("%s/usb_gadget", paths->configfs_mount_point) : NULL;
	DIR *gadgets = top ? opendir(top) : NULL;
	struct dirent *entry;
	char *name = NULL;

	while (gadgets && !name && (entry = readdir(gadgets))) {
		_cleanup_free_ char *function =
			strf("%s/%s/functions/ffs.%s", top, entry->d_name, instance);

		if (entry->d_name[0] != '.' && path_exists(function))
			name = xstrdup(entry->d_name);
	}
	if (gadgets)
		closedir(gadgets);
	return name;
}

/* A mount that is in the way. */
struct found_mount {
	char *path;   /* NULL: none was found */
	char *holder; /* "FunctionFS of gadget 'x'" */
	char *gadget; /* the gadget that has this FunctionFS; NULL: none */
};

static void found_mount_free(struct found_mount *found)
{
	free(found->path);
	free(found->holder);
	free(found->gadget);
	*found = (struct found_mount){ 0 };
}
#define _cleanup_found_mount_ _cleanup_(found_mount_free)

static void found_mount_set(struct found_mount *found, const struct paths *paths,
			    const struct mount *mount)
{
	bool is_ffs = streq(mount->type, FFS_FILE_SYSTEM);

	found_mount_free(found);
	found->path = xstrdup(mount->path);
	found->gadget = is_ffs ? gadget_of_instance(paths, mount->source) : NULL;
	if (found->gadget)
		found->holder = strf("FunctionFS of gadget '%s'", found->gadget);
	else
		found->holder = is_ffs ? strf("FunctionFS instance '%s'", mount->source)
				       : strf("a file system of type '%s'", mount->type);
}

/* --- searches --- */

/* Arguments and result of a search for the mounts around a mount point. */
struct mount_search {
	const struct paths *paths;
	const char *path, *instance;
	bool is_mounted; /* result: `instance` is mounted on `path` */
	struct found_mount found;
};

static bool is_own_mount(const struct mount_search *search, const struct mount *mount)
{
	return streq(mount->path, search->path) && streq(mount->type, FFS_FILE_SYSTEM) &&
	       streq(mount->source, search->instance);
}

/* Finds the first mount at the path, the first one below it, or FunctionFS above it. */
static int find_mount_in_the_way(void *data, const struct mount *mount)
{
	struct mount_search *search = data;

	if (is_own_mount(search, mount)) {
		search->is_mounted = true;
		return 1; /* later mounts hide ours, not the reverse */
	}
	if (!streq(mount->path, search->path) && !path_is_below(mount->path, search->path) &&
	    !(streq(mount->type, FFS_FILE_SYSTEM) && path_is_below(search->path, mount->path)))
		return 0;
	found_mount_set(&search->found, search->paths, mount);
	return 1;
}

/* Finds the last mount that was made at the path or above it after the own mount. */
static int find_cover(void *data, const struct mount *mount)
{
	struct mount_search *search = data;

	if (is_own_mount(search, mount)) {
		search->is_mounted = true;
		found_mount_free(&search->found);
	} else if (search->is_mounted &&
		   (streq(mount->path, search->path) || path_is_below(search->path, mount->path))) {
		found_mount_set(&search->found, search->paths, mount);
	}
	return 0;
}

/* Finds the FunctionFS mount that contains the path. */
static int find_functionfs_above(void *data, const struct mount *mount)
{
	struct mount_search *search = data;

	if (streq(mount->type, FFS_FILE_SYSTEM) && path_is_below(search->path, mount->path))
		found_mount_set(&search->found, search->paths, mount);
	return 0;
}

char *ffs_find_cover(const struct paths *paths, const char *mounts, const char *path,
		     const char *instance)
{
	struct mount_search search = { .paths = paths, .path = path, .instance = instance };
	_cleanup_found_mount_ struct found_mount found = { 0 };

	mounts_visit(mounts, find_cover, &search);
	found = search.found;
	return found.path ? strf("%s on %s", found.holder, found.path) : NULL;
}

int ffs_check_is_visible(const struct paths *paths, const char *path, const char *instance,
			 struct error *err)
{
	_cleanup_free_ char *cover = ffs_find_cover(paths, NULL, path, instance);

	if (!cover)
		return 0;
	error_set(err, EX_CANTCREAT, EBUSY, path, "cannot use FunctionFS on %s: %s hides it", path,
		  cover);
	return error_add_hint(err, "unmount that first");
}

/* --- checks --- */

static int add_hint_about_holder(const struct found_mount *found, const char *key,
				 struct error *err)
{
	if (found->gadget)
		return error_add_hint(err, "set another %s, or take '%s' down first", key,
				      found->gadget);
	return error_add_hint(err, "set another %s", key);
}

static int fail_mount_in_the_way(const char *path, const struct found_mount *found,
				 struct error *err)
{
	if (streq(path, found->path))
		error_set(err, EX_CANTCREAT, EBUSY, path,
			  "cannot mount FunctionFS on %s: %s is mounted there", path,
			  found->holder);
	else if (path_is_below(path, found->path))
		error_set(err, EX_CANTCREAT, EBUSY, path,
			  "cannot mount FunctionFS on %s: %s is mounted on %s", path, found->holder,
			  found->path);
	else
		error_set(err, EX_CANTCREAT, EBUSY, path,
			  "cannot mount FunctionFS on %s: it would hide %s, mounted on %s", path,
			  found->holder, found->path);
	return add_hint_about_holder(found, "'mount.path'", err);
}

static bool directory_is_empty(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
			return false;
	return true;
}

/* Fails if the path exists and is not an empty directory. */
static int check_directory(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	bool free_to_use =
		fd < 0 ? errno != ENOTDIR || !path_exists(path) : dir && directory_is_empty(dir);

	if (free_to_use) {
		if (dir)
			closedir(dir);
		return 0; /* other errors are reported by the steps */
	}
	error_set(err, EX_CANTCREAT, fd < 0 ? ENOTDIR : ENOTEMPTY, path,
		  fd < 0 ? "cannot mount FunctionFS on %s: it is not a directory"
			 : "cannot mount FunctionFS on %s: it would hide the files in this "
			   "directory",
		  path);
	if (dir)
		closedir(dir);
	return error_add_hint(err, "set 'mount.path' to an empty directory, or to one that does "
				   "not exist");
}

static int check_mounts_around(const struct paths *paths, const char *path, const char *instance,
			       bool *is_mounted, struct error *err)
{
	struct mount_search search = { .paths = paths, .path = path, .instance = instance };
	_cleanup_found_mount_ struct found_mount found = { 0 };
	int r = mounts_visit(NULL, find_mount_in_the_way, &search);

	found = search.found;
	*is_mounted = search.is_mounted;
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, "/proc/self/mountinfo",
				   "cannot read /proc/self/mountinfo");
	return found.path ? fail_mount_in_the_way(path, &found, err) : 0;
}

int ffs_check_mount_point(const struct paths *paths, const char *path, const char *instance,
			  struct error *err)
{
	bool is_mounted;
	int r = check_mounts_around(paths, path, instance, &is_mounted, err);

	return r < 0 || is_mounted ? r : check_directory(path, err);
}

int ffs_check_mounted_first(const struct paths *paths, const char *path, const char *instance,
			    struct error *err)
{
	bool is_mounted;

	return check_mounts_around(paths, path, instance, &is_mounted, err);
}

/* Finds the FunctionFS to which the symbolic link `path` leads, if it is a link of ffsctl. */
static void find_functionfs_of_link(const struct paths *paths, const char *path,
				    struct found_mount *found)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	struct mount_search search = { .paths = paths, .path = target };

	target[n < 0 ? 0 : n] = '\0';
	mounts_visit(NULL, find_functionfs_above, &search);
	*found = search.found;
}

int ffs_check_link_path(const struct paths *paths, const char *path, struct error *err)
{
	_cleanup_found_mount_ struct found_mount found = { 0 };
	struct mount_search search = { .paths = paths, .path = path };
	struct stat st;

	if (lstat(path, &st) == 0) {
		find_functionfs_of_link(paths, path, &found);
		error_errno(err, EX_CANTCREAT, EEXIST, path, "cannot make the link %s", path);
		if (found.path)
			error_add_detail(err, "it is a link to %s", found.holder);
		return found.gadget ? add_hint_about_holder(&found, "'device'", err)
				    : -err->errno_value;
	}
	mounts_visit(NULL, find_functionfs_above, &search);
	found = search.found;
	if (!found.path)
		return 0;
	error_set(err, EX_CANTCREAT, EBUSY, path, "cannot make the link %s: %s is mounted on %s",
		  path, found.holder, found.path);
	return add_hint_about_holder(&found, "'device'", err);
}
