/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-call.h"
#include "dbus/kv-dbus-callers.h"
#include "dbus/kv-dbus-handle.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * KvDbusContext:
 *
 * What the methods work on: for any thread, but for @callers, which belong to the service's main context.
 */
typedef struct {
  KvStore *store;         /* (owned) */
  KvRateLimiter *limiter; /* (borrowed) */
  gsize max_value_size;   /* in bytes */
  KvDbusHandles *handles; /* (owned): what has come with calls that are not answered yet */
  KvDbusCallers *callers; /* (owned): of the connection */
} KvDbusContext;

/**
 * KvDbusHandler:
 * @parameters: a cursor over what introspection/ has for the method: checked, and gone when the handler returns
 * @call: (transfer full): is answered, now or later, when %TRUE is returned; the caller's still when it is %FALSE
 * @error: what to answer instead
 *
 * Carries out one method, in the relay's thread or in the service's main context: see #KvDbusMethod.
 */
typedef gboolean (*KvDbusHandler) (KvDbusContext *context,
                                   KvDbusReader *parameters,
                                   KvDbusCall *call,
                                   GError **error);

G_END_DECLS
