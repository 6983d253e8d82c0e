/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* How a write is decided and carried out. See the essay at the top of kv-store.c for the locks. */

#include "core/kv-entry-private.h"
#include "core/kv-hash.h"
#include "store/kv-keeping.h"
#include "store/kv-spin.h"

#include <string.h>

static guint64
next_revision (KvStore *self)
{
  guint64 revision = self->revision + 1;

  if (G_UNLIKELY (kv_keeping_hides (self)))
    return ++self->keeping->decided;
  __atomic_store_n (&self->revision, revision, __ATOMIC_RELEASE);
  return revision;
}

/* The heap and the number of keys follow the table. Before the table itself is changed. */
static void
account (KvStore *self, KvEntry *old, KvEntry *entry)
{
  if (old != NULL)
    {
      if (G_UNLIKELY (self->snapshots != NULL))
        kv_snapshot_keep (self->snapshots, old);
      kv_expiry_remove (self->expiry, old);
    }
  if (entry != NULL && entry->deadline != KV_NO_DEADLINE)
    kv_expiry_add (self->expiry, entry);
  self->keys += (entry != NULL) - (old != NULL);
}

static inline void
apply (KvStore *self, KvEntry *old, KvEntry *entry)
{
  account (self, old, entry);
  kv_table_replace (&self->table, old, entry);
}

void
kv_store_apply (KvStore *self, KvEntry *old, KvEntry *entry)
{
  apply (self, old, entry);
}

void
kv_store_apply_all (KvStore *self, const KvChange *changes, guint length)
{
  guint64 stripes = 0;

  for (guint i = 0; i < length; i++)
    {
      account (self, changes[i].previous, changes[i].entry);
      stripes |=
        kv_table_stripe_bit (changes[i].entry != NULL ? changes[i].entry : changes[i].previous);
    }

  kv_table_lock_stripes (&self->table, stripes);
  for (guint i = 0; i < length; i++)
    kv_table_replace_locked (&self->table, changes[i].previous,
                             changes[i].entry != NULL ? kv_entry_ref (changes[i].entry) : NULL);
  kv_table_unlock_stripes (&self->table, stripes);
}

/* Carries out one decided change: a revision, the table, the log. Takes @entry (nullable), and the table's reference to
 * @old (nullable) moves on into the log. Where it is to be hidden for now, all that happens is that it is pending. */
static inline guint64
publish (KvStore *self, KvChangeKind kind, KvEntry *old, KvEntry *entry)
{
  KvChange change = { .revision = next_revision (self), .kind = kind, .previous = old };

  if (entry != NULL)
    kv_entry_seal (entry, change.revision);
  if (G_UNLIKELY (kv_keeping_hides (self)))
    {
      change.entry = entry;
      change.previous = old != NULL ? kv_entry_ref (old) : NULL;
      kv_keeping_hold (self, &change, 1);
      return change.revision;
    }

  if (entry != NULL)
    change.entry = kv_entry_ref (entry);
  apply (self, old, entry);
  kv_change_log_append (self->log, &change, 1);
  if (G_UNLIKELY (self->keeping != NULL))
    kv_keeping_wake (self);
  return change.revision;
}

void
kv_store_expire (KvStore *self, KvEntry *entry)
{
  if (!kv_keeping_hides (self))
    self->expirations++;
  publish (self, KV_CHANGE_EXPIRED, entry, NULL);
}

/* What the next decision finds alive under the key of @like; an entry past its deadline is removed first, as a change of its
 * own. */
static KvEntry *
peek_alive (KvStore *self, const KvEntry *like)
{
  KvEntry *current = kv_table_peek (&self->table, like);

  if (G_UNLIKELY (self->keeping != NULL))
    current = kv_keeping_peek (self, like, current);
  if (current == NULL || !kv_entry_is_expired (current))
    return current;
  if (self->keeping == NULL || kv_keeping_may_expire (self))
    kv_store_expire (self, current);
  return NULL;
}

/* Who gives keys a deadline takes away twice as many whose time has come, if there are any: so a store whose context does
 * not run does not grow by what has expired. */
#define EXPIRE_A_DEADLINE 2

