/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* How a write is decided and carried out. See the essay at the top of kv-store.c for the locks. */

#include "core/kv-entry-private.h"
#include "store/kv-keeping.h"
#include "store/kv-spin.h"
#include "store/kv-transact.h"

static guint64
next_revision (KvStore *self)
{
  guint64 revision = self->revision + 1;

  if (G_UNLIKELY (self->keeping != NULL) && kv_keeping_hides (self))
    return ++self->keeping->decided;
  __atomic_store_n (&self->revision, revision, __ATOMIC_RELEASE);
  return revision;
}

guint64
kv_store_next_revision (KvStore *self)
{
  return next_revision (self);
}

guint64
kv_store_decided_revision (KvStore *self)
{
  return kv_keeping_hides (self) && self->keeping->looked ? self->keeping->decided : self->revision;
}

/* The heap, the counts of keys and bytes and the index follow the table. Before the table itself is changed. */
static void
account (KvStore *self, KvEntry *old, KvEntry *entry)
{
  if (G_UNLIKELY (self->index != NULL))
    kv_store_index_follow (self->index, old, entry);
  if (old != NULL)
    {
      if (G_UNLIKELY (self->snapshots != NULL))
        kv_snapshot_keep (self->snapshots, old);
      kv_expiry_remove (self->expiry, old);
      self->bytes -= kv_entry_get_size (old);
    }
  if (entry != NULL && entry->deadline != KV_NO_DEADLINE)
    kv_expiry_add (self->expiry, entry);
  if (entry != NULL)
    self->bytes += kv_entry_get_size (entry);
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

KvEntry *
kv_store_peek_alive (KvStore *self, const KvEntry *like)
{
  return peek_alive (self, like);
}

/* Who gives keys a deadline takes away twice as many whose time has come, if there are any: so a store whose context does
 * not run does not grow by what has expired. */
#define EXPIRE_A_DEADLINE 2

void
kv_store_expire_behind (KvStore *self, guint keys)
{
  kv_store_expire_some (self, EXPIRE_A_DEADLINE * keys);
}

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

/* Its expiry, if its time has come, is left to be told by the log. */
KvEntry *
kv_store_peek_visible (KvStore *self, const KvEntry *like)
{
  KvEntry *current = kv_table_peek (&self->table, like);

  return current != NULL && !kv_entry_is_expired (current) ? current : NULL;
}

KvEntry *
kv_store_lookup_at (KvStore *self, const KvEntry *like, guint64 *revision)
{
  KvEntry *entry;

  kv_store_lock (self);
  if (kv_keeping_hides (self))
    entry = kv_store_peek_visible (self, like);
  else
    entry = peek_alive (self, like);
  if (entry != NULL)
    kv_entry_ref (entry);
  *revision = self->revision;
  g_mutex_unlock (&self->commit_lock);
  return entry;
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
      kv_store_lock (self);
      carry_out (self, &operations[i], &results[i], &self->counts);
      g_mutex_unlock (&self->commit_lock);
    }
}

/* Under the commit lock. */
static void
carry_out_atomically (KvStore *self,
                      KvOperation *operations,
                      guint length,
                      KvResult *results,
                      KvStoreCounts *counts,
                      KvVerdict *verdict)
{
  const KvTransact transact = { .branches = { operations }, .lengths = { length } };

  if (are_plain_reads (operations, length))
    {
      for (guint i = 0; i < length; i++)
        read_one (self, &operations[i], &results[i]);
      *verdict = (KvVerdict){ TRUE, KV_BRANCH_THEN, self->revision };
    }
  else if (length > 1)
    kv_transact (self, &transact, results, counts, verdict);
  else
    {
      carry_out (self, operations, results, counts);
      verdict->committed = !kv_decide_is_failure (operations, results->status);
      verdict->revision = kv_decide_is_change (results->status) ? results->revision
                                                                : kv_store_decided_revision (self);
    }
}

static void
carry_out_all (KvStore *self,
               KvOperation *operations,
               guint length,
               gboolean atomic,
               KvResult *results,
               KvVerdict *verdict)
{
  if (atomic)
    {
      kv_store_lock (self);
      carry_out_atomically (self, operations, length, results, &self->counts, verdict);
      g_mutex_unlock (&self->commit_lock);
    }
  else
    {
      carry_out_batch (self, operations, length, results);
      *verdict = (KvVerdict){ TRUE, KV_BRANCH_THEN, kv_store_get_revision (self) };
    }
}

