/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts a gadget in configfs to a gadget file that makes an equal gadget. */
#pragma once

#include <jansson.h>

#include "configfs/tree.h"
#include "configfs/udc.h"
#include "rundir/record.h"

/* A gadget that is exported. */
struct export
{
	const char *gadget_name;		/* name of the gadget in configfs */
	const struct configfs_tree *gadget_dir; /* the gadget's directory in configfs */
	/*
	 * The gadget's record, which contains what configfs does not have, such as descriptors and
	 * workers. NULL: ffsctl did not make the gadget.
	 */
	const struct record *record;
	const struct udcs *udcs; /* the UDCs of this system */
	/*
	 * Texts of comments in the file, one for each part of the gadget that a gadget file cannot
	 * contain.
	 */
	char **omissions;
	size_t n_omissions;
	/* Labels of the functions in the file, in the order of the directories in configfs. */
	char **function_labels;
	size_t n_function_labels;
};
void export_free(struct export *e);

/* Returns the gadget file as a document for gadgetfile_write; the caller owns it. */
json_t *export_document(struct export *e);
