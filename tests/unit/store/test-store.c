/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "store/kv-store.h"

static void
test_put_get_delete (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *value = NULL;
  guint64 first, second;

  first = kv_store_put (store, "k", "one", -1, &error);
  g_assert_no_error (error);
  second = kv_store_put (store, "k", "two", -1, &error);
  g_assert_cmpuint (second, ==, first + 1);
  g_assert_cmpuint (kv_store_get_revision (store), ==, second);
  g_assert_cmpuint (kv_store_count (store), ==, 1);

  value = kv_store_get (store, "k", &error);
  g_assert_cmpstr (value, ==, "two");
  g_assert_cmpuint (kv_store_delete (store, "k", &error), ==, second + 1);
  g_assert_null (kv_store_get (store, "k", &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpuint (kv_store_delete (store, "k", &error), ==, 0);
  g_assert_error (error, KV_ERROR, KV_ERROR_NOT_FOUND);
  g_assert_cmpuint (kv_store_count (store), ==, 0);
}

static void
test_swap (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *value = NULL;

  g_assert_cmpuint (kv_store_compare_and_swap (store, "k", "", "x", &error), ==, 0);
  g_assert_error (error, KV_ERROR, KV_ERROR_NOT_FOUND);
  g_clear_error (&error);
  kv_store_put (store, "k", "a", -1, NULL);
  g_assert_cmpuint (kv_store_compare_and_swap (store, "k", "b", "x", &error), ==, 0);
  g_assert_error (error, KV_ERROR, KV_ERROR_CONDITION_FAILED);
  g_clear_error (&error);
  g_assert_cmpuint (kv_store_compare_and_swap (store, "k", "a", "x", &error), >, 0);
  value = kv_store_get (store, "k", NULL);
  g_assert_cmpstr (value, ==, "x");
}

static void
test_increment (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GError) error = NULL;
  const char *no_numbers[] = {
    "",    "-",   "+1",   " 1",  "1 ", "0x1", "1.0", "9223372036854775808",
    "--1", "007", "-007", "-01", "00", "-0",  "-+1", "-9223372036854775809",
  };
  gint64 value;

  g_assert_cmpuint (kv_store_increment (store, "n", 5, &value, &error), >, 0);
  g_assert_cmpint (value, ==, 5);
  kv_store_increment (store, "n", -7, &value, &error);
  g_assert_cmpint (value, ==, -2);

  for (guint i = 0; i < G_N_ELEMENTS (no_numbers); i++)
    {
      g_autofree char *kept = NULL;

      kv_store_put (store, "n", no_numbers[i], -1, NULL);
      g_assert_cmpuint (kv_store_increment (store, "n", 1, &value, &error), ==, 0);
      g_assert_error (error, KV_ERROR, KV_ERROR_NOT_A_NUMBER);
      g_clear_error (&error);
      kept = kv_store_get (store, "n", NULL);
      g_assert_cmpstr (kept, ==, no_numbers[i]);
    }

  kv_store_put (store, "n", "0", -1, NULL);
  g_assert_cmpuint (kv_store_increment (store, "n", -10, &value, NULL), >, 0);
  g_assert_cmpint (value, ==, -10);
  kv_store_put (store, "n", "9223372036854775807", -1, NULL);
  g_assert_cmpuint (kv_store_increment (store, "n", 1, &value, NULL), ==, 0);
  g_assert_cmpuint (kv_store_increment (store, "n", -1, &value, NULL), >, 0);
  kv_store_put (store, "n", "-9223372036854775808", -1, NULL);
  g_assert_cmpuint (kv_store_increment (store, "n", -1, &value, NULL), ==, 0);
}

static void
test_revision_range (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  guint64 revision = kv_store_get_revision (store);

  g_assert_cmpuint (revision, >=, (guint64) (g_get_real_time () - G_TIME_SPAN_MINUTE));
  g_assert_cmpuint (revision, <, G_GUINT64_CONSTANT (1) << 53);
}

static void
test_many_keys (void)
{
  g_autoptr (KvStore) store = kv_store_new ();

  for (guint i = 0; i < 100000; i++)
    {
      char key[16];

      g_snprintf (key, sizeof key, "key-%u", i);
      kv_store_put (store, key, key, -1, NULL);
    }
  g_assert_cmpuint (kv_store_count (store), ==, 100000);
  for (guint i = 0; i < 100000; i++)
    {
      g_autoptr (KvEntry) entry = NULL;
      char key[16];

      g_snprintf (key, sizeof key, "key-%u", i);
      entry = kv_store_lookup (store, key, -1);
      g_assert_cmpstr (kv_entry_get_value (entry, NULL), ==, key);
    }
}

static void
on_changed (KvStore *store, KvChange *change, gpointer user_data)
{
  g_array_append_val ((GArray *) user_data, change->revision);
}

static void
test_changed_signal (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GArray) revisions = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 first;
  gulong handler;

  kv_store_put (store, "before", "", -1, NULL);
  handler = g_signal_connect (store, "changed", G_CALLBACK (on_changed), revisions);
  first = kv_store_put (store, "k0", "", -1, NULL);
  for (guint i = 1; i < 200; i++)
    kv_store_put (store, "k", "v", -1, NULL);
  g_assert_cmpuint (revisions->len, ==, 0);
  while (revisions->len < 200)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < 200; i++)
    g_assert_cmpuint (g_array_index (revisions, guint64, i), ==, first + i);

  /* Nobody listens: the context has nothing to do. */
  g_signal_handler_disconnect (store, handler);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  kv_store_put (store, "k", "v", -1, NULL);
  g_assert_false (g_main_context_pending (NULL));
}

