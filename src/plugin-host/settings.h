/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker is told: schemas/worker-config.schema.json. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

struct worker_endpoint {
	const char *name, *file;
	uint32_t address;
	enum ffsctl_endpoint_type type;
	enum ffsctl_direction direction;
	uint32_t packet[FFSCTL_SPEED_SUPER_PLUS +
			1]; /* bytes, by enum ffsctl_speed; 0: not offered */
};

/* Strings are the document's and live as long as it does. */
struct worker_config {
	json_t *document;
	const char *gadget, *function, *mount, *engine;
	struct worker_endpoint *endpoints;
	unsigned int n_endpoints;
	uint32_t size, depth; /* 0: the plugin's */
	const json_t *options;
	bool sandbox;
	unsigned int allowed; /* what it may leave open, of enum sandbox_open */
};

int worker_config_parse(const char *text, size_t length, struct worker_config *config,
			struct error *err);
/* Reads the whole file `fd` from its start; its position does not matter and does not move. */
int worker_config_read(int fd, struct worker_config *config, struct error *err);
void worker_config_free(struct worker_config *config);
