/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* How a write is decided and carried out. See the essay at the top of kv-store.c for the locks. */

#include "core/kv-entry-private.h"
#include "core/kv-hash.h"
#include "store/kv-spin.h"
#include "store/kv-store-private.h"

#include <string.h>

static KvChangeKind
change_kind (KvOperationKind kind)
{
  switch (kind)
    {
    case KV_OPERATION_SWAP:
      return KV_CHANGE_SWAP;
    case KV_OPERATION_DELETE:
      return KV_CHANGE_DELETE;
    case KV_OPERATION_PUT:
    case KV_OPERATION_TOUCH:
    case KV_OPERATION_INCREMENT:
    case KV_OPERATION_GET:
    default:
      return KV_CHANGE_PUT;
    }
}

/* Decimal, a sign only before negative numbers, no zero in front, within 64 bits: what an increment writes, and nothing
 * that another reader could take for something else, as many take "010" for eight. */
static gboolean
parse_counter (const KvEntry *entry, gint64 *value)
{
  const char *text = kv_entry_value (entry);
  const char *digits = text + (*text == '-');
  gsize n_digits = entry->value_length - (gsize) (digits - text);

  if (n_digits == 0 || n_digits > 19 || entry->value_length != strlen (text))
    return FALSE;
  if (*digits == '0' ? entry->value_length > 1 : !g_ascii_isdigit (*digits))
    return FALSE;
  return g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, value, NULL);
}

static KvResultStatus
decide_increment (const KvOperation *operation, const KvEntry *current, KvEntry **next)
{
  gint64 value = 0;
  char text[24];

  if (current != NULL && !parse_counter (current, &value))
    return KV_RESULT_NOT_A_NUMBER;
  if (__builtin_add_overflow (value, operation->delta, &value))
    return KV_RESULT_NOT_A_NUMBER;

  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, value);
  *next = kv_entry_new_like (operation->draft, text, strlen (text),
                             current != NULL ? current->deadline : KV_NO_DEADLINE);
  return current != NULL ? KV_RESULT_REPLACED : KV_RESULT_CREATED;
}

static KvResultStatus
decide_swap (KvOperation *operation, const KvEntry *current, KvEntry **next)
{
  if (current == NULL)
    return KV_RESULT_NOT_FOUND;
  if (current->value_length != operation->expected_length
      || memcmp (kv_entry_value (current), operation->expected, operation->expected_length) != 0)
    return KV_RESULT_CONDITION_FAILED;

  operation->draft->deadline = current->deadline;
  *next = g_steal_pointer (&operation->draft);
  return KV_RESULT_REPLACED;
}

static gboolean
condition_holds (const KvOperation *operation, const KvEntry *current)
{
  switch (operation->condition)
    {
    case KV_CONDITION_NONE:
      return TRUE;
    case KV_CONDITION_ABSENT:
      return current == NULL;
    case KV_CONDITION_PRESENT:
      return current != NULL;
    case KV_CONDITION_REVISION:
      /* What the same transaction has put there is at no revision yet. */
      return current != NULL && current->revision != 0
             && current->revision == operation->if_revision;
    default:
      g_assert_not_reached ();
    }
}

/* What @operation makes of @current (nullable, alive): the one place that knows the rules, without locks or side effects.
 * @next is what shall stand there (transfer full), NULL for nothing; it counts only when the status is one of
 * change. */
static KvResultStatus
decide (KvOperation *operation, const KvEntry *current, KvEntry **next)
{
  *next = NULL;
  if (!condition_holds (operation, current))
    return KV_RESULT_CONDITION_FAILED;

  switch (operation->kind)
    {
    case KV_OPERATION_GET:
      return current != NULL ? KV_RESULT_FOUND : KV_RESULT_NOT_FOUND;
    case KV_OPERATION_PUT:
      if (operation->keep_deadline && current != NULL)
        operation->draft->deadline = current->deadline;
      *next = g_steal_pointer (&operation->draft);
      return current != NULL ? KV_RESULT_REPLACED : KV_RESULT_CREATED;
    case KV_OPERATION_DELETE:
      return current != NULL ? KV_RESULT_DELETED : KV_RESULT_NOT_FOUND;
    case KV_OPERATION_SWAP:
      return decide_swap (operation, current, next);
    case KV_OPERATION_TOUCH:
      if (current == NULL)
        return KV_RESULT_NOT_FOUND;
      *next = kv_entry_new_like (current, kv_entry_value (current), current->value_length,
                                 operation->draft->deadline);
      return KV_RESULT_REPLACED;
    case KV_OPERATION_INCREMENT:
      return decide_increment (operation, current, next);
    default:
      g_assert_not_reached ();
    }
}