/* Within the loop of a store without a keeper, which is the one to be fast. */
static G_ALWAYS_INLINE inline void
carry_out (KvStore *self, KvOperation *operation, KvResult *result, KvStoreCounts *counts)
{
  KvEntry *current = peek_alive (self, operation->draft);
  KvEntry *next;
  KvResultStatus status = kv_decide (operation, current, &next);

  kv_decide_report (operation, status, current, next, result);
  kv_decide_count (counts, operation->kind, status);
  if (!kv_decide_is_change (status))
    return;
  result->revision = publish (self, kv_decide_change_kind (operation->kind), current, next);
  if (next != NULL && next->deadline != KV_NO_DEADLINE)
    kv_store_expire_some (self, EXPIRE_A_DEADLINE);
}

/* A plain read within a batch needs no lock but its stripe's. */
static void
read_one (KvStore *self, const KvOperation *operation, KvResult *result)
{
  KvEntry *entry =
    kv_table_lookup (&self->table, operation->draft->bytes, operation->draft->key_length);

  *result = (KvResult){ .status = KV_RESULT_NOT_FOUND };
  if (entry != NULL)
    *result = (KvResult){ KV_RESULT_FOUND, entry->revision, entry, NULL };
}

/* What a reader finds alive under the key of @like. Its expiry, if its time has come, is left to be told by the log. */
static KvEntry *
peek_visible (KvStore *self, const KvEntry *like)
{
  KvEntry *current = kv_table_peek (&self->table, like);

  return current != NULL && !kv_entry_is_expired (current) ? current : NULL;
}

KvEntry *
kv_store_lookup_at (KvStore *self, const KvEntry *like, guint64 *revision)
{
  KvEntry *entry;

  kv_spin_mutex_lock (&self->commit_lock);
  if (kv_keeping_hides (self))
    entry = peek_visible (self, like);
  else
    entry = peek_alive (self, like);
  if (entry != NULL)
    kv_entry_ref (entry);
  *revision = self->revision;
  g_mutex_unlock (&self->commit_lock);
  return entry;
}

/* A key that an atomic transaction touches: what the table holds, and what it shall hold. */
typedef struct {
  KvEntry *current; /* (borrowed) (nullable): from the table */
  KvEntry *next;    /* (nullable): owned when it is not current */
  KvChangeKind kind;
} Stage;

static void
stage_set (Stage *stage, KvEntry *next, KvChangeKind kind)
{
  if (stage->next != stage->current && stage->next != NULL)
    kv_entry_unref (stage->next);
  stage->next = next;
  stage->kind = kind;
}

/* The stage of the operation's key. Keys are found by the table's own entries where there are any; transactions are short
 * (a batch has at most 1024 entries), but not so short that looking at all of them each time would do. */
static Stage *
stage_for (KvStore *self, GHashTable *by_key, GArray *stages, const KvEntry *draft)
{
  gpointer index;
  Stage stage = { 0 };

  if (g_hash_table_lookup_extended (by_key, draft->bytes, NULL, &index))
    return &g_array_index (stages, Stage, GPOINTER_TO_UINT (index));

  stage.current = stage.next = peek_alive (self, draft);
  g_hash_table_insert (by_key, g_strdup (draft->bytes), GUINT_TO_POINTER (stages->len));
  g_array_append_val (stages, stage);
  return &g_array_index (stages, Stage, stages->len - 1);
}

/* What an operation finds. What was staged with a deadline that has come is not there for those behind it. */
static KvEntry *
stage_peek (const Stage *stage)
{
  if (stage->next == NULL || stage->next == stage->current || !kv_entry_is_expired (stage->next))
    return stage->next;
  return NULL;
}

static guint
hash_text (gconstpointer text)
{
  return kv_key_hash (text, strlen (text));
}

/* Decides every operation against the stages. On failure all results but those of the operations that failed
 * become ABORTED. */
static gboolean
decide_all (KvStore *self, KvOperation *operations, guint length, GArray *stages, KvResult *results)
{
  g_autoptr (GHashTable) by_key = g_hash_table_new_full (hash_text, g_str_equal, g_free, NULL);
  gboolean all = TRUE;

  for (guint i = 0; i < length; i++)
    {
      KvOperation *operation = &operations[i];
      Stage *stage = stage_for (self, by_key, stages, operation->draft);
      KvEntry *found = stage_peek (stage);
      KvEntry *next;
      KvResultStatus status = kv_decide (operation, found, &next);

      kv_decide_report (operation, status, found, next, &results[i]);
      if (kv_decide_is_change (status))
        stage_set (stage, next, kv_decide_change_kind (operation->kind));
      all = all && !kv_decide_is_failure (operation, status);
    }

  for (guint i = 0; !all && i < length; i++)
    if (!kv_decide_is_failure (&operations[i], results[i].status))
      {
        kv_result_clear (&results[i]);
        results[i] = (KvResult){ .status = KV_RESULT_ABORTED };
      }
  return all;
}