/* The same under one lock, for a store with a keeper: what is decided together shares one fate. As long as nothing pending
 * plays a part, a plain read is of what everybody sees. */
static void
carry_out_together (KvStore *self,
                    KvOperation *operations,
                    guint length,
                    gboolean atomic,
                    KvResult *results,
                    KvStoreCounts *counts,
                    KvVerdict *verdict)
{
  self->keeping->looked = FALSE;
  if (atomic)
    {
      carry_out_atomically (self, operations, length, results, counts, verdict);
      return;
    }

  for (guint i = 0; i < length; i++)
    if (is_plain_read (&operations[i]) && !self->keeping->looked)
      read_one (self, &operations[i], &results[i]);
    else
      carry_out (self, &operations[i], &results[i], counts);
  *verdict = (KvVerdict){ TRUE, KV_BRANCH_THEN, kv_store_decided_revision (self) };
}

/* Has what has just been carried out answered later, if it must be. Under the commit lock, with a keeper. */
static gboolean
answer_later (KvStore *self,
              const KvSubmitter *submitter,
              KvResult *results,
              guint length,
              const KvVerdict *verdict,
              const KvStoreCounts *hidden)
{
  KvAnswer *answer;

  if (!kv_keeping_must_wait (self))
    {
      kv_store_counts_add (&self->counts, hidden);
      return FALSE;
    }

  answer = kv_answer_new (self, submitter, results, length, verdict);
  answer->box = submitter->blocks ? NULL : kv_answers_get_box (self->keeping->answers);
  answer->counts = *hidden;
  kv_keeping_queue (self, answer);
  return TRUE;
}

/* Returns whether the submitter is to be answered now: with the results, or with @error. */
static G_NO_INLINE gboolean
submit_to_keep (KvStore *self,
                KvOperation *operations,
                guint length,
                gboolean atomic,
                const KvSubmitter *submitter,
                KvResult *results,
                KvVerdict *verdict,
                GError **error)
{
  KvStoreCounts hidden = { 0 };
  gboolean now = TRUE;

  if (!atomic && are_plain_reads (operations, length))
    {
      for (guint i = 0; i < length; i++)
        read_one (self, &operations[i], &results[i]);
      *verdict = (KvVerdict){ TRUE, KV_BRANCH_THEN, kv_store_get_revision (self) };
      return TRUE;
    }

  kv_store_lock (self);
  if (kv_keeping_admit (self, operations, length, error))
    {
      carry_out_together (self, operations, length, atomic, results,
                          kv_keeping_hides (self) ? &hidden : &self->counts, verdict);
      now = !answer_later (self, submitter, results, length, verdict, &hidden);
    }
  g_mutex_unlock (&self->commit_lock);
  return now;
}

/* More results than this do not stand on the stack. */
#define FEW 8

static inline void
submit (KvStore *self,
        KvOperation *operations,
        guint length,
        gboolean atomic,
        const KvSubmitter *submitter)
{
  KvResult few[FEW] = { 0 };
  g_autofree KvResult *many = length > FEW ? g_new0 (KvResult, length) : NULL;
  KvResult *results = many != NULL ? many : few;
  g_autoptr (GError) error = NULL;
  KvVerdict verdict = { 0 };
  gboolean now = TRUE;

  if (submitter->is_batch)
    __atomic_fetch_add (&self->batches, 1, __ATOMIC_RELAXED);

  if (check_drafts (operations, length, &error))
    {
      if (G_LIKELY (self->keeping == NULL))
        carry_out_all (self, operations, length, atomic, results, &verdict);
      else
        now =
          submit_to_keep (self, operations, length, atomic, submitter, results, &verdict, &error);
    }

  for (guint i = 0; i < length; i++)
    kv_operation_clear (&operations[i]);
  if (now)
    kv_submitter_answer (submitter, self, results, length, &verdict, error);
}

void
kv_store_submit (KvStore *self,
                 KvOperation *operations,
                 guint length,
                 gboolean atomic,
                 KvSubmitFunc func,
                 gpointer user_data)
{
  const KvSubmitter submitter = { .func = func, .user_data = user_data, .is_batch = length > 1 };

  submit (self, operations, length, atomic, &submitter);
}

void
kv_store_submit_waiting (KvStore *self,
                         KvOperation *operation,
                         KvSubmitFunc func,
                         gpointer user_data)
{
  const KvSubmitter submitter = { .func = func, .user_data = user_data, .blocks = TRUE };

  submit (self, operation, 1, FALSE, &submitter);
}

