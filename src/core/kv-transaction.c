/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-transaction.h"

#include <string.h>

struct _KvTransaction {
  gatomicrefcount references;
  gboolean atomic;
  GArray *conditions; /* (owned) (nullable) (element-type KvOperation) */
  GArray *operations; /* (owned) (element-type KvOperation) */
  GArray *otherwise; /* (owned) (nullable) (element-type KvOperation): set once they are added to */
  GPtrArray *lent;   /* (owned) (nullable): copies of what the operations borrow */
};

G_DEFINE_BOXED_TYPE (KvTransaction, kv_transaction, kv_transaction_ref, kv_transaction_unref)

static GArray *
new_operations (void)
{
  GArray *operations = g_array_new (FALSE, FALSE, sizeof (KvOperation));

  g_array_set_clear_func (operations, (GDestroyNotify) kv_operation_clear);
  return operations;
}

KvTransaction *
kv_transaction_new (gboolean atomic)
{
  KvTransaction *self = g_new0 (KvTransaction, 1);

  g_atomic_ref_count_init (&self->references);
  self->atomic = atomic;
  self->operations = new_operations ();
  return self;
}

KvTransaction *
kv_transaction_ref (KvTransaction *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
kv_transaction_unref (KvTransaction *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;

  g_clear_pointer (&self->conditions, g_array_unref);
  g_array_unref (self->operations);
  g_clear_pointer (&self->otherwise, g_array_unref);
  g_clear_pointer (&self->lent, g_ptr_array_unref);
  g_free (self);
}

gboolean
kv_transaction_is_atomic (const KvTransaction *self)
{
  return self->atomic;
}

/* A copy that lives as long as the transaction. A text may be empty, and is there all the same. */
static gconstpointer
lend (KvTransaction *self, gconstpointer data, gsize length)
{
  char *copy = g_malloc (length + 1);

  if (length > 0)
    memcpy (copy, data, length);
  if (self->lent == NULL)
    self->lent = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->lent, copy);
  return copy;
}

/* Moves the operation. */
static void
add_to (KvTransaction *self, GArray *operations, KvOperation *operation)
{
  if (operation->expected != NULL)
    operation->expected = lend (self, operation->expected, operation->expected_length);
  if (operation->n_more_revisions > 0)
    operation->more_revisions =
      lend (self, operation->more_revisions, operation->n_more_revisions * sizeof (guint64));

  g_array_append_vals (operations, operation, 1);
  operation->draft = NULL;
}

void
kv_transaction_add (KvTransaction *self, KvOperation *operation)
{
  add_to (self, self->otherwise != NULL ? self->otherwise : self->operations, operation);
}

void
kv_transaction_if (KvTransaction *self, KvOperation *condition)
{
  if (self->conditions == NULL)
    self->conditions = new_operations ();
  self->atomic = TRUE;
  add_to (self, self->conditions, condition);
}

void
kv_transaction_else (KvTransaction *self)
{
  if (self->otherwise == NULL)
    self->otherwise = new_operations ();
  self->atomic = TRUE;
}

gboolean
kv_transaction_is_guarded (const KvTransaction *self)
{
  return self->conditions != NULL || self->otherwise != NULL;
}

static KvOperation *
get_all (GArray *operations, guint *length)
{
  *length = operations != NULL ? operations->len : 0;
  return operations != NULL ? (KvOperation *) (gpointer) operations->data : NULL;
}

KvOperation *
kv_transaction_get_conditions (KvTransaction *self, guint *length)
{
  return get_all (self->conditions, length);
}

KvOperation *
kv_transaction_get_operations (KvTransaction *self, guint *length)
{
  return get_all (self->operations, length);
}

KvOperation *
kv_transaction_get_else_operations (KvTransaction *self, guint *length)
{
  return get_all (self->otherwise, length);
}

/* Adds a condition, with what there is to compare: a revision, or a value. */
static gboolean
add_condition (KvTransaction *self,
               const char *key,
               KvCondition condition,
               guint64 revision,
               const char *value,
               GError **error)
{
  g_auto (KvOperation) operation = { 0 };

  if (!kv_operation_init (&operation, KV_OPERATION_GET, key, -1, error))
    return FALSE;
  operation.condition = condition;
  operation.if_revision = revision;
  operation.expected = value;
  operation.expected_length = value != NULL ? strlen (value) : 0;
  kv_transaction_if (self, &operation);
  return TRUE;
}

gboolean
kv_transaction_if_absent (KvTransaction *self, const char *key, GError **error)
{
  return add_condition (self, key, KV_CONDITION_ABSENT, 0, NULL, error);
}

