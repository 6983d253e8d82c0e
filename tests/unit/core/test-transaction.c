/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-error.h"
#include "core/kv-transaction.h"

static void
test_keeps_order (void)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  const KvOperation *operations;
  guint length;

  g_assert_true (kv_transaction_put (transaction, "a", "1", -1, NULL));
  g_assert_true (kv_transaction_get (transaction, "b", NULL));
  g_assert_true (kv_transaction_delete (transaction, "c", NULL));
  operations = kv_transaction_get_operations (transaction, &length);

  g_assert_cmpuint (length, ==, 3);
  g_assert_cmpint (operations[0].kind, ==, KV_OPERATION_PUT);
  g_assert_cmpint (operations[1].kind, ==, KV_OPERATION_GET);
  g_assert_cmpint (operations[2].kind, ==, KV_OPERATION_DELETE);
  g_assert_cmpstr (kv_entry_get_key (operations[2].draft, NULL), ==, "c");
}

static void
test_refuses (void)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (GError) error = NULL;
  guint length;

  g_assert_false (kv_transaction_put (transaction, "", "1", -1, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_KEY);
  kv_transaction_get_operations (transaction, &length);
  g_assert_cmpuint (length, ==, 0);
}

/* The borrowed text of a swap may go before the transaction does. */
static void
test_copies_expected (void)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (FALSE);
  g_autofree char *expected = g_strdup ("old");
  const KvOperation *operations;
  guint length;

  g_assert_true (kv_transaction_compare_and_swap (transaction, "k", expected, "new", NULL));
  expected[0] = 'X';
  operations = kv_transaction_get_operations (transaction, &length);
  g_assert_cmpmem (operations[0].expected, operations[0].expected_length, "old", 3);
}

static void
test_has_branches (void)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (FALSE);
  g_autoptr (GError) error = NULL;
  guint n_conditions, n_then, n_else;

  g_assert_true (kv_transaction_put (transaction, "a", "1", -1, NULL));
  g_assert_false (kv_transaction_is_guarded (transaction));
  g_assert_false (kv_transaction_if_value (transaction, "not\na key", "1", &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_KEY);
  g_assert_false (kv_transaction_is_guarded (transaction));
  g_assert_true (kv_transaction_if_present (transaction, "a", NULL));
  g_assert_true (kv_transaction_if_value (transaction, "a", "", NULL));
  kv_transaction_else (transaction);
  g_assert_true (kv_transaction_touch (transaction, "a", -1, NULL));
  g_assert_true (kv_transaction_if_revision (transaction, "a", 7, NULL));

  g_assert_true (kv_transaction_is_guarded (transaction));
  g_assert_true (kv_transaction_is_atomic (transaction));
  g_assert_cmpint (kv_transaction_get_operations (transaction, &n_then)[0].kind, ==,
                   KV_OPERATION_PUT);
  g_assert_cmpint (kv_transaction_get_else_operations (transaction, &n_else)[0].kind, ==,
                   KV_OPERATION_TOUCH);
  g_assert_cmpuint (kv_transaction_get_conditions (transaction, &n_conditions)[2].if_revision, ==,
                    7);
  g_assert_cmpuint (n_then, ==, 1);
  g_assert_cmpuint (n_else, ==, 1);
  g_assert_cmpuint (n_conditions, ==, 3);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/transaction/keeps-order", test_keeps_order);
  g_test_add_func ("/core/transaction/refuses-invalid-keys", test_refuses);
  g_test_add_func ("/core/transaction/copies-the-expected-value", test_copies_expected);
  g_test_add_func ("/core/transaction/has-conditions-and-two-branches", test_has_branches);
  return g_test_run ();
}
