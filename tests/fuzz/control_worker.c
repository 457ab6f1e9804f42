// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages from ffsctl, and control requests of a host, to a plugin: the plugin host's end of the
 * control socket, with the plugin `accessory`, which interprets the host's data most.
 */
#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "control.h"
#include "plugin-host/state.h"

#define stream_up(stream, speed) ((void)(stream), (void)(speed), 0)
#define stream_down(stream) ((void)(stream))
#include "../../src/plugin-host/control.c"

#include "../../src/plugins/accessory.c"

void plugin_host_exit(struct plugin_host *h, int status)
{
	h->exiting = true;
	h->exit_status = status;
}

int plugin_host_send(struct plugin_host *h, uint16_t type, uint32_t id, const void *body,
		     size_t length)
{
	return message_send(h->control, type, id, body, length) ? 0 : -errno;
}

static int call_accept(struct ffsctl_host *pub, uint32_t id)
{
	return plugin_host_send((struct plugin_host *)pub, FFSCTL_MSG_ACCEPT, id, NULL, 0);
}

static int call_stall(struct ffsctl_host *pub, uint32_t id)
{
	return plugin_host_send((struct plugin_host *)pub, FFSCTL_MSG_STALL, id, NULL, 0);
}

static int call_reply(struct ffsctl_host *pub, uint32_t id, const void *data, size_t length)
{
	return plugin_host_send((struct plugin_host *)pub, FFSCTL_MSG_DATA, id, data, length);
}

static const char *call_option_string(struct ffsctl_host *pub, const char *name)
{
	(void)pub;
	return streq(name, "switch_to") ? "app" : NULL;
}

static int64_t call_option_int(struct ffsctl_host *pub, const char *name)
{
	(void)pub;
	(void)name;
	return 2;
}

_printf_(3, 4) static void call_log(struct ffsctl_host *pub, enum ffsctl_log_level level,
				    const char *fmt, ...)
{
	(void)pub;
	(void)level;
	(void)fmt;
}

/* Whatever a host sends, the plugin's JSON must be valid. */
static int check_json(const char *json)
{
	json_t *value = json_loads(json, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(value))
		found("the plugin makes invalid JSON");
	json_decref(value);
	return 0;
}

static int call_stats(struct ffsctl_host *pub, const char *json)
{
	(void)pub;
	return check_json(json);
}

static int call_switch_to(struct ffsctl_host *pub, const char *gadget, const char *json)
{
	(void)pub;
	(void)gadget;
	return check_json(json);
}

static const struct ffsctl_calls calls = {
	.version = FFSCTL_PLUGIN_VERSION,
	.size = sizeof(calls),
	.accept = call_accept,
	.stall = call_stall,
	.reply = call_reply,
	.option_string = call_option_string,
	.option_int = call_option_int,
	.log = call_log,
	.stats = call_stats,
	.switch_to = call_switch_to,
};

/* A SETUP gets one answer, and a PING its PONG. */
static void check_answers(int fd, const struct script_step *step, bool raw)
{
	static uint8_t body[FFSCTL_MSG_MAX_BODY];
	struct ffsctl_msg head;
	int n = 0;

	while (script_receive(fd, &head, body, sizeof(body)) >= 0) {
		if (head.type != FFSCTL_MSG_ACCEPT && head.type != FFSCTL_MSG_STALL &&
		    head.type != FFSCTL_MSG_DATA && head.type != FFSCTL_MSG_PONG)
			found("the plugin host sends a message that it must not send");
		if (!raw && head.id != step->id)
			found("the plugin host answers another message");
		n++;
	}
	if (n > 1 || (!raw && step->type == FFSCTL_MSG_SETUP && step->size >= 8 && n != 1))
		found("a SETUP does not get exactly one answer");
}

void control_fuzz_worker(struct script *script)
{
	struct plugin_host h = { .plugin = &ffsctl_plugin,
				 .pub = { .size = sizeof(h.pub), .call = &calls } };
	struct script_step step;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		found("no socket");
	h.control = pair[0];
	if (ffsctl_plugin.start(&h.pub) < 0)
		found("no memory");
	while (!h.exiting && script_next(script, &step)) {
		bool raw = step.op & 0x80;

		script_send(pair[1], &step, raw, NULL, 0);
		plugin_host_receive(&h);
		check_answers(pair[1], &step, raw);
	}
	free(h.pub.state);
	close(pair[0]);
	close(pair[1]);
}
