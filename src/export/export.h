/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what is in configfs now to a gadget file that makes the same again. */
#pragma once

#include <jansson.h>

#include "configfs/tree.h"
#include "configfs/udc.h"
#include "rundir/record.h"

struct export
{
	const char *name;		  /* of the gadget */
	const struct configfs_tree *live; /* its directory */
	/*
	 * Of a gadget of ours what its supervisor has written down ("form" and "dir"): descriptors
	 * and workers are nowhere else. NULL: somebody else's gadget.
	 */
	const struct record *record;
	const struct udcs *udcs; /* of this machine */
	/* What the file cannot say, in sentences; the file has them as comments. */
	char **lost;
	size_t n_lost;
	/* What the file calls the functions, in their order in configfs. */
	char **labels;
	size_t n_labels;
};
void export_free(struct export *e);

/* The JSON form of the file, for gadgetfile_write; the caller owns it. */
json_t *export_form(struct export *e);
