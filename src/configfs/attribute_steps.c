/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/attribute_steps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/mac_address.h"
#include "configfs/restore_value.h"
#include "configfs/write_value.h"
#include "plan/directories_and_links.h"

static int directory_step_apply(struct step *step, struct error *err)
{
	bool missing;

	if (mkdir(step->path, 0755) == 0 || errno == EEXIST)
		return 0;
	/*
	 * EPERM: the parent directory takes no others (configfs_mkdir, fs/configfs/dir.c). ENOENT:
	 * the kernel has not made the parent directory.
	 */
	missing = errno == EPERM || errno == ENOENT;
	error_errno(err, errno == ENOENT ? EX_UNAVAILABLE : EX_OSERR, errno, step->path,
		    "cannot make %s", step->path);
	return missing ? error_add_detail(err, "this kernel has no such directory")
		       : -err->errno_value;
}

static int directory_step_undo(struct step *step, struct error *err)
{
	/*
	 * EPERM is no error: the kernel has made the directory, and removes it together with its
	 * parent directory.
	 */
	if (rmdir(step->path) == 0 || errno == ENOENT || errno == EPERM)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot remove %s", step->path);
}

const struct step_op attribute_op_directory = {
	.name = "directory",
	.undo_name = "rmdir",
	.apply = directory_step_apply,
	.undo = directory_step_undo,
};

/*
 * Attributes that may be written while the gadget is bound: either the kernel notifies the host of
 * the change (a new medium), or the host cannot see the value. The kernel also accepts writes of
 * other attributes at that time, but hosts do not read those values again.
 */
static const struct {
	const char *type, *dir; /* functions/TYPE.INSTANCE/DIRn/NAME */
	const char *name;
} writable_while_bound[] = {
	{ "mass_storage.", "lun.", "file" },
	{ "mass_storage.", "lun.", "ro" },
	{ "mass_storage.", "lun.", "nofua" },
};

/* Adds to the error why the write of an attribute of a LUN fails with EBUSY. */
static int explain_medium_locked(struct error *err)
{
	error_add_detail(err, "the host has locked the medium");
	return error_add_hint(err, "unmount or eject the medium on the host, or use 'ffsctl reload "
				   "--force-eject'");
}

/* Adds to the error why the write of lun.N/file fails with ENOENT. */
static int explain_missing_medium(struct error *err, const char *medium)
{
	error_add_detail(err, "the drive's medium does not exist");
	return error_add_hint(err, "create %s, or remove 'file': then the drive has no medium",
			      medium);
}

static const char *next_component(const char **path)
{
	const char *start = *path + (**path == '/');

	*path = start + strcspn(start, "/");
	return start;
}

bool configfs_writable_while_bound(const struct step *step)
{
	const char *path = strstr(step->path, "/functions/"), *type, *dir, *name;

	if (!path || step->op != &attribute_op_text)
		return false;
	path += strlen("/functions");
	type = next_component(&path);
	dir = next_component(&path);
	name = next_component(&path);
	for (size_t i = 0; i < ARRAY_SIZE(writable_while_bound) && *path == '\0'; i++)
		if (str_has_prefix(type, writable_while_bound[i].type) &&
		    str_has_prefix(dir, writable_while_bound[i].dir) &&
		    streq(name, writable_while_bound[i].name))
			return true;
	return false;
}

/*
 * Returns the length of a value without the whitespace and NULs at its end: the kernel shows some
 * attributes with a newline or padded.
 */
static size_t trimmed_length(const char *text, size_t n)
{
	while (n > 0 && (isspace((unsigned char)text[n - 1]) || text[n - 1] == '\0'))
		n--;
	return n;
}

static bool parse_number(const char *text, size_t n, long long *number)
{
	_cleanup_free_ char *copy = xstrndup(text, n);
	char *end;

	errno = 0;
	*number = strtoll(copy, &end, 0);
	return n > 0 && *end == '\0' && errno == 0;
}

/*
 * Returns whether the kernel shows the number that was written. Linux 6.1 shows some bytes as
 * signed numbers: 0xee as 0xffffffee (configfs.c, b_vendor_code).
 */
static bool same_number(long long written, long long shown)
{
	return written == shown ||
	       (written >= 0x80 && written <= 0xff && shown == (0xffffff00LL | written));
}

/*
 * Returns whether the value that the kernel shows means the same as the written value: 16 for 0x10,
 * Y for 1, or a MAC address in lower case for one in upper case.
 */
static bool same_value(const char *written, size_t n_written, const char *shown, size_t n_shown)
{
	long long a, b;

	n_written = trimmed_length(written, n_written);
	n_shown = trimmed_length(shown, n_shown);
	if (n_written == n_shown && strncasecmp(written, shown, n_written) == 0)
		return true;
	if (parse_number(written, n_written, &a) && parse_number(shown, n_shown, &b))
		return same_number(a, b);
	return n_shown == 1 && n_written == 1 &&
	       ((*written == '1' && *shown == 'Y') || (*written == '0' && *shown == 'N'));
}

