// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks the file of a drive as the kernel does when its name is written (fsg_lun_open,
 * storage_common.c:178). Only looks: opening a device or a FIFO may have side effects.
 */
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/check_system.h"

#define CD_SECTOR 2048
#define FILE_SECTOR 512
#define MIN_CD_SECTORS 300		   /* storage_common.c:246, the shortest track */
#define MAX_CD_SECTORS (256 * 60 * 75 - 1) /* storage_common.c:247, longer ones are cut */

static const char *type_word(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	return S_ISCHR(mode) ? "a character device" : S_ISFIFO(mode) ? "a FIFO" : "a socket";
}

/* Returns whether the drive that has the medium `file`, "lun.0/file", is a CD drive. */
static bool is_cd_drive(const struct function *f, const struct configfs_attribute *file)
{
	const struct configfs_attribute *cdrom =
		configfs_attributes_find_beside(&f->configfs_attributes, file, "cdrom");

	return cdrom && cdrom->value && *cdrom->value && strchr("1yYtT", *cdrom->value);
}

static void check_size(struct diags *diags, enum diag_severity refused,
		       const struct configfs_attribute *file, long long size, bool cd)
{
	long long sector = cd ? CD_SECTOR : FILE_SECTOR, sectors = size / sector,
		  min = cd ? MIN_CD_SECTORS : 1, seen = MAX_CD_SECTORS * (long long)CD_SECTOR;

	if (sectors < min) {
		diags_add_at_position(diags, refused, &file->position,
				      "%s has %lld bytes, but the kernel accepts only %s of at "
				      "least %lld bytes",
				      file->value, size, cd ? "a CD" : "a medium", min * sector);
		diags_hint(diags, "make it longer: truncate -s %lld", min * sector);
	} else if (cd && sectors > MAX_CD_SECTORS) {
		diags_add_at_position(diags, DIAG_WARNING, &file->position,
				      "the host sees only the first %lld bytes of %s, which has "
				      "%lld: the kernel has no longer CDs",
				      seen, file->value, size);
		diags_hint(diags, "set 'ro = true' and not 'cdrom': a drive has no such limit");
	} else if (size % sector != 0) {
		diags_add_at_position(diags, DIAG_WARNING, &file->position,
				      "the host does not see the last %lld bytes of %s: the "
				      "kernel has sectors of %lld bytes",
				      size % sector, file->value, sector);
		diags_hint(diags, "make it longer: truncate -s %%%lld", sector);
	}
}

void check_medium(struct diags *diags, enum diag_severity refused, const struct function *f,
		  const struct configfs_attribute *file)
{
	struct stat st;

	if (stat(file->value, &st) < 0 || S_ISBLK(st.st_mode))
		return;
	if (S_ISREG(st.st_mode)) {
		check_size(diags, refused, file, (long long)st.st_size, is_cd_drive(f, file));
		return;
	}
	diags_add_at_position(diags, refused, &file->position,
			      "%s is %s, but a medium is a regular file or a block device",
			      file->value, type_word(st.st_mode));
	diags_hint(diags, "make an image, or remove 'file': then the drive has no medium");
}
