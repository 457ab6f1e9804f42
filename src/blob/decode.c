/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts the bytes of a descriptor blob to the model. The validator runs first, so every length
 * fits and every type is one that the kernel knows. This file also refuses blobs that the kernel
 * accepts, but that no host could use, or for which ffsctl cannot find out which endpoint file
 * belongs to which endpoint.
 */
#include "blob/decode.h"

#include <errno.h>
#include <linux/usb/ch9.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "blob/validate_parts.h"

/* FFS_SET_FULL etc. of the validator and EP_FULL etc. of the model are the same numbers. */
_Static_assert((int)FFS_SET_FULL == (int)EP_FULL && (int)FFS_SET_HIGH == (int)EP_HIGH &&
		       (int)FFS_SET_SUPER == (int)EP_SUPER &&
		       (int)FFS_SET_COUNT == (int)EP_SPEED_COUNT,
	       "EP_FULL etc. and FFS_SET_FULL etc. have the same numbers");

#define FLAGS_AT ((size_t)8) /* offset of the flags in the blob */

struct decoder {
	struct ffs *ffs;
	const uint8_t *data; /* the blob */
	size_t offset;	     /* offset of the current descriptor in `data` */
	struct error *err;
	/* State of the current speed */
	int speed;
	bool is_first_speed; /* first speed of the blob: its descriptors create the interfaces and
				endpoints; those of later speeds only add values */
	size_t n_interfaces, n_endpoints; /* how many were decoded so far at this speed */
	struct interface *interface;	  /* the last interface so far; NULL: none yet */
	struct endpoint *endpoint;	  /* the last endpoint of `interface`; NULL: none yet */
};

#define refuse(d, at, fmt, ...)                                                                    \
	error_set((d)->err, EX_DATAERR, EINVAL, NULL, "byte %zu: " fmt, (at), ##__VA_ARGS__)

/* Adds the alternate setting. The kernel refuses more of them than have a class here. */
static void set_alternate_class(struct interface *interface, const uint8_t *desc)
{
	unsigned int i = interface->highest_alternate++;

	if (i >= FFS_ALTERNATES_MAX)
		return;
	interface->alternate_class[i].class = desc[5];
	interface->alternate_class[i].subclass = desc[6];
	interface->alternate_class[i].protocol = desc[7];
}

static int add_interface(struct decoder *d, const uint8_t *desc)
{
	struct ffs *ffs = d->ffs;

	if (desc[3] == 0 && desc[2] == ffs->n_interfaces) {
		*array_add(ffs->interfaces, ffs->n_interfaces) =
			(struct interface){ .class = desc[5],
					    .subclass = desc[6],
					    .protocol = desc[7],
					    .at = ffs->raw_descriptors_at };
		return 0;
	}
	if (d->interface && desc[2] + 1U == ffs->n_interfaces &&
	    desc[3] == d->interface->highest_alternate + 1) {
		set_alternate_class(d->interface, desc);
		return 0;
	}
	refuse(d, d->offset, "alternate setting %u of interface %u is out of order", desc[3],
	       desc[2]);
	return error_add_hint(d->err,
			      "count interfaces from 0, each followed by its alternate settings");
}

static int decode_interface(struct decoder *d, const uint8_t *desc)
{
	int r = d->is_first_speed ? add_interface(d, desc) : 0;

	if (r < 0)
		return r;
	if (desc[2] >= d->ffs->n_interfaces)
		return refuse(d, d->offset, "interface %u has no descriptor at the first speed",
			      desc[2]);
	d->interface = &d->ffs->interfaces[desc[2]];
	d->endpoint = NULL;
	d->n_interfaces = desc[2] >= d->n_interfaces ? desc[2] + 1U : d->n_interfaces;
	return 0;
}

static struct endpoint *nth_endpoint(const struct ffs *ffs, size_t n)
{
	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		if (n < ffs->interfaces[i].n_endpoints)
			return &ffs->interfaces[i].endpoints[n];
		n -= ffs->interfaces[i].n_endpoints;
	}
	return NULL;
}

static struct endpoint *add_endpoint(struct decoder *d, const uint8_t *desc, enum ep_type type)
{
	struct interface *interface = d->interface;
	struct endpoint *ep = array_add(interface->endpoints, interface->n_endpoints);

	*ep = (struct endpoint){ .address = desc[2],
				 .direction = desc[2] & USB_ENDPOINT_DIR_MASK ? EP_IN : EP_OUT,
				 .type = type,
				 .alternate = (uint8_t)interface->highest_alternate,
				 .at = d->ffs->raw_descriptors_at };
	return ep;
}

static int decode_endpoint(struct decoder *d, const uint8_t *desc)
{
	static const int types[] = {
		[USB_ENDPOINT_XFER_CONTROL] = -1,
		[USB_ENDPOINT_XFER_ISOC] = EP_ISOCHRONOUS,
		[USB_ENDPOINT_XFER_BULK] = EP_BULK,
		[USB_ENDPOINT_XFER_INT] = EP_INTERRUPT,
	};
	int type = types[desc[3] & USB_ENDPOINT_XFERTYPE_MASK];
	unsigned int size = get_le16(desc + 4);

	if (!d->interface)
		return refuse(d, d->offset, "an endpoint descriptor before the first interface");
	if (type < 0)
		return refuse(d, d->offset + 3, "a control endpoint; only endpoint 0 can be one");
	if (desc[2] & 0x70)
		return refuse(d, d->offset + 2, "reserved bits of endpoint address 0x%02x are set",
			      desc[2]);
	if (d->is_first_speed)
		d->endpoint = add_endpoint(d, desc, (enum ep_type)type);
	else
		d->endpoint = nth_endpoint(d->ffs, d->n_endpoints);
	if (!d->endpoint || d->endpoint->address != desc[2])
		return refuse(d, d->offset + 2,
			      "endpoint address 0x%02x, but the first speed has another "
			      "endpoint in its place, or none",
			      desc[2]);
	d->n_endpoints++;
	d->endpoint->speed[d->speed] = (struct endpoint_speed_values){
		.is_offered = true,
		.max_packet = size & 0x7ff,
		.interval = desc[6],
		.mult = (uint8_t)((size >> 11 & 3) + 1),
	};
	return 0;
}

