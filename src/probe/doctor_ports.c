/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks the controllers of the device tree that have no UDC, and finds the reason. */
#include "base/cleanup.h"
#include "configfs/udc_driver_table.h"
#include "probe/doctor_checks.h"

#define PI_LINE "dtoverlay=dwc2,dr_mode=peripheral"

void doctor_check_board(const struct doctor *doctor, struct findings *findings)
{
	const struct board *board = doctor->board;
	const char *model = doctor->board_model ? doctor->board_model : board ? board->name : NULL;
	struct finding *finding;

	if (board && board->device_mode_method == DEVICE_MODE_NONE) {
		finding = findings_add(findings, "board-without-device-port", FINDING_PROBLEM,
				       "the %s has no device port", model);
		finding_why(finding, "%s", board->advice);
		finding_remedy(finding, "use a board of doc/boards.md that has one");
	} else if (board && board->device_port) {
		findings_add(findings, "board", FINDING_OK, "the device port of the %s is %s",
			     model, board->device_port);
	} else if (model) {
		findings_add(findings, "board", FINDING_OK, "the board is '%s'", model);
	}
}

/*
 * Adds the remedy for a Raspberry Pi to the finding: enable the device tree overlay that puts the
 * port into device mode, then reboot.
 */
static void add_raspberry_pi_remedy(const struct doctor *doctor, struct finding *finding)
{
	const struct system *system = &doctor->system;
	const char *path = !system_has_file(system, "/boot/firmware/config.txt") &&
					   system_has_file(system, "/boot/config.txt")
				   ? "/boot/config.txt"
				   : "/boot/firmware/config.txt";
	_cleanup_free_ char *config = system_read(system, "%s", path);
	const char *advice = doctor->board->advice;

	if (config && (str_has_prefix(config, PI_LINE) || strstr(config, "\n" PI_LINE))) {
		finding_remedy(finding,
			       "reboot: %s has " PI_LINE " already; if that changes nothing, the "
			       "line is below a filter such as [cm4]%s%s",
			       path, advice ? "; " : "", advice ? advice : "");
	} else {
		finding_remedy(finding, "add " PI_LINE " at the end of %s, and reboot%s%s", path,
			       advice ? "; " : "", advice ? advice : "");
		finding_command(finding, "printf '[all]\\n" PI_LINE "\\n' >>", path);
	}
	finding_command(finding, "reboot", NULL);
}

static void add_mode_remedy(const struct doctor *doctor, const struct usb_port *port,
			    struct finding *finding)
{
	const struct board *board = doctor->board;

	if (board && board->device_mode_method == DEVICE_MODE_BY_CONFIG_TXT) {
		add_raspberry_pi_remedy(doctor, finding);
	} else if (!board || board->device_mode_method == DEVICE_MODE_BY_DEVICE_TREE) {
		finding_remedy(finding,
			       "set %sdr_mode = \"peripheral\" in the node %s of the device tree, "
			       "by an overlay or in the file of the board, and reboot%s%s",
			       port->disabled ? "status = \"okay\" and " : "",
			       port->device_tree_path, board && board->advice ? "; " : "",
			       board && board->advice ? board->advice : "");
	}
}

/* Sets how the driver of a controller is loaded. */
static void add_driver_remedy(const struct doctor *doctor, const struct usb_port *port,
			      struct finding *finding)
{
	switch (system_module_state(&doctor->system, port->controller_kind->kernel_module)) {
	case MODULE_ABSENT:
		finding_remedy(finding, "use a kernel with %s",
			       port->controller_kind->kernel_config_options);
		return;
	case MODULE_PRESENT:
		finding_remedy(finding, "read why the driver did not bind: dmesg | grep -i usb");
		return;
	case MODULE_LOADABLE:
	case MODULE_UNKNOWN:
		finding_command(finding, "modprobe", port->controller_kind->kernel_module);
	}
}

