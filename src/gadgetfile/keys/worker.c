// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of keys: the `worker` group. */
#include "gadgetfile/load.h"
#include "process/sandbox.h"

#define SETTING(member) FIELD(struct worker_settings, member)
#define WORKER(member) .offset = offsetof(struct worker_settings, worker.member)
#define SECONDS .flags = KEY_SECONDS, .min = 0, .max = 86400
#define END_WORDS                                                                                  \
	{                                                                                          \
		NULL, 0                                                                            \
	}

#define ENGINE_WORD(NAME, name, needs, description) #name,
#define ENGINE_NEEDS(NAME, name, needs, description) needs,
#define ENGINE_KEY(NAME, name, needs, description) { #name, ENGINE_##NAME },
#define ENGINE_DOC(NAME, name, needs, description) " \"" #name "\" " description

#define RESTART_KEY(NAME, word, final_ends, description) { word, RESTART_##NAME },
#define RESTART_DOC(NAME, word, final_ends, description) " \"" word "\" " description

const char *const worker_engine_words[] = { "auto", STREAM_ENGINES(ENGINE_WORD) };
const unsigned int worker_engine_needs[] = { 0, STREAM_ENGINES(ENGINE_NEEDS) };

static const struct keyword engine_words[] = {
	{ "auto", ENGINE_AUTO },
	STREAM_ENGINES(ENGINE_KEY) END_WORDS,
};
static const struct keyword opens_words[] = {
	{ "endpoints", 0 },
	{ "ep0", 1 },
	END_WORDS,
};
static const struct keyword listen_fds_words[] = {
	{ "ffsctl", LISTEN_FDS_FFSCTL },
	{ "systemd", LISTEN_FDS_SYSTEMD },
	END_WORDS,
};
static const struct keyword start_words[] = {
	{ "created", START_CREATED },
	{ "bound", START_BOUND },
	{ "configured", START_CONFIGURED },
	END_WORDS,
};
static const struct keyword ready_words[] = {
	{ "notify", READY_NOTIFY },	{ "fd", READY_FD }, { "started", READY_STARTED },
	{ "instance", READY_INSTANCE }, END_WORDS,
};
static const struct keyword restart_words[] = {
	WORKER_RESTARTS(RESTART_KEY) END_WORDS,
};
static const struct keyword on_crash_words[] = {
	{ "stall", CRASH_STALL },
	{ "hold", CRASH_HOLD },
	{ "reconnect", CRASH_RECONNECT },
	END_WORDS,
};
static const struct keyword on_failed_words[] = {
	{ "unbind", FAILED_UNBIND },
	{ "stall", FAILED_STALL },
	END_WORDS,
};
/*
 * Names and numbers as in linux/capability.h. The installed version of that header may have fewer
 * capabilities.
 */
static const struct keyword capability_words[] = {
	{ "cap_chown", 0 },
	{ "cap_dac_override", 1 },
	{ "cap_dac_read_search", 2 },
	{ "cap_fowner", 3 },
	{ "cap_fsetid", 4 },
	{ "cap_kill", 5 },
	{ "cap_setgid", 6 },
	{ "cap_setuid", 7 },
	{ "cap_setpcap", 8 },
	{ "cap_linux_immutable", 9 },
	{ "cap_net_bind_service", 10 },
	{ "cap_net_broadcast", 11 },
	{ "cap_net_admin", 12 },
	{ "cap_net_raw", 13 },
	{ "cap_ipc_lock", 14 },
	{ "cap_ipc_owner", 15 },
	{ "cap_sys_module", 16 },
	{ "cap_sys_rawio", 17 },
	{ "cap_sys_chroot", 18 },
	{ "cap_sys_ptrace", 19 },
	{ "cap_sys_pacct", 20 },
	{ "cap_sys_admin", 21 },
	{ "cap_sys_boot", 22 },
	{ "cap_sys_nice", 23 },
	{ "cap_sys_resource", 24 },
	{ "cap_sys_time", 25 },
	{ "cap_sys_tty_config", 26 },
	{ "cap_mknod", 27 },
	{ "cap_lease", 28 },
	{ "cap_audit_write", 29 },
	{ "cap_audit_control", 30 },
	{ "cap_setfcap", 31 },
	{ "cap_mac_override", 32 },
	{ "cap_mac_admin", 33 },
	{ "cap_syslog", 34 },
	{ "cap_wake_alarm", 35 },
	{ "cap_block_suspend", 36 },
	{ "cap_audit_read", 37 },
	{ "cap_perfmon", 38 },
	{ "cap_bpf", 39 },
	{ "cap_checkpoint_restore", 40 },
	END_WORDS,
};
static const struct keyword privileges_words[] = {
	{ "drop", 0 },
	{ "keep", 1 },
	END_WORDS,
};

