/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of the drivers of hosts. A row says only what its source says: a host and an interface
 * without a row are unknown. To add a row, name the source; HOST_PROOF_TESTED is only for what a
 * program of tests/lab/machines has seen.
 */
#include <string.h>

#include "base/util.h"
#include "predict/hosts.h"

#define ANY HOST_ANY
#define LINUX (1U << GADGET_HOST_LINUX)
#define WIN7 (1U << GADGET_HOST_WINDOWS_7)
#define WIN10 (1U << GADGET_HOST_WINDOWS_10)
#define WIN11 (1U << GADGET_HOST_WINDOWS_11)
#define WINDOWS (WIN7 | WIN10 | WIN11)
#define MACOS (1U << GADGET_HOST_MACOS)
#define ANDROID (1U << GADGET_HOST_ANDROID)
#define CHROMEOS (1U << GADGET_HOST_CHROMEOS)
#define UEFI (1U << GADGET_HOST_UEFI)
#define BIOS (1U << GADGET_HOST_BIOS)

#define MICROSOFT "learn.microsoft.com/windows-hardware/drivers/"
#define CLASSES MICROSOFT "usbcon/supported-usb-classes"
#define COMPOSITE MICROSOFT "usbcon/enumeration-of-the-composite-parent-device"
#define GKI "Android's gki_defconfig, "
#define WEBUSB "wicg.github.io/webusb, \"protected interface classes\""
#define EDK2 "github.com/tianocore/edk2, MdeModulePkg/Bus/Usb/"
#define SEABIOS "SeaBIOS, hw/"

#define BY_LIBUSB "a program, by libusb"
#define NETWORK                                                                                    \
	"type = \"ncm\" for Windows 11, or \"rndis\", with Microsoft OS descriptors: see "         \
	"gadget.d/network.conf and network-windows.conf"
#define ADD_WINUSB "give the interface the compatible id WINUSB (key 'winusb' of FunctionFS)"

#define IS(class_, subclass_, protocol_)                                                           \
	.class = class_, .subclass = subclass_, .protocol = protocol_
#define ALL IS(ANY, ANY, ANY)
#define TESTED .proof = HOST_PROOF_TESTED

/* --- what else must be so --------------------------------------------------------------------- */

/*
 * Where usbccgp.sys does not load, the compatible id of the first interface is that of the device.
 */
static bool has_id_of_device(const struct host_device *d, const struct host_interface *i)
{
	return i == d->list && *i->compatible_id;
}

static bool has_several_configs(const struct host_device *d, const struct host_interface *i)
{
	return d->n > 1 && d->n_configs > 1 && !has_id_of_device(d, i);
}

static bool has_class_of_no_composite(const struct host_device *d, const struct host_interface *i)
{
	static const uint8_t misc[] = { 0xef, 2, 1 };

	return d->n > 1 && d->class[0] != 0 && memcmp(d->class, misc, sizeof(misc)) != 0 &&
	       !has_id_of_device(d, i);
}

/* usbccgp.sys groups interfaces of sound by their headers only if no interface has an association.
 */
static bool needs_association(const struct host_device *d, const struct host_interface *i)
{
	return d->has_associations && !i->is_associated;
}

static bool is_of_vendor_device(const struct host_device *d, const struct host_interface *i)
{
	return d->class[0] == 0xff && i->class[0] != 0xff;
}

static bool seabios_knows(const struct host_interface *i)
{
	return (i->class[0] == 0x08 && (i->class[2] == 0x50 || i->class[2] == 0x62)) ||
	       (i->class[0] == 0x03 && i->class[1] == 1);
}

/* SeaBIOS uses the first interface that it knows, and no other one of the device. */
static bool comes_after_one_of_seabios(const struct host_device *d, const struct host_interface *i)
{
	for (const struct host_interface *before = d->list; before < i; before++)
		if (seabios_knows(before))
			return true;
	return false;
}

