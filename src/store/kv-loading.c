/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-loading.h"

#include "core/kv-entry-private.h"
#include "store/kv-spin.h"
#include "store/kv-store-private.h"

/* Entries come in no order of their hashes, and each would find its place in the table cold. Of many for one stripe the later
 * find some of it warm. More than that, they need no lock between one and the next, at which the processor would wait
 * until the memory for the one before has come. Four times as many gain no more. Together that is 512 KiB of pointers. */
#define GATHERED 1024

struct _KvLoading {
  KvStore *store;                               /* (borrowed) */
  guint lengths[KV_TABLE_STRIPES];              /* of what is gathered for each stripe */
  KvEntry *entries[KV_TABLE_STRIPES][GATHERED]; /* (owned) */
};

KvLoading *
kv_loading_new (KvStore *store)
{
  KvLoading *loading = g_new0 (KvLoading, 1);

  loading->store = store;
  return loading;
}

void
kv_loading_free (KvLoading *loading)
{
  for (guint i = 0; i < KV_TABLE_STRIPES; i++)
    for (guint j = 0; j < loading->lengths[i]; j++)
      kv_entry_unref (loading->entries[i][j]);
  g_free (loading);
}

static gboolean
put_into_store (KvLoading *loading, guint stripe)
{
  KvStore *store = loading->store;
  KvEntry **entries = loading->entries[stripe];
  guint length = loading->lengths[stripe], added;

  kv_store_lock (store);
  added = kv_table_add_all (&store->table, stripe, entries, length);
  for (guint i = 0; i < added; i++)
    {
      if (entries[i]->deadline != KV_NO_DEADLINE)
        kv_expiry_add (store->expiry, entries[i]);
      store->bytes += kv_entry_get_size (entries[i]);
    }
  store->keys += added;
  g_mutex_unlock (&store->commit_lock);

  for (guint i = added; i < length; i++)
    kv_entry_unref (entries[i]);
  loading->lengths[stripe] = 0;
  return added == length;
}

gboolean
kv_loading_add (KvLoading *loading, KvEntry *entry, guint64 revision)
{
  guint stripe = kv_table_get_stripe (entry);

  kv_entry_seal (entry, revision);
  loading->entries[stripe][loading->lengths[stripe]++] = entry;
  return loading->lengths[stripe] < GATHERED || put_into_store (loading, stripe);
}

gboolean
kv_loading_finish (KvLoading *loading)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < KV_TABLE_STRIPES; i++)
    if (loading->lengths[i] > 0)
      ok = put_into_store (loading, i) && ok;
  return ok;
}
