/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "store/kv-store.h"

#include <string.h>

static KvOutcome *
commit (KvStore *store, KvTransaction *transaction)
{
  g_autoptr (GError) error = NULL;
  KvOutcome *outcome = kv_store_commit (store, transaction, &error);

  g_assert_no_error (error);
  return outcome;
}

static void
assert_result (KvOutcome *outcome, guint index, KvResultStatus status)
{
  g_assert_cmpint (kv_outcome_get_result (outcome, index)->status, ==, status);
}

static void
assert_value (KvStore *store, const char *key, const char *expected)
{
  g_autofree char *value = kv_store_get (store, key, NULL);

  g_assert_cmpstr (value, ==, expected);
}

static void
test_batch_runs_in_order (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) batch = kv_transaction_new (FALSE);
  g_autoptr (KvOutcome) outcome = NULL;
  const KvResult *found;

  kv_transaction_put (batch, "k", "1", -1, NULL);
  kv_transaction_get (batch, "k", NULL);
  kv_transaction_put (batch, "k", "2", -1, NULL);
  kv_transaction_compare_and_swap (batch, "k", "1", "3", NULL);
  kv_transaction_delete (batch, "k", NULL);
  kv_transaction_get (batch, "k", NULL);
  kv_transaction_delete (batch, "k", NULL);
  kv_transaction_increment (batch, "n", 2, NULL);
  kv_transaction_increment (batch, "n", 3, NULL);
  outcome = commit (store, batch);

  g_assert_true (kv_outcome_is_committed (outcome));
  assert_result (outcome, 0, KV_RESULT_CREATED);
  assert_result (outcome, 1, KV_RESULT_FOUND);
  assert_result (outcome, 2, KV_RESULT_REPLACED);
  assert_result (outcome, 3, KV_RESULT_CONDITION_FAILED);
  assert_result (outcome, 4, KV_RESULT_DELETED);
  assert_result (outcome, 5, KV_RESULT_NOT_FOUND);
  assert_result (outcome, 6, KV_RESULT_NOT_FOUND);
  assert_result (outcome, 7, KV_RESULT_CREATED);
  found = kv_outcome_get_result (outcome, 1);
  g_assert_cmpstr (kv_entry_get_value (found->entry, NULL), ==, "1");
  g_assert_cmpuint (found->revision, ==, kv_outcome_get_result (outcome, 0)->revision);
  g_assert_cmpstr (kv_entry_get_value (kv_outcome_get_result (outcome, 3)->entry, NULL), ==, "2");
  assert_value (store, "n", "5");
}

static void
test_atomic_all (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  guint64 before;

  kv_store_put (store, "gone", "x", -1, NULL);
  kv_store_put (store, "n", "40", -1, NULL);
  before = kv_store_get_revision (store);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%u", i);

      kv_transaction_put (transaction, key, key, -1, NULL);
    }
  kv_transaction_delete (transaction, "gone", NULL);
  kv_transaction_increment (transaction, "n", 1, NULL);
  kv_transaction_increment (transaction, "n", 1, NULL);
  kv_transaction_get (transaction, "n", NULL);
  kv_transaction_put (transaction, "fleeting", "x", -1, NULL);
  kv_transaction_delete (transaction, "fleeting", NULL);
  outcome = commit (store, transaction);

  g_assert_true (kv_outcome_is_committed (outcome));
  g_assert_cmpuint (kv_store_get_revision (store), ==, before + 1);
  g_assert_cmpuint (kv_store_count (store), ==, 21);
  for (guint i = 0; i < kv_outcome_get_length (outcome); i++)
    g_assert_cmpuint (kv_outcome_get_result (outcome, i)->revision, ==, before + 1);
  assert_value (store, "n", "42");
  assert_value (store, "k19", "k19");
  assert_value (store, "gone", NULL);
  assert_value (store, "fleeting", NULL);
  g_assert_cmpstr (kv_entry_get_value (kv_outcome_get_result (outcome, 23)->entry, NULL), ==, "42");
}

static void
test_atomic_nothing (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  guint64 before;

  kv_store_put (store, "a", "old", -1, NULL);
  before = kv_store_get_revision (store);
  kv_transaction_put (transaction, "a", "new", -1, NULL);
  kv_transaction_get (transaction, "a", NULL);
  kv_transaction_compare_and_swap (transaction, "a", "old", "newer", NULL);
  kv_transaction_put (transaction, "b", "new", -1, NULL);
  outcome = commit (store, transaction);

  g_assert_false (kv_outcome_is_committed (outcome));
  assert_result (outcome, 0, KV_RESULT_ABORTED);
  assert_result (outcome, 1, KV_RESULT_ABORTED);
  assert_result (outcome, 2, KV_RESULT_CONDITION_FAILED);
  assert_result (outcome, 3, KV_RESULT_ABORTED);
  g_assert_cmpuint (kv_store_get_revision (store), ==, before);
  assert_value (store, "a", "old");
  assert_value (store, "b", NULL);
}

