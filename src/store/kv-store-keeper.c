/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-store-keeper.h"

#include "core/kv-entry-private.h"
#include "core/kv-hash.h"
#include "store/kv-keeping.h"
#include "store/kv-spin.h"

#include <string.h>

/* How many changes are shown, or read, before other writers get their turn. */
#define CHANGES_AT_A_TIME 64

void
kv_store_keeper_attach (KvStore *self,
                        KvDurability durability,
                        const KvKeeperLimits *limits,
                        KvKeeperWakeFunc wake,
                        gpointer user_data)
{
  KvKeeping *keeping = g_new0 (KvKeeping, 1);
  gboolean strict = durability == KV_DURABILITY_STRICT;

  g_assert (self->keeping == NULL);
  keeping->limits = *limits;
  keeping->wake = wake;
  keeping->user_data = user_data;
  keeping->pending = strict ? kv_pending_new () : NULL;
  keeping->answers = kv_answers_new ();
  keeping->refusal =
    g_error_new_literal (KV_ERROR, KV_ERROR_UNAVAILABLE, "The store is being loaded");
  g_queue_init (&keeping->waiting);

  kv_store_lock (self);
  self->keeping = keeping;
  kv_change_log_begin_to_keep (self->log, self->revision, strict);
  g_mutex_unlock (&self->commit_lock);
}

void
kv_store_keeper_start (KvStore *self, guint64 revision)
{
  kv_store_lock (self);
  __atomic_store_n (&self->revision, MAX (self->revision, revision), __ATOMIC_RELEASE);
  self->keeping->decided = self->revision;
  kv_change_log_begin_to_keep (self->log, self->revision, self->keeping->pending != NULL);
  g_mutex_unlock (&self->commit_lock);
  kv_store_keeper_resume (self);
}

gboolean
kv_store_keeper_take (KvStore *self, guint64 *from, guint64 *to)
{
  KvHeldChanges held;

  kv_store_lock (self);
  kv_change_log_get_held (self->log, &held);
  self->keeping->told = self->keeping->urged = FALSE;
  g_mutex_unlock (&self->commit_lock);

  *from = held.first;
  *to = held.end;
  return held.first < held.end;
}

static GArray *
new_changes (void)
{
  GArray *changes = g_array_new (FALSE, TRUE, sizeof (KvChange));

  g_array_set_clear_func (changes, (GDestroyNotify) kv_change_clear);
  return changes;
}

static inline KvChange *
change_at (GArray *changes, guint index)
{
  return &g_array_index (changes, KvChange, index);
}

/* Appends what lies between @from and @to. */
static void
read_changes (KvStore *self, guint64 from, guint64 to, GArray *changes)
{
  while (from < to)
    {
      guint length = changes->len, given;

      g_array_set_size (changes, length + CHANGES_AT_A_TIME);
      given = kv_change_log_read_held (self->log, from, change_at (changes, length),
                                       (guint) MIN (to - from, CHANGES_AT_A_TIME));
      g_array_set_size (changes, length + given);
      from += given;
    }
}

static guint
hash_key (gconstpointer change)
{
  const KvChange *self = change;

  return (self->entry != NULL ? self->entry : self->previous)->hash;
}

static gboolean
equal_keys (gconstpointer a, gconstpointer b)
{
  gsize x_length, y_length;
  const char *x = kv_change_get_key (a, &x_length), *y = kv_change_get_key (b, &y_length);

  return x_length == y_length && memcmp (x, y, x_length) == 0;
}

/* Clears what a later change of the same key has overtaken, and closes the gaps. */
static void
fold (GArray *changes)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (hash_key, equal_keys);
  guint kept = 0;

  for (guint i = changes->len; i > 0; i--)
    if (g_hash_table_contains (seen, change_at (changes, i - 1)))
      kv_change_clear (change_at (changes, i - 1));
    else
      g_hash_table_add (seen, change_at (changes, i - 1));
  g_hash_table_remove_all (seen);

  for (guint i = 0; i < changes->len; i++)
    {
      KvChange change = *change_at (changes, i);

      if (change.entry == NULL && change.previous == NULL)
        continue;
      *change_at (changes, i) = (KvChange){ 0 };
      *change_at (changes, kept++) = change;
    }
  g_array_set_size (changes, kept);
}

GArray *
kv_store_keeper_collect (KvStore *self, guint64 from, guint64 to, guint64 *revision)
{
  GArray *changes = new_changes ();

  read_changes (self, from, to, changes);
  *revision = change_at (changes, changes->len - 1)->revision;
  if (changes->len > 1)
    fold (changes);
  return changes;
}

/* Reads some changes, whole revisions of them. */
static void
read_revisions (KvStore *self, guint64 from, guint64 to, GArray *changes)
{
  guint length;

  g_array_set_size (changes, 0);
  do
    {
      guint64 next = from + changes->len;

      read_changes (self, next, MIN (to, next + CHANGES_AT_A_TIME), changes);
      for (length = changes->len; length > 0 && !change_at (changes, length - 1)->last;)
        length--;
    }
  while (length == 0);
  g_array_set_size (changes, length);
}

