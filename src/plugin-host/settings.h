/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's configuration: schemas/worker-config.schema.json. */
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

/* The strings belong to `document`. */
struct worker_config {
	json_t *document;
	const char *gadget, *function, *mount, *engine;
	struct worker_endpoint *endpoints;
	unsigned int n_endpoints;
	uint32_t size, depth; /* bytes, transfers; 0: the plugin's default */
	const json_t *options;
	bool sandbox;
	unsigned int allowed; /* what the sandbox may permit, of enum sandbox_permission */
};

int worker_config_parse(const char *text, size_t length, struct worker_config *config,
			struct error *err);
/* Reads the file `fd` from its start, whatever its file offset. */
int worker_config_read(int fd, struct worker_config *config, struct error *err);
void worker_config_free(struct worker_config *config);