gboolean
kv_transaction_if_present (KvTransaction *self, const char *key, GError **error)
{
  return add_condition (self, key, KV_CONDITION_PRESENT, 0, NULL, error);
}

gboolean
kv_transaction_if_revision (KvTransaction *self, const char *key, guint64 revision, GError **error)
{
  return add_condition (self, key, KV_CONDITION_REVISION, revision, NULL, error);
}

gboolean
kv_transaction_if_value (KvTransaction *self, const char *key, const char *value, GError **error)
{
  return add_condition (self, key, KV_CONDITION_VALUE, 0, value, error);
}

gboolean
kv_transaction_get (KvTransaction *self, const char *key, GError **error)
{
  g_auto (KvOperation) operation = { 0 };

  if (!kv_operation_init (&operation, KV_OPERATION_GET, key, -1, error))
    return FALSE;
  kv_transaction_add (self, &operation);
  return TRUE;
}

gboolean
kv_transaction_put (KvTransaction *self,
                    const char *key,
                    const char *value,
                    gint64 ttl,
                    GError **error)
{
  g_auto (KvOperation) operation = { 0 };
  gint64 deadline = ttl < 0 ? KV_NO_DEADLINE : kv_clock_deadline_after (ttl);

  if (!kv_operation_init_put (&operation, key, -1, value, -1, deadline, error))
    return FALSE;
  kv_transaction_add (self, &operation);
  return TRUE;
}

gboolean
kv_transaction_delete (KvTransaction *self, const char *key, GError **error)
{
  g_auto (KvOperation) operation = { 0 };

  if (!kv_operation_init (&operation, KV_OPERATION_DELETE, key, -1, error))
    return FALSE;
  kv_transaction_add (self, &operation);
  return TRUE;
}

gboolean
kv_transaction_compare_and_swap (KvTransaction *self,
                                 const char *key,
                                 const char *expected,
                                 const char *value,
                                 GError **error)
{
  g_auto (KvOperation) operation = { 0 };

  if (!kv_operation_init_swap (&operation, key, -1, expected, strlen (expected), value, -1, error))
    return FALSE;
  kv_transaction_add (self, &operation);
  return TRUE;
}

gboolean
kv_transaction_increment (KvTransaction *self, const char *key, gint64 delta, GError **error)
{
  g_auto (KvOperation) operation = { 0 };

  if (!kv_operation_init (&operation, KV_OPERATION_INCREMENT, key, -1, error))
    return FALSE;
  operation.delta = delta;
  kv_transaction_add (self, &operation);
  return TRUE;
}

gboolean
kv_transaction_touch (KvTransaction *self, const char *key, gint64 ttl, GError **error)
{
  g_auto (KvOperation) operation = { 0 };
  gint64 deadline = ttl < 0 ? KV_NO_DEADLINE : kv_clock_deadline_after (ttl);

  if (!kv_operation_init_touch (&operation, key, -1, deadline, error))
    return FALSE;
  kv_transaction_add (self, &operation);
  return TRUE;
}

struct _KvOutcome {
  gatomicrefcount references;
  KvVerdict verdict;
  guint length;
  KvResult results[];
};

G_DEFINE_BOXED_TYPE (KvOutcome, kv_outcome, kv_outcome_ref, kv_outcome_unref)

KvOutcome *
kv_outcome_new (KvResult *results, guint length, const KvVerdict *verdict)
{
  KvOutcome *self = g_malloc (sizeof *self + length * sizeof *results);

  g_atomic_ref_count_init (&self->references);
  self->verdict = *verdict;
  self->length = length;
  if (length > 0)
    {
      memcpy (self->results, results, length * sizeof *results);
      memset (results, 0, length * sizeof *results);
    }
  return self;
}

KvOutcome *
kv_outcome_ref (KvOutcome *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
kv_outcome_unref (KvOutcome *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;

  for (guint i = 0; i < self->length; i++)
    kv_result_clear (&self->results[i]);
  g_free (self);
}

gboolean
kv_outcome_is_committed (const KvOutcome *self)
{
  return self->verdict.committed;
}

KvBranch
kv_outcome_get_branch (const KvOutcome *self)
{
  return self->verdict.branch;
}

guint64
kv_outcome_get_revision (const KvOutcome *self)
{
  return self->verdict.revision;
}

guint
kv_outcome_get_length (const KvOutcome *self)
{
  return self->length;
}

const KvResult *
kv_outcome_get_result (const KvOutcome *self, guint index)
{
  g_return_val_if_fail (index < self->length, NULL);

  return &self->results[index];
}
