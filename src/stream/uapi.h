/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Includes the kernel's headers of FunctionFS and DMABUFs, and defines what older versions of them
   lack. */
#pragma once

#include <linux/dma-buf.h>
#include <linux/usb/functionfs.h>
#include <sys/ioctl.h>

/* Linux 6.9 */
#ifndef FUNCTIONFS_DMABUF_TRANSFER
struct usb_ffs_dmabuf_transfer_req {
	int fd;
	__u32 flags;
	__u64 length;
} __attribute__((packed));
#define FUNCTIONFS_DMABUF_ATTACH _IOW('g', 131, int)
#define FUNCTIONFS_DMABUF_DETACH _IOW('g', 132, int)
#define FUNCTIONFS_DMABUF_TRANSFER _IOW('g', 133, struct usb_ffs_dmabuf_transfer_req)
#endif

/* Linux 6.0 */
#ifndef DMA_BUF_IOCTL_EXPORT_SYNC_FILE
struct dma_buf_export_sync_file {
	__u32 flags;
	__s32 fd;
};
#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE _IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#endif

/* Added by ffsctl's kernel patches */
#ifndef FUNCTIONFS_SESSION_ACCEPT
#define FUNCTIONFS_SESSION_ACCEPT _IO('g', 0xe0)
#endif
#ifndef FUNCTIONFS_DMABUF_STATUS
struct usb_ffs_dmabuf_status {
	__s32 fd;	  /* the DMABUF; -1: only `incomplete` is returned */
	__u32 incomplete; /* number of transfers of the instance that moved less than all bytes */
	__s64 result;	  /* of the last transfer: bytes, a negative errno, or -EINPROGRESS */
};
#define FUNCTIONFS_DMABUF_STATUS _IOWR('g', 0xe1, struct usb_ffs_dmabuf_status)
#endif
#ifndef FUNCTIONFS_DMABUF_TRANSFER_MANY
struct usb_ffs_dmabuf_transfer_many {
	__u64 requests; /* address of an array of struct usb_ffs_dmabuf_transfer_req */
	__u32 count;	/* number of its elements, at most 1024 */
	__u32 flags;	/* 0 */
};
#define FUNCTIONFS_DMABUF_TRANSFER_MANY _IOW('g', 0xe2, struct usb_ffs_dmabuf_transfer_many)
#endif
