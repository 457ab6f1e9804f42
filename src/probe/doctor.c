/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/doctor.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "configfs/udc.h"
#include "probe/doctor_checks.h"

/* In the order of the output. To add a check, add a row. */
static doctor_check *const checks[] = {
	doctor_check_board,	 doctor_check_configfs, doctor_check_libcomposite,
	doctor_check_functionfs, doctor_check_udcs,	doctor_check_waiting_drivers,
	doctor_check_ports,	 doctor_check_roles,
};

static void read_udc(const struct system *system, const char *name, struct doctor_udc *udc)
{
	_cleanup_free_ char *dir = strf(UDC_CLASS_DIR "/%s", name);
	_cleanup_free_ char *device = strf("%s/device", dir), *parent = strf("%s/..", device),
			    *holder = system_read_line(system, "%s/function", dir);

	udc->name = xstrdup(name);
	udc->controller_driver = system_link_name(system, "%s/driver", device);
	udc->state = system_read_line(system, "%s/state", dir);
	udc->bound_gadget_driver = holder && *holder ? steal_ptr(holder) : NULL;
	udc->is_virtual = udc_traits_or_unknown(udc->controller_driver)->is_virtual;
	/* The device of musb and chipidea is a child of the one that has the node. */
	udc->device_tree_path =
		device_tree_node(system, device) ?: device_tree_node(system, parent);
}

void doctor_open(struct doctor *doctor, const char *root, const struct paths *paths)
{
	_cleanup_strings_ char **names = NULL;

	*doctor = (struct doctor){ 0 };
	system_init(&doctor->system, root, paths);
	names = system_list(&doctor->system, UDC_CLASS_DIR);
	for (char **name = names; *name; name++)
		read_udc(&doctor->system, *name, array_add(doctor->udcs, doctor->n_udcs));
	usb_ports_list(&doctor->system, &doctor->ports);
	doctor->board = board_find(&doctor->system);
	doctor->board_model = system_read_line(&doctor->system, DEVICE_TREE_DIR "/model");
}

void doctor_close(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->n_udcs; i++) {
		struct doctor_udc *udc = &doctor->udcs[i];

		free(udc->name);
		free(udc->controller_driver);
		free(udc->state);
		free(udc->bound_gadget_driver);
		free(udc->device_tree_path);
	}
	free(doctor->udcs);
	free(doctor->board_model);
	usb_ports_free(&doctor->ports);
	system_free(&doctor->system);
	*doctor = (struct doctor){ 0 };
}

void doctor_check_system(const struct doctor *doctor, struct findings *findings)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](doctor, findings);
}
