/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the drivers of hosts for the interfaces of a gadget. */
#include "predict/hosts.h"

#include <linux/usb/ch9.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"

static const char *const host_proof_words[] = {
	[HOST_PROOF_DOCUMENTS] = "from documents",
	[HOST_PROOF_TESTED] = "tested in QEMU",
};

#define HOST_NAME(NAME, word, name) [GADGET_HOST_##NAME] = name,
static const char *const host_names[GADGET_HOST_COUNT] = { GADGET_HOSTS(HOST_NAME) };
#undef HOST_NAME

const struct host_driver host_driver_of_other_config = {
	.note = "the host selects another configuration",
	.source = "Linux: drivers/usb/core/generic.c, usb_choose_configuration()",
};

void host_view_free(struct host_view *v)
{
	for (size_t n = 0; n < v->n; n++)
		free(v->configs[n].list);
	free(v->configs);
}

/* --- the device that a host sees -------------------------------------------------------------- */

/*
 * Returns the index of the interface whose driver takes `i`, which is not in the list yet: in an
 * interface association the first one; for data of CDC and for streams of sound and video the last
 * control interface of the same function.
 */
static size_t find_driver_from(const struct host_device *d, const struct host_interface *i,
			       size_t first_of_association)
{
	/* Class and subclass of an interface, and class of the one whose driver takes it */
	static const struct {
		uint8_t class;
		int subclass;
		uint8_t control_class;
	} parts[] = {
		{ USB_CLASS_CDC_DATA, HOST_ANY, USB_CLASS_COMM },
		{ USB_CLASS_AUDIO, 2, USB_CLASS_AUDIO }, /* streams */
		{ USB_CLASS_AUDIO, 3, USB_CLASS_AUDIO }, /* MIDI */
		{ USB_CLASS_VIDEO, 2, USB_CLASS_VIDEO },
	};

	if (i->is_associated)
		return first_of_association;
	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		if (parts[p].class != i->class[0] ||
		    (parts[p].subclass != HOST_ANY && parts[p].subclass != i->class[1]))
			continue;
		for (size_t n = d->n; n > 0 && d->list[n - 1].function == i->function; n--)
			if (d->list[n - 1].class[0] == parts[p].control_class &&
			    d->list[n - 1].driver_from == n - 1)
				return n - 1;
	}
	return d->n;
}

static void add_interfaces(struct host_device *d, const struct descriptors *config)
{
	size_t n_descriptors = 0, associated_first = 0, associated_end = 0;
	const uint8_t *association = NULL;

	for (size_t n = 0; n < config->n; n++) {
		const uint8_t *bytes = config->list[n].bytes;
		struct host_interface i = { .function = config->list[n].function };

		if (bytes[1] == USB_DT_INTERFACE_ASSOCIATION) {
			d->has_associations = true;
			associated_first = d->n;
			associated_end = d->n + bytes[3];
			association = bytes + 4;
		}
		if (bytes[1] != USB_DT_INTERFACE)
			continue;
		i.n_descriptors_before = n_descriptors++;
		if (bytes[3] != 0)
			continue;
		i.number = bytes[2];
		memcpy(i.class, bytes + 5, sizeof(i.class));
		i.is_associated = d->n < associated_end;
		if (i.is_associated)
			memcpy(i.association_class, association, sizeof(i.association_class));
		i.driver_from = find_driver_from(d, &i, associated_first);
		*array_add(d->list, d->n) = i;
	}
}

/* The sections of the Extended Compat ID descriptor: Microsoft OS Descriptors 1.0, Appendix 1. */
enum {
	COMPAT_HEADER = 16,
	COMPAT_SECTION = 24,
	COMPAT_ID = 2,
	COMPAT_SUB_ID = 10,
	COMPAT_ID_SIZE = 8
};

