/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internals of the loader, which makes struct gadget from the syntax tree with the table of keys. A
 * group whose meaning depends on other settings is first read into a struct whose name ends in
 * _settings. Such a struct points into the syntax tree.
 */
#pragma once

#include "base/text.h"
#include "gadgetfile/keys/key.h"
#include "gadgetfile/syntax/diag.h"

/*
 * The path of the control socket, /run/ffsctl/NAME/control, must fit into the 107 bytes that a
 * socket address has for it. This limit leaves room for a longer run directory.
 */
#define GADGET_MAX_NAME 64
/*
 * Languages of the device's strings, and of those of each configuration: MAX_USB_STRING_LANGS of
 * drivers/usb/gadget/configfs.c.
 */
#define MAX_LANGUAGES 2
#define CONFIGFS_MAX_NAME 39 /* MAX_NAME_LEN of drivers/usb/gadget/configfs.c without the NUL */

/* Characters that compatible IDs of Microsoft OS descriptors 1.0 may contain. */
#define OS_ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* The state while a scanned gadget file is loaded into a struct gadget. */
struct load {
	struct diags *diags;
	const struct key_group *top_level_keys; /* keys of the top level of the file */
	/* While the keys of a function are loaded: the attributes of its type, or NULL. */
	const struct key_group *function_attr_keys;
	/* load_hint_at_attribute; a pointer, because it looks into the tables of all types. */
	void (*hint_at_attribute)(struct load *l, const struct key_group *group,
				  const struct node *node, const struct node *setting);
	struct scan *scan;
	const struct gadgetfile_plugin_lookup *plugins; /* NULL: no declarations are available */
	struct gadget *gadget;
	/*
	 * For each function of `gadget`, the setting that defines it: first the members of the
	 * group `functions` in file order, then the functions that are defined inside
	 * configurations.
	 */
	struct node **function_nodes;
	size_t n_function_nodes;
	bool *function_has_error; /* for each function: whether an error about it was added */
	/*
	 * The file has a syntax error, so a missing setting is not reported: it may be in text that
	 * was not parsed.
	 */
	bool has_syntax_error;
	bool relative_path_note_added; /* the note about relative paths was added */
};

/* The settings at the top level of a gadget file, before they are loaded. */
struct gadget_settings {
	struct node *name, *udc, *attrs, *strings, *functions, *configs, *os_descs, *webusb;
	struct node *switch_to, *tree;
	bool autostart;
	unsigned int max_speed, hosts;
};

struct function_settings {
	struct node *type, *instance, *ffs, *worker, *attrs, *tree, *os_descs;
	bool type_unchecked; /* true: accept a type that is not in the table of function types */
	bool optional;
};

struct config_settings {
	struct node *id, *name, *attrs, *strings, *functions, *tree;
};

struct config_function_settings {
	struct node *name, *function;
};

struct ffs_settings {
	struct ffs *ffs;
	struct node *mount, *endpoint_file_symlink, *speeds, *interfaces, *associations;
	struct node *winusb, *os_compat, *os_properties, *blob;
	struct node **endpoints; /* settings of the endpoints, in file order */
	size_t n_endpoints;
	struct node *flags[FFS_FLAG_BITS]; /* settings of the boolean keys that are flags, indexed
					      by FFS_FLAG_NUMBER() */
	bool has_plugin_worker;		   /* the worker of the function is a plugin */
};

struct class_settings {
	struct node *class;
	struct positioned_int subclass, protocol;
};

struct alternate_settings {
	struct class_settings class;
	struct node *endpoints;
};

struct interface_settings {
	struct class_settings class;
	struct node *string, *endpoints, *alternates, *extra_descriptors;
};

struct blob_settings {
	struct node *descriptors, *strings;
};

struct os_compat_settings {
	struct positioned_int interface;
	struct node *compatible, *sub_compatible;
};

struct os_property_settings {
	struct positioned_int interface;
	struct node *name, *data;
	unsigned int type;
};

struct association_settings {
	struct positioned_int first_interface, n_interfaces;
	struct class_settings class;
	struct node *string;
};

/* The settings of a group from which an Ethernet address is made. */
struct address_settings {
	struct positioned_str source;
};

