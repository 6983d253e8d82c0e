/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Listings of a store with a keeper: of what can be seen, without what has expired, whatever the disk does. */

#include "hand.h"
#include "store/kv-loading.h"
#include "store/kv-store-list.h"

/* Waits until a time to live is over. */
#define SHORT (20 * G_TIME_SPAN_MILLISECOND)

static void
wait_until (gint64 deadline)
{
  while (kv_clock_now () < deadline)
    g_thread_yield ();
}

static void
assert_lists (Hand *hand, const char *expected)
{
  g_autoptr (KvPage) page =
    kv_store_list (hand->store, NULL, "/", NULL, KV_LIST_MAX_LIMIT, KV_LIST_KEYS, NULL);
  g_autoptr (GString) names = g_string_new (NULL);
  guint64 count;

  for (guint i = 0; i < kv_page_get_length (page); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? " " : "", kv_page_get_name (page, i, NULL));
  g_assert_cmpstr (names->str, ==, expected);
  g_assert_null (kv_page_get_cursor (page));
  g_assert_true (kv_store_count_prefix (hand->store, NULL, &count, NULL));
  g_assert_cmpuint (count, ==, kv_store_count (hand->store));
}

static void
forget_answers (Hand *hand)
{
  hand_run_context ();
  g_ptr_array_set_size (hand->answers, 0);
}

static void
test_pending (Hand *hand, gconstpointer data)
{
  assert_lists (hand, "");
  hand_put (hand, "a", "1", -1);
  assert_lists (hand, "");
  hand_settle_all (hand);
  assert_lists (hand, "a");
  hand_delete_key (hand, "a");
  hand_put (hand, "b", "1", -1);
  assert_lists (hand, "a");
  hand_fail (hand);
  kv_store_keeper_resume (hand->store);
  assert_lists (hand, "a");
  hand_delete_key (hand, "a");
  hand_put (hand, "b", "1", -1);
  hand_settle_all (hand);
  assert_lists (hand, "b");
  forget_answers (hand);
}

/* @data: whether the index is there before, or made in the midst of it. */
static void
test_overdue (Hand *hand, gconstpointer data)
{
  gint64 end;

  if (GPOINTER_TO_INT (data))
    assert_lists (hand, "");
  hand_submit (hand, FALSE, "p:a=1 p:d=1");
  hand_put (hand, "b/1", "1", SHORT);
  hand_put (hand, "c", "1", SHORT);
  end = kv_clock_deadline_after (SHORT);
  hand_settle_all (hand);
  wait_until (end);

  /* Their expiry is decided, and then settled. */
  g_assert_cmpuint (kv_store_count (hand->store), ==, 2);
  assert_lists (hand, "a d");
  hand_put (hand, "c", "2", -1);
  assert_lists (hand, "a d");
  hand_settle_all (hand);
  assert_lists (hand, "a c d");
  forget_answers (hand);
}

/* Its time comes when what replaces it is decided already, so that there is no expiry. */
static void
test_overdue_replaced (Hand *hand, gconstpointer data)
{
  gint64 end;

  if (GPOINTER_TO_INT (data))
    assert_lists (hand, "");
  hand_put (hand, "a", "1", -1);
  hand_put (hand, "c", "1", SHORT);
  end = kv_clock_deadline_after (SHORT);
  hand_settle_all (hand);
  hand_put (hand, "c", "2", -1);
  wait_until (end);
  assert_lists (hand, "a");
  hand_settle_all (hand);
  assert_lists (hand, "a c");
  forget_answers (hand);
}

/* What was to expire and could not be written down is in the table, and has expired all the same. */
static void
test_overdue_failed (Hand *hand, gconstpointer data)
{
  gint64 end;

  hand_submit (hand, FALSE, "p:a=1 p:d=1");
  hand_put (hand, "b/1", "1", SHORT);
  hand_put (hand, "c", "1", SHORT);
  end = kv_clock_deadline_after (SHORT);
  hand_settle_all (hand);
  if (GPOINTER_TO_INT (data))
    assert_lists (hand, "a b/ c d");
  wait_until (end);
  g_assert_cmpuint (kv_store_count (hand->store), ==, 2);
  hand_fail (hand);
  assert_lists (hand, "a d");
  kv_store_keeper_resume (hand->store);
  assert_lists (hand, "a d");
  hand_settle_all (hand);
  assert_lists (hand, "a d");
  hand_submit (hand, FALSE, "p:b/2=1 p:c=1");
  hand_settle_all (hand);
  assert_lists (hand, "a b/ c d");
  forget_answers (hand);
}