/* Carries out what the stages hold as one revision, which the log takes in one go. */
static guint64
publish_all (KvStore *self, GArray *stages)
{
  g_autofree KvChange *changes = g_new0 (KvChange, stages->len);
  gboolean hides = kv_keeping_hides (self);
  guint64 revision = next_revision (self);
  guint n = 0;

  for (guint i = 0; i < stages->len; i++)
    {
      Stage *stage = &g_array_index (stages, Stage, i);

      if (stage->next == stage->current)
        continue;
      changes[n++] = (KvChange){
        .revision = revision,
        .kind = stage->kind,
        .entry = stage->next,
        .previous =
          hides && stage->current != NULL ? kv_entry_ref (stage->current) : stage->current,
      };
      if (stage->next != NULL)
        kv_entry_seal (stage->next, revision);
    }

  if (hides)
    {
      kv_keeping_hold (self, changes, n);
      return revision;
    }
  kv_store_apply_all (self, changes, n);
  kv_change_log_append (self->log, changes, n);
  if (self->keeping != NULL)
    kv_keeping_wake (self);
  return revision;
}

static gboolean
has_changes (GArray *stages)
{
  for (guint i = 0; i < stages->len; i++)
    if (g_array_index (stages, Stage, i).next != g_array_index (stages, Stage, i).current)
      return TRUE;
  return FALSE;
}

/* All or nothing. Of several operations on one key only what they come to is a change; the results still tell each. */
static gboolean
carry_out_atomically (KvStore *self,
                      KvOperation *operations,
                      guint length,
                      KvResult *results,
                      KvStoreCounts *counts)
{
  g_autoptr (GArray) stages = g_array_sized_new (FALSE, FALSE, sizeof (Stage), length);
  gboolean all = decide_all (self, operations, length, stages, results);

  for (guint i = 0; all && i < length; i++)
    kv_decide_count (counts, operations[i].kind, results[i].status);

  if (all && has_changes (stages))
    {
      guint64 revision = publish_all (self, stages);

      for (guint i = 0; i < length; i++)
        if (kv_decide_is_change (results[i].status))
          results[i].revision = revision;
        else if (results[i].entry != NULL) /* perhaps a draft when it was read */
          results[i].revision = results[i].entry->revision;
      kv_store_expire_some (self, EXPIRE_A_DEADLINE * stages->len);
    }
  else
    for (guint i = 0; i < stages->len; i++)
      stage_set (&g_array_index (stages, Stage, i), NULL, 0);
  return all;
}

static gboolean
check_drafts (const KvOperation *operations, guint length, GError **error)
{
  for (guint i = 0; i < length; i++)
    if (operations[i].draft == NULL)
      {
        g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                             "An operation is empty: was it submitted before?");
        return FALSE;
      }
  return TRUE;
}

static gboolean
is_plain_read (const KvOperation *operation)
{
  return operation->kind == KV_OPERATION_GET && operation->condition == KV_CONDITION_NONE;
}

static gboolean
are_plain_reads (const KvOperation *operations, guint length)
{
  for (guint i = 0; i < length; i++)
    if (!is_plain_read (&operations[i]))
      return FALSE;
  return TRUE;
}

/* Each lets go of the lock when it is done: a long batch keeps no other writer waiting for all of it. */
static void
carry_out_batch (KvStore *self, KvOperation *operations, guint length, KvResult *results)
{
  for (guint i = 0; i < length; i++)
    {
      if (is_plain_read (&operations[i]))
        {
          read_one (self, &operations[i], &results[i]);
          continue;
        }
      kv_spin_mutex_lock (&self->commit_lock);
      carry_out (self, &operations[i], &results[i], &self->counts);
      g_mutex_unlock (&self->commit_lock);
    }
}

static gboolean
carry_out_all (KvStore *self,
               KvOperation *operations,
               guint length,
               gboolean atomic,
               KvResult *results)
{
  gboolean committed = TRUE;

  if (atomic && length > 1)
    {
      kv_spin_mutex_lock (&self->commit_lock);
      committed = carry_out_atomically (self, operations, length, results, &self->counts);
      g_mutex_unlock (&self->commit_lock);
    }
  else
    carry_out_batch (self, operations, length, results);
  if (atomic && length == 1)
    committed = !kv_decide_is_failure (&operations[0], results[0].status);
  return committed;
}