static bool is_behind_alternate_settings(const struct host_device *d,
					 const struct host_interface *i)
{
	return i->n_descriptors_before >= d->n;
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
const struct host_driver host_driver_table[] = {
	/* Linux: the ids in the drivers of Linux 6.18; the modules are loaded by these. */
	{ LINUX | ANDROID, ALL, .condition = is_of_vendor_device,
	  .note = "in a device of the class vendor it compares no class of an interface",
	  .remedy = "no bDeviceClass", .source = "drivers/usb/core/driver.c, usb_match_one_id_intf()" },
	{ LINUX, IS(0x03, ANY, ANY), .driver = "usbhid", TESTED,
	  .source = "drivers/hid/usbhid/hid-core.c, hid_usb_ids" },
	{ LINUX, IS(0x08, 0x06, 0x50), .driver = "usb-storage", TESTED,
	  .source = "drivers/usb/storage/unusual_devs.h, USUAL_DEV" },
	{ LINUX, IS(0x08, 0x06, 0x62), .driver = "uas",
	  .source = "drivers/usb/storage/uas.c, uas_usb_ids" },
	{ LINUX, IS(0x02, 0x02, 0xff), .driver = "rndis_host", TESTED,
	  .source = "drivers/net/usb/rndis_host.c, products" },
	{ LINUX, IS(0xe0, 0x01, 0x03), .driver = "rndis_host",
	  .source = "drivers/net/usb/rndis_host.c, products" },
	{ LINUX, IS(0xef, 0x04, 0x01), .driver = "rndis_host",
	  .source = "drivers/net/usb/rndis_host.c, products" },
	{ LINUX, IS(0x02, 0x02, ANY), .driver = "cdc_acm", TESTED,
	  .source = "drivers/usb/class/cdc-acm.c, acm_ids" },
	{ LINUX, IS(0x02, 0x06, 0x00), .driver = "cdc_ether", TESTED,
	  .source = "drivers/net/usb/cdc_ether.c, products" },
	{ LINUX, IS(0x02, 0x0c, 0x07), .driver = "cdc_eem", TESTED,
	  .source = "drivers/net/usb/cdc_eem.c, products" },
	{ LINUX, IS(0x02, 0x0d, 0x00), .driver = "cdc_ncm", TESTED,
	  .source = "drivers/net/usb/cdc_ncm.c, cdc_devs" },
	{ LINUX, IS(0x07, 0x01, ANY), .driver = "usblp", TESTED,
	  .source = "drivers/usb/class/usblp.c, usblp_ids" },
	{ LINUX, IS(0x01, 0x01, 0x00), .driver = "snd-usb-audio", TESTED,
	  .source = "sound/usb/card.c, usb_audio_ids" },
	{ LINUX, IS(0x01, 0x01, ANY), .driver = "snd-usb-audio",
	  .source = "sound/usb/card.c, usb_audio_ids" },
	{ LINUX, IS(0x0e, 0x01, ANY), .driver = "uvcvideo",
	  .source = "drivers/media/usb/uvc/uvc_driver.c, uvc_ids" },
	{ LINUX, IS(0xfe, 0x03, ANY), .driver = "usbtmc",
	  .source = "drivers/usb/class/usbtmc.c, usbtmc_devices" },
	{ LINUX, IS(0x06, 0x01, 0x01), .driver = "a program: libmtp, libgphoto2", TESTED,
	  .source = "no driver of the kernel has these ids" },
	{ LINUX, IS(0x0b, ANY, ANY), .driver = "a program: pcscd",
	  .source = "no driver of the kernel has these ids" },
	{ LINUX, IS(0xfe, 0x01, ANY), .driver = "a program: dfu-util",
	  .source = "no driver of the kernel has these ids" },
	{ LINUX | ANDROID | MACOS, IS(0xff, ANY, ANY), .driver = BY_LIBUSB,
	  .source = "libusb's README, \"Supported platforms\"" },

	/* Windows: first what keeps usbccgp.sys from the device, then ids, then classes. */
	{ WINDOWS, ALL, .condition = has_several_configs,
	  .note = "the device has several configurations: usbccgp.sys, which gives each function its "
		  "driver, does not load",
	  .remedy = "one configuration", .source = COMPOSITE },
	{ WINDOWS, ALL, .condition = has_class_of_no_composite,
	  .note = "the device has several interfaces, and a class of its own: usbccgp.sys, which gives "
		  "each function its driver, does not load",
	  .remedy = "attrs = { bDeviceClass = \"misc\"; bDeviceSubClass = 2; bDeviceProtocol = 1; };",
	  .source = COMPOSITE },
	{ WIN10 | WIN11, ALL, .compatible_id = "WINUSB", .driver = "winusb.sys",
	  .source = MICROSOFT "usbcon/automatic-installation-of-winusb" },
	{ WIN7, ALL, .compatible_id = "WINUSB", .driver = "winusb.sys",
	  .note = "from Windows Update, or with an INF file",
	  .source = MICROSOFT "usbcon/automatic-installation-of-winusb" },
	{ WIN10 | WIN11, ALL, .compatible_id = "MTP", .driver = "WUDFWpdMtp (wpdmtp.inf)",
	  .source = "wpdmtp.inf: USB\\MS_COMP_MTP" },
	{ WIN10 | WIN11, ALL, .compatible_id = "RNDIS", .sub_compatible_id = "5162001",
	  .driver = "rndismp.sys",
	  .source = CLASSES "; Windows' list of ids, USB\\MS_COMP_RNDIS&MS_SUBCOMP_5162001" },
	{ WIN11, ALL, .compatible_id = "WINNCM", .driver = "UsbNcm.sys",
	  .source = "github.com/microsoft/NCM-Driver-for-Windows, host/UsbNcmSample.inf" },
	{ WINDOWS, IS(0x03, ANY, ANY), .driver = "hidusb.sys",
	  .source = MICROSOFT "hid/hid-transports" },
	{ WIN10 | WIN11, IS(0x08, 0x06, 0x62), .driver = "uaspstor.sys", .source = CLASSES },
	{ WINDOWS, IS(0x08, ANY, 0x50), .driver = "usbstor.sys",
	  .source = CLASSES "; usbstor.inf since Windows 2000" },
	{ WIN10 | WIN11, IS(0x07, ANY, ANY), .driver = "usbprint.sys", .source = CLASSES },
	{ WIN10 | WIN11, IS(0x06, ANY, ANY), .driver = "usbscan.sys",
	  .note = "as a camera or scanner", .source = CLASSES },
	{ WINDOWS, IS(0x01, ANY, ANY), .condition = needs_association,
	  .note = "other functions have an interface association and this one has none: usbccgp.sys "
		  "does not group its interfaces",
	  .remedy = "put this function into another gadget",
	  .source = MICROSOFT "usbcon/support-for-interface-collections" },
	{ WIN10 | WIN11, IS(0x01, ANY, 0x20), .driver = "usbaudio2.sys",
	  .note = "since Windows 10, release 1703", .source = MICROSOFT "audio/usb-2-0-audio-drivers" },
	{ WIN7, IS(0x01, ANY, 0x20), .note = "no driver for USB Audio 2.0 before Windows 10",
	  .remedy = "type = \"uac1\"", .source = MICROSOFT "audio/usb-2-0-audio-drivers" },
	{ WIN10 | WIN11, IS(0x01, ANY, ANY), .driver = "usbaudio.sys", .source = CLASSES },
	{ WIN10 | WIN11, IS(0x0e, ANY, ANY), .driver = "usbvideo.sys", .source = CLASSES },
	{ WIN10 | WIN11, IS(0x0b, ANY, ANY), .driver = "WUDFUsbccidDriver.dll", .source = CLASSES },
	{ WIN10 | WIN11, IS(0x02, 0x02, 0xff),
	  .note = "usbser.sys takes RNDIS without Microsoft OS descriptors for a serial line",
	  .remedy = "os_descs = ( { interface = \"rndis\"; compatible_id = \"RNDIS\"; sub_compatible_id = "
		    "\"5162001\"; } ) in the function, and os_descs = { use = true; } in the gadget",
	  .source = MICROSOFT "usbcon/usb-driver-installation-based-on-compatible-ids" },
	{ WIN10 | WIN11, IS(0xef, 0x04, 0x01), .driver = "rndismp.sys", .source = CLASSES },
	{ WIN10 | WIN11, IS(0x02, 0x02, ANY), .driver = "usbser.sys",
	  .source = MICROSOFT "usbcon/usb-driver-installation-based-on-compatible-ids" },
	{ WIN7, IS(0x02, 0x02, ANY), .note = "usbser.sys loads by an INF file only",
	  .source = MICROSOFT "usbcon/usb-driver-installation-based-on-compatible-ids" },
	{ WIN11, IS(0x02, 0x0d, ANY),
	  .note = "UsbNcm.sys looks for the compatible id WINNCM, not for the class",
	  .remedy = "os_descs = ( { interface = \"ncm\"; compatible_id = \"WINNCM\"; } ) in the function, "
		    "and os_descs = { use = true; } in the gadget",
	  .source = "github.com/microsoft/NCM-Driver-for-Windows, host/UsbNcmSample.inf" },
	{ WIN7 | WIN10, IS(0x02, 0x0d, ANY), .note = "no driver for NCM before Windows 11",
	  .remedy = NETWORK,
	  .source = CLASSES },
	{ WINDOWS, IS(0x02, 0x06, ANY),
	  .note = "no driver for CDC ECM, whose class RNDIS has too without Microsoft OS descriptors",
	  .remedy = NETWORK, .source = CLASSES },
	{ WINDOWS, IS(0x02, 0x0c, ANY), .note = "no driver for CDC EEM", .remedy = NETWORK,
	  .source = CLASSES },
	{ WINDOWS, IS(0x0a, ANY, ANY), .note = "no driver for CDC data alone",
	  .remedy = ADD_WINUSB, .source = CLASSES },
	{ WINDOWS, IS(0xfe, ANY, ANY), .note = "no driver for application-specific interfaces",
	  .remedy = ADD_WINUSB, .source = CLASSES },
	{ WINDOWS, IS(0xff, ANY, ANY), .note = "no driver for vendor-specific interfaces",
	  .remedy = ADD_WINUSB, .source = CLASSES },

	{ MACOS, IS(0x08, 0x06, 0x50), .driver = "IOUSBMassStorageDriver",
	  .source = "opensource.apple.com, IOUSBMassStorageClass" },
	{ MACOS, IS(0x02, 0x0d, ANY), .driver = "the system's driver for NCM",
	  .source = "developer.apple.com/forums/thread/824727" },
	{ MACOS, IS(0x02, 0x06, ANY), .driver = "AppleUserECM",
	  .source = "developer.apple.com/forums/thread/719787" },

	/* Android: the configuration of the kernel that all devices share; a device may have more. */
	{ ANDROID, IS(0x03, ANY, ANY), .driver = "usbhid", .source = GKI "CONFIG_HID, CONFIG_HIDRAW" },
	{ ANDROID, IS(0x08, 0x06, 0x62), .driver = "uas", .source = GKI "CONFIG_USB_UAS" },
	{ ANDROID, IS(0x08, 0x06, 0x50), .driver = "usb-storage", .source = GKI "CONFIG_USB_STORAGE" },
	{ ANDROID, IS(0x01, 0x01, ANY), .driver = "snd-usb-audio",
	  .source = GKI "CONFIG_SND_USB_AUDIO" },
	{ ANDROID, IS(0x0e, 0x01, ANY), .driver = "uvcvideo", .source = GKI "CONFIG_USB_VIDEO_CLASS" },
	{ ANDROID, IS(0x02, 0x02, 0xff), .note = "its kernel is built without rndis_host",
	  .remedy = "type = \"ncm\"", .source = GKI "no CONFIG_USB_NET_RNDIS_HOST" },
	{ ANDROID, IS(0xe0, 0x01, 0x03), .note = "its kernel is built without rndis_host",
	  .remedy = "type = \"ncm\"", .source = GKI "no CONFIG_USB_NET_RNDIS_HOST" },
	{ ANDROID, IS(0xef, 0x04, 0x01), .note = "its kernel is built without rndis_host",
	  .remedy = "type = \"ncm\"", .source = GKI "no CONFIG_USB_NET_RNDIS_HOST" },
	{ ANDROID, IS(0x02, 0x02, ANY), .driver = "cdc_acm",
	  .note = "a module, which the device's maker may leave out", .source = GKI "CONFIG_USB_ACM" },
	{ ANDROID, IS(0x02, 0x06, 0x00), .driver = "cdc_ether",
	  .note = "a module, which the device's maker may leave out", .source = GKI "CONFIG_USB_USBNET" },
	{ ANDROID, IS(0x02, 0x0d, 0x00), .driver = "cdc_ncm",
	  .note = "a module, which the device's maker may leave out", .source = GKI "CONFIG_USB_USBNET" },
	{ ANDROID, IS(0x02, 0x0c, 0x07), .driver = "cdc_eem",
	  .note = "a module, which the device's maker may leave out",
	  .source = GKI "CONFIG_USB_NET_CDC_EEM" },

	{ CHROMEOS, IS(0x03, ANY, ANY), .driver = "WebHID",
	  .note = "not keyboards, mice and security keys",
	  .source = "wicg.github.io/webhid, \"blocklist\"" },
	{ CHROMEOS, IS(0x02, 0x02, 0x00), .driver = "Web Serial", .source = "wicg.github.io/serial" },
	{ CHROMEOS, IS(0x02, 0x02, 0x01), .driver = "Web Serial", .source = "wicg.github.io/serial" },
	{ CHROMEOS, IS(0xff, ANY, ANY), .driver = "WebUSB", .source = WEBUSB },
	{ CHROMEOS, IS(0x01, ANY, ANY), .note = "a protected class, which no Web page gets",
	  .source = WEBUSB },
	{ CHROMEOS, IS(0x08, ANY, ANY), .note = "a protected class, which no Web page gets",
	  .source = WEBUSB },
	{ CHROMEOS, IS(0x0b, ANY, ANY), .note = "a protected class, which no Web page gets",
	  .source = WEBUSB },
	{ CHROMEOS, IS(0x0e, ANY, ANY), .note = "a protected class, which no Web page gets",
	  .source = WEBUSB },
	{ CHROMEOS, IS(0xe0, ANY, ANY), .note = "a protected class, which no Web page gets",
	  .source = WEBUSB },

	{ UEFI, IS(0x03, 0x01, 0x01), .driver = "UsbKbDxe", TESTED,
	  .source = EDK2 "UsbKbDxe/KeyBoard.c, IsUSBKeyboard()" },
	{ UEFI, IS(0x03, 0x01, 0x02), .driver = "UsbMouseDxe",
	  .source = EDK2 "UsbMouseDxe/UsbMouse.c, IsUsbMouse()" },
	{ UEFI, IS(0x03, ANY, ANY), .note = "only keyboards and mice with the boot protocol",
	  .remedy = "subclass = 1, and protocol = 1 for a keyboard or 2 for a mouse",
	  .source = EDK2 "UsbKbDxe/KeyBoard.c, IsUSBKeyboard()" },
	{ UEFI, IS(0x08, ANY, 0x50), .driver = "UsbMassStorageDxe", TESTED,
	  .source = EDK2 "UsbMassStorageDxe/UsbMassImpl.c, UsbMassInitTransport()" },
	{ UEFI, IS(0x02, 0x06, ANY), .driver = "UsbCdcEcm",
	  .note = "where the firmware's maker has built it in",
	  .source = "github.com/tianocore/edk2, NetworkPkg/UsbNetwork" },
	{ UEFI, IS(0x02, 0x0d, ANY), .driver = "UsbCdcNcm",
	  .note = "where the firmware's maker has built it in",
	  .source = "github.com/tianocore/edk2, NetworkPkg/UsbNetwork" },
	{ UEFI, IS(0xff, ANY, ANY), .note = "no driver", .source = EDK2 },

	{ BIOS, ALL, .condition = is_behind_alternate_settings,
	  .note = "it counts each alternate setting before this interface as an interface, and stops "
		  "before it comes here",
	  .remedy = "this function first", TESTED, .source = SEABIOS "usb.c, configure_usb_device()" },
	{ BIOS, ALL, .condition = comes_after_one_of_seabios,
	  .note = "it uses only the first interface that it knows",
	  .remedy = "put this function into another gadget, or first", TESTED,
	  .source = SEABIOS "usb.c, configure_usb_device()" },
	{ BIOS, IS(0x08, ANY, 0x50), .driver = "usb-msc", TESTED, .source = SEABIOS "usb-msc.c" },
	{ BIOS, IS(0x08, ANY, 0x62), .driver = "usb-uas", .source = SEABIOS "usb-uas.c" },
	{ BIOS, IS(0x03, 0x01, 0x01), .driver = "usb-hid", TESTED, .source = SEABIOS "usb-hid.c" },
	{ BIOS, IS(0x03, 0x01, 0x02), .driver = "usb-hid", .source = SEABIOS "usb-hid.c" },
	{ BIOS, IS(0x03, ANY, ANY), .note = "only keyboards and mice with the boot protocol",
	  .remedy = "subclass = 1, and protocol = 1 for a keyboard or 2 for a mouse",
	  .source = SEABIOS "usb-hid.c, usb_hid_setup()" },
	{ BIOS, ALL, .note = "no driver", .source = SEABIOS "usb.c, configure_usb_device()" },
	{ 0 },
};
/* clang-format on */
