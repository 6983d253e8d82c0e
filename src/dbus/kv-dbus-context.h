/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-callers.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-store.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvDbusContext:
 *
 * What the methods work on.
 */
typedef struct {
  KvStore *store;         /* (owned) */
  KvRateLimiter *limiter; /* (borrowed) */
  gsize max_value_size;   /* in bytes */
  KvDbusCallers *callers; /* (owned) (nullable): of the connection that there is now */
} KvDbusContext;

/**
 * KvDbusHandler:
 * @parameters: of the type that introspection/ has for the method
 * @invocation: (transfer full): is answered, now or later, when %TRUE is returned; the caller's still when it is %FALSE
 * @error: what to answer instead
 *
 * Carries out one method.
 */
typedef gboolean (*KvDbusHandler) (KvDbusContext *context,
                                   GVariant *parameters,
                                   GDBusMethodInvocation *invocation,
                                   GError **error);

G_END_DECLS
