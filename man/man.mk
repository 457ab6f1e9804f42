# SPDX-License-Identifier: GPL-2.0-or-later
# The pages of other rooms are listed in their fragments.
dist_man_MANS += man/ffsctl.8
