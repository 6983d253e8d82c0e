/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/**
 * kv_dbus_methods_admit:
 * @sender: a unique name
 * @cost: how many requests it counts for, 1 or more
 * @error: set to %KV_ERROR_LIMIT_EXCEEDED, with the seconds to wait
 *
 * Counts a request of @sender. The limiter remembers those who have just called, so nothing of a caller is kept here.
 *
 * Returns: %FALSE and @error when @sender has to wait
 */
gboolean
kv_dbus_methods_admit (KvDbusContext *context, const char *sender, guint cost, GError **error);

/**
 * kv_dbus_methods_has:
 *
 * Tells whether there is a handler for @method of org.kvstore.KvStore1.
 */
gboolean kv_dbus_methods_has (const char *method);

/**
 * kv_dbus_methods_call:
 * @invocation: (transfer full): a call of a method that introspection/ knows, with parameters of the type written there
 *
 * Carries out a call and answers it, now or later.
 */
void kv_dbus_methods_call (KvDbusContext *context, GDBusMethodInvocation *invocation);

G_END_DECLS
