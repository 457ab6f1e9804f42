/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of a gadget file, as plain data. gadgetfile_load makes it once; it is read-only
 * afterwards. It has no file descriptors, and nothing in it depends on the running system.
 * gadget_free frees its strings and arrays. Each value has its position in the file, so that a
 * later error can name the position.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/placed.h"
#include "blob/ffs.h"
#include "process/limits.h"
#include "process/sandbox.h"
#include "stream/engines.h"

#define USB_MAX_STRING_BYTES                                                                       \
	126 /* USB_MAX_STRING_LEN, bytes of UTF-8; the kernel cuts or refuses longer strings */

/* The speeds in ascending order. The values differ from those in linux/usb/ch9.h. */
enum gadget_speed {
	GADGET_SPEED_NONE, /* the file sets no speed */
	GADGET_SPEED_FULL,
	GADGET_SPEED_HIGH,
	GADGET_SPEED_SUPER,
	GADGET_SPEED_SUPER_PLUS,
};

/* Device descriptor fields with a configfs attribute, in configfs' order. */
enum gadget_attr {
	GADGET_BCD_USB,
	GADGET_DEVICE_CLASS,
	GADGET_DEVICE_SUB_CLASS,
	GADGET_DEVICE_PROTOCOL,
	GADGET_MAX_PACKET_SIZE0,
	GADGET_ID_VENDOR,
	GADGET_ID_PRODUCT,
	GADGET_BCD_DEVICE,
	GADGET_ATTR_COUNT,
};
extern const char *const gadget_attribute_words[GADGET_ATTR_COUNT]; /* "bcdUSB", ... */

struct gadget_strings {
	uint16_t lang; /* USB language id, 0x0409 = en-US */
	struct position at;
	struct placed_str manufacturer, product, serialnumber;
	/* Source of the serial number, instead of serialnumber: "machine-id", "device-tree" or an
	 * absolute path (serial_number_read in configfs/serial_number.h). For "name" the loader
	 * sets serialnumber itself. */
	struct placed_str serial_from;
};

struct gadget_udc {
	struct placed_str name;	  /* in /sys/class/udc */
	struct placed_str driver; /* driver of the UDC, for systems whose UDC names vary */
	double wait;		  /* seconds; 0: do not wait (`ffsctl run` always waits) */
	struct position at;
};

enum worker_kind { WORKER_NONE, WORKER_PLUGIN, WORKER_EXEC };
enum worker_ready { READY_NOTIFY, READY_FD, READY_STARTED, READY_INSTANCE };
/* When to start the worker of a kernel function. */
enum worker_start { START_CREATED, START_BOUND, START_CONFIGURED };
enum worker_restart { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };
enum worker_on_crash { CRASH_STALL, CRASH_HOLD };
enum worker_on_failed { FAILED_UNBIND, FAILED_STALL };
#define WORKER_ENGINE(NAME, name, needs, description) ENGINE_##NAME,
enum worker_engine { ENGINE_AUTO, STREAM_ENGINES(WORKER_ENGINE) };
#undef WORKER_ENGINE
/*
 * Arrays indexed by enum worker_engine: the engine's word in gadget files and in workers'
 * configuration; and what the engine needs, as bits of enum stream_needs.
 */
extern const char *const worker_engine_words[];
extern const unsigned int worker_engine_needs[];

struct env_var {
	char *name, *value; /* value: ${...} is not expanded yet */
	struct position at;
};

struct worker {
	enum worker_kind kind;
	char *plugin;	    /* name or absolute path */
	char *options_json; /* the group `options` as a JSON object; "{}" if there are no options */
	struct position options_at;
	/*
	 * The program and its arguments (key `exec`); ends with NULL. ${...} is not expanded yet.
	 * argv[0] is a name or an absolute path.
	 */
	char **argv;
	struct position program_at; /* position of the plugin's name or of argv[0] */
	bool opens_ep0; /* the worker is a daemon: it writes descriptors and opens endpoints itself
			 */
	enum worker_start start; /* for a kernel function only; not used with an `ffs` group */
	bool blocking;		 /* open endpoints without O_NONBLOCK */
	enum worker_engine engine;
	struct position engine_at; /* line 0: the file does not set the engine */
	uint32_t io_size,
		io_depth; /* bytes of a transfer; requests in flight; 0: the plugin's default */
	enum worker_ready ready;
	double start_timeout, stop_timeout; /* seconds */
	double watchdog;		    /* seconds; 0: off */
	enum worker_restart restart;
	double restart_delay, restart_max_delay; /* seconds */
	unsigned int restart_limit;		 /* 0: no limit */
	double restart_window;			 /* seconds */
	enum worker_on_crash on_crash;
	/*
	 * The default is already applied: unbind for a daemon or if the gadget has no other
	 * function, else stall.
	 */
	enum worker_on_failed on_failed;
	struct placed_str user; /* name or number; NULL: an allocated user id (worker_uid.h) */
	struct placed_str *groups;
	size_t n_groups;
	bool keep_privileges;
	uint64_t capabilities; /* bit n is the capability with number n (linux/capability.h); used
				  only without keep_privileges */
	bool sandbox;
	unsigned int allowed; /* bits of enum sandbox_permission */
	struct process_limits limits;
	struct env_var *env;
	size_t n_env;
	char *directory; /* working directory, an absolute path; "/" by default */
	struct position at;
};

