/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that there is a UDC, and that no other gadget holds it or waits for it. */
#include "base/cleanup.h"
#include "probe/doctor_checks.h"

#define GADGET_DRIVERS_DIR "/sys/bus/gadget/drivers"

static bool is_gadget_in_configfs(const struct doctor *doctor, const char *name)
{
	return system_has_file(&doctor->system, "%s/usb_gadget/%s",
			       doctor->system.paths->configfs_mount_point, name);
}

static bool is_gadget_of_ffsctl(const struct doctor *doctor, const char *name)
{
	return system_has_file(&doctor->system, "%s/%s", doctor->system.paths->run_dir, name);
}

/* Sets how a gadget of configfs that another program made is removed. */
static void add_foreign_gadget_remedy(const struct doctor *doctor, const char *gadget,
				      struct finding *finding)
{
	const struct board *board = doctor->board;

	finding_why(finding, "another program made the gadget, which may be how you log in");
	if (board && streq_null(board->gadget_made_at_boot, gadget))
		finding_command(finding, "systemctl disable --now", board->gadget_making_service);
	else
		finding_remedy(finding, "disable the script or the service that makes it");
	finding_command(finding, "ffsctl down --force", gadget);
}

/* Sets how a legacy gadget driver, such as g_ether, is removed. */
static void add_legacy_remedy(const struct doctor *doctor, const char *driver,
			      struct finding *finding)
{
	/* Kernels before 5.19 have no bus of gadgets. */
	_cleanup_free_ char *module =
		system_link_name(&doctor->system, GADGET_DRIVERS_DIR "/%s/module", driver)
			?: xstrdup(driver);

	/* Drivers that are built in have a directory in /sys/module, too, but no `initstate`. */
	if (system_has_file(&doctor->system, "/sys/module/%s/initstate", module)) {
		finding_remedy(finding, "unload it, and remove the line that loads it from "
					"/etc/modules, /etc/modules-load.d or modules-load= of "
					"the kernel's command line");
		finding_command(finding, "modprobe -r", module);
	} else if (system_has_file(&doctor->system, "/sys/module/%s", module)) {
		finding_remedy(finding, "use a kernel that does not have this driver built in");
	} else {
		finding_remedy(finding, "end the program that uses this driver");
	}
}

static void add_udc(const struct doctor *doctor, const struct doctor_udc *udc, bool other_is_free,
		    struct findings *findings)
{
	_cleanup_free_ char *words =
		strf("the UDC %s (%s%s%s%s)", udc->name,
		     udc->controller_driver ? udc->controller_driver : "unknown driver",
		     udc->is_virtual ? ", virtual" : "", udc->state ? ", " : "",
		     udc->state ? udc->state : "");
	const enum finding_severity severity = other_is_free ? FINDING_NOTE : FINDING_PROBLEM;
	struct finding *finding;

	if (!udc->bound_gadget_driver) {
		findings_add(findings, "udc", FINDING_OK, "%s is free", words);
	} else if (!is_gadget_in_configfs(doctor, udc->bound_gadget_driver)) {
		finding = findings_add(findings, "udc-held-by-legacy-driver", severity,
				       "%s is held by the driver '%s'", words,
				       udc->bound_gadget_driver);
		finding_why(finding, "a UDC serves one gadget at a time");
		add_legacy_remedy(doctor, udc->bound_gadget_driver, finding);
	} else if (is_gadget_of_ffsctl(doctor, udc->bound_gadget_driver)) {
		findings_add(findings, "udc", FINDING_OK, "%s is held by the gadget '%s' of ffsctl",
			     words, udc->bound_gadget_driver);
	} else {
		finding = findings_add(findings, "udc-held-by-gadget", severity,
				       "%s is held by the gadget '%s'", words,
				       udc->bound_gadget_driver);
		add_foreign_gadget_remedy(doctor, udc->bound_gadget_driver, finding);
	}
}

