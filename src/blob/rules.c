/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of all rules: reference to the kernel or a standard, what is wrong, and what to do. */
#include <errno.h>
#include <string.h>

#include "blob/uapi.h"
#include "blob/validate_blob.h"

#define BRANCH(id, where) [FFS_##id] = { .name = #id, .kind = FFS_BRANCH, .reference = where }
#define REFUSAL(id, e, where, ...)                                                                 \
	[FFS_##id] = { .name = #id,                                                                \
		       .kind = FFS_REFUSAL,                                                        \
		       .kernel_error = -(e),                                                       \
		       .reference = where,                                                         \
		       __VA_ARGS__ }
#define STANDARD(id, where, ...)                                                                   \
	[FFS_##id] = { .name = #id, .kind = FFS_STANDARD, .reference = where, __VA_ARGS__ }

#define OR_LENGTH "or correct the bLength of an earlier one"
#define SET_LENGTH "set bLength to {wanted}, and write that many bytes"
#define SET_PROPERTY_SIZE                                                                          \
	"set dwSize to 14 + length of the name + length of the data; at most 255, because the "    \
	"kernel uses only the low byte of dwSize"
#define WRITE_CLASS_DESCRIPTOR                                                                     \
	"write it between the interface descriptor and the endpoint descriptors"

static const struct ffs_rule_info rules[FFS_RULE_COUNT] = {
	[FFS_ACCEPTED] = { .name = "ACCEPTED", .kind = FFS_BRANCH, .reference = "every branch" },

	REFUSAL(WRITE_SHORT, EINVAL, "ffs_ep0_write: len < 16",
		"{found} bytes; a write to ep0 has at least {wanted}",
		"write the whole blob with one write()"),
	REFUSAL(WRITE_HUGE, ENOMEM, "ffs_prepare_buffer: memdup_user()",
		"{found} bytes; the kernel accepts at most {wanted}", "make the blob smaller"),

	REFUSAL(DESCS_LENGTH, EINVAL, "__ffs_data_got_descs: length != len",
		"the length in the head is {found}, but the blob has {wanted} bytes",
		"set length to the size of the whole blob, and write it with one write()"),
	BRANCH(DESCS_LEGACY, "__ffs_data_got_descs: FUNCTIONFS_DESCRIPTORS_MAGIC"),
	REFUSAL(DESCS_MAGIC, EINVAL, "__ffs_data_got_descs: magic",
		"magic {found}; descriptors begin with 3, or with 1 in the old format",
		"begin with FUNCTIONFS_DESCRIPTORS_MAGIC_V2, and write strings after descriptors"),
	REFUSAL(FLAGS, ENOSYS, "__ffs_data_got_descs: flags & ~known", "unknown flags {found:x}",
		"clear them, or use a kernel that has them"),
	BRANCH(EVENTFD, "__ffs_data_got_descs: flags & FUNCTIONFS_EVENTFD"),
	REFUSAL(EVENTFD_CUT, EINVAL, "__ffs_data_got_descs: len < 4, eventfd",
		"the blob ends where the eventfd's number should be", "add it, or clear the flag",
		.why_unreachable = "the head with flags has 12 bytes, and the kernel refuses a "
				   "write of less than 16 bytes"),
	REFUSAL(EVENTFD_CLOSED, EBADF, "eventfd_ctx_fdget: no such file",
		"file descriptor {found} is not open in the writing program",
		"write the number of an open eventfd"),
	REFUSAL(EVENTFD_OTHER, EINVAL, "eventfd_ctx_fdget: not an eventfd",
		"file descriptor {found} is not an eventfd", "write the number of an open eventfd"),
	BRANCH(SPEED_ABSENT, "__ffs_data_got_descs: !(flags & (1 << i))"),
	REFUSAL(COUNT_CUT, EINVAL, "__ffs_data_got_descs: len < 4, fs_count, hs_count, ss_count",
		"the blob ends where the count of a speed's descriptors should be",
		"write a count for each speed that the flags announce"),
	BRANCH(OS, "__ffs_data_got_descs: flags & FUNCTIONFS_HAS_MS_OS_DESC"),
	REFUSAL(OS_COUNT_CUT, EINVAL, "__ffs_data_got_descs: len < 4, os_count",
		"the blob ends where the count of OS descriptors should be",
		"write this count after the counts of the speeds, or clear "
		"FUNCTIONFS_HAS_MS_OS_DESC"),
	BRANCH(SET_EMPTY, "__ffs_data_got_descs: !counts[i]"),

	BRANCH(SET_END, "ffs_do_descs: num == count"),
	REFUSAL(SET_ENTITY, EINVAL, "ffs_do_descs: entity(FFS_DESCRIPTOR) < 0",
		"the descriptor is refused", "report a bug of ffsctl",
		.why_unreachable = "__ffs_data_do_entity returns 0 for FFS_DESCRIPTOR"),
	REFUSAL(DESC_HEAD_CUT, EINVAL, "ffs_do_single_desc: len < 2",
		"the blob ends where a descriptor should begin",
		"lower the count of a speed, or write the missing descriptors"),
	REFUSAL(DESC_CUT, EINVAL, "ffs_do_single_desc: len < bLength",
		"bLength is {found}, but the blob ends after {wanted} bytes",
		"write the whole descriptor, " OR_LENGTH),
	REFUSAL(DESC_RESERVED, EINVAL, "ffs_do_single_desc: DEVICE, CONFIG, STRING, QUALIFIER",
		"a descriptor of type {found:x}, which belongs to the gadget, not to a function",
		"remove it, because its values are set in configfs, " OR_LENGTH),
	BRANCH(INTERFACE, "ffs_do_single_desc: INTERFACE"),
	REFUSAL(INTERFACE_LENGTH, EINVAL, "ffs_do_single_desc: INTERFACE, length",
		"bLength is {found}, but an interface descriptor has {wanted} bytes", SET_LENGTH),
	BRANCH(INTERFACE_NEW, "__ffs_data_do_entity: *valuep >= interfaces_count"),
	BRANCH(INTERFACE_STRING, "ffs_do_single_desc: iInterface"),
	REFUSAL(STRING_ZERO, EINVAL, "ffs_do_single_desc: __entity_check_STRING", "string number 0",
		"count strings from 1",
		.why_unreachable = "the kernel calls __entity_check_STRING only for string numbers "
				   "above 0"),
	BRANCH(STRING_NEW, "__ffs_data_do_entity: *valuep > strings_count"),
	BRANCH(ENDPOINT, "ffs_do_single_desc: ENDPOINT"),
	BRANCH(ENDPOINT_SEVEN, "ffs_do_single_desc: ENDPOINT, length == 7"),
	REFUSAL(ENDPOINT_LENGTH, EINVAL, "ffs_do_single_desc: ENDPOINT, length",
		"bLength is {found}, but an endpoint descriptor has 7 bytes, in audio interfaces "
		"{wanted}",
		"set bLength to 7, in audio interfaces to {wanted}, and write that many bytes"),
	REFUSAL(ENDPOINT_ZERO, EINVAL, "ffs_do_single_desc: __entity_check_ENDPOINT",
		"endpoint number 0, which is the device's control endpoint",
		"number endpoints from 1 to 15"),
	REFUSAL(ENDPOINT_MANY, EINVAL, "__ffs_data_do_entity: eps_count >= FFS_MAX_EPS_COUNT",
		"{found} endpoint descriptors; a speed has at most {wanted}",
		"remove endpoints or alternate settings"),
	BRANCH(ENDPOINT_FIRST, "__ffs_data_do_entity: !eps_count && !interfaces_count"),
	REFUSAL(ENDPOINT_ADDRESS, EINVAL, "__ffs_data_do_entity: eps_addrmap",
		"endpoint address {found:x}; at the first speed this endpoint has {wanted:x}",
		"write the same endpoints in the same order at each speed"),
	BRANCH(CLASS, "ffs_do_single_desc: USB_TYPE_CLASS | 0x01"),
	BRANCH(CLASS_HID, "ffs_do_single_desc: HID"),
	REFUSAL(HID_LENGTH, EINVAL, "ffs_do_single_desc: HID, length",
		"a HID descriptor of {found} bytes; FunctionFS accepts only {wanted} bytes",
		"describe exactly one report descriptor"),
	BRANCH(CLASS_CCID, "ffs_do_single_desc: CCID"),
	REFUSAL(CCID_LENGTH, EINVAL, "ffs_do_single_desc: CCID, length",
		"a smart card reader's descriptor of {found} bytes; FunctionFS accepts only "
		"{wanted} bytes",
		SET_LENGTH),
	BRANCH(CLASS_APPLICATION, "ffs_do_single_desc: APP_SPEC"),
	BRANCH(CLASS_DFU, "ffs_do_single_desc: DFU"),
	REFUSAL(DFU_LENGTH, EINVAL, "ffs_do_single_desc: DFU, length",
		"a DFU functional descriptor of {found} bytes; FunctionFS accepts only {wanted} "
		"bytes",
		SET_LENGTH),
	REFUSAL(CLASS_OTHER, EINVAL, "ffs_do_single_desc: USB_TYPE_CLASS | 0x01, other class",
		"a descriptor of type {found:x} in an interface of another class than HID, smart "
		"card and (Linux 6.12) DFU",
		"change the interface's class, or remove the descriptor"),
	BRANCH(OTG, "ffs_do_single_desc: OTG"),
	REFUSAL(OTG_LENGTH, EINVAL, "ffs_do_single_desc: OTG, length",
		"an OTG descriptor of {found} bytes; FunctionFS accepts only {wanted} bytes",
		"remove it: the kernel adds one if the UDC supports OTG"),
	BRANCH(ASSOCIATION, "ffs_do_single_desc: INTERFACE_ASSOCIATION"),
	REFUSAL(ASSOCIATION_LENGTH, EINVAL, "ffs_do_single_desc: INTERFACE_ASSOCIATION, length",
		"bLength is {found}, but an association has {wanted} bytes", SET_LENGTH),
	BRANCH(ASSOCIATION_STRING, "ffs_do_single_desc: iFunction"),
	BRANCH(COMPANION, "ffs_do_single_desc: SS_ENDPOINT_COMP"),
	REFUSAL(COMPANION_LENGTH, EINVAL, "ffs_do_single_desc: SS_ENDPOINT_COMP, length",
		"bLength is {found}, but a companion descriptor has {wanted} bytes", SET_LENGTH),
	REFUSAL(DESC_UNIMPLEMENTED, EINVAL,
		"ffs_do_single_desc: OTHER_SPEED, INTERFACE_POWER, DEBUG, SECURITY, "
		"CS_RADIO_CONTROL",
		"FunctionFS does not accept descriptors of type {found:x}",
		"remove it, " OR_LENGTH),
	REFUSAL(DESC_UNKNOWN, EINVAL, "ffs_do_single_desc: default",
		"FunctionFS does not accept descriptors of type {found:x}; the only class "
		"descriptors are of type 0x21",
		"remove it, " OR_LENGTH),

	BRANCH(SET_FIRST, "__ffs_data_got_descs: !eps_count && !interfaces_count"),
	REFUSAL(SET_ENDPOINTS, EINVAL, "__ffs_data_got_descs: eps_count",
		"{found} endpoint descriptors at this speed, {wanted} at the first speed",
		"write the same endpoints in the same order at each speed"),
	REFUSAL(SET_INTERFACES, EINVAL, "__ffs_data_got_descs: interfaces_count",
		"interface count {found} at this speed, {wanted} at the first speed",
		"write the same interfaces at each speed"),

	BRANCH(OS_PRESENT, "__ffs_data_got_descs: os_descs_count"),
	BRANCH(OS_NEXT, "ffs_do_os_descs: num < count"),
	REFUSAL(OS_HEAD_CUT, EINVAL, "ffs_do_os_descs: len < sizeof(*desc)",
		"{found} bytes are left for an OS descriptor; its head has {wanted}",
		"lower the count of OS descriptors, or write the missing ones"),
	REFUSAL(OS_LENGTH, EINVAL, "ffs_do_os_descs: dwLength > len",
		"dwLength is {found}, but {wanted} bytes are left",
		"set dwLength to the length of this OS descriptor with its head"),
	BRANCH(OS_VERSION_OLD, "__ffs_do_os_desc_header: bcd_version == 0x1"),
	REFUSAL(OS_VERSION, EINVAL, "__ffs_do_os_desc_header: bcdVersion",
		"bcdVersion of an OS descriptor is {found:x}",
		"set it to {wanted:x} (every kernel also accepts 0x1)"),
	BRANCH(OS_COMPAT, "__ffs_do_os_desc_header: wIndex == 4"),
	REFUSAL(OS_INDEX, EINVAL, "__ffs_do_os_desc_header: wIndex",
		"wIndex of an OS descriptor is {found}",
		"set it to 4 for compatible IDs, to 5 for properties"),
	REFUSAL(OS_COUNT, EINVAL, "ffs_do_os_descs: feature_count > 255",
		"{found} compatible IDs; one OS descriptor has at most {wanted}",
		"bCount is one byte; set the byte after it to 0"),
	REFUSAL(OS_RESERVED, EINVAL, "ffs_do_os_descs: Reserved", "the byte after bCount is not 0",
		"set it to 0",
		.why_unreachable =
			"this byte is the high byte of the count, which is at most 255 here"),
	BRANCH(OS_FEATURE, "ffs_do_single_os_desc: feature_count--"),
	REFUSAL(COMPAT_CUT, EINVAL, "__ffs_data_do_os_desc: len < sizeof(usb_ext_compat_desc)",
		"{found} bytes are left for a compatible ID, which has {wanted}",
		"lower bCount, or write the missing IDs"),
	REFUSAL(COMPAT_INTERFACE, EINVAL, "__ffs_data_do_os_desc: bFirstInterfaceNumber",
		"a compatible ID for interface {found} of a function with {wanted} interfaces",
		"count interfaces from 0"),
	BRANCH(COMPAT_RESERVED1, "__ffs_data_do_os_desc: Reserved1 != 1"),
	REFUSAL(COMPAT_RESERVED2, EINVAL, "__ffs_data_do_os_desc: Reserved2",
		"value {found} in the reserved last 6 bytes of a compatible ID", "set them to 0"),
	REFUSAL(PROP_CUT, EINVAL, "__ffs_data_do_os_desc: len < sizeof(usb_ext_prop_desc)",
		"{found} bytes are left for a property, which has {wanted} before its name",
		"lower wCount, or write the missing properties"),
	REFUSAL(PROP_INTERFACE, EINVAL, "__ffs_data_do_os_desc: interface",
		"properties for interface {found} of a function with {wanted} interfaces",
		"count interfaces from 0"),
	REFUSAL(PROP_SIZE, EINVAL, "__ffs_data_do_os_desc: len < length",
		"a property of {found} bytes (dwSize modulo 256), but {wanted} are left",
		"set dwSize to the property's length"),
	REFUSAL(PROP_TYPE_LOW, EINVAL, "__ffs_data_do_os_desc: type < USB_EXT_PROP_UNICODE",
		"property type {found}; the lowest one is {wanted}",
		"1 is text, 3 binary, 7 a list of texts"),
	REFUSAL(PROP_TYPE_HIGH, EINVAL, "__ffs_data_do_os_desc: type > USB_EXT_PROP_UNICODE_MULTI",
		"property type {found}; the highest one is {wanted}",
		"1 is text, 3 binary, 7 a list of texts"),
	REFUSAL(PROP_NAME, EINVAL, "__ffs_data_do_os_desc: length < 14 + pnl",
		"a name of {found} bytes in a property of {wanted} bytes (dwSize modulo 256)",
		SET_PROPERTY_SIZE),
	REFUSAL(PROP_DATA, EINVAL, "__ffs_data_do_os_desc: length != 14 + pnl + pdl",
		"property data of {found} bytes, for which dwSize leaves {wanted}",
		SET_PROPERTY_SIZE),

	REFUSAL(NOTHING, EINVAL, "__ffs_data_got_descs: raw_descs == data", "no descriptors",
		"write those of at least one speed, and their count"),
	REFUSAL(DESCS_LEFT, EINVAL, "__ffs_data_got_descs: len",
		"{found} bytes after the last descriptor",
		"if they are descriptors, raise fs_count, hs_count, ss_count or os_count in the "
		"header; else remove them"),
	BRANCH(PROXY, "__ffs_data_got_descs: flags & FUNCTIONFS_RW_PROXY_EPS"),
	REFUSAL(PROXY_ODD, EINVAL, "ffs_eps_are_pairs: eps_count % 2",
		"flag 256 (FUNCTIONFS_RW_PROXY_EPS: one file for two endpoints) with an odd number "
		"of endpoints, {found}",
		"add an endpoint, or clear the flag"),
	REFUSAL(PROXY_PAIR, EINVAL, "ffs_eps_are_pairs: directions",
		"flag 256 (FUNCTIONFS_RW_PROXY_EPS: one file for two endpoints), but endpoints "
		"{found} and {wanted} have the same direction",
		"alternate between in and out endpoints, or clear the flag"),

	REFUSAL(STRINGS_SHORT, EINVAL, "__ffs_data_got_strings: len < 16",
		"the head of strings has 16 bytes", "write the whole blob with one write()",
		.why_unreachable = "ffs_ep0_write refuses shorter writes"),
	REFUSAL(STRINGS_MAGIC, EINVAL, "__ffs_data_got_strings: magic",
		"magic {found}; strings begin with {wanted}",
		"begin with FUNCTIONFS_STRINGS_MAGIC; the descriptors are already written"),
	REFUSAL(STRINGS_LENGTH, EINVAL, "__ffs_data_got_strings: length != len",
		"the length in the head is {found}, but the blob has {wanted} bytes",
		"set length to the size of the whole blob, and write it with one write()"),
	REFUSAL(STRINGS_PARITY, EINVAL, "__ffs_data_got_strings: !str_count != !lang_count",
		"str_count is {found}, lang_count {wanted}", "set both to 0, or neither"),
	REFUSAL(STRINGS_FEW, EINVAL, "__ffs_data_got_strings: str_count < needed_count",
		"str_count is {found}, but the descriptors contain string number {wanted}",
		"write all strings up to the highest number"),
	BRANCH(STRINGS_UNUSED, "__ffs_data_got_strings: !needed_count"),
	REFUSAL(STRINGS_MEMORY, ENOMEM, "__ffs_data_got_strings: kmalloc(vla_group_size(d))",
		"{found} languages of {wanted} strings; the kernel cannot allocate so much memory",
		"write fewer languages; a device has at most 126"),
	REFUSAL(LANGUAGE_CUT, EINVAL, "__ffs_data_got_strings: len < 3",
		"{found} bytes are left for a language, which has at least {wanted}",
		"lower lang_count, or write the missing language"),
	REFUSAL(STRING_CUT, EINVAL, "__ffs_data_got_strings: strnlen() == len",
		"the blob ends within a string",
		"end each string with a NUL, including the last one"),
	BRANCH(STRING_NEEDED, "__ffs_data_got_strings: needed"),
	BRANCH(STRING_NEXT, "__ffs_data_got_strings: --str_per_lang"),
	BRANCH(LANGUAGE_NEXT, "__ffs_data_got_strings: --lang_count"),
	REFUSAL(STRINGS_LEFT, EINVAL, "__ffs_data_got_strings: len",
		"{found} bytes after the last string",
		"correct the counts: every language has the same number of strings"),
	REFUSAL(FILES, ENOMEM, "ffs_ep0_write: ffs_epfiles_create()",
		"the endpoint files cannot be created",
		"end other programs, because the kernel has no memory left",
		.why_unreachable = "ffs_epfiles_create() fails only if the kernel has no memory "
				   "left"),
	REFUSAL(READY, EBUSY, "ffs_ep0_write: ffs_ready()", "the instance is already active",
		"report a bug of the kernel",
		.why_unreachable = "desc_ready is never set here: an instance can be mounted only "
				   "while its configfs function exists, and closing ep0 resets "
				   "desc_ready"),

	STANDARD(USB_NO_INTERFACE, "USB 2.0, 9.6.3", "a function without an interface",
		 "write at least one interface descriptor at each speed"),
	STANDARD(USB_INTERFACE_NUMBER, "USB 2.0, 9.6.5",
		 "interface {found} where interface {wanted} must follow",
		 "count interfaces from 0 without a gap, each with all its alternate settings"),
	STANDARD(USB_ALTERNATE, "USB 2.0, 9.6.5",
		 "alternate setting {found} where alternate setting {wanted} must follow",
		 "count the alternate settings of an interface from 0 without a gap"),
	STANDARD(USB_INTERFACE_CLASS, "USB 2.0, 9.6.5", "bInterfaceClass 0 is reserved",
		 "use 0xff (vendor-specific) if no class fits"),
	STANDARD(USB_ENDPOINT_COUNT, "USB 2.0, 9.6.5",
		 "bNumEndpoints is {found}, but {wanted} endpoint descriptors follow",
		 "correct bNumEndpoints, or the endpoint descriptors"),
	STANDARD(USB_OTG_TWICE, "OTG 1.3, 6.4", "a second OTG descriptor", "remove it"),
	STANDARD(USB_OTG_BITS, "OTG 1.3, 6.4", "reserved bits of bmAttributes are set: {found:x}",
		 "0x1 is SRP, 0x2 HNP, all others are 0"),
	STANDARD(USB_ASSOCIATION_EMPTY, "USB 3.2, 9.6.4", "an association of 0 interfaces",
		 "set bInterfaceCount, or remove the association"),
	STANDARD(USB_ASSOCIATION_CLASS, "USB 3.2, 9.6.4", "bFunctionClass 0 is not allowed",
		 "use the class of the first interface, or 0xff"),
	STANDARD(USB_ASSOCIATION_ORDER, "USB 3.2, 9.6.4",
		 "an association that begins with interface {found}, before interface {wanted}",
		 "write it directly before its first interface"),
	STANDARD(USB_ASSOCIATION_OVERLAP, "USB 3.2, 9.6.4",
		 "interface {found} is already in an association, up to interface {wanted}",
		 "put each interface in at most one association"),
	STANDARD(USB_ASSOCIATION_MISSING, "USB 3.2, 9.6.4",
		 "an association of {found} interfaces, of which {wanted} follow",
		 "correct bInterfaceCount, or write the interfaces"),

	STANDARD(USB_ENDPOINT_STRAY, "USB 2.0, 9.6.5",
		 "an endpoint descriptor without an interface",
		 "write it after the descriptor of its interface"),
	STANDARD(USB_ENDPOINT_NINE, "USB 2.0, 9.6.6; Audio Devices 1.0, 4.6.1.1",
		 "an endpoint descriptor of 9 bytes in an interface that is not audio",
		 "write 7 bytes"),
	STANDARD(USB_ENDPOINT_BITS, "USB 2.0, 9.6.6", "reserved bits of address {found:x} are set",
		 "clear bits 4 to 6"),
	STANDARD(USB_ENDPOINT_TWICE, "USB 2.0, 9.6.6",
		 "a second endpoint with address {found:x} in this setting of the interface",
		 "give each endpoint its own number"),
	STANDARD(USB_ENDPOINT_SHARED, "USB 2.0, 9.6.3",
		 "endpoint {found:x} already belongs to interface {wanted}",
		 "use another address; only alternate settings of one interface may share "
		 "endpoints"),
	STANDARD(USB_ATTRIBUTES, "USB 2.0, 9.6.6; USB 3.2, 9.6.6",
		 "reserved bits of bmAttributes are set: {found:x}",
		 "clear them; bits 0 and 1 are the transfer type, isochronous endpoints also use 2 "
		 "to 5"),
	STANDARD(USB_SIZE_BITS, "USB 2.0, 9.6.6",
		 "reserved bits of wMaxPacketSize are set: {found:x}",
		 "clear them; bits 11 and 12 are for periodic endpoints at high speed"),
	STANDARD(USB_SIZE_CONTROL, "USB 2.0, 5.5.3; USB 3.2, 9.6.6",
		 "packets of {found} bytes at a control endpoint",
		 "use 8, 16, 32 or 64 at full speed, 64 at high speed, 512 at SuperSpeed"),
	STANDARD(USB_SIZE_BULK, "USB 2.0, 5.8.3; USB 3.2, 9.6.6",
		 "packets of {found} bytes at a bulk endpoint",
		 "use 8, 16, 32 or 64 at full speed, 512 at high speed, 1024 at SuperSpeed"),
	STANDARD(USB_SIZE_INTERRUPT, "USB 2.0, 5.7.3; USB 3.2, 9.6.6",
		 "packets of {found} bytes at an interrupt endpoint",
		 "use 1 to 64 at full speed, 1 to 1024 at high speed and SuperSpeed"),
	STANDARD(USB_SIZE_ISOCHRONOUS, "USB 2.0, 5.6.3; USB 3.2, 9.6.6",
		 "packets of {found} bytes at an isochronous endpoint",
		 "use up to 1023 at full speed, up to 1024 at high speed and SuperSpeed"),
	STANDARD(USB_TRANSACTIONS, "USB 2.0, 9.6.6",
		 "packets of {found} bytes with {wanted} transactions per microframe",
		 "use 513 to 1024 bytes with 2, 683 to 1024 with 3; 4 are not possible"),
	STANDARD(USB_DEFAULT_BANDWIDTH, "USB 2.0, 5.6.3",
		 "an isochronous endpoint with packets of {found} bytes in alternate setting 0",
		 "move it to another setting, or give it packets of 0 bytes"),
	STANDARD(USB_INTERVAL, "USB 2.0, 9.6.6; USB 3.2, 9.6.6",
		 "bInterval is {found}, outside 1 to {wanted}",
		 "use 1 to 255 frames for interrupt endpoints at full speed, else a number n from "
		 "1 to 16: the interval is 2^(n-1) frames or microframes"),

	STANDARD(USB_COMPANION_SPEED, "USB 3.2, 9.6.7",
		 "a companion descriptor at full or high speed",
		 "remove it; only SuperSpeed has companions"),
	STANDARD(USB_COMPANION_STRAY, "USB 3.2, 9.6.7",
		 "a companion descriptor without an endpoint",
		 "write one directly after each endpoint"),
	STANDARD(USB_COMPANION_MISSING, "USB 3.2, 9.6.7",
		 "a SuperSpeed endpoint without a companion descriptor",
		 "write one directly after each endpoint"),
	STANDARD(USB_BURST, "USB 3.2, 9.6.7", "bMaxBurst is {found}, above {wanted}",
		 "use 0 for control, up to 2 for interrupt, up to 15 for bulk and isochronous "
		 "endpoints"),
	STANDARD(USB_COMPANION_BITS, "USB 3.2, 9.6.7",
		 "reserved bits of the companion's bmAttributes are set: {found:x}",
		 "clear them; of bulk endpoints, bits 0 to 4 are MaxStreams; of isochronous "
		 "endpoints, bits 0 and 1 are Mult, and bit 7 must be 0, too: it announces a "
		 "SuperSpeedPlus companion descriptor, which the kernel does not accept"),
	STANDARD(USB_STREAMS, "USB 3.2, 9.6.7", "MaxStreams is {found}, above {wanted}",
		 "set it to 0: FunctionFS does not support streams"),
	STANDARD(USB_MULT, "USB 3.2, 9.6.7", "Mult is {found}, above {wanted}", "set it lower"),
	STANDARD(USB_MULT_BURST, "USB 3.2, 9.6.7", "Mult is {found}, but bMaxBurst is 0",
		 "set Mult to 0, or raise bMaxBurst"),
	STANDARD(USB_SIZE_BURST, "USB 3.2, 9.6.6",
		 "packets of {found} bytes with bMaxBurst above 0",
		 "use packets of {wanted} bytes for periodic endpoints with bursts"),
	STANDARD(USB_INTERVAL_BYTES, "USB 3.2, 9.6.7",
		 "wBytesPerInterval is {found}, but an interval has room for {wanted}",
		 "use at most wMaxPacketSize times (bMaxBurst + 1) times (Mult + 1)"),

	STANDARD(USB_CLASS_ORDER, "HID 1.11, 7.1; CCID 1.1, 5.1; DFU 1.1, 4.1.3",
		 "a class descriptor that does not follow its interface descriptor",
		 WRITE_CLASS_DESCRIPTOR ", once"),
	STANDARD(USB_CLASS_MISSING, "HID 1.11, 7.1; CCID 1.1, 5.1; DFU 1.1, 4.1.3",
		 "an interface of class {found:x} without the descriptor of its class",
		 WRITE_CLASS_DESCRIPTOR),
	STANDARD(USB_HID_REPORT, "HID 1.11, 6.2.1", "a HID descriptor without a report descriptor",
		 "set bNumDescriptors to 1 and the type after it to 0x22"),
	STANDARD(USB_HID_COUNTRY, "HID 1.11, 6.2.1", "bCountryCode is {found}, above {wanted}",
		 "set it to 0 for no country"),
	STANDARD(USB_CCID_VOLTAGE, "CCID 1.1, 5.1", "bVoltageSupport is {found:x}",
		 "set at least one of 0x1 (5 V), 0x2 (3 V), 0x4 (1.8 V), and no other bit"),
	STANDARD(USB_DFU_BITS, "DFU 1.1, 4.1.3", "reserved bits of bmAttributes are set: {found:x}",
		 "clear bits 4 to 7"),
	STANDARD(USB_DFU_ENDPOINTS, "DFU 1.1, 4.1.2", "a DFU interface with {found} endpoints",
		 "remove them; DFU uses the control endpoint only"),

	STANDARD(USB_COMPAT_TWICE, "Microsoft OS 1.0 Descriptors, Extended Compat ID",
		 "a second compatible ID for interface {found}", "remove one"),
	STANDARD(USB_COMPAT_ID, "Microsoft OS 1.0 Descriptors, Extended Compat ID",
		 "byte {found:x} in a compatible ID",
		 "use capital letters, digits and underscores, padded with NULs"),
	STANDARD(USB_PROP_NAME, "Microsoft OS 1.0 Descriptors, Extended Properties",
		 "a property name that is empty, or does not end with its only NUL",
		 "end the name with one NUL, and count the NUL in wPropertyNameLength"),
	STANDARD(USB_PROP_NUMBER, "Microsoft OS 1.0 Descriptors, Extended Properties",
		 "a property that is a number of {found} bytes", "use {wanted} bytes"),

	STANDARD(USB_LANGUAGES, "USB 2.0, 9.6.7",
		 "{found} languages; string descriptor 0 has room for {wanted}",
		 "write fewer languages"),
	STANDARD(USB_LANGUAGE_ZERO, "USB 2.0, 9.6.7", "language 0",
		 "use 0x409 for English (United States)"),
	STANDARD(USB_LANGUAGE_TWICE, "USB 2.0, 9.6.7", "language {found:x} occurs a second time",
		 "write each language once"),
	STANDARD(USB_STRING_TEXT, "USB 2.0, 9.6.7", "a string that is not UTF-8",
		 "write UTF-8, which the kernel converts to UTF-16"),
	STANDARD(USB_STRING_LONG, "USB 2.0, 9.6.7",
		 "a string of {found} UTF-16 units; a string descriptor has room for {wanted}",
		 "shorten it"),
};

const struct ffs_rule_info *ffs_rule_info(enum ffs_rule rule)
{
	return &rules[rule];
}

bool ffs_rule_exists(const struct ffs_kernel_rules *kernel, enum ffs_rule rule)
{
	switch (rule) {
	case FFS_CLASS_APPLICATION:
	case FFS_CLASS_DFU:
	case FFS_DFU_LENGTH:
		return kernel->accepts_dfu;
	case FFS_OS_VERSION_OLD:
		return kernel->accepts_os_version_bcd;
	case FFS_PROXY:
	case FFS_PROXY_ODD:
	case FFS_PROXY_PAIR:
		return ffs_flags_of_kernel(&kernel->version) & FUNCTIONFS_RW_PROXY_EPS;
	default:
		return true;
	}
}
