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

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/transaction/keeps-order", test_keeps_order);
  g_test_add_func ("/core/transaction/refuses-invalid-keys", test_refuses);
  g_test_add_func ("/core/transaction/copies-the-expected-value", test_copies_expected);
  return g_test_run ();
}
