/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-table.h"

#include "core/kv-entry-private.h"
#include "core/kv-hash.h"
#include "store/kv-spin.h"

#include <string.h>

/* What a lookup hands to the hash table in place of an entry: the same first fields of interest, so that one hash and one
 * comparison serve both, and a lookup builds no entry. */
typedef struct {
  guint32 hash;
  gsize length;
  const char *bytes;
} Probe;

/* GHashTable calls its functions with stored entries and with what was passed to it. A probe is told apart by the lowest
 * bit of its pointer, which no allocation has set. */
static inline gpointer
tag_probe (const Probe *probe)
{
  return (gpointer) ((guintptr) probe | 1);
}

static inline Probe
read_key (gconstpointer pointer)
{
  const KvEntry *entry = pointer;

  if ((guintptr) pointer & 1)
    return *(const Probe *) ((guintptr) pointer & ~(guintptr) 1);
  return (Probe){ entry->hash, entry->key_length, entry->bytes };
}

static guint
hash_key (gconstpointer pointer)
{
  return read_key (pointer).hash;
}

static gboolean
equal_keys (gconstpointer a, gconstpointer b)
{
  Probe x = read_key (a), y = read_key (b);

  return x.length == y.length && memcmp (x.bytes, y.bytes, x.length) == 0;
}

/* The highest bits choose the stripe: GHashTable takes its buckets from the hash modulo a prime, so the stripes' own
 * tables still spread well. */
static inline guint
stripe_of (guint32 hash)
{
  return hash >> 26;
}

G_STATIC_ASSERT (KV_TABLE_STRIPES == 1 << (32 - 26));

void
kv_table_init (KvTable *table)
{
  for (guint i = 0; i < KV_TABLE_STRIPES; i++)
    {
      KvStripe *stripe = &table->stripes[i];

      g_rw_lock_init (&stripe->lock);
      stripe->entries = g_hash_table_new (hash_key, equal_keys);
      stripe->hits = 0;
    }
}

void
kv_table_clear (KvTable *table)
{
  for (guint i = 0; i < KV_TABLE_STRIPES; i++)
    {
      KvStripe *stripe = &table->stripes[i];
      GHashTableIter iter;
      gpointer entry;

      g_hash_table_iter_init (&iter, stripe->entries);
      while (g_hash_table_iter_next (&iter, &entry, NULL))
        kv_entry_unref (entry);
      g_hash_table_unref (stripe->entries);
      g_rw_lock_clear (&stripe->lock);
    }
}

/* @like: an entry or a tagged probe. Gives a reference to what is alive. */
static inline KvEntry *
find_alive (KvStripe *stripe, gconstpointer like)
{
  KvEntry *entry;

  kv_spin_reader_lock (&stripe->lock);
  entry = g_hash_table_lookup (stripe->entries, like);
  if (entry != NULL)
    kv_entry_ref (entry);
  g_rw_lock_reader_unlock (&stripe->lock);

  if (entry != NULL && entry->deadline != KV_NO_DEADLINE && kv_entry_is_expired (entry))
    g_clear_pointer (&entry, kv_entry_unref);
  return entry;
}

KvEntry *
kv_table_lookup (KvTable *table, const char *key, gsize length)
{
  Probe probe = { kv_key_hash (key, length), length, key };
  KvStripe *stripe = &table->stripes[stripe_of (probe.hash)];
  KvEntry *entry = find_alive (stripe, tag_probe (&probe));

  if (entry != NULL)
    __atomic_fetch_add (&stripe->hits, 1, __ATOMIC_RELAXED);
  return entry;
}

KvEntry *
kv_table_peek (KvTable *table, const KvEntry *like)
{
  return g_hash_table_lookup (table->stripes[stripe_of (like->hash)].entries, like);
}

KvEntry *
kv_table_peek_key (KvTable *table, const char *key, gsize length)
{
  const Probe probe = { kv_key_hash (key, length), length, key };

  return g_hash_table_lookup (table->stripes[stripe_of (probe.hash)].entries, tag_probe (&probe));
}

void
kv_table_replace_locked (KvTable *table, KvEntry *old, KvEntry *entry)
{
  KvEntry *either = entry != NULL ? entry : old;
  GHashTable *entries = table->stripes[stripe_of (either->hash)].entries;

  if (entry != NULL)
    g_hash_table_add (entries, entry);
  else
    g_hash_table_remove (entries, old);
}

void
kv_table_replace (KvTable *table, KvEntry *old, KvEntry *entry)
{
  KvEntry *either = entry != NULL ? entry : old;
  KvStripe *stripe = &table->stripes[stripe_of (either->hash)];

  kv_spin_writer_lock (&stripe->lock);
  kv_table_replace_locked (table, old, entry);
  g_rw_lock_writer_unlock (&stripe->lock);
}

/* How many entries ahead of the one that is added: to hash it is to read it. */
#define FETCH_AHEAD 8

guint
kv_table_add_all (KvTable *table, guint stripe, KvEntry *const *entries, guint length)
{
  KvStripe *to = &table->stripes[stripe];
  guint added = 0;

  kv_spin_writer_lock (&to->lock);
  for (; added < length && !g_hash_table_contains (to->entries, entries[added]); added++)
    {
      if (added + FETCH_AHEAD < length)
        __builtin_prefetch (entries[added + FETCH_AHEAD]);
      g_hash_table_add (to->entries, entries[added]);
    }
  g_rw_lock_writer_unlock (&to->lock);
  return added;
}

KvEntry *
kv_table_find (KvTable *table, const KvEntry *like)
{
  return find_alive (&table->stripes[stripe_of (like->hash)], like);
}

guint
kv_table_get_stripe (const KvEntry *entry)
{
  return stripe_of (entry->hash);
}

guint64
kv_table_stripe_bit (const KvEntry *entry)
{
  return G_GUINT64_CONSTANT (1) << stripe_of (entry->hash);
}

void
kv_table_lock_stripes (KvTable *table, guint64 stripes)
{
  for (guint i = 0; i < KV_TABLE_STRIPES; i++)
    if (stripes >> i & 1)
      kv_spin_writer_lock (&table->stripes[i].lock);
}

void
kv_table_unlock_stripes (KvTable *table, guint64 stripes)
{
  for (guint i = 0; i < KV_TABLE_STRIPES; i++)
    if (stripes >> i & 1)
      g_rw_lock_writer_unlock (&table->stripes[i].lock);
}

void
kv_table_collect_stripe (KvTable *table,
                         guint stripe,
                         GPtrArray *entries,
                         KvTableFunc wanted,
                         gpointer user_data)
{
  KvStripe *from = &table->stripes[stripe];
  GHashTableIter iter;
  gpointer entry;

  kv_spin_reader_lock (&from->lock);
  g_hash_table_iter_init (&iter, from->entries);
  while (g_hash_table_iter_next (&iter, &entry, NULL))
    if (wanted (entry, user_data) && !kv_entry_is_expired (entry))
      g_ptr_array_add (entries, kv_entry_ref (entry));
  g_rw_lock_reader_unlock (&from->lock);
}

guint64
kv_table_count_hits (KvTable *table)
{
  guint64 hits = 0;

  for (guint i = 0; i < KV_TABLE_STRIPES; i++)
    hits += __atomic_load_n (&table->stripes[i].hits, __ATOMIC_RELAXED);
  return hits;
}
