/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol of the control socket of a supervisor, RUN/NAME/control: AF_UNIX SOCK_SEQPACKET, one
 * JSON object per packet. The client sends one request, a command with its parameters; the
 * supervisor sends the answer when the command is done. Both use the structs below; only control.c
 * handles JSON.
 *
 *   {"command": "restart", "function": "echo"}
 *   {"command": "bind", "udc": "dummy_udc.0"}
 *
 * CONTROL_COMMANDS lists all commands; control.c has the names of their JSON members. The answer is
 * {"exit": 0}, with further members for some commands (bind: "udc" and "changed"), or an error of
 * error_to_reply. Root and members of the group of --group may send requests. Only root may send
 * the name of a file that the supervisor, which runs as root, loads or executes.
 */
#pragma once

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/paths.h"

#define CONTROL_MESSAGE_MAX 65536

/*
 * The commands: REQUEST(NAME, name, word, parameters, values of the answer). The last two
 * columns are names of tables in control.c. The function begin_NAME in
 * supervisor/control_commands.c executes the command.
 */
/* clang-format off */
#define CONTROL_COMMANDS(REQUEST) \
	REQUEST(DOWN, down, "down", none, none) \
	REQUEST(RESTART, restart, "restart", restart_request, restart_answer) \
	REQUEST(BIND, bind, "bind", bind_request, bus_answer) \
	REQUEST(UNBIND, unbind, "unbind", none, bus_answer) \
	REQUEST(WAIT, wait, "wait", wait_request, wait_answer) \
	REQUEST(WAIT_HOST, wait_host, "wait-host", none, wait_answer) \
	REQUEST(RELOAD, reload, "reload", reload_request, reload_answer) \
	REQUEST(REEXEC, reexec, "reexec", reexec_request, none)
/* clang-format on */

#define CONTROL_ENUMERATOR(NAME, name, word, request, answer) COMMAND_##NAME,
enum control_command {
	COMMAND_UNKNOWN, /* a command that only another version of ffsctl has */
	CONTROL_COMMANDS(CONTROL_ENUMERATOR) COMMAND_COUNT
};
#undef CONTROL_ENUMERATOR

/* What the command `wait` waits for. */
enum wait_condition {
	CONDITION_UNKNOWN,
	CONDITION_READY,
	CONDITION_CONFIGURED,
	CONDITION_DISCONNECTED,
	CONDITION_COUNT
};
extern const char *const wait_condition_words[CONDITION_COUNT];

/*
 * A command with its parameters. The comment of a parameter begins with the commands that use it.
 */
struct socket_request {
	enum control_command command;
	const char *function;	       /* restart: label of the function; NULL: all functions */
	const char *udc;	       /* bind: name of the UDC; NULL: any UDC */
	enum wait_condition condition; /* wait: the state to wait for */
	const char *file_path;	/* reload: the gadget file; NULL: the current file of the gadget */
	bool keeps_gadget_name; /* reload: the gadget keeps its name even if the file has another
				   name */
	bool forces_eject;	/* reload: ejects media that the host has locked */
	double timeout_seconds; /* reload: time limit */
	const char *program_path; /* reexec: absolute path of the program */
};

/* The values of the answer to a command that succeeded. */
struct socket_answer {
	/* wait, wait-host: only the UDC's state shows that a host has configured the gadget */
	bool configured_by_udc;
	bool gadget_changed; /* bind, unbind, reload: the command changed the gadget */
	bool rebound; /* reload: the gadget was unbound and bound, so the host saw a new device */
	const char *udc; /* bind, unbind: the UDC that the gadget is bound to; NULL: none */
	/* reload: missing UDC; the gadget will be bound to it when it appears; NULL: none */
	const char *awaited_udc;
	bool bind_is_due; /* reload: the gadget is not bound, but will be when its workers are ready
			   */
	/* restart: the label of a worker that starts later, and when; NULL: none */
	const char *later_worker, *later_worker_starts;
};

/* --- for the supervisor --- */

/*
 * Parses a request, which is not trusted. An unknown command becomes COMMAND_UNKNOWN. Fails with
 * EX_USAGE if the text is not a request, or if a parameter has a wrong type. The caller frees the
 * request, also on failure.
 */
int socket_request_parse(const char *text, size_t size, struct socket_request *request,
			 struct error *err);
/* Frees the strings of a parsed request. */
void socket_request_free(struct socket_request *request);
/*
 * Returns the text of the answer to a command: the error `err` or, if `err` is NULL or empty, the
 * values `answer` (NULL: the command has no values). The caller frees the text.
 */
char *socket_answer_to_text(enum control_command command, const struct socket_answer *answer,
			    const struct error *err);

/* --- for the client --- */

/* Returns the text of a request; NULL if a string is not UTF-8. The caller frees the text. */
char *socket_request_to_text(const struct socket_request *request);
/*
 * Parses the text of the answer to a command. Returns 0 and stores the values in *answer, or fails
 * with the error that the text contains. Fails with EX_PROTOCOL if the text is not an answer. The
 * caller frees the answer, also on failure.
 */
int socket_answer_parse(enum control_command command, const char *text, size_t size,
			struct socket_answer *answer, struct error *err);
/* Frees the strings of a parsed answer. */
void socket_answer_free(struct socket_answer *answer);
#define _cleanup_answer_ _cleanup_(socket_answer_free)

/* Sets *address to the socket `path`. Fails with EX_USAGE if the path is too long. */
int control_socket_address(struct sockaddr_un *address, const char *path, struct error *err);

/*
 * Returns an error as a JSON object with the members "exit", "text", "path", "errno", "file",
 * "line" and "column"; unknown values are null. The caller owns the object.
 */
json_t *error_to_json(const struct error *err);
/*
 * Returns the object of error_to_json for an answer. If the error has a hint, adds the member
 * "hint", and appends the hint to "text". The caller owns the object.
 */
json_t *error_to_reply(const struct error *err);
/*
 * Sets `err` from an object of error_to_json or error_to_reply. Returns the negative errno of the
 * error.
 */
int error_from_json(struct error *err, const json_t *json);

/*
 * Returns the pid of the process that listens on the gadget's control socket, even if the process
 * does not hold the lock of the run directory. Returns 0 if the socket accepts no connection.
 */
pid_t control_listener_pid(const struct paths *paths, const char *name);

/*
 * Sends a request to the supervisor of the gadget and waits for the answer. Stores the values in
 * *answer, which the caller frees, also on failure; `answer` may be NULL. If there is no
 * supervisor, returns -ECONNREFUSED or -ENOENT and leaves `err` empty. Fails with -ECONNRESET if
 * the supervisor ended before it answered.
 */
int control_ask_supervisor(const struct paths *paths, const char *name,
			   const struct socket_request *request, struct socket_answer *answer,
			   struct error *err);
/*
 * Does the same as control_ask_supervisor, but waits at most `seconds`, or 0.1 s if that is longer,
 * with the signal mask `mask` as of ppoll(2); NULL: the mask stays as it is. Returns -ETIMEDOUT
 * after this time, or -EINTR after a signal, and leaves `err` empty in both cases.
 */
int control_ask_supervisor_timed(const struct paths *paths, const char *name,
				 const struct socket_request *request, double seconds,
				 const sigset_t *mask, struct socket_answer *answer,
				 struct error *err);
