/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-keeping.h"

#include "core/kv-entry-private.h"

void
kv_keeping_free (KvKeeping *keeping)
{
  g_clear_error (&keeping->refusal);
  g_clear_pointer (&keeping->pending, kv_pending_free);
  g_assert (keeping->waiting.length == 0);
  kv_answers_free (keeping->answers);
  g_free (keeping);
}

static gboolean
is_read (const KvOperation *operations, guint length)
{
  for (guint i = 0; i < length; i++)
    if (operations[i].kind != KV_OPERATION_GET)
      return FALSE;
  return TRUE;
}

gboolean
kv_keeping_check_writable (KvStore *store, GError **error)
{
  KvKeeping *keeping = store->keeping;
  KvHeldChanges held;

  if (keeping->refusal != NULL)
    {
      g_propagate_error (error, g_error_copy (keeping->refusal));
      return FALSE;
    }

  kv_change_log_get_held (store->log, &held);
  if (held.end - held.first < keeping->limits.most_changes
      && held.bytes < keeping->limits.most_bytes)
    return TRUE;
  g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
                       "The disk does not keep up with what is written");
  return FALSE;
}

gboolean
kv_keeping_admit (KvStore *store, const KvOperation *operations, guint length, GError **error)
{
  return is_read (operations, length) || kv_keeping_check_writable (store, error);
}

gboolean
kv_keeping_may_expire (KvStore *store)
{
  return store->keeping->refusal == NULL;
}

/* The table has it still, and nobody is to find it there. */
static void
note_overdue (KvStore *store, const KvEntry *entry)
{
  store->keeping->overdue++;
  if (store->index != NULL)
    kv_store_index_set (store->index, entry, FALSE);
}

gboolean
kv_keeping_take_due (KvStore *store, const KvEntry *entry)
{
  KvEntry *pending;

  if (!kv_keeping_hides (store))
    return TRUE;
  note_overdue (store, entry);
  return !kv_pending_find (store->keeping->pending, entry, &pending);
}

KvEntry *
kv_keeping_peek (KvStore *store, const KvEntry *like, KvEntry *current)
{
  KvKeeping *keeping = store->keeping;

  if (keeping->pending != NULL && kv_pending_find (keeping->pending, like, &current))
    keeping->looked = TRUE;
  return current;
}

/* Takes an entry whose time has come out of the heap, so that it is met only once; the table has it until that is settled. */
static void
retire (KvStore *store, KvEntry *entry)
{
  if (kv_table_peek (&store->table, entry) != entry)
    return;
  if (entry->heap_index != KV_ENTRY_NOT_IN_HEAP)
    {
      kv_expiry_remove (store->expiry, entry);
      note_overdue (store, entry);
    }
}

void
kv_keeping_hold (KvStore *store, KvChange *changes, guint length)
{
  KvKeeping *keeping = store->keeping;
  KvHeldChanges held;

  kv_change_log_get_held (store->log, &held);
  for (guint i = 0; i < length; i++)
    {
      if (changes[i].kind == KV_CHANGE_EXPIRED)
        retire (store, changes[i].previous);
      kv_pending_add (keeping->pending, &changes[i], held.end + i);
    }
  kv_change_log_append (store->log, changes, length);
  kv_keeping_wake (store);
}

static gboolean
lags (KvStore *store)
{
  const KvKeeperLimits *limits = &store->keeping->limits;
  KvHeldChanges held;

  kv_change_log_get_held (store->log, &held);
  return held.end - held.first > limits->many_changes || held.bytes > limits->many_bytes;
}

void
kv_keeping_wake (KvStore *store)
{
  KvKeeping *keeping = store->keeping;

  keeping->looked = TRUE;
  if (!keeping->told)
    {
      keeping->told = TRUE;
      keeping->wake (FALSE, keeping->user_data);
    }
  if (!keeping->urged && keeping->pending == NULL && lags (store))
    {
      keeping->urged = TRUE;
      keeping->wake (TRUE, keeping->user_data);
    }
}

gboolean
kv_keeping_must_wait (KvStore *store)
{
  KvKeeping *keeping = store->keeping;

  if (keeping->pending != NULL)
    return keeping->looked;
  /* Without a disk to wait for, what is admitted has been promised to be kept when there is one again. */
  return keeping->looked && keeping->refusal == NULL && lags (store);
}

void
kv_keeping_queue (KvStore *store, KvAnswer *answer)
{
  KvHeldChanges held;

  kv_change_log_get_held (store->log, &held);
  answer->sequence = held.end;
  g_queue_push_tail_link (&store->keeping->waiting, &answer->link);
}

guint64
kv_keeping_count_overdue (KvStore *store)
{
  KvKeeping *keeping = store->keeping;

  /* Those that nobody may take away now are in the heap still. */
  return keeping->overdue
         + (keeping->refusal != NULL ? kv_expiry_count_due (store->expiry, kv_clock_now ()) : 0);
}
