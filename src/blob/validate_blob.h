/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Validates the blobs that a program writes to ep0: descriptors first, then strings.
 *
 * - ffs_validate_as_kernel() returns what write() returns on one version of Linux (f_fs.c:
 *   ffs_ep0_write and what it calls). tests/lab/blob/validate_diff.c compares it with real kernels.
 * - ffs_validate_usb() also refuses what the standards forbid: USB 2.0 and 3.2, and those of the
 *   classes whose descriptors FunctionFS accepts. This function also refuses everything that
 *   ffs_validate_as_kernel() refuses.
 *
 * Whatever the blob contains, these two functions never read beyond its end, and need time that is
 * linear in its size. They open no file and allocate nothing.
 *
 *   struct ffs_instance in = { 0 };
 *   const struct ffs_validation_options options = {
 *           .kernel = ffs_kernel_rules_find("6.12-patched")
 *   };
 *   struct ffs_finding f = ffs_validate_as_kernel(&options, &in, blob, size);
 *
 *   if (f.rule != FFS_ACCEPTED)
 *           puts(text = ffs_finding_text(&f));
 *
 * ffs_validate_as_kernel() and ffs_validate_usb() do not report the following faults, because
 * write() accepts the blob, and only the bind fails or crashes the kernel:
 *
 * - The UDC has fewer endpoints than the blob: the bind fails.
 * - Two alternate settings of an interface have the same endpoint address: the bind fails.
 * - There are descriptors of high speed and SuperSpeed, but none of full speed: the bind crashes
 *   Linux 6.1 and 6.12 without our patches (__ffs_func_bind_do_descs, descs[0]).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob/ffs.h"

/* --- the validator --- */

/* The properties of a kernel that influence what write() returns. */
struct ffs_kernel_rules {
	const char *name; /* "6.12-patched": version, then stock or patched (kernel/patches) */
	struct ffs_kernel_version version; /* version and patches, for ffs_flags_of_kernel() */
	bool accepts_dfu;		   /* the kernel accepts DFU's functional descriptor */
	bool accepts_os_version_bcd; /* the kernel accepts bcdVersion 0x0100 of OS descriptors;
					every kernel accepts 0x0001 */
	size_t max_allocation;	     /* KMALLOC_MAX_SIZE, bytes */
	unsigned int pointer_size;   /* size of a pointer, bytes */
};

/* Returns the kernel of that name, or NULL. */
const struct ffs_kernel_rules *ffs_kernel_rules_find(const char *name);
/*
 * The rules of all known kernels; sizes and limits are those of x86-64 with pages of 4 KiB. The
 * newest kernel is the last; the array ends with an element without a name.
 */
extern const struct ffs_kernel_rules ffs_known_kernels[];
/*
 * Returns the last kernel of ffs_known_kernels, which accepts everything that any other of them
 * accepts (tests/fuzz/fuzz_blob.c).
 */
const struct ffs_kernel_rules *ffs_kernel_rules_newest(void);

/*
 * Kinds of file descriptors of the program that writes the blob. A blob may contain the number of a
 * file descriptor, which must be an eventfd.
 */
enum ffs_fd_kind { FFS_FD_EVENTFD, FFS_FD_OTHER, FFS_FD_CLOSED };

/* How often the condition of a rule was true, and how often it was false. */
struct ffs_rule_coverage {
	uint64_t n_true, n_false;
};

/* What a validation depends on, in addition to the blob and the instance. */
struct ffs_validation_options {
	const struct ffs_kernel_rules *kernel;
	uint32_t also_accepted_flags; /* flags that are accepted, besides those of the kernel */
	/*
	 * Returns the kind of the file descriptor whose number the blob contains. NULL: every
	 * number counts as an eventfd.
	 */
	enum ffs_fd_kind (*fd_kind)(int fd);
	/*
	 * The number that the kernel gives to interface 0 of the function at the bind. The kernel
	 * does not change bFirstInterface of an association, so the blob must already contain the
	 * final number there.
	 */
	unsigned int first_interface;
	/*
	 * For tests: FFS_RULE_COUNT elements, in which the validator counts how often the
	 * condition of each rule was true and how often it was false; may be NULL.
	 */
	struct ffs_rule_coverage *rule_coverage;
};

