/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/* The methods that write one key: each a #KvDbusHandler. */

gboolean kv_dbus_write_put (KvDbusContext *context,
                            KvDbusReader *parameters,
                            KvDbusCall *call,
                            GError **error);

gboolean kv_dbus_write_put_bytes (KvDbusContext *context,
                                  KvDbusReader *parameters,
                                  KvDbusCall *call,
                                  GError **error);

gboolean kv_dbus_write_delete (KvDbusContext *context,
                               KvDbusReader *parameters,
                               KvDbusCall *call,
                               GError **error);

gboolean kv_dbus_write_compare_and_swap (KvDbusContext *context,
                                         KvDbusReader *parameters,
                                         KvDbusCall *call,
                                         GError **error);

gboolean kv_dbus_write_touch (KvDbusContext *context,
                              KvDbusReader *parameters,
                              KvDbusCall *call,
                              GError **error);

gboolean kv_dbus_write_increment (KvDbusContext *context,
                                  KvDbusReader *parameters,
                                  KvDbusCall *call,
                                  GError **error);

G_END_DECLS
