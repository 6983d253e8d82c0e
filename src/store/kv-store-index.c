/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* How the index is made while others write. A thread goes through the table stripe by stripe and puts the keys into an index that is its
 * own; writers note which keys come and go meanwhile, and it puts these in afterwards, in order. Of each key the last note counts, and
 * what had no note since its stripe was looked at is as it was found: so it does not matter how the two overlap.
 *
 * It copies a stripe's pointers, and looks at the entries with no lock and no references, which would cost a stripe's time of waiting
 * for memory. Whoever takes an entry of that stripe out of the table meanwhile leaves a reference. */

#include "store/kv-store-index.h"

#include "core/kv-entry-private.h"
#include "store/kv-spin.h"

#include <string.h>

/* A store with no more keys than this has its index made at once, by whoever asks first: within a millisecond. */
#define FEW_KEYS 1000

/* Bytes of notes that are carried out under the commit lock: some two hundred keys. If there are always more, as writers are as
 * fast, all are carried out there after so many attempts. */
#define FEW_NOTES 4096
#define ATTEMPTS 16

/* No stripe. */
#define NONE KV_TABLE_STRIPES

struct _KvStoreIndex {
  /* All of it under the commit lock. */
  KvKeyIndex *keys;  /* (owned) (nullable): when it is there */
  GByteArray *notes; /* (owned) (nullable): while it is being made, what has come and gone */
  guint stripe;      /* that the maker is looking at */
  GPtrArray *left;   /* (owned) (nullable) (element-type KvEntry): what has left it meanwhile */
  GPtrArray *asking; /* (owned) (element-type Asker): who waits for it */
};

/* One who waits. */
typedef struct {
  KvStore *store;        /* (owned) when there is a context; who blocks has a reference itself */
  GMainContext *context; /* (owned) (nullable): where to tell; anywhere */
  KvStoreIndexFunc func;
  gpointer user_data;
} Asker;

/* A note has no structure in memory: these two bytes, and the key. */
typedef struct {
  guint16 length : 15;
  guint16 listed : 1;
} Note;

G_STATIC_ASSERT (sizeof (Note) == 2);

static void
set_key (KvKeyIndex *keys, const char *key, gsize length, gboolean listed)
{
  if (listed)
    kv_key_index_insert (keys, key, length);
  else
    kv_key_index_remove (keys, key, length);
}

void
kv_store_index_set (KvStoreIndex *self, const KvEntry *entry, gboolean listed)
{
  Note note = { entry->key_length, listed ? 1 : 0 };

  if (self->keys != NULL)
    {
      set_key (self->keys, entry->bytes, entry->key_length, listed);
      return;
    }
  g_byte_array_append (self->notes, (const guint8 *) &note, sizeof note);
  g_byte_array_append (self->notes, (const guint8 *) entry->bytes, entry->key_length);
}

/* Whether it is in the table and its expiry has been decided, so that it is not listed. */
static gboolean
is_overdue (const KvEntry *entry)
{
  return entry->deadline != KV_NO_DEADLINE && entry->heap_index == KV_ENTRY_NOT_IN_HEAP;
}

void
kv_store_index_follow (KvStoreIndex *self, KvEntry *old, const KvEntry *entry)
{
  if (old != NULL && self->stripe != NONE && self->stripe == kv_table_get_stripe (old))
    g_ptr_array_add (self->left, kv_entry_ref (old));
  if (entry != NULL && (old == NULL || is_overdue (old)))
    kv_store_index_set (self, entry, TRUE);
  else if (entry == NULL && old != NULL)
    kv_store_index_set (self, old, FALSE);
}

const KvKeyIndex *
kv_store_index_get (KvStore *store)
{
  return store->index->keys;
}

static void
carry_out_notes (KvKeyIndex *keys, const GByteArray *notes)
{
  Note note;

  for (guint at = 0; at < notes->len; at += sizeof note + note.length)
    {
      memcpy (&note, notes->data + at, sizeof note);
      set_key (keys, (const char *) notes->data + at + sizeof note, note.length, note.listed);
    }
}

/* Begins with a stripe: from here on, what leaves it is kept. As with a snapshot, the stripe's lock is taken before the commit lock is
 * let go: a writer who has told of a change has still to make it, or has made it. */
static KvEntry **
copy_pointers (KvStore *store, guint index, guint *length)
{
  KvStripe *stripe = &store->table.stripes[index];
  KvEntry **entries;

  kv_store_lock (store);
  store->index->stripe = index;
  store->index->left = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_entry_unref);
  kv_spin_reader_lock (&stripe->lock);
  g_mutex_unlock (&store->commit_lock);
  entries = (KvEntry **) g_hash_table_get_keys_as_array (stripe->entries, length);
  g_rw_lock_reader_unlock (&stripe->lock);
  return entries;
}

/* Ends with a stripe. What was expired by then may have been decided to be so, which only the heap can tell. If that is decided later,
 * there is a note. */
