/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "blob/encode.h"
#include "blob/uapi.h"

/* Writes a blob with one write(2), as the kernel requires it (f_fs.c, ffs_ep0_write). */
static int write_blob(int fd, const char *path, const char *what, const uint8_t *blob, size_t size,
		      struct error *err)
{
	ssize_t n = write(fd, blob, size);

	if (n >= 0 && (size_t)n == size)
		return 0;
	error_errno(err, EX_OSERR, n < 0 ? errno : EIO, path, "cannot write %s to %s", what, path);
	if (err->errno_value != ENOSYS)
		return -err->errno_value;
	error_add_detail(
		err, "the gadget file uses an option that this kernel's FunctionFS does not have");
	return error_add_hint(err, "see 'ffsctl features'");
}

/*
 * Writes the descriptors. If the kernel refuses Microsoft OS descriptors, writes them again with
 * the bytes of bcdVersion swapped: Linux 6.1 accepts only these, and Linux 6.12 warns about them.
 * The second write replaces what the first one has set in the instance (f_fs.c,
 * __ffs_data_got_descs).
 */
static int write_descriptors_with_retry(int fd, const char *path, const struct ffs *ffs,
					struct error *err)
{
	size_t size;
	_cleanup_free_ uint8_t *right = ffs_blob_descriptors(ffs, &size), *swapped = NULL;
	int r = write_blob(fd, path, "descriptors", right, size, err);

	if (r != -EINVAL || !ffs->has_os_descs || ffs->raw_descriptors.data)
		return r;
	error_clear(err);
	swapped = ffs_blob_descriptors_with_swapped_os_version(ffs, &size);
	return write_blob(fd, path, "descriptors", swapped, size, err);
}

int ffs_open_and_write_ep0(const struct ffs *ffs, int *ep0_fd, struct error *err)
{
	_cleanup_free_ char *path = strf("%s/ep0", ffs->mount.path);
	_cleanup_free_ uint8_t *strings = NULL;
	_cleanup_close_ int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	size_t strings_size;
	int r;

	if (fd < 0)
		return error_errno(err, EX_OSERR, errno, path, "cannot open %s", path);
	strings = ffs_blob_strings(ffs, &strings_size);
	r = write_descriptors_with_retry(fd, path, ffs, err);
	if (r == 0)
		r = write_blob(fd, path, "strings", strings, strings_size, err);
	if (r == 0)
		*ep0_fd = steal_fd(&fd);
	return r;
}

char *ffs_endpoint_file(const struct ffs *ffs, const struct endpoint *ep)
{
	return ffs->flags & FUNCTIONFS_VIRTUAL_ADDR ? strf("ep%02x", ep->address)
						    : strf("ep%u", ep->file_number);
}

char *ffs_in_out_pair_file_name(const struct ffs *ffs, const struct endpoint *first)
{
	_cleanup_free_ char *file = ffs_endpoint_file(ffs, first);

	return strf("%s_rw", file);
}

int ffs_open_file(const struct ffs *ffs, const char *file, enum ep_blocking blocking,
		  struct error *err)
{
	_cleanup_free_ char *path = strf("%s/%s", ffs->mount.path, file);
	/* O_RDWR is necessary although an endpoint may have only one direction: a read() or write()
	   in the wrong direction is what halts the endpoint (ffs_endpoint_halt()). */
	int fd = open(path, O_RDWR | O_CLOEXEC | (blocking == EP_NONBLOCKING ? O_NONBLOCK : 0));

	if (fd < 0)
		return error_errno(err, EX_OSERR, errno, path, "cannot open endpoint %s", path);
	return fd;
}

int ffs_endpoint_open(const struct ffs *ffs, const struct endpoint *ep, enum ep_blocking blocking,
		      struct error *err)
{
	_cleanup_free_ char *file = ffs_endpoint_file(ffs, ep);

	return ffs_open_file(ffs, file, blocking, err);
}

int ffs_open_in_out_pair_file(const struct ffs *ffs, const struct endpoint *first,
			      enum ep_blocking blocking, struct error *err)
{
	_cleanup_free_ char *file = ffs_in_out_pair_file_name(ffs, first);

	return ffs_open_file(ffs, file, blocking, err);
}

int ffs_enable_zlp(const char *path, struct error *err)
{
	/*
	 * Non-blocking: if the kernel does not know the ioctl, it first waits until a host enables
	 * the endpoint. On a non-blocking file, the ioctl fails with EAGAIN instead.
	 */
	_cleanup_close_ int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	__u32 on = 1;

	if (fd >= 0 && ioctl(fd, FUNCTIONFS_ENDPOINT_ENABLE_ZLP, &on) == 0)
		return 0;
	return error_errno(err, EX_OSERR, errno, path,
			   "cannot turn on zero-length packets for endpoint %s", path);
}

