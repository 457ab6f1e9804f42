/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the driver that a host has for each interface of a gadget, by the table of
 * host_driver_table.c: from the interfaces of the configuration that the host selects, and the
 * Microsoft OS descriptors.
 */
#pragma once

#include "gadgetfile/hosts.h"
#include "predict/predict.h"

/* How a row of the table is known. */
enum host_proof {
	HOST_PROOF_DOCUMENTS, /* from the document or the source code that the row names */
	HOST_PROOF_TESTED,    /* seen in tests/lab/machines, on the host that no one here wrote */
};

/* An interface as the drivers of hosts see it. */
struct host_interface {
	const struct function *function; /* the gadget owns it */
	uint8_t number;
	uint8_t class[3]; /* class, subclass, protocol */
	/* Of the Microsoft OS descriptors; "": none. */
	char compatible_id[9], sub_compatible_id[9];
	bool is_associated; /* an interface association includes it */
	/* Of that association; Windows looks at it instead of `class`. */
	uint8_t association_class[3];
	/* The interface descriptors before it, those of alternate settings too. */
	size_t n_descriptors_before;
	/*
	 * The index of the interface whose driver takes this one too, as that of CDC takes the
	 * interface for data; or its own index.
	 */
	size_t driver_from;
};

/* A gadget with one of its configurations. */
struct host_device {
	uint8_t class[3]; /* class, subclass, protocol */
	size_t n_configs; /* of the gadget */
	unsigned int config_id;
	bool has_associations;
	struct host_interface *list;
	size_t n;
};

/* A gadget with each of its configurations, in the order in which hosts read them. */
struct host_view {
	struct host_device *configs;
	size_t n;
};
void host_view_free(struct host_view *v);
#define _cleanup_host_view_ _cleanup_(host_view_free)

/* A row of the table. All that it names must be so; the first row that fits is the answer. */
struct host_driver {
	unsigned int hosts;	       /* bits 1 << enum gadget_host */
	int class, subclass, protocol; /* HOST_ANY: any */
	const char *compatible_id;     /* NULL: any, also none */
	const char *sub_compatible_id; /* NULL: any, also none */
	/* What else must be so; NULL: nothing. */
	bool (*condition)(const struct host_device *d, const struct host_interface *i);
	const char *driver; /* NULL: the host has none that can use the interface */
	const char *note;   /* why there is none, or what the driver needs; NULL: nothing to say */
	const char *remedy; /* what to change in the gadget file; NULL: nothing helps */
	enum host_proof proof;
	const char *source; /* where it is known from */
};
#define HOST_ANY -1

extern const struct host_driver host_driver_table[]; /* ends with a row without hosts */
/* The row for interfaces of a configuration that the host does not select. */
extern const struct host_driver host_driver_of_other_config;

/*
 * Makes the view that hosts have at the speed of `f`. Functions whose descriptors are not known
 * have no interfaces in it. The caller frees it.
 */
void host_view_predict(const struct prediction_input *f, struct host_view *v);

/*
 * Returns the row for an interface of a configuration; NULL: the table has none, because nothing
 * public says it.
 */
const struct host_driver *host_driver_find(const struct host_view *v, size_t config,
					   size_t interface, enum gadget_host host);

/* Prints the drivers of all hosts for each interface. */
void host_drivers_print(FILE *to, const struct host_view *v);

/*
 * Returns the interfaces with their drivers as a JSON array of schemas/descriptors.schema.json; the
 * caller owns it.
 */
json_t *host_drivers_to_json(const struct host_view *v);