/* A setting whose value is a keyword. */
struct keyword_setting {
	const struct node *node; /* NULL: the file does not have the setting */
	unsigned int value;	 /* keyword.value of the keyword; 0 without the setting */
};

/*
 * The values of an endpoint that are only for one speed: the settings of its group `full`, `high`
 * or `super`.
 */
struct endpoint_speed_settings {
	struct positioned_int max_packet, burst, mult;
	const struct node *interval;
};

struct endpoint_settings {
	struct keyword_setting direction, type;
	struct positioned_str name;
	struct positioned_int address, max_packet, burst, mult, zlp;
	struct node *interval;
	struct node *by_speed[EP_SPEED_COUNT]; /* the groups `full`, `high` and `super` */
};

struct worker_settings {
	struct worker worker;
	struct node *plugin, *options, *exec;
	struct keyword_setting what_worker_opens, privileges, engine;
};

/* Makes the gadget from the syntax tree in `s`, for gadgetfile_load. The caller still owns `s`. */
int load_gadget_from_scanned_text(struct scan *s, const struct gadgetfile_options *options,
				  struct gadget **out, json_t **json, struct diags *diags);
/*
 * Returns whether the gadget is loaded from the document of a record, not from a file. Earlier
 * versions accepted more than this one: what only this version refuses must not be an error about a
 * gadget that is up, because it could no longer be taken over or taken down.
 */
static inline bool load_is_from_document(const struct load *l)
{
	return l->scan->is_from_document;
}
/*
 * Reads the settings of a group into the struct `object`: validates each setting by its key, and
 * calls the key's setter.
 */
void load_group(struct load *l, const struct key_group *group, struct node *node, void *object);
/*
 * Rewrites a value that the key accepts in another form to the usual form (keys/normalize.c). The
 * value must have no error.
 */
void load_normalize(struct load *l, const struct key *k, struct node *value);
/* Adds an error about a value and sets node.has_error, so that later checks skip the value. */
void load_error(struct load *l, struct node *value, const char *fmt, ...) _printf_(3, 4);
/*
 * Returns the node to which load_error must refer in an error about the setting `name` of the group
 * `node`: that setting, or `node` itself if the group does not have the setting.
 */
struct node *load_member_or_node_itself(struct node *node, const char *name);
struct position position_of_range(const struct load *l, const struct text_range *at);
/*
 * Adds the hint "did you mean 'SUGGESTION'?" to the last message; does nothing if `suggestion` is
 * NULL.
 */
void load_add_suggestion_hint(struct load *l, const char *suggestion);
/*
 * If the edit distance of `candidate` to `word` is less than *best_distance, sets *best_distance to
 * this distance and *suggestion to the candidate. If the function is called once for each
 * candidate, *suggestion is then the one that is most similar to `word`. A candidate that begins or
 * ends with `word` counts as more distant than any misspelling. Before the first call,
 * *best_distance must be SIZE_MAX.
 */
void load_improve_suggestion(const char *word, const char *candidate, size_t *best_distance,
			     const char **suggestion);
/*
 * Adds the hint where users can set an attribute that `group` has no key for; adds none if there is
 * no such place. `node`: the group in the gadget file.
 */
void load_hint_at_attribute(struct load *l, const struct key_group *group, const struct node *node,
			    const struct node *setting);
/* Adds an error about the last language of strings that have more than MAX_LANGUAGES. */
void load_error_too_many_languages(struct load *l, const struct node *surplus);
/* Adds an error about a string that is not one of `words`, with a suggestion. */
void load_error_wrong_word(struct load *l, const struct key *k, const struct keyword *words,
			   struct node *value);
/*
 * Returns the value as an absolute path. A relative path is relative to the file that contains the
 * value; if that is not the gadget file, the value becomes absolute in the document, too. The
 * caller frees it.
 */
char *load_absolute_path(struct load *l, struct node *value);
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

key_setter set_node, set_keyword_setting, set_bool, set_int, set_uint, set_uint64, set_keyword,
	set_seconds, set_transfer_size, set_memory_limit, set_class, set_lang, set_usb_string,
	set_serialnumber, set_serialnumber_source, set_address_source, set_config_string, set_text,
	set_name_refusing_slash, set_path, set_user_or_group, set_supplementary_groups,
	set_octal_mode, set_nested_group, set_endpoint_name, set_bm_attributes, set_env,
	set_capabilities, set_word_bits;

