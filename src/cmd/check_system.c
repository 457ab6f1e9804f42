// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/check_system.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/mac_address.h"
#include "configfs/serial_number.h"
#include "configfs/udc.h"
#include "functionfs/mount_point.h"
#include "gadgetfile/keys/function_types.h"
#include "predict/predict.h"
#include "predict/udc_mismatch.h"
#include "probe/features.h"
#include "process/spawn.h"

/* The check of one gadget. */
struct system_check {
	const struct paths *paths;
	const struct gadget *gadget;
	/* Severity of messages about users, programs and so on that do not exist. */
	enum diag_severity missing_requirement_severity;
	struct plugin_cache *plugin_cache;
	struct diags *diags;
	/*
	 * Users, groups and programs that were found. They are not looked up again, because many
	 * workers have the same user and program.
	 */
	struct met_requirement {
		enum requirement_kind { USER, GROUP, PROGRAM } requirement_kind;
		const char *requirement_name;
	} * met_requirements;
	size_t n_met_requirements;
};

static bool was_met_before(const struct system_check *h, enum requirement_kind kind,
			   const char *name)
{
	for (size_t i = 0; i < h->n_met_requirements; i++)
		if (h->met_requirements[i].requirement_kind == kind &&
		    streq(h->met_requirements[i].requirement_name, name))
			return true;
	return false;
}

static void remember_met_requirement(struct system_check *h, enum requirement_kind kind,
				     const char *name)
{
	*array_add(h->met_requirements, h->n_met_requirements) =
		(struct met_requirement){ kind, name };
}

static void report_missing_requirement(const struct system_check *h, const struct position *at,
				       const struct error *err)
{
	/* A default value has no position in the file: a message about it has no line. */
	const struct position whole = { .file = h->gadget->source_files[0] };

	diags_add_at_position(h->diags, h->missing_requirement_severity, at->file ? at : &whole,
			      "%s", err->text);
	if (err->hint)
		diags_hint(h->diags, "%s", err->hint);
}

static void check_user(struct system_check *h, const struct positioned_str *user)
{
	_cleanup_error_ struct error err = { 0 };
	uid_t uid;
	gid_t gid;

	if (!user->value || was_met_before(h, USER, user->value))
		return;
	if (spawn_find_user(user->value, &uid, &gid, NULL, &err) < 0)
		report_missing_requirement(h, &user->at, &err);
	else
		remember_met_requirement(h, USER, user->value);
}

static void check_group(struct system_check *h, const struct positioned_str *group)
{
	_cleanup_error_ struct error err = { 0 };
	gid_t gid;

	if (!group->value || was_met_before(h, GROUP, group->value))
		return;
	if (spawn_find_group(group->value, &gid, NULL, &err) < 0)
		report_missing_requirement(h, &group->at, &err);
	else
		remember_met_requirement(h, GROUP, group->value);
}

static int find_program(const struct gadget *gadget, const char *name, struct error *err)
{
	_cleanup_free_ char *path = NULL;

	if (str_has_prefix(name, "${dir}/"))
		path = strf("%s%s", gadget->file_dir, name + strlen("${dir}"));
	else if (strchr(name, '$'))
		return 0; /* not checked: variables have values only while the gadget is up */
	else if (!strchr(name, '/'))
		return spawn_find_program(name, gadget->file_dir, &path, NULL, err);
	else
		path = xstrdup(name);
	return spawn_check_executable(path, err);
}

static void check_program(struct system_check *h, const struct worker *w)
{
	_cleanup_error_ struct error err = { 0 };

	if (was_met_before(h, PROGRAM, w->argv[0]))
		return;
	if (find_program(h->gadget, w->argv[0], &err) < 0)
		report_missing_requirement(h, &w->program_at, &err);
	else
		remember_met_requirement(h, PROGRAM, w->argv[0]);
}

