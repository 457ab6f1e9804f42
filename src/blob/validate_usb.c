/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks interfaces, associations and class descriptors against the standards. The kernel's rules
 * have accepted the blob: lengths are right and the kernel knows the type of every descriptor.
 */
#include <linux/usb/ch9.h>
#include <string.h>

#include "base/util.h"
#include "blob/validate_parts.h"

/* OTG 1.3, table 6-1 */
#define OTG_ATTRIBUTES (USB_OTG_SRP | USB_OTG_HNP)
#define HID_COUNTRY_MAX 35	   /* HID 1.11, 6.2.1 */
#define HID_REPORT_DESCRIPTOR 0x22 /* HID 1.11, 7.1 */
#define CCID_VOLTAGES 0x07	   /* CCID 1.1, 5.1: 5, 3 and 1.8 V */
#define DFU_ATTRIBUTES 0x0f	   /* DFU 1.1, 4.1.3 */

/* --- class descriptors --- */

static bool check_hid(struct speed_validation *s, const uint8_t *d)
{
	size_t at = offset_in_blob(s, d);

	return !refuse_if(s->validation, FFS_USB_HID_REPORT,
			  d[5] != 1 || d[6] != HID_REPORT_DESCRIPTOR, at + 5) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_HID_COUNTRY, d[4] > HID_COUNTRY_MAX,
				       at + 4, d[4], HID_COUNTRY_MAX);
}

static bool check_ccid(struct speed_validation *s, const uint8_t *d)
{
	return !refuse_with_numbers_if(s->validation, FFS_USB_CCID_VOLTAGE,
				       d[5] == 0 || (d[5] & ~CCID_VOLTAGES) != 0,
				       offset_in_blob(s, d) + 5, d[5], 0);
}

static bool check_dfu(struct speed_validation *s, const uint8_t *d)
{
	return !refuse_with_numbers_if(s->validation, FFS_USB_DFU_BITS, d[2] & ~DFU_ATTRIBUTES,
				       offset_in_blob(s, d) + 2, d[2] & ~DFU_ATTRIBUTES, 0) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_DFU_ENDPOINTS, s->interface[4] != 0,
				       offset_in_blob(s, s->interface) + 4, s->interface[4], 0);
}

static const struct class
{
	uint8_t class;
	int subclass; /* -1: any */
	bool (*check)(struct speed_validation *s, const uint8_t *d);
} classes[] = {
	{ CLASS_HID, -1, check_hid },
	{ CLASS_CCID, -1, check_ccid },
	{ CLASS_APPLICATION, SUBCLASS_DFU, check_dfu },
};

/* Returns the row for the current alternate setting; NULL: its class has no class descriptor. */
static const struct class *class_of_alternate(const struct speed_validation *s)
{
	for (size_t i = 0; s->interface && i < ARRAY_SIZE(classes); i++)
		if (classes[i].class == s->interface[5] &&
		    (classes[i].subclass < 0 || classes[i].subclass == s->interface[6]))
			return &classes[i];
	return NULL;
}

static bool validate_class_descriptor(struct speed_validation *s, const uint8_t *d)
{
	const struct class *c = class_of_alternate(s);

	/*
	 * The kernel only compares the class of the last interface with the type of the class
	 * descriptor. The kernel checks neither that the class descriptor comes before the
	 * endpoints, nor that an alternate setting has only one.
	 */
	if (refuse_if(s->validation, FFS_USB_CLASS_ORDER,
		      !c || s->class_descriptor || s->n_endpoints_in_alternate > 0,
		      offset_in_blob(s, d)))
		return false;
	s->class_descriptor = d;
	return c->check(s, d);
}

/* --- interfaces --- */

/* Checks the current alternate setting, after its last descriptor was read. */
static bool validate_complete_alternate(struct speed_validation *s)
{
	const uint8_t *d = s->interface;
	bool good;

	if (!d)
		return true;
	good = !refuse_with_numbers_if(s->validation, FFS_USB_ENDPOINT_COUNT,
				       d[4] != s->n_endpoints_in_alternate,
				       offset_in_blob(s, d) + 4, d[4], s->n_endpoints_in_alternate);
	s->any_alternate_has_class_descriptor |= s->class_descriptor != NULL;
	if (class_of_alternate(s) && !s->class_descriptor &&
	    !s->first_alternate_without_class_descriptor)
		s->first_alternate_without_class_descriptor = d;
	s->interface = NULL;
	return good;
}

/*
 * Checks all alternate settings of an interface, after the last of them was read. At least one of
 * them must have a class descriptor: devices with several DFU settings have it in the first or the
 * last one.
 */
static bool validate_class_descriptor_present(struct speed_validation *s)
{
	const uint8_t *d = s->first_alternate_without_class_descriptor;

	if (d && refuse_with_numbers_if(s->validation, FFS_USB_CLASS_MISSING,
					!s->any_alternate_has_class_descriptor,
					offset_in_blob(s, d), d[5], 0))
		return false;
	s->first_alternate_without_class_descriptor = NULL;
	s->any_alternate_has_class_descriptor = false;
	return true;
}

