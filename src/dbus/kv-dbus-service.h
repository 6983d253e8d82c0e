/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "metrics/kv-metrics.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-store.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvDbusService:
 *
 * The D-Bus door: `org.kvstore.KvStore1` at `/org/kvstore/KvStore1`, written against the interface in
 * `introspection/`. Lives in the main context in which it was made.
 */
#define KV_TYPE_DBUS_SERVICE (kv_dbus_service_get_type ())
G_DECLARE_FINAL_TYPE (KvDbusService, kv_dbus_service, KV, DBUS_SERVICE, GObject)

/**
 * kv_dbus_service_new:
 * @store: what it serves
 * @limiter: (transfer none): shared with the other door; outlives the service
 * @max_value_size: bytes of a value
 */
KvDbusService *kv_dbus_service_new (KvStore *store, KvRateLimiter *limiter, gsize max_value_size);

/**
 * kv_dbus_service_add_metrics:
 *
 * Adds the figures of this door to @metrics, which is not asked any more when the service is gone.
 */
void kv_dbus_service_add_metrics (KvDbusService *service, KvMetrics *metrics);

/**
 * kv_dbus_service_start_async:
 * @bus: `session`, `system` or a D-Bus address
 *
 * Connects, exports the object, then asks for the name, so that nobody who sees the name finds no object. The
 * connection never ends the process.
 */
void kv_dbus_service_start_async (KvDbusService *service,
                                  const char *bus,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);

/**
 * kv_dbus_service_start_finish:
 * @error: set to %KV_ERROR_UNAVAILABLE when there is no such bus or it cannot be connected to, to %KV_ERROR_FAILED when
 *   the name cannot be had there, mostly because somebody else has it
 */
gboolean
kv_dbus_service_start_finish (KvDbusService *service, GAsyncResult *result, GError **error);

/**
 * kv_dbus_service_get_address:
 *
 * Returns: (transfer full) (nullable): `NAME on BUS` for people and logs
 */
char *kv_dbus_service_get_address (KvDbusService *service);

/**
 * kv_dbus_service_stop_async:
 *
 * Gives up the name, answers what has come in, flushes what is still to be sent, ends the watches, takes the object away.
 * Cancelled, it waits for none of that.
 */
void kv_dbus_service_stop_async (KvDbusService *service,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

gboolean kv_dbus_service_stop_finish (KvDbusService *service, GAsyncResult *result, GError **error);

G_END_DECLS
