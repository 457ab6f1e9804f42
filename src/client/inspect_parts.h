/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What inspect.c and inspect_ours.c share. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/paths.h"
#include "base/util.h"

/* What the kernel says of a gadget. */
struct inspect_truth {
	bool exists;
	char *udc;   /* what configfs' UDC holds; "" unbound, there or through the driver core */
	char *state; /* of that, as sysfs says; NULL: unknown */
};

void inspect_look(const struct paths *paths, const char *name, struct inspect_truth *truth);
void inspect_truth_free(struct inspect_truth *truth);

/* Where `up` mounts FunctionFS unless the gadget file says otherwise: FFS_TOP GADGET "/" FUNCTION.
 */
#define FFS_TOP "/dev/ffs/"
/* The gadget that such a mount is of; NULL: it is none. The caller frees it. */
char *inspect_mounted_name(const char *path);
/*
 * See mounts_read; NULL where there is no configfs (--configfs): the mounts are then those of
 * another tree. The caller frees it.
 */
char *inspect_mounts(const struct paths *paths);

/* A gadget of which nothing is known but its name. */
json_t *inspect_new_gadget(const char *name, const char *state);
/* NULL and "": null. */
void inspect_set_string(json_t *object, const char *key, const char *value);
void inspect_add_problem(json_t *gadget, const char *severity, const char *fmt, ...) _printf_(3, 4);
/* The UDC that it is bound to, and how that is. */
void inspect_set_udc(json_t *gadget, const struct inspect_truth *truth);
/* Where the kernel's functions show up; FunctionFS ones are told of by the supervisor. */
void inspect_add_nodes(const struct paths *paths, const char *name, json_t *gadget);

/* inspect_ours.c: one that has a directory in RUN; NULL: not any more. `mounts`: see mounts_read.
 */
json_t *inspect_our_gadget(const struct paths *paths, const char *name, const char *mounts);
