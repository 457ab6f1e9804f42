/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixes of the kernel's USB functions that matter to users, and which kernels have them. Sources:
 * the changelogs of the stable kernels and, for 6.18, the kernel's list of CVEs. doc/security.md
 * has the same table.
 */
#pragma once

#include <stdbool.h>

#include "base/kernel_series.h"
#include "gadgetfile/gadget.h"
#include "probe/system.h"

/* Last number of the first version with a fix, for example 83 for 6.12.83. */
enum {
	FIX_UNKNOWN = 0,  /* the series does not need the fix, or it is unknown whether it has it */
	FIX_NEVER = 65535 /* no version of the series has the fix */
};

struct kernel_fix {
	const char *type; /* type of function; "webusb": the gadget's WebUSB; "": any gadget */
	unsigned short first[KERNEL_SERIES_COUNT];
	bool in_ffsctl_patches; /* ffsctl's kernel patches have the fix, too */
	const char *cve;	/* its number; NULL: none is known */
	const char *without;	/* what happens without the fix, as a clause */
};

extern const struct kernel_fix kernel_fixes[]; /* a row without a type ends the table */

enum kernel_version_state {
	KERNEL_VERSION_UNKNOWN,	 /* the kernel's release does not contain the last number */
	KERNEL_VERSION_NO_TABLE, /* the table does not know the series */
	KERNEL_VERSION_KNOWN,
};

/* The version of a kernel. A version that is newer than all fixes of the table counts as 6.18. */
struct kernel_version {
	enum kernel_version_state state;
	enum kernel_series series;	   /* if KNOWN */
	unsigned int last;		   /* if KNOWN: for example 117 for 6.12.117 */
	char text[sizeof("99.999.99999")]; /* as it is; "": unknown */
};

/*
 * Returns the version of the system's kernel: that of its release, as uname -r prints it; if a
 * distribution's release does not contain the last number, that of /proc/version or
 * /proc/version_signature, where Debian and Ubuntu have it.
 */
struct kernel_version kernel_version_find(const struct system *system);

/* Returns whether a gadget uses what a fix is about. */
bool kernel_fix_concerns(const struct kernel_fix *fix, const struct gadget *g);
/* Returns whether the kernel, whose version is known, lacks the fix if nobody has added it. */
bool kernel_lacks_fix(const struct kernel_version *kernel, const struct kernel_fix *fix);
