/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a gadget file says, as plain data: made once by gadgetfile_load, read-only afterwards,
 * without file descriptors and without knowledge of the machine. Strings and arrays belong to the
 * gadget and live until gadget_free. Every value remembers its place in the file, so that an error
 * met much later still points there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/placed.h"
#include "blob/ffs.h"
#include "process/limits.h"
#include "process/sandbox.h"

#define USB_MAX_STRING_BYTES 126 /* USB_MAX_STRING_LEN: of UTF-8; cut or refused beyond it */

/* One of the kernel's speeds, ordered; values are ours, not ch9's. */
enum gadget_speed {
	GADGET_SPEED_NONE, /* the file does not say */
	GADGET_SPEED_FULL,
	GADGET_SPEED_HIGH,
	GADGET_SPEED_SUPER,
	GADGET_SPEED_SUPER_PLUS,
};

/* The device descriptor's fields that configfs has attributes for, in configfs' order. */
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
	/* In place of serialnumber "machine-id", "device-tree" or an absolute path: serial_read of
	 * configfs/serial.h. "name" is a serialnumber by now. */
	struct placed_str serial_from;
};

struct gadget_udc {
	struct placed_str name;	  /* of /sys/class/udc */
	struct placed_str driver; /* the UDC's driver, for machines whose UDC names vary */
	double wait;		  /* seconds; 0: do not wait (run waits anyway) */
	struct position at;
};

enum worker_kind { WORKER_NONE, WORKER_PLUGIN, WORKER_EXEC };
enum worker_ready { READY_NOTIFY, READY_FD, READY_STARTED, READY_INSTANCE };
/* When what a worker at a function of the kernel's serves is there. */
enum worker_start { START_CREATED, START_BOUND, START_CONFIGURED };
enum worker_restart { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };
enum worker_on_crash { CRASH_STALL, CRASH_HOLD };
enum worker_on_failed { FAILED_UNBIND, FAILED_STALL };
enum worker_engine { ENGINE_AUTO, ENGINE_COPY, ENGINE_MMAP, ENGINE_DMABUF };
/* The words of gadget files, and of what a worker is told. */
extern const char *const worker_engine_words[];

struct env_var {
	char *name, *value; /* value with ${...} still in it */
	struct position at;
};

struct worker {
	enum worker_kind kind;
	char *plugin;	    /* a name (looked up among the plugins) or an absolute path */
	char *options_json; /* the `options` group as a JSON object; "{}" when there is none */
	struct position options_at;
	/* exec: NULL-terminated, ${...} still in it; argv[0] with a slash is absolute */
	char **argv;
	struct position program_at; /* of the plugin's name or of argv[0] */
	bool opens_ep0;		    /* it writes its own descriptors, and has its own endpoints */
	enum worker_start start;    /* with a `ffs` group of no meaning: that gates the bind */
	bool blocking;		    /* endpoint descriptors without O_NONBLOCK */
	enum worker_engine engine;
	struct position engine_at;  /* line 0: the default */
	uint32_t io_size, io_depth; /* bytes, requests; 0: the plugin's own */
	enum worker_ready ready;
	double start_timeout, stop_timeout; /* seconds */
	double watchdog;		    /* seconds; 0: off */
	enum worker_restart restart;
	double restart_delay, restart_max_delay; /* seconds */
	unsigned int restart_limit;		 /* 0: no limit */
	double restart_window;			 /* seconds */
	enum worker_on_crash on_crash;
	/* The default is resolved: unbind if nothing else is in the gadget. */
	enum worker_on_failed on_failed;
	struct placed_str user; /* name or number; NULL: a user id of its own */
	struct placed_str *groups;
	size_t n_groups;
	bool keep_privileges;
	uint64_t capabilities; /* that it has without that: bit n for number n of capabilities(7) */
	bool sandbox;
	unsigned int allowed; /* what that may leave open, of enum sandbox_open */
	struct process_limits limits;
	struct env_var *env;
	size_t n_env;
	char *directory; /* absolute; "/" by default */
	struct position at;
};