/*
 * Returns options for a blob whose kernel is not known. The validator then uses the rules of the
 * newest known kernel, which accepts what any other known kernel accepts. It also accepts every
 * flag of ffs_flags, even a flag that this kernel lacks.
 */
struct ffs_validation_options ffs_validation_options_least_strict(void);

enum ffs_instance_state { FFS_WANTS_DESCRIPTORS, FFS_WANTS_STRINGS, FFS_ACTIVE };

/*
 * What the kernel remembers of one FunctionFS instance between writes. All members are 0 after the
 * mount. The caller calls ffs_instance_simulate_close() after the instance's last file was closed,
 * unless the instance is mounted with no_disconnect.
 *
 * A write that the kernel refuses also changes the members: the kernel does not reset what it has
 * set before it reaches the wrong byte of the blob. This is a bug of all kernels so far: until all
 * files are closed, the kernel may refuse a blob that it would have accepted before.
 */
struct ffs_instance {
	enum ffs_instance_state state;
	uint16_t n_interfaces;	 /* highest interface number plus one */
	uint16_t n_endpoints;	 /* number of endpoint descriptors at each speed */
	uint16_t highest_string; /* highest string number in the descriptors; 0: no string */
	uint8_t endpoint_address[FFS_ENDPOINTS_MAX + 1]; /* bEndpointAddress, from index 1 */
	uint32_t flags; /* flags of the accepted descriptor blob; the old format implies full and
			   high speed */
};

/* Does what the kernel does when the last file of the instance is closed. */
void ffs_instance_simulate_close(struct ffs_instance *in);

/* --- findings --- */

/*
 * The first values stand for conditions in the code of the kernel's parser, in the order of that
 * code; the comments name the kernel's functions. The other values stand for rules of the
 * standards. ffs_rule_info() describes each value.
 */
enum ffs_rule {
	FFS_ACCEPTED,

	/* ffs_ep0_write */
	FFS_WRITE_SHORT,
	FFS_WRITE_HUGE,

	/* __ffs_data_got_descs: conditions on the header of the descriptors */
	FFS_DESCS_LENGTH,
	FFS_DESCS_LEGACY,
	FFS_DESCS_MAGIC,
	FFS_FLAGS,
	FFS_EVENTFD,
	FFS_EVENTFD_CUT,
	FFS_EVENTFD_CLOSED,
	FFS_EVENTFD_OTHER,
	FFS_SPEED_ABSENT,
	FFS_COUNT_CUT,
	FFS_OS,
	FFS_OS_COUNT_CUT,
	FFS_SET_EMPTY,

	/* Rules of ffs_do_descs, ffs_do_single_desc and __ffs_data_do_entity, for the descriptors
	   of one speed. */
	FFS_SET_END,
	FFS_DESC_HEAD_CUT,
	FFS_DESC_CUT,
	FFS_DESC_RESERVED,
	FFS_INTERFACE,
	FFS_INTERFACE_LENGTH,
	FFS_INTERFACE_NEW,
	FFS_INTERFACE_STRING,
	FFS_STRING_ZERO,
	FFS_STRING_NEW,
	FFS_ENDPOINT,
	FFS_ENDPOINT_SEVEN,
	FFS_ENDPOINT_LENGTH,
	FFS_ENDPOINT_ZERO,
	FFS_ENDPOINT_MANY,
	FFS_ENDPOINT_FIRST,
	FFS_ENDPOINT_ADDRESS,
	FFS_CLASS,
	FFS_CLASS_HID,
	FFS_HID_LENGTH,
	FFS_CLASS_CCID,
	FFS_CCID_LENGTH,
	FFS_CLASS_APPLICATION,
	FFS_CLASS_DFU,
	FFS_DFU_LENGTH,
	FFS_CLASS_OTHER,
	FFS_OTG,
	FFS_OTG_LENGTH,
	FFS_ASSOCIATION,
	FFS_ASSOCIATION_LENGTH,
	FFS_ASSOCIATION_STRING,
	FFS_COMPANION,
	FFS_COMPANION_LENGTH,
	FFS_DESC_UNIMPLEMENTED,
	FFS_DESC_UNKNOWN,

	/* __ffs_data_got_descs: conditions after it has read the descriptors of one speed */
	FFS_SET_FIRST,
	FFS_SET_ENDPOINTS,
	FFS_SET_INTERFACES,