static gboolean
is_change (KvResultStatus status)
{
  return status == KV_RESULT_CREATED || status == KV_RESULT_REPLACED || status == KV_RESULT_DELETED;
}

/* What makes an atomic transaction fail. That a key to be deleted is not there is no obstacle. */
static gboolean
is_failure (const KvOperation *operation, KvResultStatus status)
{
  return status == KV_RESULT_CONDITION_FAILED || status == KV_RESULT_NOT_A_NUMBER
         || (status == KV_RESULT_NOT_FOUND
             && (operation->kind == KV_OPERATION_SWAP || operation->kind == KV_OPERATION_TOUCH));
}

/* Fills in what the submitter learns. @next is only looked at where the status is one of change. */
static void
report (const KvOperation *operation,
        KvResultStatus status,
        KvEntry *current,
        KvEntry *next,
        KvResult *result)
{
  gboolean failed = status == KV_RESULT_CONDITION_FAILED || status == KV_RESULT_NOT_A_NUMBER;

  *result = (KvResult){ .status = status };
  if ((failed || status == KV_RESULT_FOUND) && current != NULL)
    {
      result->entry = kv_entry_ref (current);
      result->revision = current->revision;
    }
  if (is_change (status) && operation->kind == KV_OPERATION_INCREMENT)
    result->entry = kv_entry_ref (next);
  if (is_change (status) && operation->want_previous && current != NULL)
    result->previous = kv_entry_ref (current);
}

static void
count (KvStore *self, KvOperationKind kind, KvResultStatus status)
{
  switch (kind)
    {
    case KV_OPERATION_GET:
      self->gets += status == KV_RESULT_FOUND;
      break;
    case KV_OPERATION_SWAP:
      if (status == KV_RESULT_REPLACED)
        self->swaps_succeeded++;
      else
        self->swaps_failed++;
      break;
    case KV_OPERATION_DELETE:
      self->deletes += status == KV_RESULT_DELETED;
      break;
    case KV_OPERATION_PUT:
    case KV_OPERATION_TOUCH:
    case KV_OPERATION_INCREMENT:
      self->puts += is_change (status);
      break;
    default:
      g_assert_not_reached ();
    }
}

static guint64
next_revision (KvStore *self)
{
  guint64 revision = self->revision + 1;

  __atomic_store_n (&self->revision, revision, __ATOMIC_RELEASE);
  return revision;
}

/* The heap and the number of keys follow the table. Before the table itself is changed. */
static void
account (KvStore *self, KvEntry *old, KvEntry *entry)
{
  if (old != NULL)
    kv_expiry_remove (self->expiry, old);
  if (entry != NULL && entry->deadline != KV_NO_DEADLINE)
    kv_expiry_add (self->expiry, entry);
  self->keys += (entry != NULL) - (old != NULL);
}

/* Carries out one decided change: a revision, the table, the log. Takes @entry (nullable), and the table's reference to
 * @old (nullable) moves on into the log. */
static guint64
publish (KvStore *self, KvChangeKind kind, KvEntry *old, KvEntry *entry)
{
  KvChange change = { .revision = next_revision (self), .kind = kind, .previous = old };

  if (entry != NULL)
    {
      kv_entry_seal (entry, change.revision);
      change.entry = kv_entry_ref (entry);
    }
  account (self, old, entry);
  kv_table_replace (&self->table, old, entry);
  kv_change_log_append (self->log, &change, 1);
  return change.revision;
}

void
kv_store_expire (KvStore *self, KvEntry *entry)
{
  self->expirations++;
  publish (self, KV_CHANGE_EXPIRED, entry, NULL);
}

/* What is alive under the key of @like; an entry past its deadline is removed first, as a change of its own. */
static KvEntry *
peek_alive (KvStore *self, const KvEntry *like)
{
  KvEntry *current = kv_table_peek (&self->table, like);

  if (current == NULL || !kv_entry_is_expired (current))
    return current;
  kv_store_expire (self, current);
  return NULL;
}

/* Who gives keys a deadline takes away twice as many whose time has come, if there are any: so a store whose context does
 * not run does not grow by what has expired. */
#define EXPIRE_A_DEADLINE 2