/* Returns whether the step writes a text, which messages can show. */
static bool writes_text(const struct step *step)
{
	return step->op == &attribute_op_text || step->op == &attribute_op_address;
}

static void note_if_kernel_changed_value(struct step *step, const char *written, size_t n)
{
	_cleanup_free_ char *shown = NULL, *written_text = NULL, *shown_text = NULL;
	size_t n_shown;

	configfs_note_value_changed_by_kernel(step->context, step, NULL);
	/* Reading a write-only attribute fails. */
	if (file_read(AT_FDCWD, step->path, ATTRIBUTE_VALUE_MAX + 1, &shown, &n_shown) < 0 ||
	    same_value(written, n, shown, n_shown))
		return;
	if (writes_text(step)) {
		written_text = xstrndup(written, trimmed_length(written, n));
		shown_text = xstrndup(shown, trimmed_length(shown, n_shown));
	} else {
		written_text = strf("%zu bytes", n);
		shown_text = strf("%zu bytes%s", n_shown, n == n_shown ? ", which differ" : "");
	}
	configfs_note_value_changed_by_kernel(step->context, step,
					      strf("the kernel changed '%s' to '%s' in %s",
						   written_text, shown_text, step->path));
}

/*
 * Returns whether a write that has failed with `r` must be repeated by eject_and_write: the host
 * has locked the medium that the attribute `file` of a LUN names, and the user has requested it.
 */
static bool must_eject_medium(const struct step *step, int r)
{
	const struct configfs *c = step->context;

	return r == -EBUSY && c && c->forces_eject && configfs_writable_while_bound(step) &&
	       str_has_suffix(step->path, "/file");
}

/*
 * Ejects a medium that the host has locked, and writes the value. If that fails, inserts the medium
 * again, because the undo of a reload begins with the step before the failed one.
 */
static int eject_and_write(const struct step *step, const char *value, size_t n)
{
	_cleanup_free_ char *lun = path_parent(step->path), *medium = NULL;
	_cleanup_free_ char *forced_eject = strf("%s/forced_eject", lun);
	int r = file_read_first_line(AT_FDCWD, step->path, &medium);

	if (r == 0)
		r = configfs_write_value(forced_eject, "1", 1);
	if (r < 0)
		return -EBUSY;
	r = configfs_write_value(step->path, value, n);
	if (r < 0)
		configfs_write_value(step->path, medium, strlen(medium));
	return r;
}

static int write_attribute_value(struct step *step, const char *value, size_t n, struct error *err)
{
	int r;

	configfs_remember_previous_value(step);
	r = n > ATTRIBUTE_VALUE_MAX ? -E2BIG : configfs_write_value(step->path, value, n);
	if (must_eject_medium(step, r))
		r = eject_and_write(step, value, n);
	if (r == 0) {
		note_if_kernel_changed_value(step, value, n);
		return 0;
	}
	if (writes_text(step))
		error_errno(err, EX_OSERR, -r, step->path, "cannot write '%s' to %s", value,
			    step->path);
	else
		error_errno(err, EX_OSERR, -r, step->path, "cannot write %zu bytes to %s", n,
			    step->path);
	switch (r) {
	case -ENOENT:
		/* If the attribute exists, it is lun.N/file, and the file of the medium is missing.
		 */
		if (path_exists(step->path))
			return explain_missing_medium(err, value);
		err->exit = EX_UNAVAILABLE;
		return error_add_detail(err, "this kernel has no such attribute");
	case -KERNEL_ETOOSMALL: /* only lun.N/file of mass_storage returns this errno */
		return error_add_detail(
			err, "a medium has at least 512 bytes, that of a CD drive 614400");
	case -E2BIG:
		return error_add_detail(err, "an attribute takes at most %d bytes",
					ATTRIBUTE_VALUE_MAX);
	case -EBUSY:
		return configfs_writable_while_bound(step) ? explain_medium_locked(err) : r;
	default:
		return r;
	}
}

static int write_text_apply(struct step *step, struct error *err)
{
	return write_attribute_value(step, step->value, strlen(step->value), err);
}

static int write_text_restore(struct step *step, struct error *err)
{
	int r = configfs_restore_value(step, err);

	if (must_eject_medium(step, r) &&
	    eject_and_write(step, step->previous_value, strlen(step->previous_value)) == 0) {
		error_clear(err);
		return 0;
	}
	return r == -EBUSY && configfs_writable_while_bound(step) ? explain_medium_locked(err) : r;
}

