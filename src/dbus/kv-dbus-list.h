/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/* The methods that list keys: each a #KvDbusHandler. The first listing of a large store is answered later, from
 * the main context, as the index of its keys has to be made; so is what else is listed meanwhile. */

gboolean kv_dbus_list_keys (KvDbusContext *context,
                            KvDbusReader *parameters,
                            KvDbusCall *call,
                            GError **error);

gboolean kv_dbus_list_count (KvDbusContext *context,
                             KvDbusReader *parameters,
                             KvDbusCall *call,
                             GError **error);

/**
 * kv_dbus_list_get_n_items:
 * @limit: what a caller of List() gives as the limit
 *
 * Any thread.
 *
 * Returns: how many items it asks for; 0 where it is refused
 */
guint kv_dbus_list_get_n_items (guint limit);

G_END_DECLS
