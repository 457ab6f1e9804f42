/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that the kernel has configfs, gadgets in configfs and FunctionFS. */
#include "base/cleanup.h"
#include "functionfs/mount.h"
#include "probe/doctor_checks.h"

/* Returns whether a file of the system can be read and contains a text. */
static bool file_contains(const struct system *system, const char *path, const char *text)
{
	_cleanup_free_ char *content = system_read(system, "%s", path);

	return content && strstr(content, text);
}

static bool has_gadget_dir(const struct doctor *doctor)
{
	return system_has_file(&doctor->system, "%s/usb_gadget",
			       doctor->system.paths->configfs_mount_point);
}

void doctor_check_configfs(const struct doctor *doctor, struct findings *findings)
{
	const struct system *system = &doctor->system;
	const char *configfs = system->paths->configfs_mount_point;
	_cleanup_free_ char *mount = strf(" %s configfs ", configfs);
	struct finding *finding;

	if (has_gadget_dir(doctor) || file_contains(system, "/proc/mounts", mount)) {
		findings_add(findings, "configfs", FINDING_OK, "configfs is mounted at %s",
			     configfs);
		return;
	}
	finding = findings_add(findings, "configfs-not-mounted", FINDING_PROBLEM,
			       "configfs is not mounted at %s", configfs);
	finding_why(finding, "gadgets are made in configfs");
	/* libcomposite, the next check, needs the module configfs and loads it. */
	if (!file_contains(system, "/proc/filesystems", "\tconfigfs\n") &&
	    system_module_state(system, "configfs") == MODULE_LOADABLE)
		finding_command(finding, "modprobe configfs", NULL);
	finding_command(finding, "mount -t configfs none", configfs);
}

static void add_missing_option(struct findings *findings, const char *id, const char *what,
			       const char *module, const char *option)
{
	struct finding *finding =
		findings_add(findings, id, FINDING_PROBLEM, "this kernel has no %s", what);

	finding_why(finding, "the module %s is neither built in nor installed", module);
	finding_remedy(finding, "install a kernel with %s, or its package of modules", option);
}

void doctor_check_libcomposite(const struct doctor *doctor, struct findings *findings)
{
	struct finding *finding;

	if (has_gadget_dir(doctor)) {
		findings_add(findings, "libcomposite", FINDING_OK,
			     "the kernel has gadgets in configfs");
		return;
	}
	switch (system_module_state(&doctor->system, "libcomposite")) {
	case MODULE_PRESENT: /* its directory is missing because configfs is not mounted */
		findings_add(findings, "libcomposite", FINDING_OK, "the kernel has libcomposite");
		return;
	case MODULE_ABSENT:
		add_missing_option(findings, "no-libcomposite", "gadgets in configfs",
				   "libcomposite", "CONFIG_USB_CONFIGFS");
		return;
	case MODULE_LOADABLE:
	case MODULE_UNKNOWN:
		break;
	}
	finding = findings_add(findings, "libcomposite-not-loaded", FINDING_PROBLEM,
			       "libcomposite is not loaded");
	finding_why(finding, "it makes the directory usb_gadget of configfs");
	finding_command(finding, "modprobe libcomposite", NULL);
}

void doctor_check_functionfs(const struct doctor *doctor, struct findings *findings)
{
	struct finding *finding;

	if (file_contains(&doctor->system, "/proc/filesystems", "\t" FFS_FILE_SYSTEM "\n")) {
		findings_add(findings, "functionfs", FINDING_OK, "the kernel has FunctionFS");
		return;
	}
	switch (system_module_state(&doctor->system, FFS_MODULE)) {
	case MODULE_PRESENT:
		findings_add(findings, "functionfs", FINDING_OK, "the kernel has FunctionFS");
		return;
	case MODULE_LOADABLE:
		findings_add(findings, "functionfs", FINDING_OK,
			     "FunctionFS is installed; 'ffsctl up' makes the kernel load it");
		return;
	case MODULE_ABSENT:
		add_missing_option(findings, "no-functionfs", "FunctionFS", FFS_MODULE,
				   "CONFIG_USB_CONFIGFS_F_FS");
		return;
	case MODULE_UNKNOWN:
		break;
	}
	finding = findings_add(findings, "functionfs-unknown", FINDING_NOTE,
			       "it is unknown whether the kernel has FunctionFS");
	finding_why(finding, "the lists of modules in /lib/modules cannot be read");
	finding_command(finding, "modprobe " FFS_MODULE, NULL);
}
