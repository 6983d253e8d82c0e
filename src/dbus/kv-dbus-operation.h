/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-operation.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Operations from the parameters of a call. On failure the operation holds nothing.
 *
 * Here and in the handlers, parameters are taken out child by child: g_variant_get() parses its format each time, and with a
 * `&` in it serialises the whole tuple first, which cost more than the store does. */

/**
 * kv_dbus_operation_init_put:
 * @key: of type s
 * @value: (array length=length): the value
 * @options: of type a{sv}
 * @max_value_size: in bytes
 * @error: set to what is wrong with the key, the value or the options
 */
gboolean kv_dbus_operation_init_put (KvOperation *operation,
                                     GVariant *key,
                                     const char *value,
                                     gsize length,
                                     GVariant *options,
                                     gsize max_value_size,
                                     GError **error);

/**
 * kv_dbus_operation_init_delete:
 * @key: of type s
 * @options: of type a{sv}
 * @error: set to what is wrong with the key or the options
 */
gboolean kv_dbus_operation_init_delete (KvOperation *operation,
                                        GVariant *key,
                                        GVariant *options,
                                        GError **error);

/**
 * kv_dbus_operation_init_entry:
 * @entry: of type (sssa{sv}): method, key, value, options
 * @max_value_size: in bytes
 * @error: set to what is wrong with it
 */
gboolean kv_dbus_operation_init_entry (KvOperation *operation,
                                       GVariant *entry,
                                       gsize max_value_size,
                                       GError **error);

G_END_DECLS
