/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the roles of ports that can be host and device: role switches, Type-C ports, extcon, the
 * debugfs file of dwc3, and the attributes of chipidea and musb (doc/boards.md, "Host or device").
 */
#include "base/cleanup.h"
#include "configfs/udc_driver_table.h"
#include "probe/doctor_checks.h"

static bool any_udc_is_configured(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->n_udcs; i++)
		if (streq_null(doctor->udcs[i].state, "configured"))
			return true;
	return false;
}

/* Adds the finding for a port that is a host at the moment. */
static struct finding *add_host_role(const struct doctor *doctor, struct findings *findings,
				     const char *what, const char *name)
{
	const bool has_udc = doctor->n_udcs > 0;
	struct finding *finding =
		findings_add(findings, "role-is-host", has_udc ? FINDING_NOTE : FINDING_PROBLEM,
			     "%s %s is set to host", what, name);

	finding_why(finding, has_udc ? "a UDC of this port stays 'not attached' in this role"
				     : "the port has no UDC in this role");
	return finding;
}

/* The role switch of a plain dwc3 has no attribute `role`. */
static void check_role_switch(const struct doctor *doctor, const char *name,
			      struct findings *findings)
{
	_cleanup_free_ char *path = strf("/sys/class/usb_role/%s/role", name),
			    *role = system_read_line(&doctor->system, "%s", path);

	if (!role || !streq(role, "host"))
		return;
	finding_command(add_host_role(doctor, findings, "the role switch", name), "echo device >",
			path);
}

/* `data_role` is "[host] device", or one word if the port cannot change its role. */
static void check_typec_port(const struct doctor *doctor, const char *name,
			     struct findings *findings)
{
	_cleanup_free_ char *path = strf("/sys/class/typec/%s/data_role", name),
			    *role = system_read_line(&doctor->system, "%s", path);
	struct finding *finding;

	if (!role || (!str_has_prefix(role, "[host]") && !str_has_suffix(role, "[host]") &&
		      !streq(role, "host")))
		return;
	finding = add_host_role(doctor, findings, "the Type-C port", name);
	if (strchr(role, '['))
		finding_command(finding, "echo device >", path);
	else
		finding_remedy(finding, "use another port: this one is only a host");
}

/* `state` has lines such as "USB=0". Extcon only reports what a cable or a circuit decides. */
static void check_extcon(const struct doctor *doctor, const char *name, struct findings *findings)
{
	_cleanup_free_ char *state =
		system_read(&doctor->system, "/sys/class/extcon/%s/state", name);

	if (state && strstr(state, "USB-HOST=1"))
		finding_remedy(add_host_role(doctor, findings, "the connector", name),
			       "use a cable that does not connect the ID pin to ground: extcon "
			       "reports the cable, and cannot be written");
}

/*
 * dwc3 has a file `mode` here. A controller of the device tree is left out: doctor_check_ports
 * names the file, or knows that writing it changes nothing.
 */
static void check_debugfs_mode(const struct doctor *doctor, const char *name,
			       struct findings *findings)
{
	_cleanup_free_ char *path = strf(USB_DEBUGFS_DIR "/%s/mode", name),
			    *mode = system_read_line(&doctor->system, "%s", path);

	if (!mode || !streq(mode, "host"))
		return;
	for (size_t i = 0; i < doctor->ports.n; i++)
		if (streq_null(doctor->ports.list[i].platform_device, name))
			return;
	finding_command(add_host_role(doctor, findings, "the controller", name), "echo device >",
			path);
}

#define PLATFORM_DEVICES_DIR "/sys/bus/platform/devices"

/* Returns whether the device tree makes the controller a host: then nothing else can change it. */
static bool device_tree_makes_it_host(const struct doctor *doctor, const char *dir)
{
	_cleanup_free_ char *parent = strf("%s/..", dir),
			    *node = device_tree_node(&doctor->system, dir)
					    ?: device_tree_node(&doctor->system, parent);

	for (size_t i = 0; node && i < doctor->ports.n; i++)
		if (streq(doctor->ports.list[i].device_tree_path, node))
			return streq_null(doctor->ports.list[i].dr_mode, "host");
	return false;
}

static void check_platform_device(const struct doctor *doctor, const char *name,
				  struct findings *findings)
{
	_cleanup_free_ char *dir = strf(PLATFORM_DEVICES_DIR "/%s", name),
			    *role_path = strf("%s/role", dir), *mode_path = strf("%s/mode", dir);
	_cleanup_free_ char *value = NULL;

	if (device_tree_makes_it_host(doctor, dir))
		return;
	if (str_has_prefix(name, "ci_hdrc.")) {
		value = system_read_line(&doctor->system, "%s", role_path);
		if (value && streq(value, "host"))
			finding_command(add_host_role(doctor, findings, "the controller", name),
					"echo gadget >", role_path);
	} else if (str_has_prefix(name, "musb-hdrc.")) {
		/* The names of the states of a host begin with "a_" (usb_otg_state_string). */
		value = system_read_line(&doctor->system, "%s", mode_path);
		if (value && str_has_prefix(value, "a_"))
			finding_command(add_host_role(doctor, findings, "the controller", name),
					"echo peripheral >", mode_path);
	}
}

void doctor_check_roles(const struct doctor *doctor, struct findings *findings)
{
	static const struct {
		const char *dir;
		void (*check)(const struct doctor *doctor, const char *name,
			      struct findings *findings);
	} classes[] = {
		{ "/sys/class/usb_role", check_role_switch },
		{ "/sys/class/typec", check_typec_port },
		{ "/sys/class/extcon", check_extcon },
		{ USB_DEBUGFS_DIR, check_debugfs_mode },
		{ PLATFORM_DEVICES_DIR, check_platform_device },
	};

	/* A UDC that a host has configured proves that its port is a device. */
	if (any_udc_is_configured(doctor))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		_cleanup_strings_ char **names = system_list(&doctor->system, "%s", classes[i].dir);

		for (char **name = names; *name; name++)
			classes[i].check(doctor, *name, findings);
	}
}

bool doctor_any_role_is_host(const struct doctor *doctor)
{
	_cleanup_findings_ struct findings findings = { 0 };

	doctor_check_roles(doctor, &findings);
	return findings.n > 0;
}
