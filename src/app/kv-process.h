/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * kv_process_prepare:
 *
 * Sets up what belongs to the process as a whole: standard streams, signals that must not end it, the allocator,
 * the environment. To be called first in main(), before there are threads.
 */
void kv_process_prepare (void);

/**
 * kv_process_raise_file_limit:
 *
 * Allows as many open files as the hard limit has, within reason.
 *
 * Returns: how many this process may now have open
 */
guint kv_process_raise_file_limit (void);

/**
 * kv_process_has_ipv6_loopback:
 *
 * Returns: whether a socket can be bound to ::1
 */
gboolean kv_process_has_ipv6_loopback (void);

/**
 * kv_process_has_session_bus:
 *
 * Returns: whether there is any word of a session bus: DBUS_SESSION_BUS_ADDRESS in the environment, or the socket
 * `bus` in the user's runtime directory
 */
gboolean kv_process_has_session_bus (void);

G_END_DECLS
