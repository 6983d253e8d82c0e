/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/**
 * KvTable:
 *
 * The entries: 64 stripes, each a GHashTable used as a set, under a GRWLock of its own. The callers of the functions that
 * change it hold the store's commit lock, so that a stripe is locked for writing only while a pointer is swapped, and
 * whoever holds the commit lock may look without the stripe's lock.
 */
#define KV_TABLE_STRIPES 64

typedef struct {
  GRWLock lock;        /* guards the pointers in entries against readers */
  GHashTable *entries; /* (owned) (element-type KvEntry): a reference each */
  guint64 hits;        /* lookups that found something; atomic */
} __attribute__ ((aligned (64))) KvStripe;

typedef struct {
  KvStripe stripes[KV_TABLE_STRIPES];
} KvTable;

void kv_table_init (KvTable *table);
void kv_table_clear (KvTable *table);

/**
 * kv_table_lookup:
 *
 * Any thread, no lock held.
 *
 * Returns: (transfer full) (nullable): the live entry of that key
 */
KvEntry *kv_table_lookup (KvTable *table, const char *key, gsize length);

/**
 * kv_table_peek:
 * @like: (transfer none): any entry with the key that is sought
 *
 * Under the commit lock.
 *
 * Returns: (transfer none) (nullable): what the table holds under that key, expired or not
 */
KvEntry *kv_table_peek (KvTable *table, const KvEntry *like);

/**
 * kv_table_peek_key:
 * @key: (array length=length): a key
 *
 * As kv_table_peek(), for one who has the key by itself. Under the commit lock.
 *
 * Returns: (transfer none) (nullable): what the table holds under that key, expired or not
 */
KvEntry *kv_table_peek_key (KvTable *table, const char *key, gsize length);

/**
 * kv_table_replace:
 * @old: (nullable) (transfer none): what kv_table_peek() gave; the table's reference to it passes to the caller
 * @entry: (nullable) (transfer full): what shall stand there instead; %NULL to remove
 *
 * Under the commit lock. Locks the stripe.
 */
void kv_table_replace (KvTable *table, KvEntry *old, KvEntry *entry);

/**
 * kv_table_replace_locked:
 *
 * The same for a caller that has locked the stripe for writing itself, with kv_table_lock_stripes().
 */
void kv_table_replace_locked (KvTable *table, KvEntry *old, KvEntry *entry);

/**
 * kv_table_add_all:
 * @entries: (array length=length): entries that all belong to @stripe; the table takes those that it adds
 *
 * Adds entries until there is one whose key is there already. Under the commit lock. Locks the stripe, once.
 *
 * Returns: how many it has added; the caller keeps the rest
 */
guint kv_table_add_all (KvTable *table, guint stripe, KvEntry *const *entries, guint length);

/**
 * kv_table_stripe_bit:
 *
 * Returns: the stripe of @entry as a bit
 */
guint64 kv_table_stripe_bit (const KvEntry *entry);

/**
 * kv_table_get_stripe:
 *
 * Returns: the index of the stripe of @entry
 */
guint kv_table_get_stripe (const KvEntry *entry);

/**
 * kv_table_find:
 * @like: (transfer none): any entry with the key that is sought
 *
 * As kv_table_lookup(), but it does not count as a hit: for what looks on nobody's behalf. Any thread, no lock held.
 *
 * Returns: (transfer full) (nullable): the live entry of that key
 */
KvEntry *kv_table_find (KvTable *table, const KvEntry *like);

/**
 * kv_table_lock_stripes:
 * @stripes: a bit for each stripe
 *
 * Locks several stripes for writing, in the order of their index.
 */
void kv_table_lock_stripes (KvTable *table, guint64 stripes);
void kv_table_unlock_stripes (KvTable *table, guint64 stripes);

/**
 * KvTableFunc:
 *
 * Returns: whether the collection wants @entry
 */
typedef gboolean (*KvTableFunc) (const KvEntry *entry, gpointer user_data);

/**
 * kv_table_collect_stripe:
 * @entries: (element-type KvEntry): a reference to each live entry that @wanted wants is appended
 *
 * Any thread, no lock held. Holds off writers of that stripe for the time of one pass over it.
 */
void kv_table_collect_stripe (KvTable *table,
                              guint stripe,
                              GPtrArray *entries,
                              KvTableFunc wanted,
                              gpointer user_data);

/**
 * kv_table_count_hits:
 *
 * Any thread. The sum of what the stripes have counted, each read on its own: lookups under way may or may not be in it.
 *
 * Returns: how many kv_table_lookup() calls have found their key since the table was made
 */
guint64 kv_table_count_hits (KvTable *table);

G_END_DECLS