static bool check_interface_numbers(struct speed_validation *s, const uint8_t *d)
{
	size_t at = offset_in_blob(s, d);
	bool same = d[2] == s->interface_number;
	int alternate = same ? s->alternate_setting + 1 : 0;

	return !refuse_with_numbers_if(s->validation, FFS_USB_INTERFACE_NUMBER,
				       !same && d[2] != s->interface_number + 1, at + 2, d[2],
				       (uint32_t)(s->interface_number + 1)) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_ALTERNATE, d[3] != alternate, at + 3,
				       d[3], (uint32_t)alternate);
}

static bool validate_interface(struct speed_validation *s, const uint8_t *d)
{
	if (!validate_complete_alternate(s) ||
	    (d[2] != s->interface_number && !validate_class_descriptor_present(s)) ||
	    !check_interface_numbers(s, d) ||
	    refuse_if(s->validation, FFS_USB_INTERFACE_CLASS, d[5] == 0, offset_in_blob(s, d) + 5))
		return false;
	s->interface = d;
	s->class_descriptor = NULL;
	s->interface_number = d[2];
	s->alternate_setting = d[3];
	s->n_endpoints_in_alternate = 0;
	s->alternate_endpoint_mask = 0;
	return true;
}

/* --- associations --- */

/* Returns the number of the last interface of an association plus one. */
static unsigned int association_end(const uint8_t *d)
{
	return (unsigned int)d[2] + d[3];
}

/*
 * Returns the number that the kernel gives to the next interface at the bind. bFirstInterface of an
 * association must be this number.
 */
static unsigned int next_interface_number_at_bind(const struct speed_validation *s)
{
	return s->validation->options->first_interface + (unsigned int)(s->interface_number + 1);
}

static bool validate_association(struct speed_validation *s, const uint8_t *d)
{
	size_t at = offset_in_blob(s, d);
	unsigned int next = next_interface_number_at_bind(s);
	unsigned int end = s->association ? association_end(s->association) : 0;

	if (!validate_complete_alternate(s) ||
	    refuse_if(s->validation, FFS_USB_ASSOCIATION_EMPTY, d[3] == 0, at + 3) ||
	    refuse_if(s->validation, FFS_USB_ASSOCIATION_CLASS, d[4] == 0, at + 4) ||
	    refuse_with_numbers_if(s->validation, FFS_USB_ASSOCIATION_ORDER, d[2] != next, at + 2,
				   d[2], next) ||
	    refuse_with_numbers_if(s->validation, FFS_USB_ASSOCIATION_OVERLAP, d[2] < end, at + 2,
				   d[2], end - 1))
		return false;
	s->association = d;
	return true;
}

static bool validate_last_association(struct speed_validation *s)
{
	unsigned int there = next_interface_number_at_bind(s);
	const uint8_t *d = s->association;

	return !d || !refuse_with_numbers_if(s->validation, FFS_USB_ASSOCIATION_MISSING,
					     association_end(d) > there, offset_in_blob(s, d) + 3,
					     d[3], there - d[2]);
}

/* --- the descriptors of one speed --- */

static bool validate_otg(struct speed_validation *s, const uint8_t *d)
{
	if (refuse_if(s->validation, FFS_USB_OTG_TWICE, s->has_otg, offset_in_blob(s, d)) ||
	    refuse_with_numbers_if(s->validation, FFS_USB_OTG_BITS, d[2] & ~OTG_ATTRIBUTES,
				   offset_in_blob(s, d) + 2, d[2] & ~OTG_ATTRIBUTES, 0))
		return false;
	s->has_otg = true;
	return true;
}

static const struct {
	uint8_t type;
	bool (*validate)(struct speed_validation *s, const uint8_t *d);
} types[] = {
	{ USB_DT_INTERFACE, validate_interface },
	{ USB_DT_ENDPOINT, validate_usb_endpoint },
	{ CLASS_DESCRIPTOR, validate_class_descriptor },
	{ USB_DT_OTG, validate_otg },
	{ USB_DT_INTERFACE_ASSOCIATION, validate_association },
	{ USB_DT_SS_ENDPOINT_COMP, validate_usb_companion },
};

static bool validate_descriptor(struct speed_validation *s, const uint8_t *d)
{
	if (d[1] != USB_DT_SS_ENDPOINT_COMP && !validate_usb_companion_present(s))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == d[1])
			return types[i].validate(s, d);
	return true;
}

static bool validate_speed(struct validation *v, int speed)
{
	struct speed_validation s = {
		.validation = v, .speed = speed, .interface_number = -1, .alternate_setting = -1
	};
	size_t at = v->set_offset[speed];

	for (uint32_t n = 0; n < v->n_descriptors[speed]; n++) {
		if (!validate_descriptor(&s, v->data + at))
			return false;
		at += v->data[at];
	}
	return validate_usb_companion_present(&s) && validate_complete_alternate(&s) &&
	       validate_class_descriptor_present(&s) && validate_last_association(&s) &&
	       !refuse_if(v, FFS_USB_NO_INTERFACE, s.interface_number < 0, v->set_offset[speed]);
}

bool validate_usb_descriptors(struct validation *v)
{
	bool any = false;

	for (int i = 0; i < FFS_SET_COUNT; i++) {
		if (v->n_descriptors[i] == 0)
			continue;
		any = true;
		if (!validate_speed(v, i))
			return false;
	}
	/* The kernel also accepts a blob that has only OS descriptors */
	return !refuse_if(v, FFS_USB_NO_INTERFACE, !any, v->os_descriptors_offset);
}
