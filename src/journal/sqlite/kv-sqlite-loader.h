/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "journal/sqlite/kv-sqlite-file.h"
#include "store/kv-store-keeper.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * kv_sqlite_loader_run:
 * @store: has a keeper, and has not been started
 * @revision: (out): the highest that has been written
 * @keys: (out): how many were loaded
 * @digest: (out): the sum of kv_sqlite_index_digest() over them
 * @error: set to %KV_ERROR_FAILED when the file holds what is no entry, to %KV_ERROR_UNAVAILABLE when it cannot be read,
 *   or to %G_IO_ERROR_CANCELLED; the text names the file
 *
 * Fills the store with what the file holds. Says in the log how far it is when that takes long. The thread of @file.
 */
gboolean kv_sqlite_loader_run (KvSqliteFile *file,
                               KvStore *store,
                               GCancellable *cancellable,
                               guint64 *revision,
                               guint64 *keys,
                               guint64 *digest,
                               GError **error);

G_END_DECLS
