/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/selftest_record.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"

#define RECORD_MAX 4096 /* bytes */

static char *record_path(const struct paths *paths)
{
	return strf("%s/.selftest", paths->run_dir);
}

static void read_record(struct selftest_record *record, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	json_t *json;

	if (file_read(AT_FDCWD, path, RECORD_MAX, &text, &size) < 0)
		return;
	json = json_loadb(text, size, 0, NULL);
	record->unbound_gadget = xstrdup_or_null(json_text(json, "gadget", NULL));
	record->udc = xstrdup_or_null(json_text(json, "udc", NULL));
	json_decref(json);
}

int selftest_record_open(struct selftest_record *record, const struct paths *paths,
			 struct error *err)
{
	_cleanup_free_ char *path = record_path(paths);

	for (;;) {
		if (mkdir(paths->run_dir, 0755) < 0 && errno != EEXIST)
			return error_errno(err, EX_CANTCREAT, errno, paths->run_dir,
					   "cannot create %s", paths->run_dir);
		record->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		/* ENOENT: another command has removed the empty run directory */
		if (record->fd < 0 && errno == ENOENT)
			continue;
		if (record->fd < 0)
			return error_errno(err, EX_CANTCREAT, errno, path, "cannot create %s",
					   path);
		if (fd_lock(record->fd) < 0)
			return error_set(err, EX_CANTCREAT, EBUSY, path,
					 "another selftest is running");
		if (fd_is_file_at_path(record->fd, path))
			break;
		cleanup_close(&record->fd);
	}
	read_record(record, path);
	return 0;
}

int selftest_record_write(struct selftest_record *record, const char *gadget, const char *udc,
			  struct error *err)
{
	json_t *json = json_pack("{s:s, s:s}", "gadget", gadget, "udc", udc);
	_cleanup_free_ char *text = json_dumps(json, JSON_COMPACT);
	size_t size = text ? strlen(text) : 0;

	json_decref(json);
	if (pwrite(record->fd, text, size, 0) != (ssize_t)size)
		return error_errno(err, EX_IOERR, errno, NULL, "cannot write the record");
	free(record->unbound_gadget);
	free(record->udc);
	record->unbound_gadget = xstrdup(gadget);
	record->udc = xstrdup(udc);
	return 0;
}

void selftest_record_remove(struct selftest_record *record, const struct paths *paths)
{
	_cleanup_free_ char *path = record_path(paths);

	unlink(path);
	rmdir(paths->run_dir); /* fails if a gadget is up */
	selftest_record_close(record);
}

void selftest_record_close(struct selftest_record *record)
{
	cleanup_close(&record->fd);
	free(record->unbound_gadget);
	free(record->udc);
	*record = SELFTEST_RECORD_NONE;
}

char *selftest_record_of_killed(const struct paths *paths)
{
	_cleanup_free_ char *path = record_path(paths);
	_cleanup_selftest_record_ struct selftest_record record = SELFTEST_RECORD_NONE;
	bool locked;

	record.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (record.fd < 0 || fd_is_locked(record.fd, &locked) < 0 || locked)
		return NULL;
	read_record(&record, path);
	return steal_ptr(record.unbound_gadget);
}