/* One alone is all or nothing by itself, and says which. */
static void
test_atomic_one (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) failing = kv_transaction_new (TRUE);
  g_autoptr (KvTransaction) reading = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) failed = NULL;
  g_autoptr (KvOutcome) read = NULL;

  kv_transaction_compare_and_swap (failing, "k", "expected", "new", NULL);
  failed = commit (store, failing);
  g_assert_false (kv_outcome_is_committed (failed));
  assert_result (failed, 0, KV_RESULT_NOT_FOUND);

  kv_transaction_get (reading, "k", NULL);
  read = commit (store, reading);
  g_assert_true (kv_outcome_is_committed (read));
  assert_result (read, 0, KV_RESULT_NOT_FOUND);
}

/* What an operation finds of those before it in the same transaction: nothing that has expired, and no revision. */
static void
test_atomic_on_one_key (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) fleeting = kv_transaction_new (TRUE);
  g_autoptr (KvTransaction) conditional = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  KvOperation operation;

  kv_transaction_put (fleeting, "k", "gone", 0, NULL);
  kv_transaction_get (fleeting, "k", NULL);
  kv_transaction_put (fleeting, "k", "here", -1, NULL);
  outcome = commit (store, fleeting);
  g_assert_true (kv_outcome_is_committed (outcome));
  assert_result (outcome, 0, KV_RESULT_CREATED);
  assert_result (outcome, 1, KV_RESULT_NOT_FOUND);
  assert_result (outcome, 2, KV_RESULT_CREATED);
  assert_value (store, "k", "here");
  g_clear_pointer (&outcome, kv_outcome_unref);

  kv_transaction_put (conditional, "k", "draft", -1, NULL);
  g_assert_true (kv_operation_init_put (&operation, "k", -1, "0", -1, KV_NO_DEADLINE, NULL));
  operation.condition = KV_CONDITION_REVISION;
  operation.if_revision = 0;
  kv_transaction_add (conditional, &operation);
  outcome = commit (store, conditional);
  g_assert_false (kv_outcome_is_committed (outcome));
  assert_value (store, "k", "here");
}

