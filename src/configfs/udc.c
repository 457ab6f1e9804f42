/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/udc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

char *udc_read_attribute(const char *name, const char *attribute)
{
	_cleanup_free_ char *path = strf(UDC_CLASS_DIR "/%s/%s", name, attribute);
	char *value;

	return file_read_first_line(AT_FDCWD, path, &value) < 0 ? NULL : value;
}

bool udc_exists(const char *name)
{
	_cleanup_free_ char *path = strf(UDC_CLASS_DIR "/%s", name);

	return path_exists(path);
}

uint64_t udc_id(const char *name)
{
	_cleanup_free_ char *path = strf(UDC_CLASS_DIR "/%s", name);
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

bool udc_unbound_through_sysfs(const char *name, const char *gadget)
{
	_cleanup_free_ char *path = strf(UDC_CLASS_DIR "/%s", name), *has = NULL;
	/*
	 * A UDC that is removed and added meanwhile has another directory: nothing in the old one
	 * can be opened any more.
	 */
	_cleanup_close_ int udc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	/*
	 * The kernel adds the symbolic link `gadget` after it has bound a gadget, and removes the
	 * link before it unbinds the gadget. So a gadget was bound when `function` was read.
	 */
	return udc >= 0 && faccessat(udc, "gadget", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       file_read_first_line(udc, "function", &has) == 0 && !streq(has, gadget) &&
	       faccessat(udc, "gadget", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *udc_driver(const char *name)
{
	_cleanup_free_ char *path = strf(UDC_CLASS_DIR "/%s/device/driver", name);
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return xstrdup(path_last_component(target));
}

bool udc_is_virtual(const char *name)
{
	_cleanup_free_ char *driver = udc_driver(name);

	return udc_traits_or_unknown(driver)->is_virtual;
}

/*
 * Returns the name of the gadget in configfs that is bound to a UDC; the caller frees it. `driver`
 * is the name of the gadget driver in the UDC core, which for a gadget in configfs is the gadget's
 * name. Therefore reads only the gadget of that name: a system may have many gadgets.
 */
static char *gadget_bound_to(const struct paths *paths, const char *udc, const char *driver)
{
	_cleanup_free_ char *path =
		strf("%s/usb_gadget/%s/UDC", paths->configfs_mount_point, driver);
	_cleanup_free_ char *value = NULL;

	if (file_read_first_line(AT_FDCWD, path, &value) < 0 || !streq(value, udc))
		return NULL;
	return xstrdup(driver);
}

/* Sets udc->bound_gadget and udc->holder. */
static void set_udc_holder(const struct paths *paths, struct udc *udc)
{
	_cleanup_free_ char *driver = udc_read_attribute(udc->name, "function");

	if (!driver || !*driver)
		return;
	udc->bound_gadget = gadget_bound_to(paths, udc->name, driver);
	/* A legacy gadget driver (g_ether, ...) has no gadget in configfs. */
	udc->holder =
		udc->bound_gadget ? strf("gadget '%s'", driver) : strf("the driver '%s'", driver);
}

static void free_udc(struct udc *udc)
{
	free(udc->name);
	free(udc->driver);
	free(udc->bound_gadget);
	free(udc->holder);
}
#define _cleanup_udc_ _cleanup_(free_udc)

char *udc_holder(const struct paths *paths, const char *name)
{
	_cleanup_udc_ struct udc udc = { .name = xstrdup(name) };

	set_udc_holder(paths, &udc);
	return steal_ptr(udc.holder);
}

static int compare_udc_names(const void *a, const void *b)
{
	return strcmp(((const struct udc *)a)->name, ((const struct udc *)b)->name);
}

int udcs_list(const struct paths *paths, struct udcs *udcs, struct error *err)
{
	DIR *dir = opendir(UDC_CLASS_DIR);
	struct dirent *entry;

	*udcs = (struct udcs){ 0 };
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return error_errno(err, EX_OSERR, errno, UDC_CLASS_DIR,
				   "cannot list " UDC_CLASS_DIR);
	while ((entry = readdir(dir))) {
		struct udc *udc;

		if (entry->d_name[0] == '.')
			continue;
		udc = array_add(udcs->list, udcs->n);
		udc->name = xstrdup(entry->d_name);
		udc->driver = udc_driver(udc->name);
		set_udc_holder(paths, udc);
		udc->is_virtual = udc_traits_or_unknown(udc->driver)->is_virtual;
	}
	closedir(dir);
	if (udcs->n > 0)
		qsort(udcs->list, udcs->n, sizeof(*udcs->list), compare_udc_names);
	return 0;
}

void udcs_free(struct udcs *udcs)
{
	for (size_t i = 0; i < udcs->n; i++)
		free_udc(&udcs->list[i]);
	free(udcs->list);
	*udcs = (struct udcs){ 0 };
}

bool udcs_ignore(const struct udcs *udcs, const struct udc *udc)
{
	bool any_real = false;

	for (size_t i = 0; i < udcs->n; i++)
		any_real = any_real || !udcs->list[i].is_virtual;
	return any_real && udc->is_virtual;
}

/* Returns a list like "a (dwc3), b (musb, held by gadget 'x')"; the caller frees it. */
static char *udcs_to_text(const struct udcs *udcs)
{
	char *words = xstrdup("");

	for (size_t i = 0; i < udcs->n; i++) {
		const struct udc *u = &udcs->list[i];
		_cleanup_free_ char *old = words;

		words = strf("%s%s%s (%s%s%s)", old, i ? ", " : "", u->name,
			     u->driver ? u->driver : "unknown driver",
			     u->holder ? ", held by " : "", u->holder ? u->holder : "");
	}
	return words;
}

static void add_hints_for_missing_udc(struct error *err)
{
	char **words;
	size_t n = udc_absence_hints(&words);

	for (size_t i = 0; i < n; i++) {
		error_add_hint(err, "%s", words[i]);
		free(words[i]);
	}
	free(words);
}

static int error_no_udc(const struct udcs *udcs, const char *what, struct error *err)
{
	_cleanup_free_ char *words = udcs_to_text(udcs);

	error_set(err, EX_UNAVAILABLE, ENODEV, UDC_CLASS_DIR, "no UDC%s", what);
	if (udcs->n > 0)
		return error_add_detail(err, "this machine has %s", words);
	add_hints_for_missing_udc(err);
	return -ENODEV;
}

static int error_udc_busy(const struct udc *udc, struct error *err)
{
	error_set(err, EX_UNAVAILABLE, EBUSY, NULL, "the UDC %s is held by %s", udc->name,
		  udc->holder);
	return error_add_hint(err, "take that down first, or name another UDC with --udc");
}

int error_udc_missing(const struct paths *paths, const char *name, struct error *err)
{
	_cleanup_free_ char *what = strf(" '%s'", name);
	_cleanup_udcs_ struct udcs udcs = { 0 };
	int r = udcs_list(paths, &udcs, err);

	return r < 0 ? r : error_no_udc(&udcs, what, err);
}

/* Chooses the UDC `name`. Does not list all UDCs, because some systems have many. */
static int choose_udc_by_name(const struct paths *paths, const char *name, char **out,
			      struct error *err)
{
	_cleanup_udc_ struct udc udc = { .name = xstrdup(name) };
	_cleanup_free_ char *path = strf(UDC_CLASS_DIR "/%s", name);

	if (strchr(name, '/') || name[0] == '.' || !*name || access(path, F_OK) < 0)
		return error_udc_missing(paths, name, err);
	set_udc_holder(paths, &udc);
	if (udc.holder)
		return error_udc_busy(&udc, err);
	*out = steal_ptr(udc.name);
	return 0;
}

static int choose_from_list(const struct udcs *udcs, const char *driver, char **out,
			    struct error *err)
{
	_cleanup_free_ char *what = driver ? strf(" with the driver '%s'", driver) : xstrdup("");
	const struct udc *found = NULL, *held = NULL;
	bool several = false, several_held = false;

	for (size_t i = 0; i < udcs->n; i++) {
		const struct udc *u = &udcs->list[i];

		if (driver ? !streq_null(u->driver, driver) : udcs_ignore(udcs, u))
			continue;
		if (u->holder) {
			several_held = several_held || held;
			held = u;
		} else {
			several = several || found;
			found = u;
		}
	}
	if (several) {
		_cleanup_free_ char *words = udcs_to_text(udcs);

		error_set(err, EX_UNAVAILABLE, ENOTUNIQ, UDC_CLASS_DIR, "several UDCs are free: %s",
			  words);
		return error_add_hint(err, "name one with --udc or with 'udc' in the gadget file");
	}
	if (found) {
		*out = xstrdup(found->name);
		return 0;
	}
	if (several_held) {
		_cleanup_free_ char *words = udcs_to_text(udcs);

		error_set(err, EX_UNAVAILABLE, EBUSY, UDC_CLASS_DIR, "no UDC is free: %s", words);
		return error_add_hint(err, "take one of these gadgets down first");
	}
	return held ? error_udc_busy(held, err) : error_no_udc(udcs, what, err);
}

static int choose_free_udc(const struct paths *paths, const char *driver, char **out,
			   struct error *err)
{
	_cleanup_udcs_ struct udcs udcs = { 0 };
	int r = udcs_list(paths, &udcs, err);

	return r < 0 ? r : choose_from_list(&udcs, driver, out, err);
}

int udc_choose(const struct paths *paths, const struct gadget_udc *wanted, const char *name,
	       char **out, struct error *err)
{
	int r;

	if (name)
		return choose_udc_by_name(paths, name, out, err);
	if (wanted->name.value)
		r = choose_udc_by_name(paths, wanted->name.value, out, err);
	else
		r = choose_free_udc(paths, wanted->driver.value, out, err);
	return r < 0 ? error_set_position(err, &wanted->at) : 0;
}