/* Checks that the plugin exists; gadgetfile_load has validated its options. */
static void check_plugin(struct system_check *h, const struct worker *w)
{
	const struct cached_plugin *cached = plugin_cache_get(h->plugin_cache, w->plugin);

	if (cached->load_error.exit)
		report_missing_requirement(h, &w->program_at, &cached->load_error);
}

/*
 * Warns about a program without `user` that cannot use what its function makes. It gets endpoints,
 * and the device that ffsctl knows, from ffsctl (function/device_access.c); a network interface and
 * the devices of other functions, such as those of sound, it does not.
 */
static void warn_program_without_user(const struct system_check *h, const struct function *f)
{
	const struct worker *w = f->worker;
	enum function_device device = function_type_device(f->type);
	bool has_rights = w->user.value || w->n_groups > 0 || w->process_limits.capabilities;

	if (w->kind != WORKER_EXEC || f->ffs || has_rights)
		return;
	if (device == FUNCTION_DEVICE_NETWORK) {
		diags_add_at_position(h->diags, DIAG_WARNING, &w->program_at,
				      "the program has no 'user': it runs with an allocated user "
				      "id, and cannot configure the network interface");
		diags_hint(h->diags,
			   "set capabilities = [ \"cap_net_admin\" ], or user = \"root\"");
	} else if (device == FUNCTION_DEVICE_NONE) {
		diags_add_at_position(h->diags, DIAG_WARNING, &w->program_at,
				      "the program has no 'user': it runs with an allocated user "
				      "id, and cannot open the function's devices");
		diags_hint(h->diags, "set groups = [ \"audio\" ] for sound, or user = \"root\"");
	}
}

static void check_worker(struct system_check *h, const struct function *f)
{
	const struct worker *w = f->worker;

	if (w->kind == WORKER_PLUGIN)
		check_plugin(h, w);
	else
		check_program(h, w);
	check_user(h, &w->user);
	warn_program_without_user(h, f);
	for (size_t i = 0; i < w->n_groups; i++)
		check_group(h, &w->groups[i]);
}

/*
 * Returns the path of the file that an attribute needs: the medium of a drive, or a file with the
 * value. NULL: none.
 */
static const char *file_of_attribute(const struct function *f, const struct configfs_attribute *a)
{
	bool is_medium = a->entry_kind == ATTRIBUTE_VALUE && streq(f->type, "mass_storage") &&
			 str_has_suffix(a->path, "/file");

	return (is_medium || a->entry_kind == ATTRIBUTE_VALUE_FILE) && *a->value == '/' ? a->value
											: NULL;
}

