/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Every kind of operation under every condition, on a key in every state. */

#include "store/kv-store.h"

#include <string.h>

typedef struct {
  KvStore *store;
  guint64 revision; /* of the key, if it is there */
} Fixture;

typedef enum {
  STATE_ABSENT,
  STATE_EXPIRED,
  STATE_THERE,
} State;

#define VALUE "41"

static void
set_up (Fixture *fixture, State state)
{
  fixture->store = kv_store_new ();
  kv_store_put (fixture->store, "other", VALUE, -1, NULL);
  if (state != STATE_ABSENT)
    fixture->revision = kv_store_put (fixture->store, "k", VALUE,
                                      state == STATE_EXPIRED ? 0 : G_TIME_SPAN_HOUR, NULL);
}

static void
keep_result (KvStore *store,
             KvResult *results,
             guint length,
             gboolean committed,
             const GError *error,
             gpointer user_data)
{
  g_assert_no_error (error);
  g_assert_cmpuint (length, ==, 1);
  *(KvResult *) user_data = results[0];
  results[0] = (KvResult){ 0 };
}

static KvResult
submit (Fixture *fixture, KvOperation *operation)
{
  KvResult result = { 0 };

  kv_store_submit (fixture->store, operation, 1, FALSE, keep_result, &result);
  g_assert_null (operation->draft);
  return result;
}

static void
init_operation (KvOperation *operation, KvOperationKind kind)
{
  switch (kind)
    {
    case KV_OPERATION_PUT:
      kv_operation_init_put (operation, "k", -1, "new", -1, KV_NO_DEADLINE, NULL);
      break;
    case KV_OPERATION_SWAP:
      kv_operation_init_swap (operation, "k", -1, VALUE, strlen (VALUE), "new", -1, NULL);
      break;
    case KV_OPERATION_TOUCH:
      kv_operation_init_touch (operation, "k", -1, KV_NO_DEADLINE, NULL);
      break;
    case KV_OPERATION_GET:
    case KV_OPERATION_DELETE:
    case KV_OPERATION_INCREMENT:
    default:
      kv_operation_init (operation, kind, "k", -1, NULL);
      operation->delta = 1;
    }
}

/* What comes of an operation that may be done. */
static KvResultStatus
expect_done (KvOperationKind kind, gboolean there)
{
  switch (kind)
    {
    case KV_OPERATION_GET:
      return there ? KV_RESULT_FOUND : KV_RESULT_NOT_FOUND;
    case KV_OPERATION_DELETE:
      return there ? KV_RESULT_DELETED : KV_RESULT_NOT_FOUND;
    case KV_OPERATION_SWAP:
    case KV_OPERATION_TOUCH:
      return there ? KV_RESULT_REPLACED : KV_RESULT_NOT_FOUND;
    case KV_OPERATION_PUT:
    case KV_OPERATION_INCREMENT:
    default:
      return there ? KV_RESULT_REPLACED : KV_RESULT_CREATED;
    }
}

static void
assert_condition (KvOperationKind kind,
                  State state,
                  KvCondition condition,
                  gboolean right,
                  gboolean holds)
{
  Fixture fixture = { 0 };
  KvOperation operation;
  g_auto (KvResult) result = { 0 };
  gboolean there = state == STATE_THERE;

  set_up (&fixture, state);
  init_operation (&operation, kind);
  operation.condition = condition;
  operation.if_revision = fixture.revision + !right;
  if (condition == KV_CONDITION_VALUE || condition == KV_CONDITION_NOT_VALUE)
    operation.expected = right ? VALUE : "?!";
  operation.expected_length = strlen (VALUE);
  result = submit (&fixture, &operation);

  if (holds || (kind == KV_OPERATION_SWAP && !there))
    g_assert_cmpint (result.status, ==, expect_done (kind, there));
  else
    g_assert_cmpint (result.status, ==, KV_RESULT_CONDITION_FAILED);
  if (result.status == KV_RESULT_CONDITION_FAILED)
    {
      g_assert_cmpuint (result.revision, ==, there ? fixture.revision : 0);
      g_assert_cmpstr (there ? kv_entry_get_value (result.entry, NULL) : NULL, ==,
                       there ? VALUE : NULL);
    }
  g_object_unref (fixture.store);
}

