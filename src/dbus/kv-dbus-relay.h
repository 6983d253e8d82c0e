/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-message.h"
#include "dbus/kv-dbus-outbox.h"

G_BEGIN_DECLS

/**
 * KvDbusRelay:
 *
 * Stands between the socket of a bus and GDBus, in a thread of its own: what comes from the bus and is ours is taken out, and
 * everything else goes through to GDBus; what GDBus sends goes to the bus, between whole messages of ours. Authentication is
 * GDBus's: up to its `BEGIN` every byte goes through as it is (D-Bus specification, "Authentication Protocol").
 *
 * The functions below are for one thread, the one that made it.
 */
typedef struct _KvDbusRelay KvDbusRelay;

/**
 * KvDbusRelayFunc:
 * @message: one that has come from the bus, until the function returns
 *
 * Called in the relay's thread for every message, in the order in which they come.
 *
 * Returns: %TRUE when @message is ours; else it goes on to GDBus
 */
typedef gboolean (*KvDbusRelayFunc) (KvDbusMessage *message, gpointer user_data);

/**
 * kv_dbus_relay_new:
 * @bus: (transfer full): a stream socket to a bus, before the first byte has gone over it
 * @local: (transfer full): one end of a pair of unix sockets, of which GDBus has the other
 * @error: set to an error of GIO's when there are no file descriptors or threads left; then both sockets are closed
 *
 * When the bus closes its end, what it has sent goes to GDBus and then GDBus's end is closed; when GDBus closes its end, what it
 * has sent goes to the bus, and so does what waits in the outbox, for two seconds at most, and then the bus is left. After either, or
 * after something that is no message, the outbox is closed.
 *
 * Returns: (transfer full): a relay, at work
 */
KvDbusRelay *kv_dbus_relay_new (int bus, int local, GError **error);

/**
 * kv_dbus_relay_get_outbox:
 *
 * Returns: (transfer none): what goes out to the bus. To be used once GDBus is authenticated.
 */
KvDbusOutbox *kv_dbus_relay_get_outbox (KvDbusRelay *relay);

/**
 * kv_dbus_relay_set_func:
 * @func: (nullable): who takes messages out; %NULL when nobody does any more
 *
 * When this returns the function before is not running, and will not be called again. It waits for one that runs just now, which
 * is for as long as it takes to carry out one message, of 128 MiB at most.
 */
void kv_dbus_relay_set_func (KvDbusRelay *relay, KvDbusRelayFunc func, gpointer user_data);

/**
 * kv_dbus_relay_free:
 * @relay: (transfer full): one without a function
 *
 * Closes both sockets at once, and waits until the thread has ended.
 */
void kv_dbus_relay_free (KvDbusRelay *relay);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusRelay, kv_dbus_relay_free)

G_END_DECLS
