# SPDX-License-Identifier: GPL-2.0-or-later
################################################################################
#
# ffsctl
#
################################################################################

# This external tree is a directory of the source tree of ffsctl, which is what gets built
FFSCTL_SITE = $(realpath $(BR2_EXTERNAL_FFSCTL_PATH)/../..)
FFSCTL_SITE_METHOD = local
FFSCTL_LICENSE = GPL-2.0+, LGPL-2.1+ (libffsctl-stream, headers)
FFSCTL_LICENSE_FILES = COPYING COPYING.LGPL
FFSCTL_INSTALL_STAGING = YES
FFSCTL_AUTORECONF = YES
FFSCTL_DEPENDENCIES = host-pkgconf jansson libaio libconfig
FFSCTL_CONF_OPTS = \
	--with-python-dir=no \
	--with-systemdsystemunitdir=$(if $(BR2_INIT_SYSTEMD),/usr/lib/systemd/system,no)

ifeq ($(BR2_PACKAGE_LIBUSB),y)
FFSCTL_DEPENDENCIES += libusb
endif

ifeq ($(BR2_PACKAGE_LIBUSBGX),y)
FFSCTL_DEPENDENCIES += libusbgx
FFSCTL_CONF_OPTS += --with-libusbgx
else
FFSCTL_CONF_OPTS += --without-libusbgx
endif

# Gadget files with "autostart = true" come up at boot
define FFSCTL_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(TARGET_DIR)/usr/share/ffsctl/init/sysvinit/ffsctl \
		$(TARGET_DIR)/etc/init.d/S60ffsctl
endef

define FFSCTL_INSTALL_INIT_OPENRC
	$(INSTALL) -D -m 0755 $(TARGET_DIR)/usr/share/ffsctl/init/openrc/ffsctl \
		$(TARGET_DIR)/etc/init.d/ffsctl
endef

$(eval $(autotools-package))
