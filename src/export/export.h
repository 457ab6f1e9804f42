/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts a gadget in configfs to a gadget file that makes the same gadget. */
#pragma once

#include <jansson.h>

#include "configfs/tree.h"
#include "configfs/udc.h"
#include "rundir/record.h"

struct export
{
	const char *name;		  /* of the gadget */
	const struct configfs_tree *tree; /* its directory */
	/*
	 * The gadget's record, which has the descriptors and workers; they are not in configfs.
	 * NULL: ffsctl did not make the gadget.
	 */
	const struct record *record;
	const struct udcs *udcs; /* the UDCs of this system */
	/* Sentences about what the file cannot contain; they are also comments in the file. */
	char **lost;
	size_t n_lost;
	/* The functions' labels in the file, in the order of configfs. */
	char **labels;
	size_t n_labels;
};
void export_free(struct export *e);

/* Returns the file as a document, for gadgetfile_write; the caller owns it. */
json_t *export_document(struct export *e);
