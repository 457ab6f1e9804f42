/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's configuration: a JSON document that ffsctl passes to the worker
   (schemas/worker-config.schema.json). */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

struct worker_endpoint {
	const char *name;
	const char *file_name; /* in the FunctionFS mount */
	uint32_t address;
	enum ffsctl_endpoint_type type;
	enum ffsctl_direction direction;
	uint32_t packet_size[FFSCTL_SPEED_SUPER_PLUS +
			     1]; /* wMaxPacketSize for each enum ffsctl_speed, in bytes; 0: no
				    descriptor for this speed */
};

/* The worker's configuration, which the supervisor passes as a file. */
struct worker_config {
	json_t *document; /* owns the strings to which the other members point */
	const char *gadget_name, *function_name;
	const char *mount_point; /* directory of the FunctionFS mount */
	const char *engine_name;
	struct worker_endpoint *endpoints;
	unsigned int n_endpoints;
	uint32_t buffer_size; /* bytes of the buffer of one transfer; 0: the plugin's default */
	uint32_t transfers_per_endpoint; /* 0: the plugin's default */
	const json_t *options;		 /* the plugin's options in the gadget file */
	bool sandbox_enabled;
	unsigned int allowed_sandbox_permissions; /* bits of enum sandbox_permission that the gadget
					     file allows */
};

int worker_config_parse(const char *text, size_t length, struct worker_config *config,
			struct error *err);
/* Reads and parses the file `fd` from its start, whatever its file offset is. */
int worker_config_read(int fd, struct worker_config *config, struct error *err);
void worker_config_free(struct worker_config *config);
