/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of a gadget file, as plain data. gadgetfile_load makes the model, which is read-only
 * afterwards. The model has no file descriptors, and does not depend on the running system.
 * gadget_free frees its strings and arrays. Each value has its position in the file, so that a
 * later error can name the position.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/positioned_value.h"
#include "blob/ffs.h"
#include "gadgetfile/hosts.h"
#include "gadgetfile/worker_restart_policies.h"
#include "process/process_limits.h"
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
extern const char *const gadget_speed_words[]; /* "none", "full" */

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
	struct positioned_str manufacturer, product, serialnumber;
	/*
	 * Source of the serial number, instead of serialnumber: "machine-id", "device-tree" or an
	 * absolute path (serial_number_read in configfs/serial_number.h). NULL if the gadget file
	 * has the source "name": the loader sets serialnumber to the name of the gadget.
	 */
	struct positioned_str serialnumber_source;
};

struct gadget_udc {
	struct positioned_str name; /* name of the UDC in /sys/class/udc */
	struct positioned_str
		driver;	     /* name of the UDC's driver, for systems whose UDC names vary */
	double wait_seconds; /* time to wait for the UDC; 0: none (`ffsctl run` always waits) */
	struct position at;
};

enum worker_kind { WORKER_NONE, WORKER_PLUGIN, WORKER_EXEC };
/* How the worker reports that it is ready (key `ready` in ffsctl-gadget(5)). */
enum worker_ready { READY_NOTIFY, READY_FD, READY_STARTED, READY_INSTANCE };
/* When to start the worker of a kernel function. */
enum worker_start { START_CREATED, START_BOUND, START_CONFIGURED };
/*
 * Which file descriptors a program gets (key `listen_fds`): those of ffsctl-worker(7), or ep0 and
 * the endpoint files in the order in which systemd passes them (systemd.socket(5),
 * ListenUSBFunction=).
 */
enum worker_listen_fds { LISTEN_FDS_FFSCTL, LISTEN_FDS_SYSTEMD };
enum worker_on_crash { CRASH_STALL, CRASH_HOLD, CRASH_RECONNECT };
enum worker_on_failed { FAILED_UNBIND, FAILED_STALL };
#define WORKER_ENGINE(NAME, name, needs, description) ENGINE_##NAME,
enum worker_engine { ENGINE_AUTO, STREAM_ENGINES(WORKER_ENGINE) };
#undef WORKER_ENGINE
/*
 * Arrays indexed by enum worker_engine. worker_engine_words has the word for the engine in gadget
 * files and in the configuration of workers. worker_engine_needs has what the engine needs, as bits
 * of enum stream_needed_feature.
 */
extern const char *const worker_engine_words[];
extern const unsigned int worker_engine_needs[];

/* An environment variable that the gadget file sets for a worker. */
struct env_var {
	char *name, *value; /* `value` may contain ${...}, which is expanded at each start of the
			       worker */
	struct position at;
};

/* The settings of a worker in the gadget file. (A worker that runs is a struct live_worker.) */
struct worker {
	enum worker_kind kind;
	char *plugin;	    /* the plugin's name or absolute path */
	char *options_json; /* the group `options` as a JSON object; "{}" if there are no options */
	struct position options_at;
	/*
	 * The program and its arguments (key `exec`); ends with NULL. They may contain ${...},
	 * which is expanded at each start of the worker. argv[0] is a name or an absolute path.
	 */
	char **argv;
	struct position program_at; /* position of the plugin's name or of argv[0] */
	bool opens_ep0; /* the worker is a daemon: it writes descriptors and opens endpoints
			   itself; the function's keeper then runs without ep0 */
	enum worker_listen_fds listen_fds;
	enum worker_start start_when; /* only for the worker of a kernel function */
	bool blocking_io;	      /* endpoints are opened without O_NONBLOCK */
	enum worker_engine engine;
	struct position engine_at;	 /* of the key `engine`; line 0: the file does not set it */
	uint32_t endpoint_transfer_size; /* bytes of a transfer at an endpoint; 0: the plugin's
					    default */
	uint32_t endpoint_queue_depth;	 /* requests in flight at each endpoint; 0: the plugin's
					    default */
	enum worker_ready ready_when;
	double start_timeout, stop_timeout; /* seconds */
	double watchdog;		    /* seconds; 0: off */
	double control_timeout;		    /* seconds within which it answers a control request */
	enum worker_restart restart_when;
	double restart_delay, restart_max_delay; /* seconds */
	unsigned int restart_limit;		 /* restarts in `restart_window`; 0: no limit */
	double restart_window;			 /* seconds */
	enum worker_on_crash on_crash;
	/*
	 * Default: FAILED_UNBIND if the worker is a daemon or if the gadget has no other function;
	 * else FAILED_STALL.
	 */
	enum worker_on_failed on_failed;
	struct positioned_str user; /* name or number; NULL: an allocated user id (worker_uid.h) */
	struct positioned_str *groups;
	size_t n_groups;
	struct process_limits
		process_limits; /* `capabilities` is 0 if `keep_all_privileges` is set */
	bool sandbox;
	unsigned int sandbox_permissions; /* bits of enum sandbox_permission */
	struct env_var *env;
	size_t n_env;
	char *working_directory; /* absolute path; "/" by default */
	struct position at;
};

