/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generates valid gadget files from the table of keys: rows decide which settings there are, bytes
 * decide which of them a file has, and whether a value is empty, the smallest, the largest or
 * another one. The loader then refuses what does not fit together, and each setting that has an
 * error is left out, until the loader accepts the file. Shared by the fuzz target, and by the
 * program that writes numbered files for tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gadgetfile/keys/function_types.h"
#include "gadgetfile/keys/key.h"

/* Bytes that decide; when they are used up, each decision is for the smallest. */
struct choices {
	const uint8_t *data;
	size_t size;
};
/* Returns 0 to n - 1; 0 if no bytes are left. `n` is not 0 and at most 65536. */
unsigned int choose(struct choices *c, unsigned int n);

enum { GADGET_FILE_BYTES = 2048, GADGET_FILE_MAX_FUNCTIONS = 8 };
/* Sets `data` to the bytes of file `number`; the same arguments give the same bytes. */
void gadget_file_bytes(uint64_t seed, uint64_t number, uint8_t data[GADGET_FILE_BYTES]);

/* Value of a setting, for counting what was tried. */
enum extreme { EXTREME_NONE, EXTREME_EMPTY, EXTREME_SMALLEST, EXTREME_LARGEST, EXTREME_COUNT };

/* A setting, or an element of a list. */
struct setting {
	const struct key *key; /* its row; of an element: that of the list */
	const char *name;      /* NULL: an element of a list */
	enum { SETTING_VALUE, SETTING_GROUP, SETTING_LIST } kind;
	char *value;		/* SETTING_VALUE: the value as libconfig reads it */
	struct setting **inner; /* settings of a group, elements of a list */
	size_t n_inner;
	enum extreme extreme;
	unsigned int text; /* of the settings of groups: index of the text that has it */
	bool removed;	   /* is in no text, because the loader refused it */
};

#define GADGET_FILE_TEXTS 3 /* the gadget file and at most two drop-ins */

struct gadget_file {
	struct setting *root;
	char *text[GADGET_FILE_TEXTS];
	size_t n_texts;
	bool is_scheme; /* it has only keys of libusbgx's gadget schemes */
};

/*
 * Generates a file. `path`: the path that it has for the loader, which need not exist. The name of
 * each text but the first is PATH.d/N.conf. Returns false if the loader accepts no part of it. The
 * caller calls gadget_file_free in both cases.
 */
bool gadget_file_make(struct gadget_file *file, struct choices *choices, const char *path);
/*
 * As gadget_file_make, but the file has functions of the types `types`, which ends with NULL, in
 * this order, and only settings that change what a host sees. It has one text.
 */
bool gadget_file_make_for_hosts(struct gadget_file *file, struct choices *choices, const char *path,
				const struct function_type *const *types);
void gadget_file_free(struct gadget_file *file);
/* Removes some settings. Returns false, and leaves the file unusable, if the loader accepts no
 * rest. */
bool gadget_file_remove_some(struct gadget_file *file, struct choices *choices, const char *path);

/*
 * Gives a few settings that the texts have a value of the wrong type or a wrong one, or leaves them
 * out, and writes the texts again. The loader refuses most of these files.
 */
void gadget_file_break(struct gadget_file *file, struct choices *choices);

/* Loads the texts, as if they were read from files. Returns what the loader returns. */
int gadget_file_load(const struct gadget_file *file, const char *path, struct gadget **gadget,
		     json_t **document, struct diags *diags);

/* --- between the parts of the generator --- */

/* The state while a file is generated. */
struct generator {
	struct choices *choices;
	bool is_scheme;
	unsigned int percent; /* of optional settings that are there */
	unsigned int n_texts;
	unsigned int n_settings;  /* so far */
	unsigned int n_functions; /* in the group `functions` */
	size_t list_index;	  /* of the element that is generated; 0 outside a list */
	/* Types of the functions, see gadget_file_make_for_hosts; NULL: of any types */
	const struct function_type *const *types;
	size_t n_types_used;
	const struct function_type *type; /* of the function that is generated */
};

/*
 * gadget_files.c: makes the settings, without a look at what the loader says. `types`: NULL, or
 * those of gadget_file_make_for_hosts.
 */
void gadget_file_make_settings(struct gadget_file *file, struct choices *choices,
			       const struct function_type *const *types);

extern const char *const gadget_file_labels[]; /* of functions */

/* gadget_file_values.c */

/* Returns how often, in percent, a file has the setting; -1: as often as other settings. */
int setting_percent(const struct generator *g, const struct key_group *group,
		    const struct key *key);
/* Returns the least number of elements of a list that is not empty. */
size_t list_min_length(const struct key *key);
/*
 * Sets the value of a setting or element that is neither a list nor a group. `types`: the types
 * that it may have, bits of enum node_type.
 */
void make_value(struct generator *g, const struct key_group *group, const struct key *key,
		unsigned int types, struct setting *setting);
