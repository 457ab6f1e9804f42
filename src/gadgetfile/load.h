/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the loader: from the tree to struct gadget, along the table of keys. Groups whose
 * meaning depends on other settings are first read into a draft, which points into the tree.
 */
#pragma once

#include "base/text.h"
#include "gadgetfile/keys/key.h"
#include "gadgetfile/syntax/diag.h"

#define GADGET_MAX_NAME 64   /* the path of the control socket has it, and 107 bytes at most */
#define CONFIGFS_MAX_NAME 39 /* MAX_NAME_LEN of drivers/usb/gadget/configfs.c, less the NUL */

/* Of compatible ids in MS OS descriptors 1.0. */
#define OS_ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

struct load {
	struct diags *diags;
	const struct key_group *keys; /* of the file as a whole */
	const struct scan *scan;
	const struct gadgetfile_plugins *plugins; /* NULL: none is known */
	struct gadget *g;
	/* Where each function of `g` stands: its setting, in file order, those inside
	 * configurations last. */
	struct node **functions;
	size_t n_functions;
	bool *faulty; /* by function: an error was found in it */
	/* The syntax was wrong somewhere: what seems to be missing may only not be understood. */
	bool partial;
	bool relative_noted;
};

struct gadget_draft {
	struct node *name, *udc, *attrs, *strings, *functions, *configs, *os_descs, *webusb;
	struct node *switch_to;
	bool autostart;
	unsigned int max_speed;
};

struct function_draft {
	struct node *type, *instance, *ffs, *worker, *attrs, *tree, *os_descs;
};

struct config_draft {
	struct node *id, *name, *attrs, *strings, *functions;
};

struct config_function_draft {
	struct node *name, *function;
};

struct ffs_draft {
	struct ffs *ffs;
	struct node *mount, *device, *speeds, *interfaces, *rw_proxy, *associations;
	struct node *winusb, *os_compat, *os_properties, *blob;
	struct node **endpoints; /* where each stands, in file order */
	size_t n_endpoints;
	bool virtual_addr, all_ctrl_recip, config0_setup;
	bool plugin; /* serves it */
};

struct class_draft {
	struct node *class;
	struct placed_int subclass, protocol;
};

struct interface_draft {
	struct class_draft class;
	struct node *string, *endpoints, *alternates, *extra;
};

struct blob_draft {
	struct node *descriptors, *strings;
};

struct os_compat_draft {
	struct placed_int interface;
	struct node *compatible, *sub_compatible;
};

struct os_property_draft {
	struct placed_int interface;
	struct node *name, *data;
	unsigned int type;
};

struct association_draft {
	struct placed_int first, count;
	struct class_draft class;
	struct node *string;
};

/* A word of the table and where it stands. */
struct node_word {
	const struct node *node; /* NULL: not set */
	unsigned int value;
};

struct exact_draft {
	struct placed_int max_packet, burst, mult;
	const struct node *interval;
};

struct endpoint_draft {
	struct node_word direction, type;
	struct placed_str name;
	struct placed_int address, max_packet, burst, mult, zlp;
	struct node *interval, *exact[EP_SPEED_COUNT];
};

struct worker_draft {
	struct worker w;
	struct node *plugin, *options, *exec;
	struct node_word opens, privileges, engine;
};

/* What gadgetfile_load does with what was scanned. `s` stays the caller's. */
int load_scanned(struct scan *s, const struct gadgetfile_options *options, struct gadget **out,
		 json_t **json, struct diags *diags);
/* Reads a group's settings into `object`: checks each against its row and calls its setter. */
void load_group(struct load *l, const struct key_group *group, struct node *node, void *object);
/* An error about a value; later checks leave it alone. */
void load_error(struct load *l, struct node *value, const char *fmt, ...) _printf_(3, 4);
/* Where to point when the value at fault is not known any more: at the group's, or itself. */
struct node *load_member(struct node *node, const char *name);
struct position load_position(const struct load *l, const struct text_range *at);
/* " (did you mean 'x'?)", or "" */
char *load_suggest(const char *meant);
/* *meant becomes the candidate if it is nearer to the word than *best, which begins as SIZE_MAX. */
void load_consider(const char *word, const char *candidate, size_t *best, const char **meant);
/* The error about a string that is none of the words, with the one that may be meant. */
void load_wrong_word(struct load *l, const struct key *k, const struct key_word *words,
		     struct node *value);
/* Absolute; what is relative is so to the file that says it. */
char *load_path(const struct load *l, const struct node *value);
/* False, with an error, for what cannot be a string descriptor. */
bool load_check_usb_string(struct load *l, struct node *value);
/* False, with an error, for a language id that the kernel refuses. */
bool load_lang(struct load *l, struct node *value, uint16_t *lang);
/* False, with an error, for what is no binary coded decimal. */
bool load_check_bcd(struct load *l, struct node *value, const char *name);
/*
 * The bytes of a list, with a NUL behind them that does not count. False: an error has been
 * reported. The caller frees them in each case.
 */
bool load_bytes(struct load *l, struct node *list, struct ffs_bytes *bytes);

key_setter set_node, set_node_word, set_bool, set_int, set_uint, set_word, set_seconds, set_size,
	set_memory, set_class, set_lang, set_usb_string, set_serialnumber, set_serial_from,
	set_config_string, set_text, set_file_name, set_path, set_account, set_groups, set_mode,
	set_group, set_endpoint_name, set_config_attributes, set_env, set_capabilities, set_allowed;

/* `functions` and `configs` (NULL: not there), in which functions may stand, too. */
void load_functions(struct load *l, struct node *functions, struct node *configs);
void load_ffs(struct load *l, struct function *f, struct node *node);
void load_interface_endpoints(struct load *l, struct ffs_draft *d, struct interface *interface,
			      struct node *list);
void load_check_endpoints(struct load *l, struct ffs_draft *d);
/* The files of the group `blob` of `group`, the function's 'ffs', which next to nothing may be
 * beside. */
void load_blob(struct load *l, struct ffs_draft *d, const struct node *group);
/* Errors for what FunctionFS would refuse of functions without errors so far. */
void load_check_blobs(struct load *l);
void load_extra(struct load *l, struct interface *interface, struct node *list);
void load_class(struct load *l, const struct class_draft *d, uint8_t *class, uint8_t *subclass,
		uint8_t *protocol);
void load_ffs_string(struct load *l, struct ffs_string *s, struct node *value);
void load_associations(struct load *l, struct ffs *ffs, struct node *list);
void load_winusb(struct load *l, struct function *f, struct ffs_draft *d);
/* Whether a function's file asks for Microsoft OS descriptors; where. NULL: it does not. */
struct node *load_asks_os_descs(const struct load *l, size_t function);
/* What associations need of the gadget as a whole; the configurations are there. */
void load_check_associations(struct load *l);
/* Errors about ${...} in a string of the last function's worker. */
void load_check_variables(struct load *l, struct node *value);
void load_worker(struct load *l, struct function *f, struct node *node);
/* plugin.c: a worker against what its plugin declares. `f`: its function; `node`: `worker`. */
void load_check_plugin(struct load *l, const struct function *f, struct worker_draft *d,
		       struct node *node);
void load_configs(struct load *l, struct node *configs);
/* Warnings about the gadget as a whole, in which there is no error. */
void load_advice(struct load *l);
