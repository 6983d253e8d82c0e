/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-store-peek.h"

#include "store/kv-store-private.h"

KvEntry *
kv_store_peek (KvStore *store, const KvEntry *like)
{
  return kv_table_find (&store->table, like);
}
