/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/check_module.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "functionfs/mount.h"

#define BUILTIN_MAX (1024 * 1024)
#define SMALL_MAX 256

#define HINT_RELOAD                                                                                \
	"the loaded " FFS_MODULE                                                                   \
	" is another one: when no gadget uses it, run 'modprobe -r g_ffs " FFS_MODULE              \
	" && modprobe " FFS_MODULE "', or reboot"
#define HINT_SIGN                                                                                  \
	"if that fails with 'Key was rejected by service', this kernel loads only modules that "   \
	"are signed with an enrolled key (Secure Boot): mokutil --import "                         \
	"/var/lib/dkms/mok.pub, reboot, and confirm"

/* Returns false also if the file is larger than `max` bytes or cannot be read. */
static bool file_contains(const char *path, size_t max, const char *text)
{
	_cleanup_free_ char *content = NULL;
	size_t size;

	return file_read(AT_FDCWD, path, max, &content, &size) == 0 && strstr(content, text);
}

bool ffs_first_instance_would_load_module(const char *release)
{
	_cleanup_free_ char *modules = strf("/lib/modules/%s", release);
	_cleanup_free_ char *list = strf("%s/modules.builtin", modules);

	return !path_exists("/sys/module/" FFS_MODULE) && path_exists(modules) &&
	       !file_contains(list, BUILTIN_MAX, "/" FFS_MODULE ".ko");
}

/* Returns the path of the module that dkms(8) has installed; NULL: none. The caller frees it. */
static char *dkms_module_path(const char *release)
{
	static const char *const packed[] = { "", ".xz", ".zst", ".gz" };

	for (size_t i = 0; i < sizeof(packed) / sizeof(*packed); i++) {
		char *path = strf("/lib/modules/%s/updates/dkms/" FFS_MODULE ".ko%s", release,
				  packed[i]);

		if (path_exists(path))
			return path;
		free(path);
	}
	return NULL;
}

/*
 * Returns whether the kernel loads only signed modules. For example, Debian's kernels enable
 * lockdown if Secure Boot is on (security/lockdown).
 */
static bool kernel_requires_signed_modules(void)
{
	static const char lockdown[] = "/sys/kernel/security/lockdown";

	return file_contains(lockdown, SMALL_MAX, "[integrity]") ||
	       file_contains(lockdown, SMALL_MAX, "[confidentiality]") ||
	       file_contains("/sys/module/module/parameters/sig_enforce", SMALL_MAX, "Y");
}

/* Returns whether a feature that ffsctl's kernel patches add is missing. */
static bool lacks_patched_feature(const struct ffs_features *features)
{
	for (int f = 0; f < FFS_FEATURE_COUNT; f++)
		if (ffs_feature_by_number(f) && ffs_feature_by_number(f)->in_ffsctl_patches &&
		    !features->has[f])
			return true;
	return false;
}

char *ffs_module_advice(const char *release, const struct ffs_features *features)
{
	_cleanup_free_ char *path = dkms_module_path(release);

	if (!path || (features && !lacks_patched_feature(features)))
		return NULL;
	if (!features)
		return kernel_requires_signed_modules() ? strf(HINT_SIGN) : NULL;
	return strf("%s is installed, but " HINT_RELOAD "%s", path,
		    kernel_requires_signed_modules() ? "; " HINT_SIGN : "");
}
