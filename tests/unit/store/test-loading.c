/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What a store holds that has been filled by its keeper. */

#include "hand.h"
#include "store/kv-loading.h"

#define HOUR (3600 * G_TIME_SPAN_SECOND)

/* So many that no stripe waits for the end with all of its own. */
#define MANY 150000

static gboolean
add (KvLoading *loading, const char *key, const char *value, gint64 deadline, guint64 revision)
{
  return kv_loading_add (loading, kv_entry_new (key, -1, value, -1, deadline, NULL), revision);
}

static gboolean
add_number (KvLoading *loading, guint number, gint64 deadline)
{
  char key[16];

  g_snprintf (key, sizeof key, "key-%u", number);
  return add (loading, key, key, deadline, number + 1);
}

static void
test_is_no_change (void)
{
  Hand hand = { 0 };
  g_autoptr (KvLoading) loading = NULL;
  guint64 revision, later;

  hand_attach (&hand, KV_DURABILITY_STRICT, &hand_roomy);
  revision = kv_store_get_revision (hand.store);
  loading = kv_loading_new (hand.store);
  g_assert_true (add (loading, "k", "v", KV_NO_DEADLINE, 7));
  g_assert_true (add (loading, "over", "v", kv_clock_now () - 1, 8));
  g_assert_true (kv_loading_finish (loading));
  hand_put (&hand, "k", "refused", -1);
  hand_run_context ();
  hand_assert_answers (&hand, "The store is being loaded");
  g_assert_cmpuint (kv_store_count (hand.store), ==, 1);

  kv_store_keeper_start (hand.store, revision + 1000);
  g_assert_cmpuint (kv_store_get_revision (hand.store), ==, revision + 1000);
  g_assert_cmpuint (kv_store_count (hand.store), ==, 1);
  hand_settle_all (&hand);
  g_assert_cmpuint (hand_get_status (&hand).expirations, ==, 1);
  g_assert_cmpuint (hand_get_status (&hand).puts, ==, 0);
  hand_put (&hand, "k", "2", -1);
  hand_settle_all (&hand);
  hand_run_context ();
  hand_assert_answers (&hand, "replaced");
  later = kv_store_get_revision (hand.store);
  g_assert_cmpuint (later, ==, revision + 1002);
  hand_tear_down (&hand, NULL);
}

static void
test_many (void)
{
  Hand hand = { 0 };
  g_autoptr (KvLoading) loading = NULL;
  gint64 deadline = kv_clock_now () + HOUR;

  hand_attach (&hand, KV_DURABILITY_RELAXED, &hand_roomy);
  loading = kv_loading_new (hand.store);
  for (guint i = 0; i < MANY; i++)
    g_assert_true (add_number (loading, i, i % 3 == 0 ? deadline - i : KV_NO_DEADLINE));
  g_assert_true (kv_loading_finish (loading));
  kv_store_keeper_start (hand.store, MANY);

  g_assert_cmpuint (kv_store_count (hand.store), ==, MANY);
  for (guint i = 0; i < MANY; i++)
    {
      g_autoptr (KvEntry) entry = NULL;
      char key[16];

      g_snprintf (key, sizeof key, "key-%u", i);
      entry = kv_store_lookup (hand.store, key, -1);
      g_assert_nonnull (entry);
      g_assert_cmpstr (kv_entry_get_value (entry, NULL), ==, key);
      g_assert_cmpuint (kv_entry_get_revision (entry), ==, i + 1);
      g_assert_cmpint (kv_entry_get_deadline (entry), ==,
                       i % 3 == 0 ? deadline - i : KV_NO_DEADLINE);
    }
  hand_tear_down (&hand, NULL);
}

static void
test_twice_at_the_end (void)
{
  Hand hand = { 0 };
  g_autoptr (KvLoading) loading = NULL;

  hand_attach (&hand, KV_DURABILITY_STRICT, &hand_roomy);
  loading = kv_loading_new (hand.store);
  g_assert_true (add (loading, "k", "v", KV_NO_DEADLINE, 7));
  g_assert_true (add (loading, "other", "v", KV_NO_DEADLINE, 8));
  g_assert_true (add (loading, "k", "w", KV_NO_DEADLINE, 9));
  g_assert_false (kv_loading_finish (loading));
  hand_tear_down (&hand, NULL);
}

static void
test_twice_in_the_midst (void)
{
  Hand hand = { 0 };
  g_autoptr (KvLoading) loading = NULL;
  gboolean ok = TRUE;

  hand_attach (&hand, KV_DURABILITY_STRICT, &hand_roomy);
  loading = kv_loading_new (hand.store);
  for (guint i = 0; i < MANY; i++)
    g_assert_true (add_number (loading, i, KV_NO_DEADLINE));
  for (guint i = 0; ok && i < MANY; i++)
    ok = add_number (loading, i, KV_NO_DEADLINE);
  g_assert_false (ok);
  hand_tear_down (&hand, NULL);
}

static void
test_given_up (void)
{
  Hand hand = { 0 };
  KvLoading *loading;

  hand_attach (&hand, KV_DURABILITY_STRICT, &hand_roomy);
  loading = kv_loading_new (hand.store);
  g_assert_true (add (loading, "k", "v", KV_NO_DEADLINE, 7));
  kv_loading_free (loading);
  g_assert_cmpuint (kv_store_count (hand.store), ==, 0);
  hand_tear_down (&hand, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/loading/is-no-change", test_is_no_change);
  g_test_add_func ("/store/loading/many", test_many);
  g_test_add_func ("/store/loading/twice-at-the-end", test_twice_at_the_end);
  g_test_add_func ("/store/loading/twice-in-the-midst", test_twice_in_the_midst);
  g_test_add_func ("/store/loading/given-up", test_given_up);
  return g_test_run ();
}