/* Adds the finding for a system without UDC. The reasons are findings of other checks. */
static void add_no_udc(const struct doctor *doctor, struct findings *findings)
{
	struct finding *finding =
		findings_add(findings, "no-udc", FINDING_PROBLEM, "this system has no UDC");

	finding_why(finding, "a gadget is bound to a UDC, the device side of a USB controller");
	if (doctor->ports.n > 0 || doctor->board || doctor_any_role_is_host(doctor))
		return;
	finding_remedy(finding, "use a board with a device port, which PCs rarely have; for tests, "
				"a virtual UDC is enough");
	if (system_module_state(&doctor->system, "dummy_hcd") == MODULE_LOADABLE)
		finding_command(finding, "modprobe dummy_hcd", NULL);
	else if (system_module_state(&doctor->system, "usbip_vudc") == MODULE_LOADABLE)
		finding_command(finding, "modprobe usbip-vudc", NULL);
}

static void add_only_virtual_udcs(const struct doctor *doctor, struct findings *findings)
{
	const struct doctor_udc *udc = &doctor->udcs[0];
	struct finding *finding = findings_add(findings, "only-virtual-udcs", FINDING_NOTE,
					       "all UDCs are virtual: no cable reaches them");

	finding_why(finding, "'up' uses one only if there is no other UDC, and 'run' and "
			     "'up --wait-udc', which wait for a UDC, only if it is named");
	finding_remedy(finding, "for a test without a cable, name the UDC");
	finding_command(finding, "ffsctl up serial --udc", udc->name);
}

void doctor_check_udcs(const struct doctor *doctor, struct findings *findings)
{
	size_t n_free = 0, n_real = 0;

	for (size_t i = 0; i < doctor->n_udcs; i++) {
		n_free += !doctor->udcs[i].bound_gadget_driver;
		n_real += !doctor->udcs[i].is_virtual;
	}
	for (size_t i = 0; i < doctor->n_udcs; i++)
		add_udc(doctor, &doctor->udcs[i], n_free > 0, findings);
	if (doctor->n_udcs == 0)
		add_no_udc(doctor, findings);
	else if (n_real == 0)
		add_only_virtual_udcs(doctor, findings);
}

/* Returns whether a gadget driver is bound to a UDC, which on the bus of gadgets is "gadget.N". */
static bool holds_a_udc(const struct doctor *doctor, const char *driver)
{
	_cleanup_strings_ char **links =
		system_list(&doctor->system, GADGET_DRIVERS_DIR "/%s", driver);

	for (char **name = links; *name; name++)
		if (str_has_prefix(*name, "gadget."))
			return true;
	for (size_t i = 0; i < doctor->n_udcs; i++)
		if (streq_null(doctor->udcs[i].bound_gadget_driver, driver))
			return true;
	return false;
}

static void add_waiting_driver(const struct doctor *doctor, const char *driver,
			       struct findings *findings)
{
	struct finding *finding;

	if (holds_a_udc(doctor, driver))
		return;
	finding = findings_add(findings, "legacy-driver-waits", FINDING_PROBLEM,
			       "the legacy gadget driver '%s' waits for a UDC", driver);
	/* usb_gadget_register_driver, drivers/usb/gadget/udc/core.c */
	finding_why(finding, "it binds to the first UDC that appears, before any gadget of "
			     "configfs");
	add_legacy_remedy(doctor, driver, finding);
}

/*
 * Lists the legacy gadget drivers by the bus of gadgets, where a gadget of configfs is
 * "configfs-gadget.NAME"; in kernels before 5.19, which have no such bus, by the modules g_*.
 */
void doctor_check_waiting_drivers(const struct doctor *doctor, struct findings *findings)
{
	const bool has_bus = system_has_file(&doctor->system, GADGET_DRIVERS_DIR);
	_cleanup_strings_ char **names = has_bus ? system_list(&doctor->system, GADGET_DRIVERS_DIR)
						 : system_list(&doctor->system, "/sys/module");

	for (char **name = names; *name; name++)
		if (has_bus ? !str_has_prefix(*name, "configfs-gadget")
			    : str_has_prefix(*name, "g_") && !streq(*name, "g_ffs"))
			add_waiting_driver(doctor, *name, findings);
}