/* The same under one lock, for a store with a keeper: what is decided together shares one fate. As long as nothing pending
 * plays a part, a plain read is of what everybody sees. */
static gboolean
carry_out_together (KvStore *self,
                    KvOperation *operations,
                    guint length,
                    gboolean atomic,
                    KvResult *results,
                    KvStoreCounts *counts)
{
  self->keeping->looked = FALSE;
  if (atomic && length > 1 && !are_plain_reads (operations, length))
    return carry_out_atomically (self, operations, length, results, counts);

  for (guint i = 0; i < length; i++)
    if (is_plain_read (&operations[i]) && !self->keeping->looked)
      read_one (self, &operations[i], &results[i]);
    else
      carry_out (self, &operations[i], &results[i], counts);
  return !atomic || length > 1 || !kv_decide_is_failure (&operations[0], results[0].status);
}

typedef struct {
  KvSubmitFunc func;
  gpointer user_data;
  gboolean blocks; /* whether the caller waits, and can be answered in any thread */
} Submitter;

/* Returns whether the submitter is to be answered now: with the results, or with @error. */
static G_NO_INLINE gboolean
submit_to_keep (KvStore *self,
                KvOperation *operations,
                guint length,
                gboolean atomic,
                const Submitter *submitter,
                KvResult *results,
                gboolean *committed,
                GError **error)
{
  KvStoreCounts hidden = { 0 };
  KvAnswer *answer = NULL;

  if (!atomic && are_plain_reads (operations, length))
    {
      for (guint i = 0; i < length; i++)
        read_one (self, &operations[i], &results[i]);
      *committed = TRUE;
      return TRUE;
    }

  kv_spin_mutex_lock (&self->commit_lock);
  if (kv_keeping_admit (self, operations, length, error))
    {
      KvStoreCounts *counts = kv_keeping_hides (self) ? &hidden : &self->counts;

      *committed = carry_out_together (self, operations, length, atomic, results, counts);
      answer = kv_keeping_must_wait (self) ? kv_answer_new (self, results, length, *committed,
                                                            submitter->func, submitter->user_data)
                                           : NULL;
      if (answer != NULL)
        {
          answer->box = submitter->blocks ? NULL : kv_answers_get_box (self->keeping->answers);
          answer->counts = hidden;
          kv_keeping_queue (self, answer);
        }
      else
        kv_store_counts_add (&self->counts, &hidden);
    }
  g_mutex_unlock (&self->commit_lock);
  return answer == NULL;
}

/* More results than this do not stand on the stack. */
#define FEW 8

static inline void
submit (KvStore *self,
        KvOperation *operations,
        guint length,
        gboolean atomic,
        const Submitter *submitter)
{
  KvResult few[FEW] = { 0 };
  g_autofree KvResult *many = length > FEW ? g_new0 (KvResult, length) : NULL;
  KvResult *results = many != NULL ? many : few;
  g_autoptr (GError) error = NULL;
  gboolean committed = FALSE, now = TRUE;

  if (length > 1)
    __atomic_fetch_add (&self->batches, 1, __ATOMIC_RELAXED);

  if (check_drafts (operations, length, &error))
    {
      if (G_LIKELY (self->keeping == NULL))
        committed = carry_out_all (self, operations, length, atomic, results);
      else
        now =
          submit_to_keep (self, operations, length, atomic, submitter, results, &committed, &error);
    }

  for (guint i = 0; i < length; i++)
    kv_operation_clear (&operations[i]);
  if (!now)
    return;

  if (error != NULL)
    submitter->func (self, NULL, 0, FALSE, error, submitter->user_data);
  else
    submitter->func (self, results, length, committed, NULL, submitter->user_data);
  for (guint i = 0; i < length; i++)
    kv_result_clear (&results[i]);
  if (length > 1)
    __atomic_fetch_sub (&self->batches, 1, __ATOMIC_RELAXED);
}

void
kv_store_submit (KvStore *self,
                 KvOperation *operations,
                 guint length,
                 gboolean atomic,
                 KvSubmitFunc func,
                 gpointer user_data)
{
  const Submitter submitter = { func, user_data, FALSE };

  submit (self, operations, length, atomic, &submitter);
}

void
kv_store_submit_waiting (KvStore *self,
                         KvOperation *operations,
                         guint length,
                         gboolean atomic,
                         KvSubmitFunc func,
                         gpointer user_data)
{
  const Submitter submitter = { func, user_data, TRUE };

  submit (self, operations, length, atomic, &submitter);
}