/* Shows the changes of one revision, in which the table's references to what was there before come back to us. */
static void
show (KvStore *self, KvChange *changes, guint length)
{
  __atomic_store_n (&self->revision, changes->revision, __ATOMIC_RELEASE);
  for (guint i = 0; i < length; i++)
    {
      const KvEntry *old = changes[i].previous;

      self->expirations += changes[i].kind == KV_CHANGE_EXPIRED;
      if (old != NULL && old->deadline != KV_NO_DEADLINE && old->heap_index == KV_ENTRY_NOT_IN_HEAP)
        self->keeping->overdue--;
    }

  if (length == 1)
    kv_store_apply (self, changes->previous,
                    changes->entry != NULL ? kv_entry_ref (changes->entry) : NULL);
  else
    kv_store_apply_all (self, changes, length);

  for (guint i = 0; i < length; i++)
    {
      kv_pending_remove (self->keeping->pending, &changes[i]);
      if (changes[i].previous != NULL)
        kv_entry_unref (changes[i].previous);
    }
}

/* Shows some of what is before @to. Under the commit lock. Returns where it got. */
static guint64
show_some (KvStore *self, guint64 from, guint64 to, GArray *changes)
{
  read_revisions (self, from, to, changes);
  for (guint first = 0, end = 0; first < changes->len; first = end)
    {
      do
        end++;
      while (!change_at (changes, end - 1)->last);
      show (self, change_at (changes, first), end - first);
    }
  return from + changes->len;
}

/* Takes the answers that have waited for the changes before @to. Under the commit lock. */
static void
take_settled (KvStore *self, guint64 to, GQueue *ready)
{
  GQueue *waiting = &self->keeping->waiting;

  while (waiting->head != NULL && ((KvAnswer *) waiting->head->data)->sequence <= to)
    {
      KvAnswer *answer = waiting->head->data;

      g_queue_unlink (waiting, &answer->link);
      kv_store_counts_add (&self->counts, &answer->counts);
      g_queue_push_tail_link (ready, &answer->link);
    }
}

void
kv_store_keeper_settle (KvStore *self, guint64 to)
{
  g_autoptr (GArray) changes = new_changes ();
  GQueue ready = G_QUEUE_INIT;
  KvHeldChanges held;
  gboolean more;

  do
    {
      guint64 end = to;

      kv_store_lock (self);
      kv_change_log_get_held (self->log, &held);
      if (self->keeping->pending != NULL && held.first < to)
        end = show_some (self, held.first, to, changes);
      kv_change_log_settle (self->log, end);
      take_settled (self, end, &ready);
      g_mutex_unlock (&self->commit_lock);
      more = end < to;
    }
  while (more);
  kv_answers_hand_over (&ready);
}

/* Undoes what is pending. The table knows nothing of it; but the heap has let go of entries whose time had come. */
static void
withdraw (KvStore *self, GArray *changes)
{
  KvHeldChanges held;

  kv_change_log_get_held (self->log, &held);
  read_changes (self, held.first, held.end, changes);
  for (guint i = 0; i < changes->len; i++)
    {
      KvEntry *old = change_at (changes, i)->previous;

      if (old == NULL || old->deadline == KV_NO_DEADLINE || old->heap_index != KV_ENTRY_NOT_IN_HEAP
          || kv_table_peek (&self->table, old) != old)
        continue;
      kv_expiry_add (self->expiry, old);
      self->keeping->overdue--;
      if (self->index != NULL)
        kv_store_index_set (self->index, old, TRUE);
    }
  g_assert (self->keeping->overdue == 0);
  kv_pending_clear (self->keeping->pending);
  kv_change_log_withdraw (self->log);
}

static void
set_refusal (KvStore *self, const GError *reason)
{
  g_clear_error (&self->keeping->refusal);
  self->keeping->refusal = reason != NULL ? g_error_copy (reason) : NULL;
}

void
kv_store_keeper_refuse (KvStore *self, const GError *reason)
{
  kv_store_lock (self);
  set_refusal (self, reason);
  g_mutex_unlock (&self->commit_lock);
}

void
kv_store_keeper_fail (KvStore *self, const GError *reason)
{
  g_autoptr (GArray) changes = new_changes ();
  GQueue ready = G_QUEUE_INIT;

  kv_store_lock (self);
  set_refusal (self, reason);
  if (self->keeping->pending != NULL)
    {
      withdraw (self, changes);
      for (GList *link = self->keeping->waiting.head; link != NULL; link = link->next)
        {
          KvAnswer *answer = link->data;

          answer->error = g_error_copy (reason);
          answer->counts = (KvStoreCounts){ 0 };
        }
    }
  take_settled (self, G_MAXUINT64, &ready);
  g_mutex_unlock (&self->commit_lock);
  kv_answers_hand_over (&ready);
}

void
kv_store_keeper_resume (KvStore *self)
{
  kv_store_lock (self);
  set_refusal (self, NULL);
  kv_expiry_rearm (self->expiry);
  g_mutex_unlock (&self->commit_lock);
}
