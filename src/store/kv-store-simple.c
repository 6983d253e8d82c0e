/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* The store as a program uses it directly: single operations that wait for their answer, and transactions in the style of
 * GIO. All of it stands on kv_store_submit(). */

#include "store/kv-store-private.h"

#include <string.h>

/* What a caller that waits waits for. kv_store_submit() promises a later answer in the caller's main context, but the caller
 * is the one who would have to run it, and is blocked here: so it is answered in whichever thread has decided (a
 * journal's, say), and waits on a condition. In memory the answer has come before the wait begins. */
typedef struct {
  GMutex lock;
  GCond answered;
  gboolean done;
  KvResult result;    /* of a single operation */
  KvOutcome *outcome; /* (owned) (nullable): of a transaction */
  GError *error;      /* (owned) (nullable) */
} Waiter;

static void
init_waiter (Waiter *waiter)
{
  *waiter = (Waiter){ 0 };
  g_mutex_init (&waiter->lock);
  g_cond_init (&waiter->answered);
}

static void
wake_waiter (Waiter *waiter, const GError *error)
{
  waiter->error = error != NULL ? g_error_copy (error) : NULL;
  waiter->done = TRUE;
  g_cond_signal (&waiter->answered);
}

/* Returns whether it has been answered without an error. */
static gboolean
wait_for_answer (Waiter *waiter, GError **error)
{
  g_mutex_lock (&waiter->lock);
  while (!waiter->done)
    g_cond_wait (&waiter->answered, &waiter->lock);
  g_mutex_unlock (&waiter->lock);
  g_cond_clear (&waiter->answered);
  g_mutex_clear (&waiter->lock);

  if (waiter->error == NULL)
    return TRUE;
  g_propagate_error (error, waiter->error);
  return FALSE;
}

static void
answer_commit (KvStore *store, KvOutcome *outcome, const GError *error, gpointer user_data)
{
  Waiter *waiter = user_data;

  g_mutex_lock (&waiter->lock);
  waiter->outcome = outcome != NULL ? kv_outcome_ref (outcome) : NULL;
  wake_waiter (waiter, error);
  g_mutex_unlock (&waiter->lock);
}

KvOutcome *
kv_store_commit (KvStore *self, KvTransaction *transaction, GError **error)
{
  Waiter waiter;

  init_waiter (&waiter);
  kv_store_submit_transaction_waiting (self, transaction, answer_commit, &waiter);
  return wait_for_answer (&waiter, error) ? waiter.outcome : NULL;
}

static void
answer_task (KvStore *store, KvOutcome *outcome, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_pointer (task, kv_outcome_ref (outcome), (GDestroyNotify) kv_outcome_unref);
}

void
kv_store_commit_async (KvStore *self,
                       KvTransaction *transaction,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, kv_store_commit_async);
  if (!g_task_return_error_if_cancelled (task))
    kv_store_submit_transaction (self, transaction, answer_task, g_steal_pointer (&task));
}

KvOutcome *
kv_store_commit_finish (KvStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

char *
kv_store_get (KvStore *self, const char *key, GError **error)
{
  g_autoptr (KvEntry) entry = NULL;

  if (!kv_key_validate (key, -1, error))
    return NULL;

  entry = kv_store_lookup (self, key, -1);
  if (entry == NULL)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_NOT_FOUND, "There is no such key");
      return NULL;
    }
  return g_strdup (kv_entry_get_value (entry, NULL));
}

static void
answer_operation (KvStore *store,
                  KvResult *results,
                  guint length,
                  gboolean committed,
                  const GError *error,
                  gpointer user_data)
{
  Waiter *waiter = user_data;

  g_mutex_lock (&waiter->lock);
  if (length > 0)
    {
      waiter->result = results[0];
      results[0] = (KvResult){ 0 };
    }
  wake_waiter (waiter, error);
  g_mutex_unlock (&waiter->lock);
}

/* Carries out one operation. Returns whether it did what it should; @result is to be cleared in any case. */
static gboolean
submit_one (KvStore *self, KvOperation *operation, KvResult *result, GError **error)
{
  Waiter waiter;

  init_waiter (&waiter);
  kv_store_submit_waiting (self, operation, answer_operation, &waiter);
  if (!wait_for_answer (&waiter, error))
    return FALSE;
  *result = waiter.result;
  return kv_result_to_error (result, error);
}

static guint64
submit_for_revision (KvStore *self, KvOperation *operation, GError **error)
{
  g_auto (KvResult) result = { 0 };

  return submit_one (self, operation, &result, error) ? result.revision : 0;
}

static gint64
deadline_of (gint64 ttl)
{
  return ttl < 0 ? KV_NO_DEADLINE : kv_clock_deadline_after (ttl);
}

guint64
kv_store_put (KvStore *self, const char *key, const char *value, gint64 ttl, GError **error)
{
  KvOperation operation;

  if (!kv_operation_init_put (&operation, key, -1, value, -1, deadline_of (ttl), error))
    return 0;
  return submit_for_revision (self, &operation, error);
}

guint64
kv_store_delete (KvStore *self, const char *key, GError **error)
{
  KvOperation operation;

  if (!kv_operation_init (&operation, KV_OPERATION_DELETE, key, -1, error))
    return 0;
  return submit_for_revision (self, &operation, error);
}

guint64
kv_store_compare_and_swap (KvStore *self,
                           const char *key,
                           const char *expected,
                           const char *value,
                           GError **error)
{
  KvOperation operation;

  if (!kv_operation_init_swap (&operation, key, -1, expected, strlen (expected), value, -1, error))
    return 0;
  return submit_for_revision (self, &operation, error);
}

guint64
kv_store_touch (KvStore *self, const char *key, gint64 ttl, GError **error)
{
  KvOperation operation;

  if (!kv_operation_init_touch (&operation, key, -1, deadline_of (ttl), error))
    return 0;
  return submit_for_revision (self, &operation, error);
}

guint64
kv_store_increment (KvStore *self, const char *key, gint64 delta, gint64 *value, GError **error)
{
  g_auto (KvResult) result = { 0 };
  KvOperation operation;

  if (!kv_operation_init (&operation, KV_OPERATION_INCREMENT, key, -1, error))
    return 0;
  operation.delta = delta;
  if (!submit_one (self, &operation, &result, error))
    return 0;

  if (value != NULL)
    *value = g_ascii_strtoll (kv_entry_get_value (result.entry, NULL), NULL, 10);
  return result.revision;
}