static void
test_commits_once (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (FALSE);
  g_autoptr (KvOutcome) outcome = NULL;
  g_autoptr (GError) error = NULL;

  kv_transaction_put (transaction, "k", "v", -1, NULL);
  outcome = commit (store, transaction);
  g_assert_null (kv_store_commit (store, transaction, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
}

static void
test_empty (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = commit (store, transaction);

  g_assert_true (kv_outcome_is_committed (outcome));
  g_assert_cmpuint (kv_outcome_get_length (outcome), ==, 0);
}

typedef struct {
  KvResultStatus status;
  guint64 revision;
  char *previous;
} Answer;

static void
keep_answer (KvStore *store,
             KvResult *results,
             guint length,
             gboolean committed,
             const GError *error,
             gpointer user_data)
{
  Answer *answer = user_data;

  g_assert_cmpuint (length, ==, 1);
  answer->status = results[0].status;
  answer->revision = results[0].revision;
  if (results[0].previous != NULL)
    answer->previous = g_strdup (kv_entry_get_value (results[0].previous, NULL));
}

static Answer
put (KvStore *store, const char *value, KvCondition condition, guint64 revision)
{
  Answer answer = { 0 };
  KvOperation operation;

  g_assert_true (kv_operation_init_put (&operation, "k", -1, value, -1, KV_NO_DEADLINE, NULL));
  operation.condition = condition;
  operation.if_revision = revision;
  operation.want_previous = TRUE;
  kv_store_submit (store, &operation, 1, FALSE, keep_answer, &answer);
  g_assert_null (operation.draft);
  return answer;
}

static void
test_conditions (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  Answer first, answer;

  answer = put (store, "x", KV_CONDITION_PRESENT, 0);
  g_assert_cmpint (answer.status, ==, KV_RESULT_CONDITION_FAILED);
  g_assert_cmpuint (answer.revision, ==, 0);
  first = put (store, "one", KV_CONDITION_ABSENT, 0);
  g_assert_cmpint (first.status, ==, KV_RESULT_CREATED);
  answer = put (store, "x", KV_CONDITION_ABSENT, 0);
  g_assert_cmpint (answer.status, ==, KV_RESULT_CONDITION_FAILED);
  g_assert_cmpuint (answer.revision, ==, first.revision);
  answer = put (store, "two", KV_CONDITION_REVISION, first.revision);
  g_assert_cmpint (answer.status, ==, KV_RESULT_REPLACED);
  g_assert_cmpstr (answer.previous, ==, "one");
  g_free (answer.previous);
  answer = put (store, "x", KV_CONDITION_REVISION, first.revision);
  g_assert_cmpint (answer.status, ==, KV_RESULT_CONDITION_FAILED);
  assert_value (store, "k", "two");
}

/* What becomes of the deadline: a put clears it unless told to keep it; swap and increment keep it; touch sets it. */
static void
test_deadlines (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvEntry) entry = NULL;
  KvOperation operation;
  Answer answer;
  gint64 deadline;

  kv_store_put (store, "k", "1", G_TIME_SPAN_HOUR, NULL);
  entry = kv_store_lookup (store, "k", -1);
  deadline = kv_entry_get_deadline (entry);
  g_assert_cmpint (deadline, !=, KV_NO_DEADLINE);

  kv_store_compare_and_swap (store, "k", "1", "2", NULL);
  kv_store_increment (store, "k", 1, NULL, NULL);
  g_assert_true (kv_operation_init_put (&operation, "k", -1, "4", -1, KV_NO_DEADLINE, NULL));
  operation.keep_deadline = TRUE;
  kv_store_submit (store, &operation, 1, FALSE, keep_answer, &answer);
  g_clear_pointer (&entry, kv_entry_unref);
  entry = kv_store_lookup (store, "k", -1);
  g_assert_cmpstr (kv_entry_get_value (entry, NULL), ==, "4");
  g_assert_cmpint (kv_entry_get_deadline (entry), ==, deadline);

  g_assert_cmpuint (kv_store_touch (store, "k", 2 * G_TIME_SPAN_HOUR, NULL), >, 0);
  g_clear_pointer (&entry, kv_entry_unref);
  entry = kv_store_lookup (store, "k", -1);
  g_assert_cmpint (kv_entry_get_deadline (entry), >, deadline);
  g_assert_cmpstr (kv_entry_get_value (entry, NULL), ==, "4");

  kv_store_put (store, "k", "5", -1, NULL);
  g_clear_pointer (&entry, kv_entry_unref);
  entry = kv_store_lookup (store, "k", -1);
  g_assert_cmpint (kv_entry_get_deadline (entry), ==, KV_NO_DEADLINE);
}

static void
test_values_with_nul (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvEntry) entry = NULL;
  KvOperation operation;
  Answer answer;
  gsize length;

  g_assert_true (kv_operation_init_put (&operation, "k", -1, "a\0b", 3, KV_NO_DEADLINE, NULL));
  kv_store_submit (store, &operation, 1, FALSE, keep_answer, &answer);
  g_assert_true (kv_operation_init_swap (&operation, "k", -1, "a\0c", 3, "x", -1, NULL));
  kv_store_submit (store, &operation, 1, FALSE, keep_answer, &answer);
  g_assert_cmpint (answer.status, ==, KV_RESULT_CONDITION_FAILED);
  g_assert_true (kv_operation_init_swap (&operation, "k", -1, "a\0b", 3, "c\0\0d", 4, NULL));
  kv_store_submit (store, &operation, 1, FALSE, keep_answer, &answer);
  g_assert_cmpint (answer.status, ==, KV_RESULT_REPLACED);
  entry = kv_store_lookup (store, "k", -1);
  kv_entry_get_value (entry, &length);
  g_assert_cmpmem (kv_entry_get_value (entry, NULL), length, "c\0\0d", 4);
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  *(KvOutcome **) user_data = kv_store_commit_finish (KV_STORE (source), result, &error);
  g_assert_no_error (error);
}

static void
test_async (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (FALSE);
  g_autoptr (KvOutcome) outcome = NULL;

  kv_transaction_put (transaction, "k", "v", -1, NULL);
  kv_store_commit_async (store, transaction, NULL, on_committed, &outcome);
  while (outcome == NULL)
    g_main_context_iteration (NULL, TRUE);
  assert_result (outcome, 0, KV_RESULT_CREATED);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/commit/batch-runs-in-order", test_batch_runs_in_order);
  g_test_add_func ("/store/commit/atomic-makes-one-revision", test_atomic_all);
  g_test_add_func ("/store/commit/atomic-changes-nothing-on-failure", test_atomic_nothing);
  g_test_add_func ("/store/commit/atomic-one-tells-failure", test_atomic_one);
  g_test_add_func ("/store/commit/atomic-on-one-key", test_atomic_on_one_key);
  g_test_add_func ("/store/commit/refuses-a-second-time", test_commits_once);
  g_test_add_func ("/store/commit/empty-is-fine", test_empty);
  g_test_add_func ("/store/commit/holds-conditions", test_conditions);
  g_test_add_func ("/store/commit/keeps-sets-and-clears-deadlines", test_deadlines);
  g_test_add_func ("/store/commit/compares-whole-values", test_values_with_nul);
  g_test_add_func ("/store/commit/async", test_async);
  return g_test_run ();
}
