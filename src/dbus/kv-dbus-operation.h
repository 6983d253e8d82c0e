/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-operation.h"
#include "dbus/wire/kv-dbus-reader.h"

G_BEGIN_DECLS

/* Operations from the parameters of a call, which have been checked. On failure the operation holds nothing. What an operation
 * borrows is the message's. */

/**
 * kv_dbus_operation_init_put:
 * @parameters: at an sa{sv}, or with @is_bytes at an aya{sv}: value and options
 * @key: (array length=key_length): the key
 * @max_value_size: in bytes
 * @error: set to what is wrong with the key, the value or the options
 */
gboolean kv_dbus_operation_init_put (KvOperation *operation,
                                     KvDbusReader *parameters,
                                     gboolean is_bytes,
                                     const char *key,
                                     gsize key_length,
                                     gsize max_value_size,
                                     GError **error);

/**
 * kv_dbus_operation_init_delete:
 * @parameters: at an a{sv}: options
 * @key: (array length=key_length): the key
 * @error: set to what is wrong with the key or the options
 */
gboolean kv_dbus_operation_init_delete (KvOperation *operation,
                                        KvDbusReader *parameters,
                                        const char *key,
                                        gsize key_length,
                                        GError **error);

/**
 * kv_dbus_operation_init_entry:
 * @entries: at an (sssa{sv}): method, key, value, options
 * @max_value_size: in bytes
 * @error: set to what is wrong with it
 */
gboolean kv_dbus_operation_init_entry (KvOperation *operation,
                                       KvDbusReader *entries,
                                       gsize max_value_size,
                                       GError **error);

G_END_DECLS
