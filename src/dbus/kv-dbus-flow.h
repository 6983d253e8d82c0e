/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-outbox.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvDbusFlow:
 *
 * Signals to one receiver, no faster than it reads them. A bus queues up to a gigabyte for a receiver that does not read;
 * so after a window of bytes the receiver is sent org.freedesktop.DBus.Peer.Ping, which reaches it behind the signals, and
 * nothing more before it has answered. For the main context in which it was made.
 */
typedef struct _KvDbusFlow KvDbusFlow;

/**
 * KvDbusFlowFunc:
 *
 * Tells that the flow is open again. It may free the flow.
 */
typedef void (*KvDbusFlowFunc) (gpointer user_data);

/**
 * kv_dbus_flow_new:
 * @outbox: (transfer none): where signals go out
 * @connection: by which the receiver is pinged
 * @receiver: a unique name
 * @func: called whenever the receiver has answered
 *
 * Returns: (transfer full): a flow, which is open
 */
KvDbusFlow *kv_dbus_flow_new (KvDbusOutbox *outbox,
                              GDBusConnection *connection,
                              const char *receiver,
                              KvDbusFlowFunc func,
                              gpointer user_data);

/**
 * kv_dbus_flow_is_open:
 *
 * Tells whether to send now. Otherwise wait for the function.
 */
gboolean kv_dbus_flow_is_open (const KvDbusFlow *flow);

/**
 * kv_dbus_flow_send:
 * @signal: (array length=length): a message to the receiver
 *
 * Sends a signal, behind every answer that was given before. A flow that is closed still sends.
 */
void kv_dbus_flow_send (KvDbusFlow *flow, const guint8 *signal, gsize length);

void kv_dbus_flow_free (KvDbusFlow *flow);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusFlow, kv_dbus_flow_free)

G_END_DECLS
