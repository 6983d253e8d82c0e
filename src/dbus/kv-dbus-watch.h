/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-flow.h"
#include "dbus/kv-dbus-tally.h"
#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * KvDbusWatch:
 *
 * One watch of one caller: an object on the bus with the interface org.kvstore.KvStore1.Watch, which turns the events
 * of a #KvWatch into signals for its owner. It has no queue: while the flow is closed it leaves the events where they are.
 * For the main context in which it was made.
 */
typedef struct _KvDbusWatch KvDbusWatch;

/**
 * KvDbusWatchSpec:
 * @keys: (array zero-terminated=1): the keys to watch
 * @prefixes: (array zero-terminated=1): the beginnings of keys to watch
 * @since: a revision or %KV_WATCH_FROM_NOW
 *
 * What to watch. Borrowed.
 */
typedef struct {
  const char *const *keys;
  const char *const *prefixes;
  guint64 since;
} KvDbusWatchSpec;

/**
 * kv_dbus_watch_spec_count:
 *
 * Returns: how many keys and prefixes @spec has together
 */
guint kv_dbus_watch_spec_count (const KvDbusWatchSpec *spec);

/**
 * kv_dbus_watch_new:
 * @tally: (transfer none): where it counts
 * @owner: the unique name of the caller
 * @path: where it is to be
 * @flow: to @owner; outlives the watch
 * @error: set to %KV_ERROR_INVALID_KEY, or %KV_ERROR_FAILED when it cannot be put on the bus
 *
 * Puts a watch on the bus. It sends nothing before the main context runs again.
 *
 * Returns: (transfer full): a watch
 */
KvDbusWatch *kv_dbus_watch_new (KvStore *store,
                                GDBusConnection *connection,
                                KvDbusTally *tally,
                                const char *owner,
                                const char *path,
                                const KvDbusWatchSpec *spec,
                                KvDbusFlow *flow,
                                GError **error);

/**
 * kv_dbus_watch_get_owner:
 *
 * Returns: the unique name of the caller to whom it belongs
 */
const char *kv_dbus_watch_get_owner (const KvDbusWatch *watch);

const char *kv_dbus_watch_get_path (const KvDbusWatch *watch);

/**
 * kv_dbus_watch_get_names:
 *
 * Returns: how many keys and prefixes it was asked for, each counted as often as it was named
 */
guint kv_dbus_watch_get_names (const KvDbusWatch *watch);

/**
 * kv_dbus_watch_pump:
 *
 * Sends what there is, as long as the flow is open.
 */
void kv_dbus_watch_pump (KvDbusWatch *watch);

/**
 * kv_dbus_watch_free:
 *
 * Ends the watch and takes it off the bus.
 */
void kv_dbus_watch_free (KvDbusWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusWatch, kv_dbus_watch_free)

G_END_DECLS
