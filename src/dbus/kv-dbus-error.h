/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-error.h"

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
 * @invocation: (transfer full): the call to answer
 * @error: (transfer full): why it failed
 *
 * Answers a call with an error: the name that belongs to its code, and its text as it is. An error of another domain is told
 * as `Failed`.
 */
void kv_dbus_error_return (GDBusMethodInvocation *invocation, GError *error);

G_END_DECLS
