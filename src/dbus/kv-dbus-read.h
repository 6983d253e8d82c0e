/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/* The methods that read keys: each a #KvDbusHandler. */

gboolean kv_dbus_read_get (KvDbusContext *context,
                           KvDbusReader *parameters,
                           KvDbusCall *call,
                           GError **error);

gboolean kv_dbus_read_get_bytes (KvDbusContext *context,
                                 KvDbusReader *parameters,
                                 KvDbusCall *call,
                                 GError **error);

gboolean kv_dbus_read_get_many (KvDbusContext *context,
                                KvDbusReader *parameters,
                                KvDbusCall *call,
                                GError **error);

G_END_DECLS