	/* ffs_do_os_descs, __ffs_do_os_desc_header, __ffs_data_do_os_desc */
	FFS_OS_PRESENT,
	FFS_OS_NEXT,
	FFS_OS_HEAD_CUT,
	FFS_OS_LENGTH,
	FFS_OS_VERSION_OLD,
	FFS_OS_VERSION,
	FFS_OS_COMPAT,
	FFS_OS_INDEX,
	FFS_OS_COUNT,
	FFS_OS_RESERVED,
	FFS_OS_FEATURE,
	FFS_COMPAT_CUT,
	FFS_COMPAT_INTERFACE,
	FFS_COMPAT_RESERVED1,
	FFS_COMPAT_RESERVED2,
	FFS_PROP_CUT,
	FFS_PROP_INTERFACE,
	FFS_PROP_SIZE,
	FFS_PROP_TYPE_LOW,
	FFS_PROP_TYPE_HIGH,
	FFS_PROP_NAME,
	FFS_PROP_DATA,

	/* __ffs_data_got_descs: conditions after it has read all descriptors of the blob */
	FFS_NOTHING,
	FFS_DESCS_LEFT,
	FFS_PROXY,
	FFS_PROXY_ODD,
	FFS_PROXY_PAIR,

	/* __ffs_data_got_strings */
	FFS_STRINGS_SHORT,
	FFS_STRINGS_MAGIC,
	FFS_STRINGS_LENGTH,
	FFS_STRINGS_PARITY,
	FFS_STRINGS_FEW,
	FFS_STRINGS_UNUSED,
	FFS_STRINGS_MEMORY,
	FFS_LANGUAGE_CUT,
	FFS_STRING_CUT,
	FFS_STRING_NEEDED,
	FFS_STRING_NEXT,
	FFS_LANGUAGE_NEXT,
	FFS_STRINGS_LEFT,

	/* The standards: interfaces, OTG descriptors and associations */
	FFS_USB_NO_INTERFACE,
	FFS_USB_INTERFACE_NUMBER,
	FFS_USB_ALTERNATE,
	FFS_USB_INTERFACE_CLASS,
	FFS_USB_ENDPOINT_COUNT,
	FFS_USB_OTG_TWICE,
	FFS_USB_OTG_BITS,
	FFS_USB_ASSOCIATION_EMPTY,
	FFS_USB_ASSOCIATION_CLASS,
	FFS_USB_ASSOCIATION_ORDER,
	FFS_USB_ASSOCIATION_OVERLAP,
	FFS_USB_ASSOCIATION_MISSING,

	/* Endpoints */
	FFS_USB_ENDPOINT_STRAY,
	FFS_USB_ENDPOINT_NINE,
	FFS_USB_ENDPOINT_BITS,
	FFS_USB_ENDPOINT_TWICE,
	FFS_USB_ENDPOINT_SHARED,
	FFS_USB_ATTRIBUTES,
	FFS_USB_SIZE_BITS,
	FFS_USB_SIZE_CONTROL,
	FFS_USB_SIZE_BULK,
	FFS_USB_SIZE_INTERRUPT,
	FFS_USB_SIZE_ISOCHRONOUS,
	FFS_USB_TRANSACTIONS,
	FFS_USB_DEFAULT_BANDWIDTH,
	FFS_USB_INTERVAL,

	/* Companions */
	FFS_USB_COMPANION_SPEED,
	FFS_USB_COMPANION_STRAY,
	FFS_USB_COMPANION_MISSING,
	FFS_USB_BURST,
	FFS_USB_COMPANION_BITS,
	FFS_USB_STREAMS,
	FFS_USB_MULT,
	FFS_USB_MULT_BURST,
	FFS_USB_SIZE_BURST,
	FFS_USB_INTERVAL_BYTES,

	/* Classes */
	FFS_USB_CLASS_ORDER,
	FFS_USB_CLASS_MISSING,
	FFS_USB_HID_REPORT,
	FFS_USB_HID_COUNTRY,
	FFS_USB_CCID_VOLTAGE,
	FFS_USB_DFU_BITS,
	FFS_USB_DFU_ENDPOINTS,

	/* Microsoft OS descriptors */
	FFS_USB_COMPAT_TWICE,
	FFS_USB_COMPAT_ID,
	FFS_USB_PROP_NAME,
	FFS_USB_PROP_NUMBER,

