/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of doctor.c. Each adds findings, also about what is as it must be. */
#pragma once

#include "probe/doctor.h"

typedef void doctor_check(const struct doctor *doctor, struct findings *findings);

/* doctor_kernel.c */
doctor_check doctor_check_configfs, doctor_check_libcomposite, doctor_check_functionfs;
/* doctor_udcs.c */
doctor_check doctor_check_udcs, doctor_check_waiting_drivers;
/* doctor_ports.c */
doctor_check doctor_check_board, doctor_check_ports;
/* doctor_roles.c */
doctor_check doctor_check_roles;
/* Returns whether doctor_check_roles finds a port that is a host now and could be a device. */
bool doctor_any_role_is_host(const struct doctor *doctor);