static void
on_reset (KvStore *store, gpointer user_data)
{
  *(guint *) user_data += 1;
}

static void
test_changed_tells_of_a_gap (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GArray) revisions = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 last = 0;
  guint resets = 0;

  g_signal_connect (store, "changed", G_CALLBACK (on_changed), revisions);
  g_signal_connect (store, "reset", G_CALLBACK (on_reset), &resets);
  for (guint i = 0; i < 100000; i++)
    last = kv_store_put (store, "k", "v", -1, NULL);
  while (resets == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (revisions->len, ==, 0);

  last = kv_store_put (store, "k", "v", -1, NULL);
  while (revisions->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_array_index (revisions, guint64, 0), ==, last);
  g_assert_cmpuint (resets, ==, 1);
}

static void
test_status (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  KvStoreStatus status;

  kv_store_put (store, "a", "1", -1, NULL);
  kv_store_put (store, "b", "1", 0, NULL);
  g_free (kv_store_get (store, "a", NULL));
  g_free (kv_store_get (store, "none", NULL));
  kv_store_compare_and_swap (store, "a", "1", "2", NULL);
  kv_store_compare_and_swap (store, "a", "1", "2", NULL);
  kv_store_compare_and_swap (store, "none", "1", "2", NULL);
  kv_store_delete (store, "none", NULL);
  kv_store_get_status (store, &status);
  g_assert_cmpuint (status.keys, ==, 1);
  g_assert_cmpuint (status.puts, ==, 2);
  g_assert_cmpuint (status.gets, ==, 1);
  g_assert_cmpuint (status.swaps_succeeded, ==, 1);
  g_assert_cmpuint (status.swaps_failed, ==, 2);
  g_assert_cmpuint (status.deletes, ==, 0);
  g_assert_cmpuint (status.expirations, ==, 1);
  g_assert_cmpuint (status.watches, ==, 0);
  g_assert_cmpuint (status.batches, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/puts-gets-deletes", test_put_get_delete);
  g_test_add_func ("/store/swaps-only-what-was-expected", test_swap);
  g_test_add_func ("/store/increments-only-integers", test_increment);
  g_test_add_func ("/store/revision-starts-at-the-wall-clock", test_revision_range);
  g_test_add_func ("/store/finds-each-of-many-keys", test_many_keys);
  g_test_add_func ("/store/changed/comes-in-order-and-costs-nothing-unheard", test_changed_signal);
  g_test_add_func ("/store/changed/tells-of-a-gap", test_changed_tells_of_a_gap);
  g_test_add_func ("/store/status-counts", test_status);
  return g_test_run ();
}