/* Where the file does not say: a plugin gets what it declares, a program may start others. */
static inline unsigned int worker_default_allowed(const struct worker *w)
{
	return w->kind == WORKER_EXEC ? SANDBOX_PROGRAMS : SANDBOX_ANY;
}

/* Of any kind: whoever starts it must not have given them up. */
static inline bool worker_has_privileges(const struct worker *w)
{
	return w->keep_privileges || w->capabilities;
}

enum entry_kind { ENTRY_WRITE, ENTRY_FILE, ENTRY_DIRECTORY, ENTRY_LINK };

/* One attribute, directory or link below a directory of configfs: a function's, or the gadget's. */
/* Bytes of a value: a page of configfs, less the NUL that the kernel puts behind what is written
 * (fs/configfs/file.c, SIMPLE_ATTR_SIZE). */
#define ENTRY_VALUE_MAX 4095

struct entry {
	enum entry_kind kind;
	char *path; /* relative to that directory: "lun.0/file" */
	/* `size` bytes and a NUL: what is written; ENTRY_FILE: the absolute path of a file with it;
	 * of a link: what it leads to, relative to that directory too; of a directory NULL */
	char *value;
	size_t size;
	struct position at;
};

struct entries {
	struct entry *v; /* in the order of the making */
	size_t n;
};
/* The first one with that path; NULL: there is none. */
const struct entry *entries_find(const struct entries *entries, const char *path);

/* What is taken of a UDC besides ep0, as far as it is known. */
struct endpoint_count {
	unsigned int in, out;
	bool isochronous; /* some of them are */
	bool at_least;	  /* there may be more */
};

struct function {
	char *label;	/* the file's word */
	char *type;	/* configfs' word: "ffs" */
	char *instance; /* configfs name is TYPE.INSTANCE; at most 39 characters in all */
	struct entries entries;
	struct endpoint_count endpoints;
	struct ffs *ffs; /* NULL: the configfs function only */
	/* NULL: nobody; with a `ffs` group ffsctl holds ep0, and a program of the user's opens the
	 * rest */
	struct worker *worker;
	struct position at;
};

/*
 * What ffsctl writes to its ep0; NULL: it is a function of the kernel's, or somebody else writes
 * that.
 */
const struct ffs *function_descriptors(const struct function *f);

struct config_strings {
	uint16_t lang;
	char *configuration;
	struct position at;
};

struct config_function {
	char *name;	 /* of the link in the configuration's directory */
	size_t function; /* index into gadget.functions */
	struct position at;
};

struct config {
	unsigned int id;	      /* bConfigurationValue, 1-255 */
	char *name;		      /* configfs name is NAME.ID; at most 39 characters in all */
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
	char *file;	       /* absolute path of the gadget file */
	char *dir;	       /* its directory */
	char **files;	       /* every file read, included ones too; what origins point into;
				  NULL-terminated */
	const char **drop_ins; /* those of `files` that were laid over the others, in order */
	bool autostart;
	enum gadget_speed
		max_speed; /* as the file says, or lowered to the functions' lowest maximum */
	struct position max_speed_at;
	struct gadget_udc udc;
	struct placed_str *switch_to; /* names of gadgets that a worker may ask to become */
	size_t n_switch_to;
	struct placed_int attrs[GADGET_ATTR_COUNT]; /* defaults filled in: 1d6b:0104 */
	struct gadget_strings *strings;		    /* default filled in: en-US, product = name */
	size_t n_strings;
	struct function *functions;
	size_t n_functions;
	struct entries entries; /* made when functions and configurations are there */
	struct config *configs; /* default filled in: one with every function in file order */
	size_t n_configs;
};

/* What they hold, not the struct. */
void gadget_strings_free(struct gadget_strings *s);
void gadget_free(struct gadget *g);
/* Of the configuration with the most: each begins with all of the UDC's. */
struct endpoint_count gadget_endpoints(const struct gadget *g);
static inline void cleanup_gadget(struct gadget **g)
{
	gadget_free(*g);
}
#define _cleanup_gadget_ __attribute__((cleanup(cleanup_gadget)))
