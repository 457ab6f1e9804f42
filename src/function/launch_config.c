/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration that a worker gets, and the names of its file descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "function/function.h"
#include "function/launch.h"
#include "function/launch_internal.h"
#include "functionfs/endpoint.h"
#include "process/sandbox_permission_names.h"

struct fd_name_list {
	const struct ffs *ffs;
	char *joined_names;
};

static void append_fd_name(struct fd_name_list *names, const char *name)
{
	_cleanup_free_ char *old = names->joined_names;

	names->joined_names = strf("%s:%s", old, name);
}

/* Appends the name that an endpoint file has in LISTEN_FDNAMES. */
static int append_endpoint_fd_name(void *data, const struct endpoint *ep)
{
	append_fd_name(data, ep->name);
	return 0;
}

static int append_in_out_pair_fd_name(void *data, const struct endpoint *first,
				      const struct endpoint *second _unused_)
{
	struct fd_name_list *names = data;
	_cleanup_free_ char *file = ffs_in_out_pair_file_name(names->ffs, first);

	append_fd_name(names, file);
	return 0;
}

static char *own_fd_names(const struct live_worker *worker)
{
	const struct ffs *ffs = worker->function->model->ffs;
	struct fd_name_list names = { .ffs = ffs, .joined_names = xstrdup("config:control") };

	ffs_each_endpoint(ffs, append_endpoint_fd_name, &names);
	ffs_each_in_out_pair(ffs, append_in_out_pair_fd_name, &names);
	if (worker->dmabuf_exporter)
		append_fd_name(&names, worker->dmabuf_exporter->fd_name);
	if (worker->model->kind == WORKER_PLUGIN)
		append_fd_name(&names, "plugin");
	return names.joined_names;
}

char *launch_fd_names(const struct live_worker *worker)
{
	return worker->model->listen_fds == LISTEN_FDS_SYSTEMD ? launch_systemd_fd_names(worker)
							       : own_fd_names(worker);
}

/* --- the document --- */

/* The word that workers know is shorter than that of base/usb_words.h (ffsctl-worker(7)). */
static const char *type_for_workers(enum ep_type type)
{
	return type == EP_ISOCHRONOUS ? "iso" : ep_type_words[type];
}

struct endpoint_json_list {
	const struct ffs *ffs;
	json_t *json_array;
};

static int add_in_out_pair_json(void *data, const struct endpoint *first,
				const struct endpoint *second)
{
	struct endpoint_json_list *list = data;
	_cleanup_free_ char *file = ffs_in_out_pair_file_name(list->ffs, first);
	bool first_is_in = first->direction == EP_IN;

	/* `file` is the endpoint file that serves both endpoints of the pair. Its file descriptor
	   has the same name in LISTEN_FDNAMES. */
	json_array_append_new(list->json_array,
			      json_pack("{s:s, s:s, s:s}", "file", file, "in",
					first_is_in ? first->name : second->name, "out",
					first_is_in ? second->name : first->name));
	return 0;
}

static int add_endpoint_json(void *data, const struct endpoint *ep)
{
	struct endpoint_json_list *list = data;
	_cleanup_free_ char *file = ffs_endpoint_file(list->ffs, ep);
	json_t *sizes = json_object();

	for (int s = 0; s < EP_SPEED_COUNT; s++)
		if (ep->speed[s].is_offered)
			json_object_set_new(sizes, ep_speed_words[s],
					    json_integer(ep->speed[s].max_packet));
	json_array_append_new(list->json_array,
			      json_pack("{s:s, s:s, s:i, s:s, s:s, s:o}", "name", ep->name, "file",
					file, "address", ep->address, "type",
					type_for_workers(ep->type), "direction",
					ep->direction == EP_IN ? "in" : "out", "packet", sizes));
	return 0;
}

/* Returns the worker's configuration (schemas/worker-config.schema.json). */
static json_t *worker_config_json(const struct live_worker *worker)
{
	const struct function *f = worker->function->model;
	struct endpoint_json_list list = { .ffs = f->ffs, .json_array = json_array() };
	struct endpoint_json_list pairs = { .ffs = f->ffs, .json_array = json_array() };
	json_t *options = json_loads(worker->model->options_json, 0, NULL), *json;

	ffs_each_endpoint(f->ffs, add_endpoint_json, &list);
	ffs_each_in_out_pair(f->ffs, add_in_out_pair_json, &pairs);
	json = json_pack("{s:{s:i, s:s}, s:s, s:s, s:s?, s:o, s:o, s:s, s:i, s:i, s:o}", "ffsctl",
			 "schema", 1, "version", PACKAGE_VERSION, "gadget",
			 worker->function->functions->gadget_name, "function", f->label, "mount",
			 f->ffs ? f->ffs->mount.path : NULL, "endpoints", list.json_array, "pairs",
			 pairs.json_array, "engine", worker_engine_words[worker->model->engine],
			 "size", (int)worker->model->endpoint_transfer_size, "depth",
			 (int)worker->model->endpoint_queue_depth, "options",
			 options ? options : json_object());
	json_object_set_new(json, "sandbox", json_boolean(worker->model->sandbox));
	if (worker->model->sandbox_permissions != worker_default_permissions(worker->model))
		json_object_set_new(
			json, "allow",
			sandbox_permissions_to_json(worker->model->sandbox_permissions));
	if (worker->function->functions->switch_json_for_workers)
		json_object_set(json, "switch",
				(json_t *)worker->function->functions->switch_json_for_workers);
	return json;
}

static char *worker_config_text(const struct live_worker *worker)
{
	json_t *json = worker_config_json(worker);
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	return text;
}

uint64_t launch_digest(const struct live_worker *worker)
{
	_cleanup_free_ char *config = worker_config_text(worker);
	const struct spawn_settings *s = &worker->spawn;
	const int kinds[] = { worker->model->blocking_io, worker->model->ready_when,
			      worker->model->sandbox, worker->model->listen_fds };
	uint64_t digest = digest_add_text(DIGEST_EMPTY, config);

	digest = digest_add_text(digest, s->program_path);
	digest = digest_add_text(digest, s->working_directory);
	for (size_t i = 0; s->argv[i]; i++)
		digest = digest_add_text(digest, s->argv[i]);
	for (size_t i = 0; s->env[i]; i++)
		digest = digest_add_text(digest, s->env[i]);
	digest = digest_add(digest, kinds, sizeof(kinds));
	digest = digest_add(digest, &s->process_limits, sizeof(s->process_limits));
	digest = digest_add(digest, &s->uid, sizeof(s->uid));
	digest = digest_add(digest, &s->gid, sizeof(s->gid));
	return digest_add(digest, s->groups, s->n_groups * sizeof(*s->groups));
}

int launch_make_worker_config(struct live_worker *worker, struct error *err)
{
	_cleanup_free_ char *text = worker_config_text(worker);
	int fd = memfd_create("ffsctl-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0 && fchmod(fd, 0444) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0) {
		worker->worker_config_fd = fd;
		return 0;
	}
	error_errno(err, EX_OSERR, errno, NULL, "cannot write the worker's configuration");
	if (fd >= 0)
		close(fd);
	return -err->errno_value;
}
