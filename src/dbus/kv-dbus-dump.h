/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/**
 * kv_dbus_dump_run:
 *
 * Dump(): a #KvDbusHandler for the main context. The store is dumped as it is now, in a thread that makes the lines and writes
 * them to the caller's descriptor at the pace at which that takes them.
 */
gboolean kv_dbus_dump_run (KvDbusContext *context,
                           KvDbusReader *parameters,
                           KvDbusCall *call,
                           GError **error);

G_END_DECLS
