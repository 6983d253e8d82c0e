/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-relay.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvDbusLink:
 *
 * A connection to a bus: GDBus's, and the relay between it and the bus. For the main context in which it was made.
 */
typedef struct _KvDbusLink KvDbusLink;

/**
 * kv_dbus_link_open_async:
 * @address: of a bus
 *
 * Connects to a bus and says hello to it.
 */
void kv_dbus_link_open_async (const char *address,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

/**
 * kv_dbus_link_open_finish:
 * @error: set to an error of GIO's or GDBus's
 *
 * Returns: (transfer full): a link, whose connection does not end the process when it is closed
 */
KvDbusLink *kv_dbus_link_open_finish (GAsyncResult *result, GError **error);

/**
 * kv_dbus_link_get_connection:
 *
 * Returns: (transfer none): for all that the relay does not take
 */
GDBusConnection *kv_dbus_link_get_connection (KvDbusLink *link);

/**
 * kv_dbus_link_get_relay:
 *
 * Returns: (transfer none): what takes calls
 */
KvDbusRelay *kv_dbus_link_get_relay (KvDbusLink *link);

/**
 * kv_dbus_link_free:
 *
 * Leaves the bus at once, with whatever has not been sent yet.
 */
void kv_dbus_link_free (KvDbusLink *link);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusLink, kv_dbus_link_free)

G_END_DECLS
