/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts a gadget in configfs to a gadget file that makes the same gadget. */
#pragma once

#include <jansson.h>

#include "configfs/tree.h"
#include "configfs/udc.h"
#include "rundir/record.h"

struct export
{
	const char *name;		  /* name of the gadget in configfs */
	const struct configfs_tree *tree; /* the gadget's directory in configfs */
	/*
	 * The gadget's record, which contains descriptors and workers; configfs does not. NULL:
	 * there is no record, because ffsctl did not make the gadget.
	 */
	const struct record *record;
	const struct udcs *udcs; /* the UDCs of this system */
	/* A sentence for each thing that the file cannot contain; also a comment in the file. */
	char **lost;
	size_t n_lost;
	/* The functions' labels in the file, in the order of configfs. */
	char **labels;
	size_t n_labels;
};
void export_free(struct export *e);

/* Returns the gadget file as a document for gadgetfile_write; the caller owns it. */
json_t *export_document(struct export *e);