/*
 * Returns the default of `sandbox_permissions`. For a plugin, the default is all permissions. When
 * the worker is started, it gets only those of them that the plugin declares. For a program, the
 * default is only the permission to start programs.
 */
static inline unsigned int worker_default_permissions(const struct worker *w)
{
	return w->kind == WORKER_EXEC ? SANDBOX_PROGRAMS : SANDBOX_ANY;
}

/* Returns whether only a supervisor that has kept its privileges can start the worker. */
static inline bool worker_needs_privileges(const struct worker *w)
{
	return w->process_limits.keep_all_privileges || w->process_limits.capabilities;
}

/* What an entry in the configfs directory of a function, a configuration or the gadget is. */
enum configfs_entry_kind {
	ATTRIBUTE_VALUE,
	ATTRIBUTE_VALUE_FILE,
	ATTRIBUTE_ADDRESS_SOURCE,
	ATTRIBUTE_DIRECTORY,
	ATTRIBUTE_LINK
};

/*
 * Maximum bytes of an attribute's value: a page without the NUL that configfs appends
 * (fs/configfs/file.c, SIMPLE_ATTR_SIZE).
 */
#define ATTRIBUTE_VALUE_MAX 4095

/*
 * An attribute to write in the configfs directory of a function, a configuration or the gadget; or
 * a directory or link to create there.
 */
struct configfs_attribute {
	enum configfs_entry_kind entry_kind;
	char *path; /* relative to the directory of the function, configuration or gadget:
		       "lun.0/file" */
	/*
	 * `size` bytes and a NUL. ATTRIBUTE_VALUE: the value to write; ATTRIBUTE_VALUE_FILE:
	 * absolute path of a file that has the value; ATTRIBUTE_ADDRESS_SOURCE: source from which
	 * an Ethernet address is made (mac_address_read in configfs/mac_address.h); ATTRIBUTE_LINK:
	 * the target of the link, relative to the same directory as `path`; ATTRIBUTE_DIRECTORY:
	 * NULL.
	 */
	char *value;
	size_t size;
	struct position position; /* position of the setting in the gadget file */
};

struct configfs_attributes {
	struct configfs_attribute *list; /* in the order in which they are written or created */
	size_t n;
};
/* Returns the first attribute, directory or link with this path; NULL: there is none. */
const struct configfs_attribute *
configfs_attributes_find(const struct configfs_attributes *attributes, const char *path);
/* Returns the attribute `name` in the same directory as `a`, whose path has a directory; NULL:
 * none. */
const struct configfs_attribute *
configfs_attributes_find_beside(const struct configfs_attributes *attributes,
				const struct configfs_attribute *a, const char *name);

/* The endpoints that a function needs from the UDC besides ep0. */
struct endpoint_count {
	unsigned int in, out;
	bool has_isochronous; /* at least one endpoint is isochronous */
	bool is_minimum;      /* `in` and `out` are minimums */
};