/* The same words as in sandbox_permission_names[] (process/sandbox_permission_names.h). */
static const struct keyword allow_words[] = {
	{ "network", SANDBOX_NETWORK },
	{ "files", SANDBOX_FILES },
	{ "programs", SANDBOX_PROGRAMS },
	END_WORDS,
};

static const struct key io_rows[] = {
	{ "engine", NODE_STRING, .words = engine_words, .default_text = "auto",
	  .doc = "Engine that moves the data." STREAM_ENGINES(
		  ENGINE_DOC) " \"auto\" is the fastest that this kernel has.",
	  .set = set_keyword_setting, SETTING(engine) },
	{ "size", NODE_INT | NODE_STRING, .min = 1, .max = 16 * 1024 * 1024,
	  .pattern = "^[0-9]{1,9}([KM](B|iB)?)?$", .default_text = "the plugin's",
	  .doc = "Bytes in a transfer: an integer, \"64K\" or \"1M\". At least the largest packet; "
		 "rounded down to whole packets.",
	  .set = set_transfer_size, SETTING(worker.endpoint_transfer_size) },
	{ "depth", NODE_INT, .min = 1, .max = 256, .default_text = "the plugin's",
	  .doc = "Transfers in flight on each endpoint.", .set = set_uint,
	  SETTING(worker.endpoint_queue_depth) },
	{ 0 },
};
const struct key_group io_keys = { "worker.io", "'io'", io_rows, NULL,
				   "How a plugin moves its data." };

static const struct key limits_rows[] = {
	{ "memory", NODE_INT | NODE_STRING, .min = 1 << 20, .max = 1ULL << 40,
	  .pattern = "^[0-9]{1,9}([KMG](B|iB)?)?$", .default_text = "none",
	  .doc = "Bytes of address space: an integer, \"64M\" or \"2G\". All mappings count, "
		 "including libraries and the memory that 'io.engine' maps.",
	  .set = set_memory_limit, WORKER(process_limits.max_memory_bytes) },
	{ "files", NODE_INT, .min = 16, .max = 1048576, .default_text = "the system's",
	  .doc = "Open file descriptors, including those that ffsctl passes to the worker.",
	  .set = set_uint64, WORKER(process_limits.max_open_files) },
	{ "cpu", NODE_INT, .min = 1, .max = 1000000000, .default_text = "none",
	  .doc = "Seconds of CPU time after which the worker is killed (SIGXCPU); counted from "
		 "each restart.",
	  .set = set_uint64, WORKER(process_limits.max_cpu_seconds) },
	{ "tasks", NODE_INT, .min = 1, .max = 4194304,
	  .default_text = "256 for a worker with a user id of its own, else none",
	  .doc = "Processes and threads of the worker's user, including those not started by the "
		 "worker. Does not limit root.",
	  .set = set_uint64, WORKER(process_limits.max_tasks_of_user) },
	{ 0 },
};
const struct key_group limits_keys = {
	"worker.limits", "'limits'", limits_rows, NULL,
	"Resource limits of each process of the worker. A 'reload' with other limits restarts the "
	"worker."
};

static const struct key env_name = {
	"NAME",
	NODE_STRING | NODE_INT,
	.doc = "A variable of the worker's environment; ${...} is expanded as in 'exec'.",
};
static const struct key_group env_keys = { "worker.env", "'env'", NULL, &env_name,
					   "The worker's environment." };