static void add_compatible_ids(const struct prediction_input *f, struct host_device *d)
{
	_cleanup_os_prediction_ struct os_prediction os = { 0 };

	if (!predict_os(f, &os))
		return;
	for (size_t at = COMPAT_HEADER; at + COMPAT_SECTION <= os.compatible_ids.size;
	     at += COMPAT_SECTION) {
		const uint8_t *section = os.compatible_ids.data + at;

		for (size_t n = 0; n < d->n; n++)
			if (d->list[n].number == section[0]) {
				memcpy(d->list[n].compatible_id, section + COMPAT_ID,
				       COMPAT_ID_SIZE);
				memcpy(d->list[n].sub_compatible_id, section + COMPAT_SUB_ID,
				       COMPAT_ID_SIZE);
			}
	}
}

void host_view_predict(const struct prediction_input *f, struct host_view *v)
{
	_cleanup_descriptors_ struct descriptors device = { 0 };

	*v = (struct host_view){ 0 };
	predict_device(f, &device);
	for (size_t n = 0; n < f->gadget->n_configs; n++) {
		const struct config *config = predict_config_at(f->gadget, n);
		_cleanup_descriptors_ struct descriptors all = { 0 };
		struct host_device *d = array_add(v->configs, v->n);

		d->n_configs = f->gadget->n_configs;
		d->config_id = config->id;
		memcpy(d->class, device.list[0].bytes + 4, sizeof(d->class));
		predict_config(f, config, &all);
		add_interfaces(d, &all);
		if (n == 0)
			add_compatible_ids(f, d);
	}
}

/* --- the driver of a host --------------------------------------------------------------------- */

static bool class_fits(const struct host_driver *row, const uint8_t class[3])
{
	const int wanted[3] = { row->class, row->subclass, row->protocol };

	for (size_t n = 0; n < 3; n++)
		if (wanted[n] != HOST_ANY && wanted[n] != class[n])
			return false;
	return true;
}

static bool id_fits(const char *wanted, const char *id)
{
	return !wanted || streq(wanted, id);
}

/* Windows takes the ids of a function from its interface association. */
static bool looks_at_associations(enum gadget_host host)
{
	return host == GADGET_HOST_WINDOWS_7 || host == GADGET_HOST_WINDOWS_10 ||
	       host == GADGET_HOST_WINDOWS_11;
}

static bool begins_with(const struct host_device *d, uint8_t class, int subclass, int protocol)
{
	return d->n > 0 && d->list[0].class[0] == class &&
	       (subclass == HOST_ANY || d->list[0].class[1] == subclass) &&
	       (protocol == HOST_ANY || d->list[0].class[2] == protocol);
}

/*
 * Returns the configuration that Linux selects: usb_choose_configuration() of
 * drivers/usb/core/generic.c, in a kernel that has rndis_host.
 */
static size_t find_config_of_linux(const struct host_view *v)
{
	for (size_t n = 0; n < v->n; n++) {
		const struct host_device *d = &v->configs[n];
		const bool is_rndis = begins_with(d, USB_CLASS_COMM, 2, 0xff) ||
				      begins_with(d, USB_CLASS_MISC, 1, 1);

		if ((n > 0 || v->n == 1 || !is_rndis) && d->class[0] != USB_CLASS_VENDOR_SPEC &&
		    d->n > 0 && !begins_with(d, USB_CLASS_VENDOR_SPEC, HOST_ANY, HOST_ANY))
			return n;
	}
	return 0;
}

/*
 * Sets *config to the configuration that a host selects; false: unknown. Windows and firmware
 * select the first one.
 */
static bool find_config(const struct host_view *v, enum gadget_host host, size_t *config)
{
	*config = 0;
	switch (host) {
	case GADGET_HOST_LINUX:
	case GADGET_HOST_ANDROID:
	case GADGET_HOST_CHROMEOS:
		*config = find_config_of_linux(v);
		return true;
	case GADGET_HOST_MACOS:
		return v->n == 1;
	default:
		return true;
	}
}