/* Returns whether doctor_check_roles can find a role that user space can change. */
static bool has_role_files(const struct doctor *doctor)
{
	_cleanup_strings_ char **switches = system_list(&doctor->system, "/sys/class/usb_role"),
			       **typec = system_list(&doctor->system, "/sys/class/typec");

	/* The role switch of a plain dwc3 has no file `role`. */
	for (char **name = switches; *name; name++)
		if (system_has_file(&doctor->system, "/sys/class/usb_role/%s/role", *name))
			return true;
	return *typec;
}

/* Sets why a controller that has its driver has no UDC, and how it gets one. */
static void add_role_remedy(const struct doctor *doctor, const struct usb_port *port,
			    struct finding *finding)
{
	_cleanup_free_ char *debugfs = strf(USB_DEBUGFS_DIR "/%s/mode", port->platform_device);

	if (streq_null(port->dr_mode, "peripheral")) {
		finding_why(finding, "the driver did not make it, although dr_mode is "
				     "\"peripheral\"");
		finding_remedy(finding, "use a kernel with %s",
			       port->controller_kind ? port->controller_kind->kernel_config_options
						     : "the driver's device mode");
		return;
	}
	finding_why(finding, "its role decides, because dr_mode is %s",
		    port->dr_mode ? port->dr_mode : "missing");
	if (port->controller_kind && streq(port->controller_kind->common_driver_name, "dwc3") &&
	    !has_role_files(doctor))
		finding_command(finding, "echo device >", debugfs);
	else
		finding_remedy(finding,
			       "set the role to device, as a finding below says; if there "
			       "is none, use a kernel with %s",
			       port->controller_kind ? port->controller_kind->kernel_config_options
						     : "the driver's device mode");
}

static void check_port(const struct doctor *doctor, const struct usb_port *port,
		       struct findings *findings)
{
	/* Other ports may well be hosts while one has a UDC. */
	const enum finding_severity severity = doctor->n_udcs > 0 ? FINDING_NOTE : FINDING_PROBLEM;
	const char *driver = port->controller_kind ? port->controller_kind->common_driver_name
						   : "unknown driver";
	struct finding *finding;

	if (port->disabled) {
		finding = findings_add(findings, "port-is-disabled", severity,
				       "the USB controller %s (%s) is disabled",
				       port->device_tree_path, driver);
		finding_why(finding, "the device tree disables it");
		add_mode_remedy(doctor, port, finding);
	} else if (streq_null(port->dr_mode, "host") || streq_null(port->bound_driver, "dwc_otg")) {
		finding = findings_add(findings, "port-is-host", severity,
				       "the USB controller %s (%s) is in host mode",
				       port->device_tree_path, driver);
		if (streq_null(port->bound_driver, "dwc_otg"))
			finding_why(finding, "its driver is dwc_otg, which has no device mode");
		else
			finding_why(finding, "its dr_mode in the device tree is \"host\"");
		add_mode_remedy(doctor, port, finding);
	} else if (!port->bound_driver && port->controller_kind) {
		finding =
			findings_add(findings, "controller-without-driver", severity,
				     "the USB controller %s has no driver", port->device_tree_path);
		finding_why(finding, "the driver %s makes its UDC",
			    port->controller_kind->kernel_module);
		add_driver_remedy(doctor, port, finding);
	} else if (port->bound_driver) {
		finding = findings_add(findings, "port-without-udc", severity,
				       "the USB controller %s (%s) has no UDC",
				       port->platform_device, driver);
		add_role_remedy(doctor, port, finding);
	}
}

static bool has_udc(const struct doctor *doctor, const struct usb_port *port)
{
	for (size_t i = 0; i < doctor->n_udcs; i++)
		if (streq_null(doctor->udcs[i].device_tree_path, port->device_tree_path))
			return true;
	return false;
}

/* Disabled controllers matter only if the board has no other one. */
void doctor_check_ports(const struct doctor *doctor, struct findings *findings)
{
	bool any_enabled = doctor->n_udcs > 0;

	for (size_t i = 0; i < doctor->ports.n; i++)
		any_enabled = any_enabled || !doctor->ports.list[i].disabled;
	for (size_t i = 0; i < doctor->ports.n; i++) {
		const struct usb_port *port = &doctor->ports.list[i];

		if (!has_udc(doctor, port) && !(port->disabled && any_enabled))
			check_port(doctor, port, findings);
	}
}