static const struct key worker_rows[] = {
	{ "plugin", NODE_STRING, .flags = KEY_NOT_EMPTY,
	  .doc = "The plugin to run as the worker: a name, or the path of a shared object.",
	  .set = set_node, SETTING(plugin) },
	{ "options", NODE_GROUP, .default_text = "none",
	  .doc = "Options of the plugin; 'ffsctl plugins NAME' lists them.", .set = set_node,
	  SETTING(options) },
	{ "exec", TYPE_LIST | NODE_STRING, NODE_STRING, KEY_NOT_EMPTY,
	  .doc = "The program to run as the worker, and its arguments; a string is a program "
		 "without arguments. No shell is used. A name without a slash is searched in "
		 "PATH; a path is relative to the file. ${dir}, ${gadget}, ${function}, ${mount}, "
		 "${device} (a path: /dev/ttyGS0), ${device_name} (its name: ttyGS0) and "
		 "${ifname} are expanded; ${ cannot be written for anything else.",
	  .set = set_node, SETTING(exec) },
	{ "opens", NODE_STRING, .words = opens_words, .default_text = "endpoints",
	  .doc = "endpoints: the worker gets open endpoints. ep0: the worker is a daemon that "
		 "opens ep0 and writes the descriptors itself; 'ffs' then has only 'mount' and "
		 "'speeds'.",
	  .set = set_keyword_setting, SETTING(what_worker_opens) },
	{ "listen_fds", NODE_STRING, .words = listen_fds_words, .default_text = "ffsctl",
	  .doc = "What a program gets as file descriptors from 3 on. ffsctl: config, control and the "
		 "endpoints (ffsctl-worker(7)). systemd: ep0 and the endpoint files, as a service "
		 "with ListenUSBFunction= gets them, and nothing else; the program reads the events "
		 "and answers the control requests itself, and its end unbinds the gadget until it "
		 "runs again.",
	  .set = set_keyword, WORKER(listen_fds) },
	{ "start", NODE_STRING, .words = start_words,
	  .default_text = "created for acm, gser and obex; bound for other functions",
	  .doc = "When the worker of a kernel function starts: when the function is created, when "
		 "the gadget is bound, or when the host has configured it. It runs only while its "
		 "device or network interface exists, which for acm, gser and obex is as soon as "
		 "the function is created.",
	  .set = set_keyword, WORKER(start_when) },
	{ "blocking", NODE_BOOL, .default_text = "true for exec, false for plugin",
	  .doc = "Endpoints are opened without O_NONBLOCK: reads and writes block.",
	  .set = set_bool, WORKER(blocking_io) },
	{ "io", NODE_GROUP, .group = &io_keys, .doc = "How a plugin moves its data.",
	  .set = set_nested_group, .offset = 0 },
	{ "ready", NODE_STRING, .words = ready_words,
	  .default_text = "notify for plugin, started for exec, instance where opens is ep0",
	  .doc = "How the worker reports that it is ready: notify (READY=1 to NOTIFY_SOCKET or a "
		 "READY message), fd (a newline on NOTIFY_FD), started (when the program "
		 "has run for half a second: what it opens may come later), instance (it has written its "
		 "descriptors).",
	  .set = set_keyword, WORKER(ready_when) },
	{ "start_timeout", TYPE_SECONDS, SECONDS, .default_text = "10",
	  .doc = "Seconds until the worker must be ready.", .set = set_seconds,
	  WORKER(start_timeout) },
	{ "stop_timeout", TYPE_SECONDS, SECONDS, .default_text = "5",
	  .doc = "Seconds until a stopping worker is killed.", .set = set_seconds,
	  WORKER(stop_timeout) },
	{ "watchdog", TYPE_SECONDS, SECONDS, .default_text = "off",
	  .doc = "Seconds within which the worker must answer PING (the plugin host does so for "
		 "plugins, unless they hang) or send WATCHDOG=1 to NOTIFY_SOCKET; else it is "
		 "killed "
		 "and restarted as after a crash. 0: off.",
	  .set = set_seconds, WORKER(watchdog) },
	{ "control_timeout", TYPE_SECONDS, .flags = KEY_SECONDS, .min = 0.5, .max = 5,
	  .default_text = "0.5",
	  .doc = "Seconds within which the worker must answer a control request of the host, else "
		 "it is stalled, and the log says so; at most 5 (USB 2.0, 9.2.6.1). A standard "
		 "request must be answered within 0.5 s in any case (9.2.6.4). Until then the host "
		 "waits with its other control requests to the gadget, and many programs of hosts "
		 "give a request up after one second.",
	  .set = set_seconds, WORKER(control_timeout) },
	{ "restart", NODE_STRING, .words = restart_words, .default_text = "always",
	  .doc = "Whether to start the worker again after it has ended." WORKER_RESTARTS(
		  RESTART_DOC) " A worker that is not restarted is done. One that exits with 125 "
			       "has failed, and no policy restarts it.",
	  .set = set_keyword, WORKER(restart_when) },
	{ "restart_delay", TYPE_SECONDS, SECONDS, .default_text = "1",
	  .doc = "Seconds to wait before a restart. The delay doubles with each further restart, "
		 "up to 'restart_max_delay'. A worker that has run for at least 10 s is restarted "
		 "at once, and its next delay is 'restart_delay' again.",
	  .set = set_seconds, WORKER(restart_delay) },
	{ "restart_max_delay", TYPE_SECONDS, SECONDS, .default_text = "30",
	  .doc = "Longest delay before a restart, in seconds.", .set = set_seconds,
	  WORKER(restart_max_delay) },
	{ "restart_limit", NODE_INT, .min = 0, .max = 1000000, .default_text = "5",
	  .doc = "Number of restarts in 'restart_window' after which the worker has failed and is "
		 "not restarted again; 0: no limit.",
	  .set = set_uint, WORKER(restart_limit) },
	{ "restart_window", TYPE_SECONDS, SECONDS, .default_text = "60",
	  .doc = "Period in seconds for which restarts are counted.", .set = set_seconds,
	  WORKER(restart_window) },
	{ "on_crash", NODE_STRING, .words = on_crash_words,
	  .default_text = "hold for smart card readers, USBTMC and CMSIS-DAP, else stall",
	  .doc = "What to do when the end of the worker may have cut a transfer, which a worker "
		 "that stops by itself when it is asked to does not: halt the endpoints until the "
		 "host clears that (stall), let transfers of the host wait for the next worker "
		 "(hold), or unbind the gadget and bind it again (reconnect).",
	  .set = set_keyword, WORKER(on_crash) },
	{ "on_failed", NODE_STRING, .words = on_failed_words,
	  .default_text = "unbind if the gadget has no other function, else stall",
	  .doc = "What to do when the worker has failed (see 'restart_limit'): unbind the gadget, "
		 "or leave the endpoints halted.",
	  .set = set_keyword, WORKER(on_failed) },
	{ "user", NODE_STRING | NODE_INT, .flags = KEY_NOT_EMPTY, .min = 0, .max = 4294967294.0,
	  .default_text = "an allocated user id",
	  .doc = "User of the worker, a name or a number. A worker that runs as \"root\" has "
		 "root's rights to files and services even without 'privileges'. A program without "
		 "this key may open the device of its function while it runs: the device node, or the "
		 "file to which the key 'device' of ffs leads, unless 'mount' sets owner or mode.",
	  .set = set_user_or_group, WORKER(user) },
	{ "groups", TYPE_LIST, NODE_STRING | NODE_INT, .min = 0, .max = 4294967294.0,
	  .default_text = "none", .doc = "Supplementary groups of the worker, names or numbers.",
	  .set = set_supplementary_groups, .offset = 0 },
	{ "privileges", NODE_STRING, .words = privileges_words, .default_text = "drop",
	  .doc = "drop: the worker has no capabilities, and cannot gain any. keep: it has all "
		 "privileges of its 'user', for login programs.",
	  .set = set_keyword_setting, SETTING(privileges) },
	{ "capabilities", TYPE_LIST, NODE_STRING, .words = capability_words, .default_text = "none",
	  .doc = "Capabilities that the worker has, whatever its user: \"cap_net_admin\".",
	  .set = set_capabilities, .offset = 0 },
	{ "sandbox", NODE_BOOL, .default_text = "true for plugin, false for exec",
	  .doc = "Refuses system calls that the worker does not need. Signals to other processes "
		 "and rarely used calls are always refused. Sockets, writing to files and starting "
		 "programs are refused unless 'allow' permits them.",
	  .set = set_bool, WORKER(sandbox) },
	{ "allow", TYPE_LIST, NODE_STRING, .words = allow_words,
	  .default_text = "what the plugin declares that it needs; \"programs\" for exec",
	  .doc = "What the sandbox permits: \"network\" (sockets), \"files\" (writing to them), "
		 "\"programs\" (starting them). A plugin never gets more permissions than it "
		 "declares; a shorter list restricts it further, and () permits nothing. A program "
		 "may always start other programs.",
	  .set = set_word_bits, FIELD(struct worker_settings, worker.sandbox_permissions) },
	{ "env", NODE_GROUP, .group = &env_keys, .default_text = "PATH only",
	  .doc = "The worker's environment.", .set = set_env, .offset = 0 },
	{ "directory", NODE_STRING, .flags = KEY_NOT_EMPTY, .default_text = "/",
	  .doc = "The worker's working directory.", .set = set_path, WORKER(working_directory) },
	{ "limits", NODE_GROUP, .group = &limits_keys, .default_text = "none",
	  .doc = "Resource limits of each process of the worker.", .set = set_nested_group,
	  .offset = 0 },
	{ 0 },
};
const struct key_group worker_keys = { "worker", "'worker'", worker_rows, NULL,
				       "The process that moves the data of a function." };