/*
 * Returns the default of `allowed`: for a plugin every permission, which its declaration limits
 * later; for a program only the permission to start programs.
 */
static inline unsigned int worker_default_allowed(const struct worker *w)
{
	return w->kind == WORKER_EXEC ? SANDBOX_PROGRAMS : SANDBOX_ANY;
}

/* Returns whether the supervisor must keep its privileges to start the worker. */
static inline bool worker_has_privileges(const struct worker *w)
{
	return w->keep_privileges || w->capabilities;
}

enum configfs_attribute_kind {
	ATTRIBUTE_VALUE,
	ATTRIBUTE_VALUE_FILE,
	ATTRIBUTE_DIRECTORY,
	ATTRIBUTE_LINK
};

/*
 * Maximum bytes of an attribute's value: a page without the NUL that configfs appends
 * (fs/configfs/file.c, SIMPLE_ATTR_SIZE).
 */
#define ATTRIBUTE_VALUE_MAX 4095

/*
 * An attribute to write in the configfs directory of a function or of the gadget; or a directory or
 * link to create there.
 */
struct configfs_attribute {
	enum configfs_attribute_kind kind;
	char *path; /* relative to the directory of the function or gadget: "lun.0/file" */
	/*
	 * `size` bytes and a NUL. ATTRIBUTE_VALUE: the value to write; ATTRIBUTE_VALUE_FILE:
	 * absolute path of a file that has the value; ATTRIBUTE_LINK: the target of the link,
	 * relative to the same directory as `path`; ATTRIBUTE_DIRECTORY: NULL.
	 */
	char *value;
	size_t size;
	struct position position; /* position of the setting in the gadget file */
};

struct configfs_attributes {
	struct configfs_attribute *list; /* in the order of creation */
	size_t n;
};
/* Returns the first attribute, directory or link with this path; NULL: there is none. */
const struct configfs_attribute *
configfs_attributes_find(const struct configfs_attributes *attributes, const char *path);

/* The endpoints that a function needs from the UDC besides ep0. */
struct endpoint_count {
	unsigned int in, out;
	bool isochronous; /* at least one endpoint is isochronous */
	bool at_least;	  /* `in` and `out` are minimums: the function may need more endpoints */
};

struct function {
	char *label;	/* name of the function in the gadget file */
	char *type;	/* configfs type: "ffs" */
	char *instance; /* the configfs name is TYPE.INSTANCE, at most 39 characters */
	struct configfs_attributes configfs_attributes;
	struct endpoint_count endpoints;
	struct ffs *ffs; /* NULL: a kernel function */
	/* NULL: no worker; ffsctl then only keeps ep0 open, and a program of the user opens the
	 * endpoints */
	struct worker *worker;
	struct position at;
};

/*
 * Returns the model of the descriptors that ffsctl writes to ep0. NULL: a kernel function, or a
 * function whose daemon writes its own descriptors.
 */
const struct ffs *function_descriptors(const struct function *f);

struct config_strings {
	uint16_t lang;
	char *configuration;
	struct position at;
};

struct config_function {
	char *name;	 /* name of the link in the configuration's directory */
	size_t function; /* index into gadget.functions */
	struct position at;
};

struct config {
	unsigned int id;	      /* bConfigurationValue, 1-255 */
	char *name;		      /* the configfs name is NAME.ID, at most 39 characters */
	struct placed_int attributes; /* bmAttributes */
	struct placed_int max_power;  /* mA */
	struct config_strings *strings;
	size_t n_strings;
	struct config_function *functions;
	size_t n_functions;
	struct position at;
};

struct gadget {
	char *name;
	char *file;	/* absolute path of the gadget file */
	char *file_dir; /* absolute path of the directory of `file` */
	char **files; /* all files that were read, with included files and drop-ins; ends with NULL.
			 Positions point to these strings. */
	const char *
		*drop_ins; /* the drop-ins among `files`, in the order in which they were applied */
	bool autostart;
	enum gadget_speed
		max_speed; /* as in the file, or lower if a function supports only a lower speed */
	struct position max_speed_at;
	struct gadget_udc udc;
	struct placed_str *switch_to; /* names of the gadgets that a worker may switch to */
	size_t n_switch_to;
	struct placed_int attrs[GADGET_ATTR_COUNT]; /* fields of the device descriptor; default of
						       the ids: 1d6b:0104 */
	struct gadget_strings
		*strings; /* default: one group for en-US, whose product is the gadget's name */
	size_t n_strings;
	struct function *functions;
	size_t n_functions;
	struct configfs_attributes
		configfs_attributes; /* of the gadget's own directory; written after functions and
					configurations were created */
	struct config *configs; /* default: one configuration with all functions in file order */
	size_t n_configs;
};

/* Frees the members, not the struct. */
void gadget_strings_free(struct gadget_strings *s);
void gadget_free(struct gadget *g);
/*
 * Returns the endpoint count of the configuration that needs most endpoints, because only one
 * configuration is active at a time. `isochronous` and `at_least` are set if they are set for any
 * configuration, because the kernel binds all of them.
 */
struct endpoint_count gadget_endpoints(const struct gadget *g);
static inline void cleanup_gadget(struct gadget **g)
{
	gadget_free(*g);
}
#define _cleanup_gadget_ __attribute__((cleanup(cleanup_gadget)))
