// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The back end that uses libusbgx.
 *
 * usbg_init() reads every gadget in configfs, and fails if a gadget has a function whose type
 * libusbgx does not know. So libusbgx must not read configfs. Instead it reads a temporary
 * directory:
 *
 *   1. ffsctl makes the directory, and in it an empty gadget with the name of the real one.
 *   2. usbg_init() reads the directory.
 *   3. With libusbgx, ffsctl makes the functions and configurations of the real gadget in the empty
 *      gadget, so that libusbgx has them in its list. It skips types that libusbgx does not know.
 *   4. ffsctl replaces the empty gadget by a symbolic link to the real gadget in configfs. libusbgx
 *      stores only names and paths, so what it makes from now on is made in configfs.
 *
 * The temporary directory is the root of a tmpfs that has no mount point (fsmount without
 * move_mount). The kernel removes the tmpfs when its file descriptor is closed, also when the
 * process is killed. Therefore the gadget's plan needs no step that removes the directory, and the
 * plan is the same with and without libusbgx.
 *
 * libusbgx prints errors on stderr, so stderr is /dev/null during each call. Only this file
 * includes usbg.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <usbg/usbg.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "configfs/backend.h"

/* libusbgx, opened for one gadget. */
struct libusbgx_session {
	usbg_state *state;
	usbg_gadget *gadget;
	int tmpfs_fd;	 /* root directory of the tmpfs that libusbgx reads in place of configfs */
	int dev_null_fd; /* file descriptor of /dev/null; -1: not opened */
	int saved_stderr_fd; /* duplicate of the file descriptor of stderr; -1: not opened */
};

/* --- Silences libusbgx --------------------------------------------------------------------- */

static void silence_stderr(struct libusbgx_session *usbg)
{
	if (usbg->dev_null_fd < 0)
		usbg->dev_null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (usbg->saved_stderr_fd < 0)
		usbg->saved_stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (usbg->dev_null_fd >= 0 && usbg->saved_stderr_fd >= 0)
		dup2(usbg->dev_null_fd, STDERR_FILENO);
	errno = 0;
}

static void restore_stderr(const struct libusbgx_session *usbg)
{
	int e = errno;

	if (usbg->dev_null_fd >= 0 && usbg->saved_stderr_fd >= 0)
		dup2(usbg->saved_stderr_fd, STDERR_FILENO);
	errno = e;
}

/*
 * Returns the errno for an error code of libusbgx; EIO for codes that libusbgx uses for several
 * errnos.
 */
static int errno_of_usbg_code(int code)
{
	switch (code) {
	case USBG_ERROR_NO_MEM:
		return ENOMEM;
	case USBG_ERROR_NO_ACCESS:
		return EACCES;
	case USBG_ERROR_INVALID_PARAM:
	case USBG_ERROR_INVALID_VALUE:
		return EINVAL;
	case USBG_ERROR_NOT_FOUND:
		return ENOENT;
	case USBG_ERROR_NO_DEV:
		return ENODEV;
	case USBG_ERROR_BUSY:
		return EBUSY;
	case USBG_ERROR_NOT_SUPPORTED:
		return ENOTSUP;
	case USBG_ERROR_EXIST:
		return EEXIST;
	default:
		return EIO;
	}
}

/*
 * Converts the result of a libusbgx call to 0 or a negative errno. If a system call failed, uses
 * the errno of that system call.
 */
static int errno_of_result(int code)
{
	if (code == USBG_SUCCESS)
		return 0;
	return -(errno ? errno : errno_of_usbg_code(code));
}

/* Calls libusbgx without its output on stderr. The result is 0 or a negative errno. */
#define QUIETLY(usbg, call)                                                                        \
	({                                                                                         \
		int __code;                                                                        \
                                                                                                   \
		silence_stderr(usbg);                                                              \
		__code = (call);                                                                   \
		restore_stderr(usbg);                                                              \
		errno_of_result(__code);                                                           \
	})

/* --- Names ------------------------------------------------------------------------------------ */