/* A function in the gadget file. (While the gadget is up, it is a struct live_function.) */
struct function {
	char *label;	/* name of the function in the gadget file */
	char *type;	/* configfs type: "ffs" */
	char *instance; /* the configfs name is TYPE.INSTANCE, at most 39 characters */
	struct configfs_attributes configfs_attributes;
	struct endpoint_count endpoints;
	struct ffs *ffs; /* NULL: a kernel function */
	/*
	 * NULL: no worker; ffsctl then only keeps ep0 open, and a program of the user opens the
	 * endpoints
	 */
	struct worker *worker;
	bool optional; /* the gadget works without this function while its worker is not ready */
	struct position at;
};

/*
 * Returns the model of the descriptors that ffsctl writes to ep0. NULL: a kernel function, or a
 * function whose daemon writes its own descriptors.
 */
const struct ffs *function_descriptors(const struct function *f);
/*
 * Returns whether the worker holds ep0: it is a daemon, or it gets ep0 as a service of systemd
 * does. When it ends, the kernel discards the descriptors and unbinds the gadget.
 */
bool worker_holds_ep0(const struct worker *w);
/* Returns whether the function's keeper holds ep0, so that the end of the worker changes nothing.
 */
bool function_keeper_holds_ep0(const struct function *f);

struct config_strings {
	uint16_t lang;
	char *configuration; /* string of the configuration */
	struct position at;
};

/* A function's link in a configuration. */
struct config_function {
	char *name;	       /* name of the link in the configuration's directory */
	size_t function_index; /* in gadget.functions */
	struct position at;
};

/* A USB configuration. */
struct config {
	unsigned int id; /* bConfigurationValue, 1-255 */
	char *name;	 /* the configfs name is NAME.ID, at most 39 characters */
	struct positioned_int bm_attributes;
	struct positioned_int max_power; /* mA */
	struct config_strings *strings;
	size_t n_strings;
	struct config_function *functions;
	size_t n_functions;
	/* attributes in the configuration's directory that have no key of their own */
	struct configfs_attributes configfs_attributes;
	struct position at;
};

/* The model: what a gadget file means. */
struct gadget {
	char *name;
	char *file;	       /* absolute path of the gadget file */
	char *file_dir;	       /* absolute path of the directory of `file` */
	char **source_files;   /* paths of the gadget file, its drop-ins and all files that they
				  include; ends with NULL. The `file` of each position points to one
				  of these strings. */
	const char **drop_ins; /* paths of the drop-ins, in the order in which they were applied;
				  ends with NULL */
	bool autostart;
	enum gadget_speed max_speed; /* speed that the file sets, or a lower one if a function does
					not support it */
	struct position max_speed_at;
	unsigned int hosts; /* for each host that the file names, the bit 1 << enum gadget_host */
	struct gadget_udc udc;
	struct positioned_str *switch_to; /* names of the gadgets to which a worker may switch */
	size_t n_switch_to;
	struct positioned_int
		device_attrs[GADGET_ATTR_COUNT]; /* fields of the device descriptor; default of
					     idVendor and idProduct: 1d6b:0104 */
	struct gadget_strings
		*strings; /* default: one group for en-US, whose product is the gadget's name */
	size_t n_strings;
	struct function *functions;
	size_t n_functions;
	struct position functions_at; /* position of the key `functions` */
	struct configfs_attributes
		configfs_attributes; /* attributes in the gadget's directory, not in those of its
					functions; written after functions and configurations were
					created */
	struct config *configs; /* default: one configuration with all functions in file order */
	size_t n_configs;
};

/* Frees the members, not the struct. */
void gadget_strings_free(struct gadget_strings *s);
void gadget_free(struct gadget *g);
/*
 * Returns the number of endpoints that the gadget needs: that of the configuration that needs most
 * endpoints, because only one configuration is active at a time. `has_isochronous` and `is_minimum`
 * are true if they are true for any configuration, because the kernel binds the functions of all
 * configurations.
 */
struct endpoint_count gadget_endpoint_count(const struct gadget *g);
/*
 * Returns the function of this type that is linked last into a configuration, which it stores in
 * *config unless `config` is NULL; NULL: there is none.
 */
const struct function *gadget_last_linked_function(const struct gadget *g, const char *type,
						   const struct config **config);
static inline void cleanup_gadget(struct gadget **g)
{
	gadget_free(*g);
}
#define _cleanup_gadget_ __attribute__((cleanup(cleanup_gadget)))