static void
test_relaxed (Hand *hand, gconstpointer data)
{
  gint64 end;

  assert_lists (hand, "");
  hand_submit (hand, FALSE, "p:a=1 p:d=1");
  hand_put (hand, "b/1", "1", SHORT);
  hand_put (hand, "c", "1", SHORT);
  end = kv_clock_deadline_after (SHORT);
  assert_lists (hand, "a b/ c d");
  hand_fail (hand);
  wait_until (end);
  assert_lists (hand, "a d");
  kv_store_keeper_resume (hand->store);
  assert_lists (hand, "a d");
  hand_put (hand, "c", "2", -1);
  assert_lists (hand, "a c d");
  hand_settle_all (hand);
  assert_lists (hand, "a c d");
  forget_answers (hand);
}

/* While nothing may expire, a page passes over so many and no more. */
static void
test_many_expired (Hand *hand, gconstpointer data)
{
  g_autoptr (KvLoading) loading = kv_loading_new (hand->store);
  g_autofree char *cursor = NULL;
  guint pages = 0, empty = 0, keys = 0;
  guint64 count;

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%05u", i);
      KvEntry *entry =
        kv_entry_new (key, -1, "v", -1, i % 2500 == 2400 ? KV_NO_DEADLINE : kv_clock_now (), NULL);

      g_assert_true (kv_loading_add (loading, entry, 1 + i));
    }
  g_assert_true (kv_loading_finish (loading));
  g_assert_true (kv_store_count_prefix (hand->store, "k", &count, NULL));
  g_assert_cmpuint (count, ==, 2);
  g_assert_true (kv_store_count_prefix (hand->store, "k0", &count, NULL));
  g_assert_cmpuint (count, ==, 2);
  g_assert_true (kv_store_count_prefix (hand->store, "k03", &count, NULL));
  g_assert_cmpuint (count, ==, 0);
  do
    {
      g_autoptr (KvPage) page =
        kv_store_list (hand->store, NULL, NULL, cursor, 10, KV_LIST_KEYS, NULL);

      pages++;
      empty += kv_page_get_length (page) == 0;
      for (guint i = 0; i < kv_page_get_length (page); i++, keys++)
        g_assert_cmpstr (kv_page_get_name (page, i, NULL), ==, keys == 0 ? "k02400" : "k04900");
      g_free (cursor);
      cursor = g_strdup (kv_page_get_cursor (page));
    }
  while (cursor != NULL);
  g_assert_cmpuint (keys, ==, 2);
  g_assert_cmpuint (pages, ==, 5);
  g_assert_cmpuint (empty, ==, 3);
}

static void
attach_only (Hand *hand, gconstpointer data)
{
  hand_attach (hand, KV_DURABILITY_STRICT, &hand_roomy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, data, set_up, func)                                                             \
  g_test_add ("/store/listing/keeper/" path, Hand, GINT_TO_POINTER (data), set_up, func,           \
              hand_tear_down)
  TEST ("shows-what-is-settled", 0, hand_set_up_strict, test_pending);
  TEST ("leaves-out-what-is-overdue", TRUE, hand_set_up_strict, test_overdue);
  TEST ("leaves-out-what-was-overdue-before", FALSE, hand_set_up_strict, test_overdue);
  TEST ("shows-what-replaces-the-overdue", TRUE, hand_set_up_strict, test_overdue_replaced);
  TEST ("shows-what-replaced-the-overdue-before", FALSE, hand_set_up_strict, test_overdue_replaced);
  TEST ("leaves-out-what-cannot-expire", TRUE, hand_set_up_strict, test_overdue_failed);
  TEST ("leaves-out-what-could-not-expire-before", FALSE, hand_set_up_strict, test_overdue_failed);
  TEST ("follows-at-once-where-it-may", 0, hand_set_up_relaxed, test_relaxed);
  TEST ("passes-over-so-many", 0, attach_only, test_many_expired);
  return g_test_run ();
}