static int enable_zlp_apply(struct step *step, struct error *err)
{
	return ffs_enable_zlp(step->path, err);
}

const struct step_op ffs_op_enable_zlp = { .name = "enable-zlp", .apply = enable_zlp_apply };

/*
 * Returns whether the host has enabled an endpoint. Asks the kernel, because it is possible that
 * ep0 has not reported the last change yet.
 */
static bool is_endpoint_enabled(int fd)
{
	struct usb_endpoint_descriptor descriptor;

	return ioctl(fd, FUNCTIONFS_ENDPOINT_DESC, &descriptor) == 0 || errno != EAGAIN;
}

int ffs_endpoint_halt(int fd, const struct endpoint *ep)
{
	char byte = 0;
	ssize_t n;

	if (ep->type ==
	    EP_ISOCHRONOUS) /* an isochronous endpoint has no handshake, so it cannot STALL */
		return -ESHUTDOWN;
	n = ep->direction == EP_IN ? read(fd, &byte, 1) : write(fd, &byte, 1);
	if (n >= 0)
		return -EPROTO; /* not reached: f_fs never transfers in the wrong direction */
	switch (errno) {
	case EBADMSG: /* the endpoint is halted now (f_fs.c, ffs_epfile_io) */
		return 0;
	case EAGAIN: /* the endpoint is not enabled, or an IN endpoint still has data to send */
		return is_endpoint_enabled(fd) ? -EAGAIN : -ESHUTDOWN;
	case ENODEV:
		return -ESHUTDOWN;
	default:
		return -errno;
	}
}

int ffs_each_endpoint(const struct ffs *ffs, int (*fn)(void *data, const struct endpoint *ep),
		      void *data)
{
	for (size_t i = 0; ffs && i < ffs->n_interfaces; i++) {
		for (size_t e = 0; e < ffs->interfaces[i].n_endpoints; e++) {
			int r = fn(data, &ffs->interfaces[i].endpoints[e]);

			if (r)
				return r;
		}
	}
	return 0;
}

size_t ffs_count_endpoints(const struct ffs *ffs)
{
	size_t n = 0;

	for (size_t i = 0; ffs && i < ffs->n_interfaces; i++)
		n += ffs->interfaces[i].n_endpoints;
	return n;
}

unsigned int ffs_endpoint_number(const struct ffs *ffs, const struct endpoint *ep)
{
	return ffs->flags & FUNCTIONFS_VIRTUAL_ADDR ? ep->address : ep->file_number;
}

struct endpoint_files_open {
	struct ffs_endpoint_files *files;
	const struct ffs *ffs;
};

static int open_endpoint_file(void *data, const struct endpoint *ep)
{
	const struct endpoint_files_open *o = data;
	_cleanup_error_ struct error ignored = { 0 };
	int fd = ffs_endpoint_open(o->ffs, ep, EP_NONBLOCKING, &ignored);

	if (fd < 0)
		return fd;
	o->files->list[o->files->n++] = (struct ffs_endpoint_file){ .fd = fd, .model = ep };
	return o->files->n == FFS_ENDPOINTS_MAX;
}

void ffs_endpoint_files_open(struct ffs_endpoint_files *files, const struct ffs *ffs)
{
	struct endpoint_files_open o = { files, ffs };

	files->n = 0;
	if (ffs_each_endpoint(ffs, open_endpoint_file, &o) < 0)
		ffs_endpoint_files_close(files);
}

void ffs_endpoint_files_close(struct ffs_endpoint_files *files)
{
	while (files->n > 0)
		cleanup_close(&files->list[--files->n].fd);
}

static bool uses_rw_proxy(const struct ffs *ffs)
{
	return ffs && ffs->flags & FUNCTIONFS_RW_PROXY_EPS;
}

struct in_out_pair_search {
	int (*fn)(void *data, const struct endpoint *first, const struct endpoint *second);
	void *data;
	const struct endpoint *unpaired;
};

static int add_to_in_out_pair(void *data, const struct endpoint *ep)
{
	struct in_out_pair_search *p = data;
	const struct endpoint *first = p->unpaired;

	p->unpaired = first ? NULL : ep;
	return first ? p->fn(p->data, first, ep) : 0;
}

int ffs_each_in_out_pair(const struct ffs *ffs,
			 int (*fn)(void *data, const struct endpoint *first,
				   const struct endpoint *second),
			 void *data)
{
	struct in_out_pair_search p = { .fn = fn, .data = data };

	return uses_rw_proxy(ffs) ? ffs_each_endpoint(ffs, add_to_in_out_pair, &p) : 0;
}

size_t ffs_count_in_out_pairs(const struct ffs *ffs)
{
	return uses_rw_proxy(ffs) ? ffs_count_endpoints(ffs) / 2 : 0;
}