const struct host_driver *host_driver_find(const struct host_view *v, size_t config,
					   size_t interface, enum gadget_host host)
{
	const struct host_device *d = &v->configs[config];
	const struct host_interface *i = &d->list[d->list[interface].driver_from];
	const uint8_t *class =
		i->is_associated && looks_at_associations(host) ? i->association_class : i->class;
	size_t selected;

	if (!find_config(v, host, &selected))
		return NULL;
	if (selected != config)
		return &host_driver_of_other_config;
	for (const struct host_driver *row = host_driver_table; row->hosts; row++)
		if ((row->hosts & 1U << host) && class_fits(row, class) &&
		    id_fits(row->compatible_id, i->compatible_id) &&
		    id_fits(row->sub_compatible_id, i->sub_compatible_id) &&
		    (!row->condition || row->condition(d, i)))
			return row;
	return NULL;
}

/* --- output ----------------------------------------------------------------------------------- */

static void print_host(FILE *to, enum gadget_host host, const struct host_driver *row)
{
	fprintf(to, "    %-10s  ", gadget_host_words[host]);
	if (!row)
		fprintf(to, "unknown\n");
	else if (row == &host_driver_of_other_config)
		fprintf(to, "not used: %s\n", row->note);
	else if (row->driver)
		fprintf(to, "%s%s%s\n", row->driver, row->note ? ": " : "",
			row->note ? row->note : "");
	else
		fprintf(to, "none: %s%s%s\n", row->note, row->remedy ? "; remedy: " : "",
			row->remedy ? row->remedy : "");
}

static void print_config(FILE *to, const struct host_view *v, size_t config)
{
	const struct host_device *d = &v->configs[config];

	if (v->n > 1)
		fprintf(to, "  configuration %u\n", d->config_id);
	for (size_t n = 0; n < d->n; n++) {
		const struct host_interface *i = &d->list[n];
		const uint8_t *class = i->class;

		fprintf(to, "  interface %u of '%s', class %02x/%02x/%02x", i->number,
			i->function->label, class[0], class[1], class[2]);
		if (*i->compatible_id)
			fprintf(to, ", compatible id %s", i->compatible_id);
		if (i->driver_from != n) {
			fprintf(to, ": as interface %u\n", d->list[i->driver_from].number);
			continue;
		}
		fputc('\n', to);
		for (enum gadget_host host = 0; host < GADGET_HOST_COUNT; host++)
			print_host(to, host, host_driver_find(v, config, n, host));
	}
}

void host_drivers_print(FILE *to, const struct host_view *v)
{
	for (size_t config = 0; config < v->n; config++)
		print_config(to, v, config);
}

static json_t *host_to_json(enum gadget_host host, const struct host_driver *row)
{
	return json_pack(
		"{s:s, s:s, s:b, s:s?, s:s?, s:s?, s:s?, s:s?}", "host", gadget_host_words[host],
		"name", host_names[host], "known", row != NULL, "driver", row ? row->driver : NULL,
		"note", row ? row->note : NULL, "remedy", row ? row->remedy : NULL, "proof",
		row ? host_proof_words[row->proof] : NULL, "source", row ? row->source : NULL);
}

static json_t *interface_to_json(const struct host_view *v, size_t config, size_t interface)
{
	const struct host_device *d = &v->configs[config];
	const struct host_interface *i = &d->list[interface];
	const uint8_t *class = i->class;
	json_t *hosts = json_array();

	for (enum gadget_host host = 0; host < GADGET_HOST_COUNT; host++)
		json_array_append_new(
			hosts, host_to_json(host, host_driver_find(v, config, interface, host)));
	return json_pack("{s:i, s:i, s:s, s:s, s:[i,i,i], s:s?, s:i, s:o}", "configuration",
			 (int)d->config_id, "interface", i->number, "function", i->function->label,
			 "type", i->function->type, "class", class[0], class[1], class[2],
			 "compatible_id", *i->compatible_id ? i->compatible_id : NULL,
			 "driver_from", d->list[i->driver_from].number, "hosts", hosts);
}

json_t *host_drivers_to_json(const struct host_view *v)
{
	json_t *interfaces = json_array();

	for (size_t config = 0; config < v->n; config++)
		for (size_t n = 0; n < v->configs[config].n; n++)
			json_array_append_new(interfaces, interface_to_json(v, config, n));
	return interfaces;
}
