/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-pending.h"

#include "core/kv-entry-private.h"

#include <string.h>

struct _KvPending {
  GHashTable *covers; /* (owned) (element-type Cover): a set by key */
};

/* Whoever looks for a key makes one of these on the stack, with the key alone. */
typedef struct {
  const KvEntry *key; /* (borrowed) from the change */
  KvEntry *entry;     /* (borrowed) (nullable): what the key shall hold */
  guint64 sequence;   /* of the change */
} Cover;

static guint
hash_cover (gconstpointer cover)
{
  return ((const Cover *) cover)->key->hash;
}

static gboolean
equal_covers (gconstpointer a, gconstpointer b)
{
  const KvEntry *x = ((const Cover *) a)->key, *y = ((const Cover *) b)->key;

  return x->key_length == y->key_length && memcmp (x->bytes, y->bytes, x->key_length) == 0;
}

KvPending *
kv_pending_new (void)
{
  KvPending *pending = g_new (KvPending, 1);

  pending->covers = g_hash_table_new_full (hash_cover, equal_covers, g_free, NULL);
  return pending;
}

void
kv_pending_free (KvPending *pending)
{
  g_hash_table_unref (pending->covers);
  g_free (pending);
}

void
kv_pending_add (KvPending *pending, const KvChange *change, guint64 sequence)
{
  Cover cover = { change->entry != NULL ? change->entry : change->previous, change->entry,
                  sequence };

  /* In place of the older one: its key is lent by a change that is done with first. */
  g_hash_table_add (pending->covers, g_memdup2 (&cover, sizeof cover));
}

gboolean
kv_pending_find (KvPending *pending, const KvEntry *like, KvEntry **entry)
{
  const Cover probe = { .key = like };
  const Cover *cover = g_hash_table_lookup (pending->covers, &probe);

  if (cover == NULL)
    return FALSE;
  *entry = cover->entry;
  return TRUE;
}

void
kv_pending_remove (KvPending *pending, const KvChange *change)
{
  const Cover probe = { .key = change->entry != NULL ? change->entry : change->previous };
  const Cover *cover = g_hash_table_lookup (pending->covers, &probe);

  if (cover != NULL && cover->sequence == change->sequence)
    g_hash_table_remove (pending->covers, cover);
}

void
kv_pending_clear (KvPending *pending)
{
  g_hash_table_remove_all (pending->covers);
}
