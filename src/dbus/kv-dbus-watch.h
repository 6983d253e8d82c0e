/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-codec.h"
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
 *
 * **What a snapshot is of.** A store's snapshot is taken while others write. A key that is written before its turn has come is told
 * as it is then, or, under a prefix, only by the change that follows; so where the #KvWatch says that the snapshot is whole, a part
 * of it may be of later, and half a transaction. A watch promises more: at the end of the snapshot, what has been told is what there
 * was at that revision. So it notes the store's revision when it has come that far, and tells what changed up to that as a
 * part of the snapshot: a few changes, which the log has already.
 */
typedef struct _KvDbusWatch KvDbusWatch;

/**
 * KvDbusWatchSpec:
 * @keys: (array zero-terminated=1): the keys to watch
 * @prefixes: (array zero-terminated=1): the beginnings of keys to watch
 * @since: a revision or %KV_WATCH_FROM_NOW
 * @shape: how it is to be told
 *
 * What to watch. Borrowed.
 */
typedef struct {
  const char *const *keys;
  const char *const *prefixes;
  guint64 since;
  KvDbusShape shape;
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
 * @error: set to %KV_ERROR_INVALID_KEY; to %KV_ERROR_OUT_OF_REACH when the changes after @since are not all there any more, or not
 *   yet; or to %KV_ERROR_FAILED when it cannot be put on the bus
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