const struct step_op attribute_op_text = {
	.name = "write-text",
	.apply = write_text_apply,
	.restore_previous_value = write_text_restore,
};

static char *to_hex(const char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *hex = xcalloc(2 * n + 1, 1);

	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[(unsigned char)bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	return hex;
}

static unsigned int hex_digit(char c)
{
	return (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static int write_bytes_apply(struct step *step, struct error *err)
{
	size_t n = strlen(step->value) / 2;
	_cleanup_free_ char *bytes = xcalloc(n + 1, 1);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(hex_digit(step->value[2 * i]) << 4 |
				  hex_digit(step->value[2 * i + 1]));
	return write_attribute_value(step, bytes, n, err);
}

const struct step_op attribute_op_bytes = {
	.name = "write-bytes",
	.apply = write_bytes_apply,
	.restore_previous_value = configfs_restore_value,
};

static int write_file_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	size_t n;
	int r = file_read(AT_FDCWD, step->value, ATTRIBUTE_VALUE_MAX, &bytes, &n);

	if (r < 0)
		return error_errno(err, EX_NOINPUT, -r, step->value, "cannot read %s", step->value);
	return write_attribute_value(step, bytes, n, err);
}

const struct step_op attribute_op_file = {
	.name = "write-file",
	.apply = write_file_apply,
	.restore_previous_value = configfs_restore_value,
};

static int write_address_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *function_dir = path_parent(step->path),
			    *functions_dir = path_parent(function_dir),
			    *gadget_dir = path_parent(functions_dir);
	const struct mac_address_target target = {
		.gadget = path_last_component(gadget_dir),
		.function_in_configfs = path_last_component(function_dir),
		.attribute = path_last_component(step->path),
	};
	char address[MAC_ADDRESS_SIZE];
	int r = mac_address_read(step->value, &target, address, err);

	return r < 0 ? r : write_attribute_value(step, address, strlen(address), err);
}

const struct step_op attribute_op_address = {
	.name = "write-address",
	.apply = write_address_apply,
	.restore_previous_value = configfs_restore_value,
};

static int make_symlink_apply(struct step *step, struct error *err)
{
	if (symlink(step->value, step->path) == 0)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot link %s to %s", step->path,
			   step->value);
}

const struct step_op attribute_op_symlink = {
	.name = "link-to",
	.undo_name = "unlink",
	.apply = make_symlink_apply,
	.undo = plan_undo_symlink,
};

static bool is_text_value(const struct configfs_attribute *e)
{
	for (size_t i = 0; i < e->size; i++)
		if (((unsigned char)e->value[i] < 0x20 && e->value[i] != '\n') ||
		    (unsigned char)e->value[i] >= 0x7f)
			return false;
	return true;
}

/* Returns whether the attributes are those of a function. */
static bool is_of_function(const struct gadget *g, const struct configfs_attributes *attributes)
{
	for (size_t i = 0; i < g->n_functions; i++)
		if (attributes == &g->functions[i].configfs_attributes)
			return true;
	return false;
}

void configfs_add_attributes(struct plan *plan, struct configfs *c,
			     const struct configfs_attributes *attributes, const char *dir)
{
	bool of_function = is_of_function(c->gadget, attributes);

	for (size_t i = 0; i < attributes->n; i++) {
		const struct configfs_attribute *e = &attributes->list[i];
		char *path = strf("%s/%s", dir, e->path);
		struct step *step = NULL;

		switch (e->entry_kind) {
		case ATTRIBUTE_DIRECTORY:
			plan_add(plan, &attribute_op_directory, path, NULL, &e->position, c);
			break;
		case ATTRIBUTE_VALUE_FILE:
			step = plan_add(plan, &attribute_op_file, path, xstrdup(e->value),
					&e->position, c);
			break;
		case ATTRIBUTE_ADDRESS_SOURCE:
			step = plan_add(plan, &attribute_op_address, path, xstrdup(e->value),
					&e->position, c);
			break;
		case ATTRIBUTE_LINK:
			plan_add(plan, &attribute_op_symlink, path, strf("%s/%s", dir, e->value),
				 &e->position, c);
			break;
		case ATTRIBUTE_VALUE:
			if (is_text_value(e))
				step = plan_add(plan, &attribute_op_text, path, xstrdup(e->value),
						&e->position, c);
			else
				step = plan_add(plan, &attribute_op_bytes, path,
						to_hex(e->value, e->size), &e->position, c);
			break;
		}
		/*
		 * A reload restores the previous value of a function's attribute only if the
		 * attribute is writable while the gadget is bound. The reload removes the other
		 * attributes together with the function.
		 */
		if (step)
			step->save_previous_value =
				!of_function || configfs_writable_while_bound(step);
	}
}