static gboolean
check_all_drafts (const KvTransact *transact, GError **error)
{
  return check_drafts (transact->conditions, transact->n_conditions, error)
         && check_drafts (transact->branches[0], transact->lengths[0], error)
         && check_drafts (transact->branches[1], transact->lengths[1], error);
}

/* Whether either branch may be carried out: which one it is to be must not be told by a refusal. */
static gboolean
admit_both (KvStore *self, const KvTransact *transact, GError **error)
{
  return self->keeping == NULL
         || (kv_keeping_admit (self, transact->branches[0], transact->lengths[0], error)
             && kv_keeping_admit (self, transact->branches[1], transact->lengths[1], error));
}

/* Returns whether the submitter is to be answered now: with the results, or with @error. */
static gboolean
transact (KvStore *self,
          const KvTransact *transact,
          const KvSubmitter *submitter,
          KvResult *results,
          KvVerdict *verdict,
          GError **error)
{
  KvStoreCounts hidden = { 0 };
  gboolean now = TRUE;

  kv_store_lock (self);
  if (admit_both (self, transact, error))
    {
      if (self->keeping != NULL)
        self->keeping->looked = FALSE;
      kv_transact (self, transact, results, kv_keeping_hides (self) ? &hidden : &self->counts,
                   verdict);
      if (self->keeping != NULL)
        now = !answer_later (self, submitter, results, transact->lengths[verdict->branch], verdict,
                             &hidden);
    }
  g_mutex_unlock (&self->commit_lock);
  return now;
}

static void
submit_guarded (KvStore *self, KvTransaction *transaction, const KvSubmitter *submitter)
{
  KvTransact parts = { 0 };
  KvOperation *conditions = kv_transaction_get_conditions (transaction, &parts.n_conditions);
  g_autofree KvResult *results = NULL;
  g_autoptr (GError) error = NULL;
  KvVerdict verdict = { 0 };
  gboolean now = TRUE;

  parts.conditions = conditions;
  parts.branches[KV_BRANCH_THEN] =
    kv_transaction_get_operations (transaction, &parts.lengths[KV_BRANCH_THEN]);
  parts.branches[KV_BRANCH_ELSE] =
    kv_transaction_get_else_operations (transaction, &parts.lengths[KV_BRANCH_ELSE]);
  results = g_new0 (KvResult, MAX (parts.lengths[0], parts.lengths[1]));

  __atomic_fetch_add (&self->batches, 1, __ATOMIC_RELAXED);
  if (check_all_drafts (&parts, &error))
    now = transact (self, &parts, submitter, results, &verdict, &error);

  for (guint i = 0; i < parts.n_conditions; i++)
    kv_operation_clear (&conditions[i]);
  for (KvBranch branch = KV_BRANCH_THEN; branch <= KV_BRANCH_ELSE; branch++)
    for (guint i = 0; i < parts.lengths[branch]; i++)
      kv_operation_clear (&parts.branches[branch][i]);
  if (now)
    kv_submitter_answer (submitter, self, results, parts.lengths[verdict.branch], &verdict, error);
}

static void
submit_transaction (KvStore *self, KvTransaction *transaction, KvSubmitter *submitter)
{
  guint length;
  KvOperation *operations = kv_transaction_get_operations (transaction, &length);
  const KvVerdict nothing_to_do = { TRUE, KV_BRANCH_THEN, kv_store_get_revision (self) };
  gboolean is_guarded = kv_transaction_is_guarded (transaction);

  submitter->is_batch = is_guarded || length > 1;
  if (is_guarded)
    submit_guarded (self, transaction, submitter);
  else if (length > 0)
    submit (self, operations, length, kv_transaction_is_atomic (transaction), submitter);
  else
    kv_submitter_answer (submitter, self, NULL, 0, &nothing_to_do, NULL);
}

void
kv_store_submit_transaction (KvStore *self,
                             KvTransaction *transaction,
                             KvOutcomeFunc func,
                             gpointer user_data)
{
  KvSubmitter submitter = { .outcome_func = func, .user_data = user_data };

  submit_transaction (self, transaction, &submitter);
}

void
kv_store_submit_transaction_waiting (KvStore *self,
                                     KvTransaction *transaction,
                                     KvOutcomeFunc func,
                                     gpointer user_data)
{
  KvSubmitter submitter = { .outcome_func = func, .user_data = user_data, .blocks = TRUE };

  submit_transaction (self, transaction, &submitter);
}