static void
test_every_kind (void)
{
  for (KvOperationKind kind = KV_OPERATION_GET; kind <= KV_OPERATION_INCREMENT; kind++)
    for (State state = STATE_ABSENT; state <= STATE_THERE; state++)
      {
        gboolean there = state == STATE_THERE;

        assert_condition (kind, state, KV_CONDITION_NONE, TRUE, TRUE);
        assert_condition (kind, state, KV_CONDITION_ABSENT, TRUE, !there);
        assert_condition (kind, state, KV_CONDITION_PRESENT, TRUE, there);
        assert_condition (kind, state, KV_CONDITION_REVISION, TRUE, there);
        assert_condition (kind, state, KV_CONDITION_REVISION, FALSE, FALSE);
        assert_condition (kind, state, KV_CONDITION_NOT_REVISION, TRUE, !there);
        assert_condition (kind, state, KV_CONDITION_NOT_REVISION, FALSE, TRUE);
        assert_condition (kind, state, KV_CONDITION_VALUE, TRUE, there);
        assert_condition (kind, state, KV_CONDITION_VALUE, FALSE, FALSE);
        assert_condition (kind, state, KV_CONDITION_NOT_VALUE, TRUE, !there);
        /* A swap compares with the same value, and so cannot be done where it is another one. */
        if (kind != KV_OPERATION_SWAP)
          assert_condition (kind, state, KV_CONDITION_NOT_VALUE, FALSE, TRUE);
      }
}

static KvResultStatus
delete_at (Fixture *fixture, KvCondition condition, guint64 revision, const guint64 *more, guint n)
{
  g_auto (KvResult) result = { 0 };
  KvOperation operation;

  kv_operation_init (&operation, KV_OPERATION_DELETE, "k", -1, NULL);
  operation.condition = condition;
  operation.if_revision = revision;
  operation.more_revisions = more;
  operation.n_more_revisions = n;
  result = submit (fixture, &operation);
  return result.status;
}

static void
test_several_revisions (void)
{
  Fixture fixture = { 0 };
  guint64 more[2];

  set_up (&fixture, STATE_THERE);
  more[0] = 1;
  more[1] = fixture.revision;
  g_assert_cmpint (delete_at (&fixture, KV_CONDITION_NOT_REVISION, 2, more, 2), ==,
                   KV_RESULT_CONDITION_FAILED);
  g_assert_cmpint (delete_at (&fixture, KV_CONDITION_REVISION, 2, more, 1), ==,
                   KV_RESULT_CONDITION_FAILED);
  g_assert_cmpint (delete_at (&fixture, KV_CONDITION_REVISION, 0, NULL, 0), ==,
                   KV_RESULT_CONDITION_FAILED);
  g_assert_cmpint (delete_at (&fixture, KV_CONDITION_REVISION, 2, more, 2), ==, KV_RESULT_DELETED);
  g_assert_cmpint (delete_at (&fixture, KV_CONDITION_NOT_REVISION, 2, more, 2), ==,
                   KV_RESULT_NOT_FOUND);
  g_object_unref (fixture.store);
}

/* A transaction keeps its own copy of what its operations have only borrowed. */
static void
test_borrowed_until_added (void)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  Fixture fixture = { 0 };
  KvOperation operation;
  guint64 more[1];
  char expected[] = VALUE;

  set_up (&fixture, STATE_THERE);
  more[0] = fixture.revision;
  kv_operation_init (&operation, KV_OPERATION_GET, "k", -1, NULL);
  operation.condition = KV_CONDITION_REVISION;
  operation.more_revisions = more;
  operation.n_more_revisions = 1;
  kv_transaction_add (transaction, &operation);
  kv_operation_init (&operation, KV_OPERATION_DELETE, "k", -1, NULL);
  operation.condition = KV_CONDITION_VALUE;
  operation.expected = expected;
  operation.expected_length = strlen (expected);
  kv_transaction_add (transaction, &operation);
  more[0] = 0;
  memset (expected, 'x', strlen (expected));
  outcome = kv_store_commit (fixture.store, transaction, NULL);
  g_assert_true (kv_outcome_is_committed (outcome));
  g_object_unref (fixture.store);
}

