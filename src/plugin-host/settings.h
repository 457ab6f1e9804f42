/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's configuration, a JSON document (schemas/worker-config.schema.json). */
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
			1]; /* bytes, by enum ffsctl_speed; 0: no descriptor for this speed */
};

/* `document` owns all strings. */
struct worker_config {
	json_t *document;
	const char *gadget, *function, *mount, *engine;
	struct worker_endpoint *endpoints;
	unsigned int n_endpoints;
	uint32_t size;	/* bytes of a transfer's buffer; 0: the plugin's default */
	uint32_t depth; /* transfers of each endpoint; 0: the plugin's default */
	const json_t *options;
	bool sandbox;
	unsigned int allowed; /* flags of enum sandbox_permission: what the gadget file allows */
};

int worker_config_parse(const char *text, size_t length, struct worker_config *config,
			struct error *err);
/* Reads and parses the file `fd`, always from its start. */
int worker_config_read(int fd, struct worker_config *config, struct error *err);
void worker_config_free(struct worker_config *config);