static int decode_companion(struct decoder *d, const uint8_t *desc)
{
	struct endpoint_speed_values *s;

	if (!d->endpoint || d->speed != EP_SUPER)
		return refuse(d, d->offset,
			      "a companion descriptor that does not follow a SuperSpeed endpoint");
	s = &d->endpoint->speed[EP_SUPER];
	s->burst = desc[2];
	s->mult = d->endpoint->type == EP_ISOCHRONOUS ? (uint8_t)((desc[3] & 3) + 1) : 1;
	return 0;
}

/* Decodes a class descriptor. The kernel accepts it only after an interface of its class. */
static int decode_class_descriptor(struct decoder *d, const uint8_t *desc)
{
	struct ffs_bytes *extra;

	if (!d->is_first_speed)
		return 0;
	d->interface->extra_descriptors_at = d->ffs->raw_descriptors_at;
	extra = array_add(d->interface->extra_descriptors, d->interface->n_extra_descriptors);
	extra->size = desc[0];
	extra->data = memcpy(xcalloc(desc[0], 1), desc, desc[0]);
	return 0;
}

/* Descriptors of other types (associations, OTG) are skipped, because ffsctl does not need them. */
static const struct {
	uint8_t type;
	int (*decode)(struct decoder *d, const uint8_t *desc);
} types[] = {
	{ USB_DT_INTERFACE, decode_interface },
	{ USB_DT_ENDPOINT, decode_endpoint },
	{ USB_DT_SS_ENDPOINT_COMP, decode_companion },
	{ CLASS_DESCRIPTOR, decode_class_descriptor },
};

static int decode_descriptor(struct decoder *d)
{
	const uint8_t *desc = d->data + d->offset;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == desc[1])
			return types[i].decode(d, desc);
	return 0;
}

static int decode_descriptors_of_speed(struct decoder *d, const struct validation *v, int speed)
{
	int r = 0;

	d->speed = speed;
	d->offset = v->set_offset[speed];
	d->n_interfaces = d->n_endpoints = 0;
	d->interface = NULL;
	d->endpoint = NULL;
	d->ffs->has_speed[speed] = true;
	for (uint32_t i = 0; i < v->n_descriptors[speed] && r == 0; i++) {
		r = decode_descriptor(d);
		d->offset += d->data[d->offset];
	}
	if (r == 0 &&
	    (d->n_interfaces != d->ffs->n_interfaces || nth_endpoint(d->ffs, d->n_endpoints)))
		r = refuse(d, d->offset, "not every speed has the same interfaces and endpoints");
	return r;
}

static void decode_flags(struct ffs *ffs, uint32_t flags)
{
	for (const struct ffs_flag *f = ffs_flags; f->flag; f++) {
		if (!f->feature.name || !(flags & f->flag))
			continue;
		ffs->flags |= f->flag;
		ffs->flag_at[FFS_FLAG_NUMBER(f->flag)] = ffs->raw_descriptors_at;
	}
}

static int check_blob_and_decode_flags(struct decoder *d, const struct validation *v)
{
	for (const struct ffs_flag *f = ffs_flags; f->flag; f++)
		if (f->why_ffsctl_refuses && v->flags & f->flag)
			return refuse(d, FLAGS_AT, "flag %u %s", f->flag, f->why_ffsctl_refuses);
	if (v->finding.rule != FFS_ACCEPTED) {
		_cleanup_free_ char *reason = ffs_finding_what_is_wrong(&v->finding),
				    *todo = ffs_finding_hint(&v->finding);

		refuse(d, v->finding.offset, "%s", reason);
		return error_add_hint(d->err, "%s", todo);
	}
	decode_flags(d->ffs, v->flags);
	return 0;
}

int ffs_decode_descriptors(struct ffs *ffs, struct error *err)
{
	const struct ffs_validation_options options = ffs_validation_options_least_strict();
	struct decoder d = { .ffs = ffs, .data = ffs->raw_descriptors.data, .err = err };
	struct ffs_instance in = { 0 };
	struct validation v = { .options = &options,
				.instance = &in,
				.data = ffs->raw_descriptors.data,
				.size = ffs->raw_descriptors.size };
	bool any = false;
	int r;

	validate_ep0_write(&v);
	r = check_blob_and_decode_flags(&d, &v);
	memset(ffs->has_speed, 0, sizeof(ffs->has_speed));
	for (int s = 0; s < EP_SPEED_COUNT && r == 0; s++) {
		if (v.n_descriptors[s] == 0)
			continue;
		d.is_first_speed = !any;
		any = true;
		r = decode_descriptors_of_speed(&d, &v, s);
	}
	if (r == 0 && !any)
		r = refuse(&d, v.os_descriptors_offset, "no descriptors of any speed");
	return r;
}