static void
test_swap_by_revision (void)
{
  Fixture fixture = { 0 };
  KvOperation operation;
  g_auto (KvResult) failed = { 0 };
  g_auto (KvResult) swapped = { 0 };
  g_auto (KvResult) missing = { 0 };
  g_autoptr (KvEntry) before = NULL;
  KvStoreStatus status;

  set_up (&fixture, STATE_THERE);
  before = kv_store_lookup (fixture.store, "k", -1);
  kv_operation_init_swap_revision (&operation, "k", -1, fixture.revision - 1, "new", -1, NULL);
  failed = submit (&fixture, &operation);
  g_assert_cmpint (failed.status, ==, KV_RESULT_CONDITION_FAILED);
  g_assert_cmpuint (failed.revision, ==, fixture.revision);

  kv_operation_init_swap_revision (&operation, "k", -1, fixture.revision, "new", -1, NULL);
  operation.want_entry = operation.want_previous = TRUE;
  swapped = submit (&fixture, &operation);
  g_assert_cmpint (swapped.status, ==, KV_RESULT_REPLACED);
  g_assert_cmpstr (kv_entry_get_value (swapped.entry, NULL), ==, "new");
  g_assert_cmpuint (kv_entry_get_revision (swapped.entry), ==, swapped.revision);
  g_assert_cmpint (kv_entry_get_deadline (swapped.entry), ==, kv_entry_get_deadline (before));
  g_assert_true (swapped.previous == before);

  kv_operation_init_swap_revision (&operation, "absent", -1, swapped.revision, "new", -1, NULL);
  missing = submit (&fixture, &operation);
  g_assert_cmpint (missing.status, ==, KV_RESULT_NOT_FOUND);
  kv_store_get_status (fixture.store, &status);
  g_assert_cmpuint (status.swaps_succeeded, ==, 1);
  g_assert_cmpuint (status.swaps_failed, ==, 2);
  g_object_unref (fixture.store);
}

static void
test_gives_entries (void)
{
  for (KvOperationKind kind = KV_OPERATION_PUT; kind <= KV_OPERATION_INCREMENT; kind++)
    {
      Fixture fixture = { 0 };
      KvOperation operation;
      g_auto (KvResult) result = { 0 };
      g_autoptr (KvEntry) after = NULL;

      set_up (&fixture, STATE_THERE);
      init_operation (&operation, kind);
      operation.want_entry = operation.want_previous = TRUE;
      result = submit (&fixture, &operation);
      after = kv_store_lookup (fixture.store, "k", -1);
      g_assert_true (result.entry == after);
      g_assert_cmpstr (kv_entry_get_value (result.previous, NULL), ==, VALUE);
      g_assert_cmpuint (kv_entry_get_revision (result.previous), ==, fixture.revision);
      g_object_unref (fixture.store);
    }
}

static KvResultStatus
increment (KvStore *store, const char *value, gint64 delta, const char *expected)
{
  Fixture fixture = { .store = store };
  g_auto (KvResult) result = { 0 };
  KvOperation operation;

  kv_store_put (store, "n", value, -1, NULL);
  kv_operation_init (&operation, KV_OPERATION_INCREMENT, "n", -1, NULL);
  operation.delta = delta;
  result = submit (&fixture, &operation);
  g_assert_cmpstr (kv_entry_get_value (result.entry, NULL), ==, expected);
  return result.status;
}

static void
test_increment_ends_at_64_bits (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *most = "9223372036854775807", *least = "-9223372036854775808";

  g_assert_cmpint (increment (store, "9223372036854775806", 1, most), ==, KV_RESULT_REPLACED);
  g_assert_cmpint (increment (store, most, 1, most), ==, KV_RESULT_NOT_A_NUMBER);
  g_assert_cmpint (increment (store, "-9223372036854775807", -1, least), ==, KV_RESULT_REPLACED);
  g_assert_cmpint (increment (store, least, -1, least), ==, KV_RESULT_NOT_A_NUMBER);
  g_assert_cmpint (increment (store, "0", G_MININT64, least), ==, KV_RESULT_REPLACED);
  g_assert_cmpint (increment (store, "1e3", 1, "1e3"), ==, KV_RESULT_NOT_A_NUMBER);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/conditions/hold-for-every-kind", test_every_kind);
  g_test_add_func ("/store/conditions/one-of-several-revisions-will-do", test_several_revisions);
  g_test_add_func ("/store/conditions/are-copied-into-transactions", test_borrowed_until_added);
  g_test_add_func ("/store/conditions/swap-by-revision", test_swap_by_revision);
  g_test_add_func ("/store/conditions/give-entries-when-asked", test_gives_entries);
  g_test_add_func ("/store/conditions/increment-ends-at-64-bits", test_increment_ends_at_64_bits);
  return g_test_run ();
}