/* Loads the functions of the groups `functions` and `configs`; NULL: no such group. */
void load_functions(struct load *l, struct node *functions, struct node *configs);
void load_ffs(struct load *l, struct function *f, struct node *node);
void load_interface_endpoints(struct load *l, struct ffs_settings *d, struct interface *interface,
			      struct node *list);
/*
 * Called when all endpoints of a function are loaded: sets their numbers and the addresses and
 * names that the file does not set, and adds errors about their count, addresses, names and pairs.
 */
void load_finish_endpoints(struct load *l, struct ffs_settings *d);
/*
 * Loads the group 'blob' of a function, and adds errors about keys of its 'ffs' group that cannot
 * be set together with 'blob'. `group` is the 'ffs' group.
 */
void load_blob(struct load *l, struct ffs_settings *d, const struct node *group);
/*
 * Checks the descriptors of functions that have no other errors, and adds errors about descriptors
 * that FunctionFS would refuse.
 */
void load_check_blobs(struct load *l);
void load_extra_descriptors(struct load *l, struct interface *interface, struct node *list);
void load_class(struct load *l, const struct class_settings *d, uint8_t *class, uint8_t *subclass,
		uint8_t *protocol);
void load_ffs_string(struct load *l, struct ffs_string *s, struct node *value);
void load_associations(struct load *l, struct ffs *ffs, struct node *list);
void load_winusb(struct load *l, struct function *f, struct ffs_settings *d);
/*
 * Returns the setting that gives an ffs function Microsoft OS descriptors: 'winusb', 'os_compat' or
 * 'os_properties'; NULL: the function has none.
 */
struct node *load_find_microsoft_os_setting(const struct load *l, size_t function_index);
/*
 * If functions have interface associations, sets the device class that these need, unless the file
 * sets one, and the numbers of the functions' first interfaces. Must be called after load_configs.
 */
void load_finish_associations(struct load *l);
/*
 * Returns whether the device descriptor has the class, subclass and protocol of devices with
 * interface associations.
 */
bool load_has_association_class(const struct load *l);
/*
 * Adds errors about variables (${...}) in `value`, a string in the 'worker' group of the function
 * that was added last.
 */
void load_check_variables_in_string(struct load *l, struct node *value);
void load_worker(struct load *l, struct function *f, struct node *node);
/* Returns whether the worker is a program that logs users in on a terminal: agetty, login, ... */
bool is_login_program(const struct worker *w);
/* Warns about settings with which such a program does not work. `node` is the `worker` group. */
void load_check_login_program(struct load *l, const struct worker *w, const struct node *node);
/*
 * Validates a worker against the declaration of its plugin (check_plugin.c). `node` is the `worker`
 * group.
 */
void load_check_plugin_settings(struct load *l, const struct function *f, struct worker_settings *d,
				struct node *node);
void load_configs(struct load *l, struct node *configs);
/*
 * Returns the text range of the setting or value that begins at a position; NULL: `node` contains
 * none.
 */
const struct text_range *load_find_setting_range(const struct load *l, const struct node *node,
						 const struct position *at);
/* Adds warnings about a gadget that is valid, but will not work as intended. */
void load_add_warnings(struct load *l);
/* Warns about a device class with which hosts do not find drivers (warnings_device_class.c). */
void load_add_device_class_warnings(struct load *l);
/* Warns about languages in which a host does not get each string (warnings_languages.c). */
void load_add_language_warnings(struct load *l);
/* Warns about the device id of a printer function; does nothing for other functions. */
void load_add_printer_warnings(struct load *l, size_t function);
/*
 * Adds errors about attributes of functions that the kernel would refuse only when they are
 * written, and warnings about those that it silently changes, cuts or ignores (kernel_limits.c).
 */
void load_check_kernel_limits(struct load *l);
/* Warns about sound that the endpoints of an audio function have no room for. */
void load_add_sound_warnings(struct load *l, size_t function);
/* Warns about addresses of endpoints that no UDC assigns to them, with 'virtual_addr'. */
void load_add_virtual_address_warnings(struct load *l, const struct config *c);
/* Returns whether Windows may have a driver for the function, so that it is worth a warning. */
bool load_windows_may_have_driver(const struct load *l, size_t function);
