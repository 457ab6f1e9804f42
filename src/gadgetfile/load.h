/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internals of the loader, which makes struct gadget from the syntax tree with the table of keys. A
 * group whose meaning depends on other settings is first read into a struct whose name ends in
 * _settings. Such a struct points into the tree.
 */
#pragma once

#include "base/text.h"
#include "gadgetfile/keys/key.h"
#include "gadgetfile/syntax/diag.h"

#define GADGET_MAX_NAME 64   /* the path of the control socket must fit into 107 bytes */
#define CONFIGFS_MAX_NAME 39 /* MAX_NAME_LEN of drivers/usb/gadget/configfs.c without the NUL */

/* Characters that compatible IDs of Microsoft OS descriptors 1.0 may contain. */
#define OS_ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

struct load {
	struct diags *diags;
	const struct key_group *keys; /* keys of the whole file */
	const struct scan *scan;
	const struct gadgetfile_plugins *plugins; /* NULL: no declarations are available */
	struct gadget *gadget;
	/*
	 * The setting of each function of `gadget`: first the members of `functions` in file order,
	 * then functions that are defined inside configurations.
	 */
	struct node **functions;
	size_t n_functions;
	bool *has_error; /* for each function: an error about it was added */
	/*
	 * There was a syntax error, so a missing setting is not an error: it may be in text that
	 * was not parsed.
	 */
	bool has_syntax_error;
	bool relative_path_noted; /* the note about relative paths was added */
};

struct gadget_settings {
	struct node *name, *udc, *attrs, *strings, *functions, *configs, *os_descs, *webusb;
	struct node *switch_to;
	bool autostart;
	unsigned int max_speed;
};

struct function_settings {
	struct node *type, *instance, *ffs, *worker, *attrs, *tree, *os_descs;
};

struct config_settings {
	struct node *id, *name, *attrs, *strings, *functions;
};

struct config_function_settings {
	struct node *name, *function;
};

struct ffs_settings {
	struct ffs *ffs;
	struct node *mount, *device, *speeds, *interfaces, *associations;
	struct node *winusb, *os_compat, *os_properties, *blob;
	struct node **endpoints; /* settings of the endpoints, in file order */
	size_t n_endpoints;
	struct node *flags[FFS_FLAG_BITS]; /* settings of the boolean keys that are flags, indexed
					      by FFS_FLAG_NUMBER() */
	bool plugin;			   /* the worker is a plugin */
};

struct class_settings {
	struct node *class;
	struct placed_int subclass, protocol;
};

struct interface_settings {
	struct class_settings class;
	struct node *string, *endpoints, *alternates, *extra;
};

struct blob_settings {
	struct node *descriptors, *strings;
};

struct os_compat_settings {
	struct placed_int interface;
	struct node *compatible, *sub_compatible;
};

struct os_property_settings {
	struct placed_int interface;
	struct node *name, *data;
	unsigned int type;
};

struct association_settings {
	struct placed_int first, count;
	struct class_settings class;
	struct node *string;
};

/* The value of a keyword, and the setting it comes from. */
struct node_word {
	const struct node *node; /* NULL: not set */
	unsigned int value;
};

/* The values of an endpoint that are only for one speed: its groups `full`, `high` and `super`. */
struct exact_settings {
	struct placed_int max_packet, burst, mult;
	const struct node *interval;
};

struct endpoint_settings {
	struct node_word direction, type;
	struct placed_str name;
	struct placed_int address, max_packet, burst, mult, zlp;
	struct node *interval, *exact[EP_SPEED_COUNT];
};

struct worker_settings {
	struct worker w;
	struct node *plugin, *options, *exec;
	struct node_word opens, privileges, engine;
};

/* Makes the gadget from a scanned file, for gadgetfile_load. The caller still owns `s`. */
int load_scanned(struct scan *s, const struct gadgetfile_options *options, struct gadget **out,
		 json_t **json, struct diags *diags);
/* Reads the settings of a group into `object`: validates each by its key and calls the setter. */
void load_group(struct load *l, const struct key_group *group, struct node *node, void *object);
/* Adds an error about a value and marks it bad, so that later checks skip it. */
void load_error(struct load *l, struct node *value, const char *fmt, ...) _printf_(3, 4);
/*
 * Returns the setting `name` of the group `node`; if the group has none, `node` itself. Errors mark
 * the result.
 */
