/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol of the control socket of a supervisor, RUN/NAME/control: AF_UNIX SOCK_SEQPACKET, one
 * JSON object per packet. The client sends one command; the supervisor replies when it is done.
 * Both sides use the structs below; only control.c knows the JSON.
 *
 *   {"command": "restart", "function": "echo"}
 *   {"command": "bind", "udc": "dummy_udc.0"}         reply: also "udc" and "changed"
 *
 * CONTROL_COMMANDS lists all commands; control.c has the names of their JSON members. The reply is
 * {"exit": 0}, or an error as error_to_reply makes it. Root and members of the group of --group may
 * send commands; only root may name files that root would load or execute.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/paths.h"

#define CONTROL_MESSAGE_MAX 65536

/*
 * The commands: REQUEST(NAME, name, word, parameters, values of the reply). The last two are in
 * control.c, which turns them into JSON; the function begin_NAME in supervisor/control_commands.c
 * executes the command.
 */
/* clang-format off */
#define CONTROL_COMMANDS(REQUEST) \
	REQUEST(DOWN, down, "down", none, none) \
	REQUEST(RESTART, restart, "restart", restart_request, none) \
	REQUEST(BIND, bind, "bind", bind_request, bus_answer) \
	REQUEST(UNBIND, unbind, "unbind", none, bus_answer) \
	REQUEST(WAIT, wait, "wait", wait_request, none) \
	REQUEST(WAIT_HOST, wait_host, "wait-host", none, none) \
	REQUEST(RELOAD, reload, "reload", reload_request, reload_answer) \
	REQUEST(REEXEC, reexec, "reexec", reexec_request, none)
/* clang-format on */

#define CONTROL_ENUMERATOR(NAME, name, word, request, answer) COMMAND_##NAME,
enum control_command {
	COMMAND_UNKNOWN, /* a command of another version */
	CONTROL_COMMANDS(CONTROL_ENUMERATOR) COMMAND_COUNT
};
#undef CONTROL_ENUMERATOR

enum control_condition {
	CONDITION_UNKNOWN,
	CONDITION_READY,
	CONDITION_CONFIGURED,
	CONDITION_DISCONNECTED,
	CONDITION_COUNT
};
extern const char *const control_condition_words[CONDITION_COUNT];

/* A command with its parameters. Each parameter belongs to the commands that its comment names. */
struct control_request {
	enum control_command command;
	const char *function;		  /* restart: label of the function; NULL: all functions */
	const char *udc;		  /* bind: name of the UDC; NULL: any UDC */
	enum control_condition condition; /* wait: the state to wait for */
	const char *file;    /* reload: the gadget file; NULL: the file that the gadget has */
	bool renamed;	     /* reload: the gadget keeps its name, whatever the file says */
	double timeout;	     /* reload: time limit, seconds */
	const char *program; /* reexec: absolute path of the program */
};

/* The values of the reply to a command that succeeded. */
struct control_answer {
	bool changed;	    /* bind, unbind, reload */
	bool rebound;	    /* reload: the host saw a new device */
	const char *udc;    /* bind, unbind: the UDC that the gadget is bound to; NULL: none */
	const char *awaits; /* reload: the UDC that the gadget waits for; NULL: none */
};

/* --- the supervisor's end --- */

/*
 * Parses a request of any content. An unknown command becomes COMMAND_UNKNOWN. Fails with EX_USAGE
 * if the text is not a request, or if a parameter has a wrong type. The caller frees the request,
 * also on failure.
 */
int control_request_parse(const char *text, size_t size, struct control_request *request,
			  struct error *err);
/* Frees the strings of a parsed request. */
void control_request_free(struct control_request *request);
/*
 * Returns the reply to a command: the error `err` or, if `err` is NULL or empty, the values
 * `answer`, which is NULL if the command has no values. The caller frees the text.
 */
char *control_answer_print(enum control_command command, const struct control_answer *answer,
			   const struct error *err);

/* --- the client's end --- */

/* Returns the text of a request; NULL if a string is not UTF-8. The caller frees it. */
char *control_request_print(const struct control_request *request);
/*
 * Parses the reply to a command. Returns 0 and stores its values in *answer, or fails with the
 * error that the reply contains. Fails with EX_PROTOCOL if the text is not a reply. The caller
 * frees the answer, also on failure.
 */
int control_answer_parse(enum control_command command, const char *text, size_t size,
			 struct control_answer *answer, struct error *err);
/* Frees the strings of a parsed answer. */
void control_answer_free(struct control_answer *answer);
#define _cleanup_answer_ _cleanup_(control_answer_free)

/* Makes the socket address of `path`. Fails with EX_USAGE if the path is too long. */
int control_address(struct sockaddr_un *address, const char *path, struct error *err);

/*
 * Returns {"exit", "text", "path", "errno", "file", "line", "column"}, with null for unknown
 * values. The caller owns it.
 */
json_t *error_to_json(const struct error *err);
/*
 * Does the same as error_to_json, and adds "hint" if the error has a hint; "text" contains the hint
 * as well. The caller owns the object.
 */
json_t *error_to_reply(const struct error *err);
/* Sets `err` from an object of either function. Returns its negative errno. */
int error_from_json(struct error *err, const json_t *json);

/*
 * Returns the pid of the process that listens on the control socket, whether or not it has the
 * lock; 0 if the socket accepts no connection.
 */
pid_t control_listener_pid(const struct paths *paths, const char *name);

/*
 * Sends a command and waits for the reply. Stores the values of the reply in *answer, which the
 * caller frees, also on failure; `answer` may be NULL. If there is no supervisor, returns
 * -ECONNREFUSED or -ENOENT and leaves `err` empty. Fails with -ECONNRESET if the supervisor ended
 * before it replied.
 */
int control_ask(const struct paths *paths, const char *name, const struct control_request *request,
		struct control_answer *answer, struct error *err);
/*
 * Does the same as control_ask, but waits at most `seconds`. Returns -ETIMEDOUT after that time, or
 * -EINTR after a signal, and leaves `err` empty.
 */
int control_wait(const struct paths *paths, const char *name, const struct control_request *request,
		 double seconds, struct error *err);