static void
carry_out (KvStore *self, KvOperation *operation, KvResult *result)
{
  KvEntry *current = peek_alive (self, operation->draft);
  KvEntry *next;
  KvResultStatus status = decide (operation, current, &next);

  report (operation, status, current, next, result);
  count (self, operation->kind, status);
  if (!is_change (status))
    return;
  result->revision = publish (self, change_kind (operation->kind), current, next);
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

KvEntry *
kv_store_lookup_at (KvStore *self, const KvEntry *like, guint64 *revision)
{
  KvEntry *entry;

  kv_spin_mutex_lock (&self->commit_lock);
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
      KvResultStatus status = decide (operation, found, &next);

      report (operation, status, found, next, &results[i]);
      if (is_change (status))
        stage_set (stage, next, change_kind (operation->kind));
      all = all && !is_failure (operation, status);
    }

  for (guint i = 0; !all && i < length; i++)
    if (!is_failure (&operations[i], results[i].status))
      {
        kv_result_clear (&results[i]);
        results[i] = (KvResult){ .status = KV_RESULT_ABORTED };
      }
  return all;
}

/* Carries out what the stages hold as one revision: all stripes are locked before the first pointer moves, so that no
 * reader sees a half, and the log takes all changes in one go. */
static void
publish_all (KvStore *self, GArray *stages)
{
  g_autofree KvChange *changes = g_new0 (KvChange, stages->len);
  guint64 stripes = 0, revision = next_revision (self);
  guint n = 0;

  for (guint i = 0; i < stages->len; i++)
    {
      Stage *stage = &g_array_index (stages, Stage, i);

      if (stage->next == stage->current)
        continue;
      changes[n++] = (KvChange){
        .revision = revision,
        .kind = stage->kind,
        .entry = stage->next != NULL ? kv_entry_ref (stage->next) : NULL,
        .previous = stage->current,
      };
      if (stage->next != NULL)
        kv_entry_seal (stage->next, revision);
      stripes |= kv_table_stripe_bit (stage->next != NULL ? stage->next : stage->current);
      account (self, stage->current, stage->next);
    }

  kv_table_lock_stripes (&self->table, stripes);
  for (guint i = 0; i < n; i++)
    kv_table_replace_locked (&self->table, changes[i].previous, changes[i].entry);
  kv_table_unlock_stripes (&self->table, stripes);
  kv_change_log_append (self->log, changes, n);
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
carry_out_atomically (KvStore *self, KvOperation *operations, guint length, KvResult *results)
{
  g_autoptr (GArray) stages = g_array_sized_new (FALSE, FALSE, sizeof (Stage), length);
  gboolean all = decide_all (self, operations, length, stages, results);

  for (guint i = 0; all && i < length; i++)
    count (self, operations[i].kind, results[i].status);

  if (all && has_changes (stages))
    {
      publish_all (self, stages);
      for (guint i = 0; i < length; i++)
        if (is_change (results[i].status))
          results[i].revision = self->revision;
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

/* More results than this do not stand on the stack. */
#define FEW 8

void
kv_store_submit (KvStore *self,
                 KvOperation *operations,
                 guint length,
                 gboolean atomic,
                 KvSubmitFunc func,
                 gpointer user_data)
{
  KvResult few[FEW] = { 0 };
  g_autofree KvResult *many = length > FEW ? g_new0 (KvResult, length) : NULL;
  KvResult *results = many != NULL ? many : few;
  g_autoptr (GError) error = NULL;
  gboolean committed = TRUE;

  if (!check_drafts (operations, length, &error))
    {
      for (guint i = 0; i < length; i++)
        kv_operation_clear (&operations[i]);
      func (self, NULL, 0, FALSE, error, user_data);
      return;
    }

  if (length > 1)
    __atomic_fetch_add (&self->batches, 1, __ATOMIC_RELAXED);

  if (atomic && length > 1)
    {
      kv_spin_mutex_lock (&self->commit_lock);
      committed = carry_out_atomically (self, operations, length, results);
      g_mutex_unlock (&self->commit_lock);
    }
  else
    for (guint i = 0; i < length; i++)
      {
        if (operations[i].kind == KV_OPERATION_GET && operations[i].condition == KV_CONDITION_NONE)
          {
            read_one (self, &operations[i], &results[i]);
            continue;
          }
        /* Let go after each: a long batch keeps no other writer waiting for all of it. */
        kv_spin_mutex_lock (&self->commit_lock);
        carry_out (self, &operations[i], &results[i]);
        g_mutex_unlock (&self->commit_lock);
      }
  if (atomic && length == 1)
    committed = !is_failure (&operations[0], results[0].status);

  for (guint i = 0; i < length; i++)
    kv_operation_clear (&operations[i]);
  func (self, results, length, committed, NULL, user_data);
  for (guint i = 0; i < length; i++)
    kv_result_clear (&results[i]);

  if (length > 1)
    __atomic_fetch_sub (&self->batches, 1, __ATOMIC_RELAXED);
}
