/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Includes linux/usb/functionfs.h, and defines what older versions of that header lack. */
#pragma once

#include <linux/usb/functionfs.h>
#include <sys/ioctl.h>

/* Linux 6.9 */
#ifndef FUNCTIONFS_DMABUF_ATTACH
#define FUNCTIONFS_DMABUF_ATTACH _IOW('g', 131, int)
#endif

/*
 * Linux 7.3. In newer headers the flag is an enumerator; a macro of the same value does not
 * conflict with it.
 */
#ifndef FUNCTIONFS_RW_PROXY_EPS
#define FUNCTIONFS_RW_PROXY_EPS 256
#endif
#ifndef FUNCTIONFS_ENDPOINT_ENABLE_ZLP
#define FUNCTIONFS_ENDPOINT_ENABLE_ZLP _IOW('g', 134, __u32)
#endif

/* Added by ffsctl's kernel patches */
#ifndef FUNCTIONFS_SESSION_ACCEPT
#define FUNCTIONFS_SESSION_ACCEPT _IO('g', 0xe0)
#endif
#ifndef FUNCTIONFS_EVENT_HOST_WINDEX
#define FUNCTIONFS_EVENT_HOST_WINDEX 1
#endif

/*
 * struct usb_functionfs_event with the members that ffsctl's kernel patches add to it. They lie in
 * its padding, which is always zero without the patches.
 */
struct functionfs_event {
	union {
		struct usb_ctrlrequest setup;
	} __attribute__((packed)) u;
	__u8 type;	    /* enum usb_functionfs_event_type */
	__u8 flags;	    /* FUNCTIONFS_EVENT_* */
	__le16 host_wIndex; /* of SETUP, with FUNCTIONFS_EVENT_HOST_WINDEX: wIndex of the host */
} __attribute__((packed));
