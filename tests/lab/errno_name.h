/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of errors, as strerrorname_np() of glibc 2.32 returns them, for every C library. */
#pragma once

#include <errno.h>

static inline const char *errno_name(int error)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
#define NAME(e) { e, #e }
		NAME(EPERM),	       NAME(ENOENT),	  NAME(ESRCH),
		NAME(EINTR),	       NAME(EIO),	  NAME(ENXIO),
		NAME(E2BIG),	       NAME(EBADF),	  NAME(ECHILD),
		NAME(EAGAIN),	       NAME(ENOMEM),	  NAME(EACCES),
		NAME(EFAULT),	       NAME(EBUSY),	  NAME(EEXIST),
		NAME(EXDEV),	       NAME(ENODEV),	  NAME(ENOTDIR),
		NAME(EINVAL),	       NAME(ENFILE),	  NAME(EMFILE),
		NAME(ENOTTY),	       NAME(EFBIG),	  NAME(ENOSPC),
		NAME(EROFS),	       NAME(EPIPE),	  NAME(ERANGE),
		NAME(ENOSYS),	       NAME(ELOOP),	  NAME(EIDRM),
		NAME(EL2HLT),	       NAME(EBADFD),	  NAME(EOVERFLOW),
		NAME(EMSGSIZE),	       NAME(EPROTOTYPE),  NAME(EPROTONOSUPPORT),
		NAME(ESOCKTNOSUPPORT), NAME(EOPNOTSUPP),  NAME(EAFNOSUPPORT),
		NAME(EADDRNOTAVAIL),   NAME(ENETUNREACH), NAME(ECONNRESET),
		NAME(ECONNREFUSED),    NAME(ESHUTDOWN),	  NAME(ETIMEDOUT),
		NAME(EALREADY),	       NAME(EINPROGRESS), NAME(ECANCELED),
#undef NAME
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == error)
			return names[i].name;
	return "an error without a name here";
}