/* Returns whether the file, or a directory of its path, does not exist. */
static bool file_is_missing(const char *path)
{
	/* A file in a directory that this user cannot search may exist. */
	return access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

size_t visit_missing_media(const struct gadget *gadget,
			   void (*on_missing)(void *data, const char *path), void *data)
{
	size_t n = 0;

	for (size_t i = 0; i < gadget->n_functions; i++) {
		const struct function *f = &gadget->functions[i];

		for (size_t j = 0; j < f->configfs_attributes.n; j++) {
			const struct configfs_attribute *a = &f->configfs_attributes.list[j];
			const char *path = a->value ? file_of_attribute(f, a) : NULL;

			if (path && a->entry_kind == ATTRIBUTE_VALUE && file_is_missing(path)) {
				on_missing(data, path);
				n++;
			}
		}
	}
	return n;
}

/* Checks a report descriptor of hid that is in a file. */
static void check_report_file(const struct system_check *h, const struct function *f,
			      const struct configfs_attribute *a)
{
	_cleanup_free_ char *bytes = NULL;
	struct hid_report report;
	struct stat st;
	size_t size;

	/* Opening a FIFO could block. A file that this user cannot read may be readable for root.
	 */
	if (stat(a->value, &st) < 0 || !S_ISREG(st.st_mode) ||
	    file_read(AT_FDCWD, a->value, ATTRIBUTE_VALUE_MAX, &bytes, &size) < 0)
		return;
	hid_report_check((const uint8_t *)bytes, size, hid_boot_protocol_of_function(f), &report);
	for (size_t i = 0; i < report.n_findings; i++) {
		const struct hid_finding *finding = &report.findings[i];
		_cleanup_free_ char *text = hid_finding_text(finding);
		_cleanup_free_ char *hint = hid_finding_hint(finding);

		diags_add_at_position(
			h->diags,
			hid_finding_is_error(finding) ? h->missing_requirement_severity
						      : DIAG_WARNING,
			&a->position, "%s, byte %zu: %s", a->value, finding->offset, text);
		diags_hint(h->diags, "%s", hint);
	}
}

/*
 * Checks that the files that a function's attributes need exist, and the contents of report
 * descriptors.
 */
static void check_attribute_files(const struct system_check *h, const struct function *f)
{
	for (size_t i = 0; i < f->configfs_attributes.n; i++) {
		const struct configfs_attribute *a = &f->configfs_attributes.list[i];
		_cleanup_error_ struct error err = { 0 };
		const char *path = a->value ? file_of_attribute(f, a) : NULL;

		if (path && a->entry_kind == ATTRIBUTE_VALUE_FILE &&
		    str_has_suffix(a->path, "report_desc"))
			check_report_file(h, f, a);
		if (path && a->entry_kind == ATTRIBUTE_VALUE)
			check_medium(h->diags, h->missing_requirement_severity, f, a);
		if (!path || !file_is_missing(path))
			continue;
		error_errno(&err, EX_UNAVAILABLE, errno, path, "cannot open %s", path);
		if (a->entry_kind == ATTRIBUTE_VALUE)
			error_add_hint(&err,
				       "create it before 'ffsctl up', or remove 'file': then the "
				       "drive has no medium");
		report_missing_requirement(h, &a->position, &err);
	}
}

/*
 * Adds a message for each thing that the gadget needs and the UDC does not have. `udc_name` NULL:
 * checks the UDC driver that the gadget file names, if any. A configuration that needs more
 * endpoints is an error with --here; the other messages are warnings, because the gadget may work
 * in part.
 */
static void check_udc_mismatches(const struct system_check *h, const char *udc_name)
{
	const struct gadget_udc *udc = &h->gadget->udc;
	_cleanup_free_ char *driver = udc_name ? udc_driver(udc_name) : NULL;
	const char *known_driver = driver ?: udc->driver.value;
	const struct udc_facts facts = udc_facts_find(h->paths, h->gadget, udc_name, known_driver);
	_cleanup_udc_mismatches_ struct udc_mismatches m = { 0 };

	udc_mismatches_find(known_driver, &facts, h->gadget, kernel_series_running(), &m);
	for (size_t i = 0; i < m.n; i++) {
		const struct udc_mismatch *one = &m.list[i];

		diags_add_at_position(h->diags,
				      one->kind == UDC_TOO_FEW_ENDPOINTS
					      ? h->missing_requirement_severity
					      : DIAG_WARNING,
				      one->at, "%s", one->text);
		diags_hint(h->diags, "%s", one->hint);
	}
}

/*
 * With --here, checks that `up` could choose a UDC. Without --here, checks only that the UDC in
 * the gadget file exists.
 */
static void check_udc(const struct system_check *h)
{
	const struct gadget_udc *udc = &h->gadget->udc;
	_cleanup_free_ char *name = NULL;
	_cleanup_error_ struct error err = { 0 };

	if (h->missing_requirement_severity == DIAG_ERROR) {
		if (udc_choose(h->paths, udc, NULL, &name, &err) < 0)
			report_missing_requirement(h, &udc->at, &err);
		check_udc_mismatches(h, name ? name : udc->name.value);
		return;
	}
	check_udc_mismatches(h, udc->name.value);
	if (!udc->name.value || udc_exists(udc->name.value))
		return;
	error_udc_missing(h->paths, udc->name.value, &err);
	report_missing_requirement(h, &udc->name.at, &err);
}

/* Checks that the sources from which serial numbers are made can be read here. */
static void check_serial_number_sources(const struct system_check *h)
{
	for (size_t i = 0; i < h->gadget->n_strings; i++) {
		const struct positioned_str *from = &h->gadget->strings[i].serialnumber_source;
		_cleanup_error_ struct error err = { 0 };
		_cleanup_free_ char *serial = NULL;

		if (from->value && serial_number_read(from->value, &serial, &err) < 0)
			report_missing_requirement(h, &from->at, &err);
	}
}

static void check_address_sources(const struct system_check *h, const struct function *f)
{
	for (size_t i = 0; i < f->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &f->configfs_attributes.list[i];
		_cleanup_error_ struct error err = { 0 };
		char address[MAC_ADDRESS_SIZE];

		if (e->entry_kind == ATTRIBUTE_ADDRESS_SOURCE &&
		    mac_address_from_attribute_source(h->gadget, f, e, address, &err) < 0)
			report_missing_requirement(h, &e->position, &err);
	}
}

/*
 * Checks that FunctionFS would hide nothing. Does not check the link of 'device': while the gadget
 * is up, the link exists.
 */
static void check_mount_point(const struct system_check *h, const struct function *f)
{
	_cleanup_error_ struct error err = { 0 };

	if (ffs_check_mount_point(h->paths, f->ffs->mount.path, f->instance, &err) < 0)
		report_missing_requirement(h, &f->ffs->mount.at, &err);
}

static void check_switch_targets(const struct system_check *h, const char *const *dirs)
{
	for (size_t i = 0; i < h->gadget->n_switch_to; i++) {
		const struct positioned_str *name = &h->gadget->switch_to[i];
		_cleanup_free_ char *path = gadgetfile_find_beside(h->gadget, dirs, name->value);
		_cleanup_error_ struct error err = { 0 };

		if (path)
			continue;
		gadgetfile_error_file_not_found(h->gadget, name->value, &err);
		report_missing_requirement(h, &name->at, &err);
	}
}

/*
 * With --here, checks that the kernel has the features that the gadget needs. This check makes a
 * temporary gadget, for which it needs root. If the user is not root, only adds a note that the
 * features were not checked.
 */
static void check_kernel_features(const struct system_check *h)
{
	_cleanup_error_ struct error err = { 0 };
	struct position at;

	if (h->missing_requirement_severity != DIAG_ERROR ||
	    features_require_for_gadget(h->paths, h->gadget, &err) == 0)
		return;
	at = (struct position){ .file = err.gadget_file, .line = err.line, .column = err.column };
	if (err.exit == EX_NOPERM)
		diags_add_at_position(h->diags, DIAG_NOTE,
				      &(struct position){ .file = h->gadget->source_files[0] },
				      "kernel features were not checked: that needs root");
	else
		report_missing_requirement(h, &at, &err);
}

void check_this_system(const struct paths *paths, const struct gadget *gadget,
		       const char *const *dirs, enum diag_severity severity,
		       struct plugin_cache *plugins, struct diags *diags)
{
	struct system_check h = { paths, gadget, severity, plugins, diags, NULL, 0 };

	check_serial_number_sources(&h);
	check_switch_targets(&h, dirs);
	check_udc(&h);
	check_kernel_features(&h);
	for (size_t i = 0; i < gadget->n_functions; i++) {
		const struct function *f = &gadget->functions[i];

		check_address_sources(&h, f);
		if (f->ffs) {
			check_mount_point(&h, f);
			check_user(&h, &f->ffs->mount.uid);
			check_group(&h, &f->ffs->mount.gid);
		}
		check_attribute_files(&h, f);
		if (f->worker)
			check_worker(&h, f);
	}
	free(h.met_requirements);
}
