/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-error.h"
#include "dbus/kv-dbus-call.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * kv_dbus_error_register:
 *
 * Ties each #KvError to its name on the bus, for both directions: what is answered here, and what a proxy in this process
 * receives. May be called again. Any thread.
 */
void kv_dbus_error_register (void);

/**
 * kv_dbus_error_get_name:
 *
 * Returns: the name of @code on the bus, such as `org.kvstore.Error.NotFound`
 */
const char *kv_dbus_error_get_name (KvError code);

/**
 * kv_dbus_error_return:
 * @call: (transfer full): the call to answer
 * @error: (transfer full): why it failed
 *
 * Answers a call with an error: the name that belongs to its code, and its text as it is. An error of another domain is told
 * as `Failed`.
 */
void kv_dbus_error_return (KvDbusCall *call, GError *error);

/**
 * kv_dbus_error_refuse:
 *
 * A #GDBusInterfaceMethodCallFunc for the objects whose methods the dispatcher carries out. GDBus wants one, or it knows no
 * methods there and tells callers that there is no such object. It is called only for what the dispatcher has let
 * pass, which it does once it is closed, and says so.
 */
void kv_dbus_error_refuse (GDBusConnection *connection,
                           const char *sender,
                           const char *path,
                           const char *interface,
                           const char *method,
                           GVariant *parameters,
                           GDBusMethodInvocation *invocation,
                           gpointer user_data);

G_END_DECLS