	/* Strings */
	FFS_USB_LANGUAGES,
	FFS_USB_LANGUAGE_ZERO,
	FFS_USB_LANGUAGE_TWICE,
	FFS_USB_STRING_TEXT,
	FFS_USB_STRING_LONG,

	FFS_RULE_COUNT,
};

struct ffs_finding {
	enum ffs_rule rule; /* the first rule that is violated, or FFS_ACCEPTED */
	int kernel_error;   /* -errno with which write() fails; 0: the kernel accepts the blob */
	size_t offset; /* offset of the wrong byte in the blob; the size of the blob if bytes are
			  missing at its end */
	/* Wrong value in the blob, and correct value, for the placeholders of the rule's texts. */
	uint32_t found, expected;
};

/*
 * Validates one write to ep0. in->state decides whether the blob contains descriptors or strings.
 * Changes *in as the kernel changes its state, also after a refusal. `blob` may be NULL if `size`
 * is 0. The instance must not be active (asserted): a write to ep0 of an active instance contains
 * no blob, but the answer to a control request.
 */
struct ffs_finding ffs_validate_as_kernel(const struct ffs_validation_options *options,
					  struct ffs_instance *in, const void *blob, size_t size);

/*
 * Does the same as ffs_validate_as_kernel(), then checks an accepted blob against the standards.
 * Returns the kernel's refusal or, with kernel_error 0, the first violation of a standard. Changes
 * *in exactly as ffs_validate_as_kernel() does; the checks of the standards do not change it.
 */
struct ffs_finding ffs_validate_usb(const struct ffs_validation_options *options,
				    struct ffs_instance *in, const void *blob, size_t size);

/*
 * Finds a property in the Microsoft OS descriptors of a blob of descriptors that the kernel
 * accepts, but whose type it does not send: it stalls a host's request for the properties of that
 * interface (fill_ext_prop, composite.c:1748). Sets *offset and *type to those of the first one.
 * False: there is none, or the kernel does not accept the blob.
 */
bool ffs_find_unsent_property(const void *blob, size_t size, size_t *offset, uint32_t *type);
/* Returns whether the kernel sends properties of this type (fill_ext_prop, composite.c:1742). */
bool ffs_property_type_is_sent(uint32_t type);

/* --- texts --- */

enum ffs_rule_kind {
	FFS_BRANCH,  /* a condition in the kernel's parser that refuses nothing */
	FFS_REFUSAL, /* a condition with which the kernel refuses the blob */
	FFS_STANDARD /* a rule of a standard that the kernel does not check */
};

struct ffs_rule_info {
	const char *name; /* name of the rule in enum ffs_rule, without the prefix FFS_ */
	enum ffs_rule_kind kind;
	int kernel_error; /* -errno of a refusal */
	/* Function and condition in the kernel, or standard and section. */
	const char *reference;
	/*
	 * Texts for the user, which a FFS_BRANCH does not have. The placeholders {found} and
	 * {wanted} stand for the numbers of a finding; {found:x} is hexadecimal.
	 */
	const char *what_is_wrong, *what_to_do;
	/* Why no blob can violate the rule; NULL: a blob can. */
	const char *why_unreachable;
};

const struct ffs_rule_info *ffs_rule_info(enum ffs_rule rule);
/* Returns whether this kernel's parser has the condition of `rule`; true for rules of standards. */
bool ffs_rule_exists(const struct ffs_kernel_rules *kernel, enum ffs_rule rule);

/*
 * Returns what is wrong, without a final period; for a standard also its section. Example:
 * "alternate setting 3 where alternate setting 1 must follow (USB 2.0, 9.6.5)". Returns "accepted"
 * for FFS_ACCEPTED. The caller frees the text.
 */
char *ffs_finding_what_is_wrong(const struct ffs_finding *f);
/* Returns what the user can do: "count the alternate settings ...". The caller frees the text. */
char *ffs_finding_hint(const struct ffs_finding *f);
/*
 * Returns offset, reason and hint: "byte 23: alternate setting ...; count ...". Returns "accepted"
 * for FFS_ACCEPTED. The caller frees the text.
 */
char *ffs_finding_text(const struct ffs_finding *f);
