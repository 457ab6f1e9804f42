// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boards whose DWC2 the model can be: what was read from their registers, and their device
 * trees.
 */
#include "dwc2.h"

#define HWCFG2(endpoints)                                                                          \
	(GHWCFG2_OP_MODE_HNP_SRP_CAPABLE | GHWCFG2_INT_DMA_ARCH << GHWCFG2_ARCHITECTURE_SHIFT |    \
	 GHWCFG2_HS_PHY_TYPE_UTMI << GHWCFG2_HS_PHY_TYPE_SHIFT |                                   \
	 (endpoints) << GHWCFG2_NUM_DEV_EP_SHIFT | 7 << GHWCFG2_NUM_HOST_CHAN_SHIFT |              \
	 GHWCFG2_DYNAMIC_FIFO | GHWCFG2_PERIO_EP_SUPPORTED)
/* 19 bits of XferSize and 10 of PktCnt, as gadget.c: get_ep_limit() assumes */
#define HWCFG3(words)                                                                              \
	((words) << GHWCFG3_DFIFO_DEPTH_SHIFT | 6 << GHWCFG3_PACKET_SIZE_CNTR_WIDTH_SHIFT | 8)
#define HWCFG4(in_endpoints) ((in_endpoints) << GHWCFG4_NUM_IN_EPS_SHIFT | GHWCFG4_DED_FIFO_EN)

const struct dwc2_board dwc2_boards[] = {
	{
		/*
		 * Raspberry Pi. Registers as read on BCM2710 and BCM2711, also those after reset:
		 * there the FIFOs are larger than the memory. Device tree:
		 * bcm283x-rpi-usb-peripheral.dtsi.
		 */
		.name = "bcm2835",
		.id = 0x4f54280a,
		.hwcfg2 = 0x228ddd50,
		.hwcfg3 = 0x0ff000e8,
		.hwcfg4 = 0x1ff00020,
		.rx_reset = 0x1000,
		.np_reset = 0x01001000,
		.tx_reset = 0x02002000,
		.rx = 256,
		.np = 32,
		.tx = { 256, 256, 512, 512, 512, 768, 768 },
		.tx_count = 7,
	},
	{
		/*
		 * The driver prints "EPs: 10, dedicated fifos, 972 entries in SPRAM". Device tree:
		 * rk3288.dtsi, whose six sizes are the number of IN endpoints. The version of the
		 * core and sizes after reset are not known: the sizes are the memory's.
		 */
		.name = "rk3288",
		.id = 0x4f54310a,
		.hwcfg2 = HWCFG2(9),
		.hwcfg3 = HWCFG3(972),
		.hwcfg4 = HWCFG4(6),
		.rx_reset = 972,
		.np_reset = 972 << FIFOSIZE_DEPTH_SHIFT,
		.tx_reset = 972 << FIFOSIZE_DEPTH_SHIFT,
		.rx = 275,
		.np = 16,
		.tx = { 256, 128, 128, 64, 64, 32 },
		.tx_count = 6,
	},
	{
		/*
		 * "EPs: 9, dedicated fifos, 952 entries in SPRAM". Device tree: stm32mp151.dtsi;
		 * RM: eight IN and eight OUT endpoints besides EP0. Sizes after reset as above.
		 */
		.name = "stm32mp15",
		.id = 0x4f54400a,
		.hwcfg2 = HWCFG2(8),
		.hwcfg3 = HWCFG3(952),
		.hwcfg4 = HWCFG4(8),
		.rx_reset = 952,
		.np_reset = 952 << FIFOSIZE_DEPTH_SHIFT,
		.tx_reset = 952 << FIFOSIZE_DEPTH_SHIFT,
		.rx = 512,
		.np = 32,
		.tx = { 256, 16, 16, 16, 16, 16, 16, 16 },
		.tx_count = 8,
	},
	{}
};
