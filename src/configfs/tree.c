/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Limits that no kernel function reaches. */
#define MAX_DEPTH 16
#define MAX_ENTRIES 16384
#define MAX_VALUE 65536 /* bytes; a binary attribute may have more than a page */

struct tree_reader {
	const char *mount_point;
	/* Whether the kernel lists the newest entry of a directory first, as older kernels do. */
	bool lists_newest_first;
	size_t n_entries_read;
};

void configfs_tree_free(struct configfs_tree *tree)
{
	for (size_t i = 0; i < tree->n_children; i++)
		configfs_tree_free(&tree->children[i]);
	free(tree->children);
	free(tree->name);
	free(tree->value);
	*tree = (struct configfs_tree){ 0 };
}

const struct configfs_tree *configfs_tree_child(const struct configfs_tree *directory,
						const char *name)
{
	for (size_t i = 0; i < directory->n_children; i++)
		if (streq(directory->children[i].name, name))
			return &directory->children[i];
	return NULL;
}

const struct configfs_tree *configfs_tree_find(const struct configfs_tree *directory,
					       const char *path)
{
	const struct configfs_tree *at = directory;

	while (at && *path) {
		size_t n = strcspn(path, "/");
		_cleanup_free_ char *name = xstrndup(path, n);

		at = configfs_tree_child(at, name);
		path += n + (path[n] == '/');
	}
	return at;
}

/*
 * Reads an attribute that can be read and written: a read-only attribute is no setting, and a
 * write-only one cannot be read. Root can open it for reading, but read(2) then fails with EACCES.
 */
static void read_attribute(struct configfs_tree *tree, int dir, mode_t mode)
{
	if (!(mode & S_IWUSR) || !(mode & S_IRUSR))
		return;
	tree->read_errno = -file_read(dir, tree->name, MAX_VALUE, &tree->value, &tree->value_size);
}

/*
 * Reads the target of a link. In configfs, targets are relative: they begin with a "../" for each
 * directory up to the top directory.
 */
static void read_link_target(const struct tree_reader *r, struct configfs_tree *tree, int dir)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, tree->name, target, sizeof(target) - 1);
	const char *p = target;
	size_t top = strlen(r->mount_point);

	if (n < 0) {
		tree->read_errno = errno;
		return;
	}
	target[n] = '\0';
	while (str_has_prefix(p, "../"))
		p += strlen("../");
	/* Tests use an ordinary directory, in which the targets are absolute. */
	if (str_has_prefix(p, r->mount_point) && p[top] == '/')
		p += top + 1;
	tree->value = xstrdup(p);
	tree->value_size = strlen(p);
}

static int read_directory(struct tree_reader *r, struct configfs_tree *tree, const char *path,
			  int depth, struct error *err);

static int read_entry(struct tree_reader *r, struct configfs_tree *tree, int dir,
		      const char *parent, int depth, struct error *err)
{
	_cleanup_free_ char *path = strf("%s/%s", parent, tree->name);
	struct stat st;

	if (fstatat(dir, tree->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		/* On ENOENT: another program removed the entry after the directory was listed. */
		tree->kind = TREE_ATTRIBUTE;
		tree->read_errno = errno;
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		tree->kind = TREE_DIRECTORY;
		return read_directory(r, tree, path, depth + 1, err);
	}
	tree->kind = S_ISLNK(st.st_mode) ? TREE_SYMLINK : TREE_ATTRIBUTE;
	if (tree->kind == TREE_SYMLINK)
		read_link_target(r, tree, dir);
	else if (S_ISREG(st.st_mode))
		read_attribute(tree, dir, st.st_mode);
	return 0;
}

static void reverse_children(struct configfs_tree *tree)
{
	for (size_t i = 0; i < tree->n_children / 2; i++) {
		struct configfs_tree other = tree->children[i];

		tree->children[i] = tree->children[tree->n_children - 1 - i];
		tree->children[tree->n_children - 1 - i] = other;
	}
}

static int list_children(struct tree_reader *r, struct configfs_tree *tree, DIR *dir,
			 const char *path, struct error *err)
{
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		if (++r->n_entries_read > MAX_ENTRIES)
			return error_set(err, EX_DATAERR, E2BIG, path,
					 "the gadget has more than %d entries (%s)", MAX_ENTRIES,
					 path);
		array_add(tree->children, tree->n_children)->name = xstrdup(entry->d_name);
	}
	return 0;
}

static size_t index_of_child(const struct configfs_tree *directory, const char *name)
{
	const struct configfs_tree *child = configfs_tree_child(directory, name);

	return child ? (size_t)(child - directory->children) : directory->n_children;
}

static int read_directory(struct tree_reader *r, struct configfs_tree *tree, const char *path,
			  int depth, struct error *err)
{
	int fd = depth > MAX_DEPTH ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;
	DIR *dir;

	if (depth > MAX_DEPTH)
		return error_set(err, EX_DATAERR, E2BIG, path,
				 "%s has more than %d levels of directories", path, MAX_DEPTH);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int e = errno;

		if (fd >= 0)
			close(fd);
		return error_errno(err, e == EACCES ? EX_NOPERM : EX_OSERR, e, path,
				   "cannot read %s", path);
	}
	result = list_children(r, tree, dir, path, err);
	/*
	 * The kernel makes `functions` before `configs` (gadgets_make): if `configs` is listed
	 * first, directories are listed with the newest entry first.
	 */
	if (depth == 0)
		r->lists_newest_first =
			index_of_child(tree, "functions") > index_of_child(tree, "configs");
	if (r->lists_newest_first)
		reverse_children(tree);
	for (size_t i = 0; i < tree->n_children && result == 0; i++)
		result = read_entry(r, &tree->children[i], fd, path, depth, err);
	closedir(dir);
	return result;
}

int configfs_tree_read(const char *configfs, const char *path, struct configfs_tree *top,
		       struct error *err)
{
	struct tree_reader r = { .mount_point = configfs };
	const char *slash = strrchr(path, '/');
	int result;

	*top = (struct configfs_tree){ .name = xstrdup(slash ? slash + 1 : path) };
	result = read_directory(&r, top, path, 0, err);
	if (result < 0)
		configfs_tree_free(top);
	return result;
}
