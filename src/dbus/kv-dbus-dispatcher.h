/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-link.h"
#include "dbus/kv-dbus-tally.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * KvDbusDispatcher:
 *
 * Takes the calls to the service's objects out of one link, so that GDBus never sees them, and
 * has them carried out: those that touch the store alone right there, in the relay's thread; those that touch watches
 * in the main context in which the dispatcher was made. What one caller has sent takes effect in the order in which
 * it was sent, wherever it is carried out.
 *
 * The functions below are for the thread of that main context. What else may run in the relay's thread, and which
 * locks there are, stands at the top of the source.
 */
typedef struct _KvDbusDispatcher KvDbusDispatcher;

/**
 * kv_dbus_dispatcher_new:
 * @link: (transfer none): to a message bus; outlives the dispatcher
 * @limiter: (transfer none): outlives what kv_dbus_dispatcher_close() ends
 * @max_value_size: bytes of a value
 * @tally: (transfer none): where calls and watches are counted
 *
 * From now on, calls are carried out.
 *
 * Returns: (transfer full): a dispatcher, to be ended with kv_dbus_dispatcher_close()
 */
KvDbusDispatcher *kv_dbus_dispatcher_new (KvDbusLink *link,
                                          KvStore *store,
                                          KvRateLimiter *limiter,
                                          gsize max_value_size,
                                          KvDbusTally *tally);

/**
 * kv_dbus_dispatcher_drain_async:
 *
 * Refuses the calls that come from now on, and waits for those that have come before: until each has been answered, also
 * those that the store lets wait. A cancelled drain has stopped waiting.
 */
void kv_dbus_dispatcher_drain_async (KvDbusDispatcher *dispatcher,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

/**
 * kv_dbus_dispatcher_drain_finish:
 * @error: set to %G_IO_ERROR_CANCELLED
 */
gboolean kv_dbus_dispatcher_drain_finish (GAsyncResult *result, GError **error);

/**
 * kv_dbus_dispatcher_close:
 * @dispatcher: (transfer full): a dispatcher
 *
 * Ends all watches, and leaves calls to GDBus again. When this returns, no handler runs in any thread, and none will; it
 * waits for one that runs just now. Calls that wait for the main context are dropped: they are left
 * only where the connection is lost, or where draining was given up. A drain that still waits is cancelled.
 */
void kv_dbus_dispatcher_close (KvDbusDispatcher *dispatcher);

G_END_DECLS
