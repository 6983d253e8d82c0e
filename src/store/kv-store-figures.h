/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-change-log.h"
#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * KvStoreFigures:
 * @status: as kv_store_get_status() has it, but that keys whose time has come count until they have been removed
 * @bytes: of the entries in the table: their keys, values and headers
 * @log: how far the log reaches
 * @lag: changes that the slowest reader that feeds watches has still to look at
 * @is_kept: whether the store has a keeper, who writes its changes down
 * @is_strict: whether changes are seen and answered only when they have been written down
 * @held_changes: changes that are not written down yet
 * @held_bytes: of the entries that those hold alive
 * @is_writable: whether a write would be taken now
 *
 * What a monitor wants to know.
 */
typedef struct {
  KvStoreStatus status;
  guint64 bytes;
  KvLogExtent log;
  guint64 lag;
  gboolean is_kept;
  gboolean is_strict;
  guint64 held_changes;
  guint64 held_bytes;
  gboolean is_writable;
} KvStoreFigures;

/**
 * kv_store_get_figures:
 * @figures: (out): filled in
 *
 * Takes the locks for a few instructions each, however many keys and watches there are. Any thread.
 */
void kv_store_get_figures (KvStore *store, KvStoreFigures *figures);

/**
 * kv_store_check_writable:
 * @error: set to %KV_ERROR_UNAVAILABLE, with the reason
 *
 * Any thread.
 *
 * Returns: whether a write would be taken now
 */
gboolean kv_store_check_writable (KvStore *store, GError **error);

G_END_DECLS
