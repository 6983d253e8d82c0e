/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-watch.h"

G_BEGIN_DECLS

/**
 * KvDbusCallers:
 *
 * Who has watches on one connection, or dumps and restores under way. A caller is remembered while it has any: somebody who
 * only calls methods leaves nothing behind, and costs the bus no match rule. When a caller leaves the bus, all that it has ends.
 * For the main context in which it was made.
 */
typedef struct _KvDbusCallers KvDbusCallers;

/**
 * kv_dbus_callers_new:
 * @outbox: (transfer none): where signals go out
 * @connection: to the same bus
 * @tally: (transfer none): where watches are counted
 *
 * Returns: (transfer full): the callers, none as yet
 */
KvDbusCallers *kv_dbus_callers_new (KvStore *store,
                                    KvDbusOutbox *outbox,
                                    GDBusConnection *connection,
                                    KvDbusTally *tally);

/**
 * kv_dbus_callers_add_watch:
 * @sender: the unique name of the caller
 * @error: set to %KV_ERROR_LIMIT_EXCEEDED when it has too many, or as kv_dbus_watch_new() has it
 *
 * Makes a watch that belongs to @sender.
 *
 * Returns: (transfer full): its path
 */
char *kv_dbus_callers_add_watch (KvDbusCallers *callers,
                                 const char *sender,
                                 const KvDbusWatchSpec *spec,
                                 GError **error);

/**
 * kv_dbus_callers_find_watch:
 *
 * Returns: (transfer none) (nullable): the watch at @path, whoever has it
 */
KvDbusWatch *kv_dbus_callers_find_watch (KvDbusCallers *callers, const char *path);

/**
 * kv_dbus_callers_remove_watch:
 * @watch: one of these callers'
 *
 * Ends a watch.
 */
void kv_dbus_callers_remove_watch (KvDbusCallers *callers, KvDbusWatch *watch);

/**
 * kv_dbus_callers_add_transfer:
 * @sender: the unique name of the caller
 * @transfer: what belongs to it
 * @abandon: ends and frees @transfer when the caller has left
 *
 * Remembers @transfer for as long as it takes.
 */
void kv_dbus_callers_add_transfer (KvDbusCallers *callers,
                                   const char *sender,
                                   gpointer transfer,
                                   GDestroyNotify abandon);

/**
 * kv_dbus_callers_remove_transfer:
 * @transfer: one that @sender has
 *
 * Forgets @transfer, which has ended.
 */
void
kv_dbus_callers_remove_transfer (KvDbusCallers *callers, const char *sender, gpointer transfer);

/**
 * kv_dbus_callers_free:
 *
 * Ends all that the callers have.
 */
void kv_dbus_callers_free (KvDbusCallers *callers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusCallers, kv_dbus_callers_free)

G_END_DECLS