static const char *last_component(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* Returns a component of a path, counted from the last one, which is 0; the caller frees it. */
static char *component_from_end(const char *path, int up)
{
	const char *end = path + strlen(path), *start;

	for (;; end = start - 1) {
		start = end;
		while (start > path && start[-1] != '/')
			start--;
		if (up-- == 0)
			return xstrndup(start, (size_t)(end - start));
	}
}

static int language_in_path(const char *path)
{
	_cleanup_free_ char *dir = component_from_end(path, 1);

	return (int)strtol(dir, NULL, 0);
}

/*
 * Returns libusbgx's number for the type of a function. `dir` is the name of the function's
 * directory, TYPE.INSTANCE. Negative: libusbgx does not know the type, or `dir` does not have this
 * form.
 */
static int lookup_function_type(const char *dir)
{
	_cleanup_free_ char *type = xstrndup(dir, strcspn(dir, "."));

	return strchr(dir, '.') ? usbg_lookup_function_type(type) : USBG_ERROR_NOT_FOUND;
}

/*
 * Splits the name of a configuration's directory, LABEL.ID. LABEL may contain dots. Returns the id;
 * the caller frees *label.
 */
static int split_config_name(const char *dir, char **label)
{
	const char *dot = strrchr(dir, '.');

	*label = xstrndup(dir, dot ? (size_t)(dot - dir) : 0);
	return dot ? atoi(dot + 1) : 0;
}

/*
 * Returns libusbgx's object for the configuration; NULL: libusbgx has not created the
 * configuration.
 */
static usbg_config *find_usbg_config(const struct libusbgx_session *usbg, const char *dir)
{
	_cleanup_free_ char *label = NULL;
	int id = split_config_name(dir, &label);

	return usbg_get_config(usbg->gadget, id, label);
}

static usbg_function *find_usbg_function(const struct libusbgx_session *usbg, const char *dir)
{
	int type = lookup_function_type(dir);

	return type < 0 ? NULL : usbg_get_function(usbg->gadget, type, strchr(dir, '.') + 1);
}

/* --- Items ------------------------------------------------------------------------------------ */

static int set_gadget_attribute(struct libusbgx_session *usbg, const char *path, const char *value)
{
	int attribute = usbg_lookup_gadget_attr(last_component(path));

	if (attribute < 0)
		return BACKEND_UNKNOWN;
	return QUIETLY(usbg,
		       usbg_set_gadget_attr(usbg->gadget, attribute, (int)strtol(value, NULL, 0)));
}

static int set_gadget_string(struct libusbgx_session *usbg, const char *path, const char *value)
{
	int string = usbg_lookup_gadget_str(last_component(path));

	/* libusbgx does not write an empty string, so the old string would stay. */
	if (string < 0 || !*value)
		return BACKEND_UNKNOWN;
	return QUIETLY(usbg,
		       usbg_set_gadget_str(usbg->gadget, string, language_in_path(path), value));
}

static int create_function(struct libusbgx_session *usbg, const char *dir)
{
	int type = lookup_function_type(dir);
	usbg_function *function;

	if (type < 0)
		return BACKEND_UNKNOWN;
	return QUIETLY(usbg, usbg_create_function(usbg->gadget, type, strchr(dir, '.') + 1, NULL,
						  &function));
}

static int make_function_item(struct libusbgx_session *usbg, const char *path,
			      const char *value _unused_)
{
	return create_function(usbg, last_component(path));
}

static int create_config(struct libusbgx_session *usbg, const char *dir)
{
	_cleanup_free_ char *label = NULL;
	int id = split_config_name(dir, &label);
	usbg_config *config;

	return QUIETLY(usbg, usbg_create_config(usbg->gadget, id, label, NULL, NULL, &config));
}

static int make_config_item(struct libusbgx_session *usbg, const char *path,
			    const char *value _unused_)
{
	return create_config(usbg, last_component(path));
}

static int set_config_attribute(struct libusbgx_session *usbg, const char *path, const char *value)
{
	_cleanup_free_ char *dir = component_from_end(path, 1);
	usbg_config *config = find_usbg_config(usbg, dir);
	int number = (int)strtol(value, NULL, 0);

	if (!config)
		return BACKEND_UNKNOWN;
	/*
	 * Does not use struct usbg_config_attrs: its bMaxPower has only 8 bits, but the value in
	 * configfs is in mA and may be larger.
	 */
	if (streq(last_component(path), "MaxPower"))
		return QUIETLY(usbg, usbg_set_config_max_power(config, number));
	return QUIETLY(usbg, usbg_set_config_bm_attrs(config, number));
}

static int set_config_string(struct libusbgx_session *usbg, const char *path, const char *value)
{
	_cleanup_free_ char *dir = component_from_end(path, 3);
	usbg_config *config = find_usbg_config(usbg, dir);

	if (!config || !*value)
		return BACKEND_UNKNOWN;
	return QUIETLY(usbg, usbg_set_config_string(config, language_in_path(path), value));
}

static int make_symlink_item(struct libusbgx_session *usbg, const char *path, const char *value)
{
	_cleanup_free_ char *dir = component_from_end(path, 1);
	usbg_config *config = find_usbg_config(usbg, dir);
	usbg_function *function = find_usbg_function(usbg, value);

	if (!config || !function)
		return BACKEND_UNKNOWN;
	return QUIETLY(usbg, usbg_add_config_function(config, last_component(path), function));
}

int libusbgx_make_item(struct libusbgx_session *usbg, enum backend_item item, const char *path,
		       const char *value)
{
	static int (*const make[])(struct libusbgx_session *, const char *path,
				   const char *value) = {
		[ITEM_ATTRIBUTE] = set_gadget_attribute,
		[ITEM_STRING] = set_gadget_string,
		[ITEM_FUNCTION] = make_function_item,
		[ITEM_CONFIG] = make_config_item,
		[ITEM_CONFIG_ATTRIBUTE] = set_config_attribute,
		[ITEM_CONFIG_STRING] = set_config_string,
		[ITEM_SYMLINK] = make_symlink_item,
	};

	return make[item](usbg, path, value);
}

/* --- Opens libusbgx for a gadget -------------------------------------------------------------- */

#define GADGETS "usb_gadget"

/*
 * Makes the directories and files that usbg_init() expects of a gadget called `name`. Returns false
 * with errno set on failure.
 */
static bool make_empty_gadget(int tmpfs_fd, const char *name)
{
	static const char *const below[] = { "", "/functions", "/configs", "/os_desc" };
	_cleanup_free_ char *udc = strf(GADGETS "/%s/UDC", name);
	_cleanup_close_ int fd = -1;

	if (mkdirat(tmpfs_fd, GADGETS, 0700) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		_cleanup_free_ char *path = strf(GADGETS "/%s%s", name, below[i]);

		if (mkdirat(tmpfs_fd, path, 0700) < 0)
			return false;
	}
	fd = openat(tmpfs_fd, udc, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0;
}

static bool init_libusbgx(struct libusbgx_session *usbg, const char *name)
{
	_cleanup_free_ char *path = strf("/proc/self/fd/%d", usbg->tmpfs_fd);

	errno = -QUIETLY(usbg, usbg_init(path, &usbg->state));
	if (usbg->state)
		usbg->gadget = usbg_get_gadget(usbg->state, name);
	return usbg->gadget;
}

/*
 * Makes the gadget's existing functions or configurations in the empty gadget too, so that libusbgx
 * has them in its list. Skips functions whose type libusbgx does not know: the other back end makes
 * their items. `below` is the directory "functions" or "configs".
 */
static void add_existing_items(struct libusbgx_session *usbg, const char *gadget, const char *below,
			       int (*create)(struct libusbgx_session *usbg, const char *dir))
{
	_cleanup_free_ char *path = strf("%s/%s", gadget, below);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			create(usbg, entry->d_name);
	if (dir)
		closedir(dir);
}

/*
 * Replaces the empty gadget, which libusbgx has read, by a symbolic link to the directory `gadget`
 * in configfs. Afterwards the paths that libusbgx has stored lead to configfs.
 */
static bool replace_empty_gadget_by_link(struct libusbgx_session *usbg, const char *gadget)
{
	_cleanup_free_ char *path = strf(GADGETS "/%s", last_component(gadget));

	return renameat(usbg->tmpfs_fd, path, usbg->tmpfs_fd, "empty") == 0 &&
	       symlinkat(gadget, usbg->tmpfs_fd, path) == 0;
}

struct libusbgx_session *libusbgx_open(int empty_directory_fd, const char *gadget)
{
	struct libusbgx_session *usbg = xcalloc(1, sizeof(*usbg));
	int e;

	*usbg = (struct libusbgx_session){ .tmpfs_fd = empty_directory_fd,
					   .dev_null_fd = -1,
					   .saved_stderr_fd = -1 };
	if (make_empty_gadget(empty_directory_fd, last_component(gadget)) &&
	    init_libusbgx(usbg, last_component(gadget))) {
		add_existing_items(usbg, gadget, "functions", create_function);
		add_existing_items(usbg, gadget, "configs", create_config);
		if (replace_empty_gadget_by_link(usbg, gadget))
			return usbg;
	}
	e = errno;
	libusbgx_close(usbg);
	errno = e;
	return NULL;
}

void libusbgx_close(struct libusbgx_session *usbg)
{
	if (usbg->state)
		usbg_cleanup(usbg->state);
	cleanup_close(&usbg->tmpfs_fd);
	cleanup_close(&usbg->dev_null_fd);
	cleanup_close(&usbg->saved_stderr_fd);
	free(usbg);
}