struct node *load_member_or_self(struct node *node, const char *name);
struct position load_position(const struct load *l, const struct text_range *at);
/* Adds the hint "did you mean 'x'?" to the last message; does nothing if `meant` is NULL. */
void load_suggest(struct load *l, const char *meant);
/*
 * Sets *meant to the candidate if its edit distance to `word` is less than *best, and updates
 * *best. The first call needs *best == SIZE_MAX.
 */
void load_compare_suggestion(const char *word, const char *candidate, size_t *best,
			     const char **meant);
/* Adds the error about a string that is not one of the words, with a suggestion. */
void load_error_wrong_word(struct load *l, const struct key *k, const struct key_word *words,
			   struct node *value);
/*
 * Returns the value as an absolute path. A relative path is relative to the file that contains the
 * value. The caller frees it.
 */
char *load_path(const struct load *l, const struct node *value);
/* Returns whether the value can be a string descriptor; adds an error if not. */
bool load_check_usb_string(struct load *l, struct node *value);
/*
 * Sets *lang to the language id in the value if the kernel accepts it. False: an error was added.
 */
bool load_lang(struct load *l, struct node *value, uint16_t *lang);
/* Returns whether the value is BCD; adds an error if not. */
bool load_check_bcd(struct load *l, struct node *value, const char *name);
/*
 * Sets *bytes to the bytes of a list, followed by a NUL that `size` does not count. False: an error
 * was added. The caller frees the bytes in both cases.
 */
bool load_bytes(struct load *l, struct node *list, struct ffs_bytes *bytes);

key_setter set_node, set_node_word, set_bool, set_int, set_uint, set_uint64, set_word, set_seconds,
	set_size, set_memory, set_class, set_lang, set_usb_string, set_serialnumber,
	set_serial_from, set_config_string, set_text, set_file_name, set_path, set_account,
	set_groups, set_mode, set_group, set_endpoint_name, set_config_attributes, set_env,
	set_capabilities, set_allowed;

/* Loads the functions of the groups `functions` and `configs`; NULL: no such group. */
void load_functions(struct load *l, struct node *functions, struct node *configs);
void load_ffs(struct load *l, struct function *f, struct node *node);
void load_interface_endpoints(struct load *l, struct ffs_settings *d, struct interface *interface,
			      struct node *list);
void load_check_endpoints(struct load *l, struct ffs_settings *d);
/*
 * Loads the group 'blob' of a function; `group` is the 'ffs' group of the function; most other keys
 * of that group cannot be set together with 'blob'.
 */
void load_blob(struct load *l, struct ffs_settings *d, const struct node *group);
/*
 * Adds errors for descriptors that FunctionFS would refuse; checks only functions that have no
 * other errors.
 */
void load_check_blobs(struct load *l);
void load_extra_descriptors(struct load *l, struct interface *interface, struct node *list);
void load_class(struct load *l, const struct class_settings *d, uint8_t *class, uint8_t *subclass,
		uint8_t *protocol);
void load_ffs_string(struct load *l, struct ffs_string *s, struct node *value);
void load_associations(struct load *l, struct ffs *ffs, struct node *list);
void load_winusb(struct load *l, struct function *f, struct ffs_settings *d);
/*
 * Returns the setting that gives a function Microsoft OS descriptors; NULL: the function has none.
 */
struct node *load_os_descs_setting(const struct load *l, size_t function);
/*
 * Checks that the device class is right for interface associations. Must be called after
 * load_configs.
 */
void load_check_associations(struct load *l);
/*
 * Adds errors about variables (${...}) in a string of the worker of the function that was added
 * last.
 */
void load_check_variables(struct load *l, struct node *value);
void load_worker(struct load *l, struct function *f, struct node *node);
/* plugin.c: validates a worker against its plugin's declaration. `node`: the `worker` group. */
void load_check_plugin(struct load *l, const struct function *f, struct worker_settings *d,
		       struct node *node);
void load_configs(struct load *l, struct node *configs);
/* Adds warnings about a gadget that is valid, but will not work as intended. */
void load_advice(struct load *l);