static void
leave_stripe (KvStore *store, KvKeyIndex *keys, const GPtrArray *expired)
{
  KvStoreIndex *self = store->index;
  g_autoptr (GPtrArray) left = NULL;
  g_autoptr (GByteArray) notes = NULL;

  kv_store_lock (store);
  for (guint i = 0; i < expired->len; i++)
    {
      const KvEntry *entry = expired->pdata[i];

      if (!is_overdue (entry))
        kv_key_index_insert (keys, entry->bytes, entry->key_length);
    }
  self->stripe = NONE;
  left = g_steal_pointer (&self->left);
  notes = self->notes;
  self->notes = g_byte_array_new ();
  g_mutex_unlock (&store->commit_lock);

  carry_out_notes (keys, notes);
}

static void
add_stripe (KvStore *store, guint stripe, KvKeyIndex *keys)
{
  g_autoptr (GPtrArray) expired = g_ptr_array_new ();
  guint length;
  g_autofree KvEntry **entries = copy_pointers (store, stripe, &length);
  gint64 now = kv_clock_now ();

  for (guint i = 0; i < length; i++)
    if (entries[i]->deadline > now)
      kv_key_index_insert (keys, entries[i]->bytes, entries[i]->key_length);
    else
      g_ptr_array_add (expired, entries[i]);
  leave_stripe (store, keys, expired);
}

/* Carries out what has been noted since, until there is little enough of it to do that under the lock; then the index is there.
 * Returns: (transfer full): who waits for it */
static GPtrArray *
catch_up (KvStore *store, KvKeyIndex *keys)
{
  KvStoreIndex *self = store->index;
  GPtrArray *asking = NULL;

  for (guint attempt = 1; asking == NULL; attempt++)
    {
      g_autoptr (GByteArray) notes = NULL;

      kv_store_lock (store);
      notes = g_steal_pointer (&self->notes);
      if (notes->len <= FEW_NOTES || attempt == ATTEMPTS)
        {
          carry_out_notes (keys, notes);
          self->keys = keys;
          asking = self->asking;
          self->asking = g_ptr_array_new ();
        }
      else
        self->notes = g_byte_array_new ();
      g_mutex_unlock (&store->commit_lock);

      if (asking == NULL)
        carry_out_notes (keys, notes);
    }
  return asking;
}

static void
asker_free (gpointer data)
{
  Asker *asker = data;

  if (asker->context != NULL)
    {
      g_main_context_unref (asker->context);
      g_object_unref (asker->store);
    }
  g_free (asker);
}

static gboolean
tell (gpointer data)
{
  Asker *asker = data;

  asker->func (asker->store, asker->user_data);
  return G_SOURCE_REMOVE;
}

static void
tell_in_context (Asker *asker)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "kvstore index");
  g_source_set_callback (source, tell, asker, asker_free);
  g_source_attach (source, asker->context);
  g_source_unref (source);
}

static void
tell_all (GPtrArray *asking)
{
  for (guint i = 0; i < asking->len; i++)
    {
      Asker *asker = asking->pdata[i];

      if (asker->context != NULL)
        tell_in_context (asker);
      else
        {
          tell (asker);
          asker_free (asker);
        }
    }
}

/* Returns: (transfer full): who is to be told of it */
static GPtrArray *
make (KvStore *store)
{
  KvKeyIndex *keys = kv_key_index_new ();

  for (guint stripe = 0; stripe < KV_TABLE_STRIPES; stripe++)
    add_stripe (store, stripe, keys);
  return catch_up (store, keys);
}

/* Lets go of the store before it tells anybody: who is told may let go of it, too, and be the last. */
static gpointer
run_maker (gpointer data)
{
  KvStore *store = data;
  g_autoptr (GPtrArray) asking = make (store);

  g_object_unref (store);
  tell_all (asking);
  return NULL;
}

static KvStoreIndex *
index_new (void)
{
  KvStoreIndex *self = g_new0 (KvStoreIndex, 1);

  self->notes = g_byte_array_new ();
  self->stripe = NONE;
  self->asking = g_ptr_array_new ();
  return self;
}

static void
add_asker (KvStore *store, KvStoreIndexFunc func, gpointer user_data, gboolean anywhere)
{
  Asker *asker = g_new0 (Asker, 1);

  asker->store = anywhere ? store : g_object_ref (store);
  asker->context = anywhere ? NULL : g_main_context_ref_thread_default ();
  asker->func = func;
  asker->user_data = user_data;
  g_ptr_array_add (store->index->asking, asker);
}

gboolean
kv_store_index_prepare (KvStore *store,
                        KvStoreIndexFunc func,
                        gpointer user_data,
                        gboolean anywhere)
{
  gboolean first, small, there;

  kv_store_lock (store);
  first = store->index == NULL;
  small = store->keys <= FEW_KEYS;
  if (first)
    store->index = index_new ();
  there = store->index->keys != NULL;
  if (!there && !(first && small))
    add_asker (store, func, user_data, anywhere);
  g_mutex_unlock (&store->commit_lock);

  if (first && small)
    {
      g_autoptr (GPtrArray) asking = make (store);

      tell_all (asking);
    }
  else if (first)
    g_thread_unref (g_thread_new ("kvstore index", run_maker, g_object_ref (store)));
  return there || (first && small);
}

void
kv_store_index_free (KvStoreIndex *self)
{
  g_clear_pointer (&self->keys, kv_key_index_free);
  g_clear_pointer (&self->notes, g_byte_array_unref);
  g_ptr_array_unref (self->asking);
  g_free (self);
}
