/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/board.h"

#include "probe/usb_port.h"

#define PI_ZERO_PORT "the micro-USB socket closest to mini-HDMI; the other one is for power"
#define PI_HUB "a hub on the board is between the controller and the sockets"

/*
 * The sources of each row are in doc/boards.md. The first row that matches is used, so those of a
 * board come before those of its SoC. To add a board, add a row.
 */
/* clang-format off */
static const struct board boards[] = {
	{ "raspberrypi,model-zero*", "Raspberry Pi Zero", PI_ZERO_PORT, DEVICE_MODE_BY_CONFIG_TXT,
	  NULL, NULL, NULL },
	{ "raspberrypi,3-model-a-plus", "Raspberry Pi 3A+", "the USB-A socket, with an A-to-A cable",
	  DEVICE_MODE_BY_CONFIG_TXT,
	  "dr_mode=otg is not enough on this board: its ID pin is tied to ground", NULL, NULL },
	{ "raspberrypi,4-model-b", "Raspberry Pi 4B", "USB-C, which is the power input as well",
	  DEVICE_MODE_BY_CONFIG_TXT, NULL, NULL, NULL },
	{ "raspberrypi,5-model-b", "Raspberry Pi 5", "USB-C, which is the power input as well",
	  DEVICE_MODE_BY_CONFIG_TXT, NULL, NULL, NULL },
	{ "raspberrypi,3-compute-module*", "Raspberry Pi CM3", "micro-USB J15 of the IO board",
	  DEVICE_MODE_BY_CONFIG_TXT, NULL, NULL, NULL },
	{ "raspberrypi,4-compute-module*", "Raspberry Pi CM4", "micro-USB J11 of the IO board",
	  DEVICE_MODE_BY_CONFIG_TXT,
	  "remove 'otg_mode=1' from config.txt: it selects a controller that is only a host",
	  NULL, NULL },
	{ "raspberrypi,5-compute-module*", "Raspberry Pi CM5", "USB-C of the IO board",
	  DEVICE_MODE_BY_CONFIG_TXT, "remove 'dtoverlay=dwc2,dr_mode=host' from config.txt",
	  NULL, NULL },
	{ "raspberrypi,model-b*", "Raspberry Pi 1B", NULL, DEVICE_MODE_NONE, PI_HUB, NULL, NULL },
	{ "raspberrypi,2-model-b*", "Raspberry Pi 2B", NULL, DEVICE_MODE_NONE, PI_HUB, NULL, NULL },
	{ "raspberrypi,3-model-b*", "Raspberry Pi 3B", NULL, DEVICE_MODE_NONE, PI_HUB, NULL, NULL },
	{ "ti,am335x-bone*", "BeagleBone", "USB0, on the Black the mini-USB socket",
	  DEVICE_MODE_BY_DEVICE_TREE, NULL, "g_multi", "bb-usb-gadgets.service" },
	{ "ti,am335x-pocketbeagle", "PocketBeagle", "USB0", DEVICE_MODE_BY_DEVICE_TREE, NULL,
	  "g_multi", "bb-usb-gadgets.service" },
	{ "beagle,am625-beagleplay", "BeaglePlay", "usb0", DEVICE_MODE_BY_DEVICE_TREE, NULL,
	  "g_multi", "bb-usb-gadgets.service" },
	{ "beagle,j721e-beagleboneai64", "BeagleBone AI-64", "usb0", DEVICE_MODE_BY_DEVICE_TREE,
	  NULL, "g_multi", "bb-usb-gadgets.service" },
	{ "nvidia,tegra*", "NVIDIA Jetson", NULL, DEVICE_MODE_BY_DEVICE_TREE,
	  "the mode is not dr_mode, but 'mode' in the node 'usb2-0' of the pad controller",
	  "l4t", "nv-l4t-usb-device-mode.service" },
	{ "fsl,imx*", "NXP i.MX", NULL, DEVICE_MODE_BY_DEVICE_TREE, NULL, NULL, NULL },
	{ "rockchip,*", "Rockchip", NULL, DEVICE_MODE_BY_DEVICE_TREE, NULL, NULL, NULL },
	{ "allwinner,*", "Allwinner", NULL, DEVICE_MODE_BY_DEVICE_TREE, NULL, NULL, NULL },
};
/* clang-format on */

const struct board *board_find(const struct system *system)
{
	for (size_t i = 0; i < ARRAY_SIZE(boards); i++)
		if (device_tree_compatible(system, "", boards[i].compatible))
			return &boards[i];
	return NULL;
}
