/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KV_DBUS_MAX_DESCRIPTORS:
 *
 * The most file descriptors that the kernel passes at a time: SCM_MAX_FD of Linux.
 */
#define KV_DBUS_MAX_DESCRIPTORS 253

/**
 * kv_dbus_descriptors_close:
 * @descriptors: (array length=length) (transfer full): may be %NULL when there are none
 */
void kv_dbus_descriptors_close (const int *descriptors, guint length);

G_END_DECLS
