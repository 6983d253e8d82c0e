/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-snapshot.h"

#include "core/kv-entry-private.h"
#include "store/kv-snapshot-private.h"
#include "store/kv-spin.h"
#include "store/kv-store-private.h"

struct _KvSnapshot {
  KvStore *store;   /* (owned) */
  guint64 revision; /* what is in the table with a later one has come since */
  gint64 taken;     /* kv_clock_now(): what had expired by then is not in it */

  /* Guarded by the commit lock while it is among the store's open ones. */
  KvSnapshot *next; /* (nullable): the next of these */
  gboolean open;    /* whether it is one of them: until it has come to the last stripe */
  guint reached;    /* the first stripe that it has not come to */
  GPtrArray *
    kept; /* (owned) (nullable) (element-type KvEntry): what has left stripes that it has not come to */

  /* The reading thread's. */
  GPtrArray *entries; /* (owned) (element-type KvEntry): what is to be given next, from the end */
};

KvSnapshot *
kv_snapshot_new (KvStore *store)
{
  KvSnapshot *snapshot = g_new0 (KvSnapshot, 1);

  snapshot->store = g_object_ref (store);
  snapshot->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_entry_unref);
  snapshot->open = TRUE;

  kv_store_lock (store);
  snapshot->revision = store->revision;
  snapshot->taken = kv_clock_now ();
  snapshot->next = store->snapshots;
  store->snapshots = snapshot;
  g_mutex_unlock (&store->commit_lock);
  return snapshot;
}

guint64
kv_snapshot_get_revision (const KvSnapshot *snapshot)
{
  return snapshot->revision;
}

static gboolean
holds (const KvSnapshot *snapshot, const KvEntry *entry)
{
  return entry->revision <= snapshot->revision && entry->deadline > snapshot->taken;
}

void
kv_snapshot_keep (KvSnapshot *snapshots, KvEntry *entry)
{
  guint stripe = kv_table_get_stripe (entry);

  for (KvSnapshot *snapshot = snapshots; snapshot != NULL; snapshot = snapshot->next)
    {
      if (stripe < snapshot->reached || !holds (snapshot, entry))
        continue;
      if (snapshot->kept == NULL)
        snapshot->kept = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_entry_unref);
      g_ptr_array_add (snapshot->kept, kv_entry_ref (entry));
    }
}

/* Under the commit lock: no writer has it in its hands from here on. */
static void
leave_store (KvSnapshot *snapshot)
{
  KvSnapshot **link = &snapshot->store->snapshots;

  while (*link != snapshot)
    link = &(*link)->next;
  *link = snapshot->next;
  snapshot->open = FALSE;
}

static void
collect (KvSnapshot *snapshot, const KvStripe *stripe)
{
  GHashTableIter iter;
  gpointer entry;

  g_hash_table_iter_init (&iter, stripe->entries);
  while (g_hash_table_iter_next (&iter, &entry, NULL))
    if (holds (snapshot, entry))
      g_ptr_array_add (snapshot->entries, kv_entry_ref (entry));
}

/* Takes the next stripe, and all that has been kept so far. The stripe's lock is taken before the commit lock is let go, so that no
 * writer comes between: each change to the stripe has either left its entry with us, or waits until we have taken it. */
static void
take_stripe (KvSnapshot *snapshot)
{
  KvStore *store = snapshot->store;
  KvStripe *stripe;
  g_autoptr (GPtrArray) kept = NULL;

  kv_store_lock (store);
  stripe = &store->table.stripes[snapshot->reached++];
  kept = g_steal_pointer (&snapshot->kept);
  if (snapshot->reached == KV_TABLE_STRIPES)
    leave_store (snapshot);
  kv_spin_reader_lock (&stripe->lock);
  g_mutex_unlock (&store->commit_lock);
  collect (snapshot, stripe);
  g_rw_lock_reader_unlock (&stripe->lock);

  if (kept != NULL)
    g_ptr_array_extend_and_steal (snapshot->entries, g_steal_pointer (&kept));
}

KvEntry *
kv_snapshot_next (KvSnapshot *snapshot)
{
  while (snapshot->entries->len == 0 && snapshot->open)
    take_stripe (snapshot);
  if (snapshot->entries->len == 0)
    return NULL;
  return g_ptr_array_steal_index_fast (snapshot->entries, snapshot->entries->len - 1);
}

void
kv_snapshot_free (KvSnapshot *snapshot)
{
  kv_store_lock (snapshot->store);
  if (snapshot->open)
    leave_store (snapshot);
  g_mutex_unlock (&snapshot->store->commit_lock);

  g_clear_pointer (&snapshot->kept, g_ptr_array_unref);
  g_ptr_array_unref (snapshot->entries);
  g_object_unref (snapshot->store);
  g_free (snapshot);
}
