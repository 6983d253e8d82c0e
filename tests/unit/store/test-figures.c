/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What a monitor is told. */

#include "hand.h"
#include "store/kv-store-figures.h"
#include "store/kv-watch.h"

static KvStoreFigures
get (KvStore *store)
{
  KvStoreFigures figures;

  kv_store_get_figures (store, &figures);
  return figures;
}

static guint64
measure (KvStore *store, const char *key)
{
  g_autoptr (KvEntry) entry = kv_store_lookup (store, key, -1);

  return kv_entry_get_size (entry);
}

static void
test_bytes_follow_the_table (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;

  g_assert_cmpuint (get (store).bytes, ==, 0);
  kv_store_put (store, "a", "value", -1, NULL);
  g_assert_cmpuint (get (store).bytes, ==, measure (store, "a"));
  kv_store_put (store, "a", "a longer value", -1, NULL);
  kv_store_put (store, "b", "", -1, NULL);
  g_assert_cmpuint (get (store).bytes, ==, measure (store, "a") + measure (store, "b"));

  kv_transaction_put (transaction, "b", "x", -1, NULL);
  kv_transaction_put (transaction, "c", "y", -1, NULL);
  kv_transaction_delete (transaction, "a", NULL);
  outcome = kv_store_commit (store, transaction, NULL);
  g_assert_true (kv_outcome_is_committed (outcome));
  g_assert_cmpuint (get (store).bytes, ==, measure (store, "b") + measure (store, "c"));

  kv_store_put (store, "b", "x", 0, NULL);
  kv_store_delete (store, "c", NULL);
  kv_store_count (store);
  g_assert_cmpuint (get (store).bytes, ==, 0);
  g_assert_cmpuint (get (store).status.keys, ==, 0);
  g_assert_cmpuint (get (store).status.expirations, ==, 1);
}

static void
test_log (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  guint64 start = kv_store_get_revision (store);
  KvStoreFigures figures = get (store);

  g_assert_cmpuint (figures.log.changes, ==, 0);
  g_assert_cmpuint (figures.log.oldest, ==, start);
  kv_store_put (store, "a", "1", -1, NULL);
  kv_store_put (store, "a", "2", -1, NULL);
  figures = get (store);
  g_assert_cmpuint (figures.log.changes, ==, 2);
  g_assert_cmpuint (figures.log.oldest, ==, start);
  g_assert_cmpuint (figures.log.bytes, >=, measure (store, "a"));
  g_assert_cmpuint (figures.status.revision, ==, start + 2);

  /* More than the ring has room for. */
  for (guint i = 0; i < 100000; i++)
    kv_store_put (store, "a", "2", -1, NULL);
  figures = get (store);
  g_assert_cmpuint (figures.log.oldest, >, start + 2);
  g_assert_cmpuint (figures.log.oldest + figures.log.changes, ==, figures.status.revision);
}

static void
on_readable (KvWatch *watch, gpointer user_data)
{
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    kv_watch_event_clear (&event);
}

static void
test_lag (void)
{
  static const char *const keys[] = { "a", NULL };
  g_autoptr (KvStore) store = kv_store_new ();
  KvWatch *watch;

  kv_store_put (store, "a", "1", -1, NULL);
  g_assert_cmpuint (get (store).lag, ==, 0);
  watch = kv_watch_new (store, keys, NULL, KV_WATCH_FROM_NOW, on_readable, NULL, NULL);
  g_assert_cmpuint (get (store).lag, ==, 0);
  g_assert_cmpuint (get (store).status.watches, ==, 1);
  kv_store_put (store, "a", "2", -1, NULL);
  kv_store_put (store, "b", "2", -1, NULL);
  g_assert_cmpuint (get (store).lag, ==, 2);
  hand_run_context ();
  g_assert_cmpuint (get (store).lag, ==, 0);
  kv_store_put (store, "a", "3", -1, NULL);
  g_assert_cmpuint (get (store).lag, ==, 1);
  kv_watch_free (watch);
  g_assert_cmpuint (get (store).lag, ==, 0);
}

static void
test_memory_is_writable (void)
{
  g_autoptr (KvStore) store = kv_store_new ();

  g_assert_true (kv_store_check_writable (store, NULL));
  g_assert_true (get (store).is_writable);
  g_assert_false (get (store).is_kept);
}

static void
test_pending (Hand *hand, gconstpointer data)
{
  KvStoreFigures figures = get (hand->store);

  g_assert_true (figures.is_kept);
  g_assert_true (figures.is_strict);
  g_assert_cmpuint (figures.held_changes, ==, 0);
  hand_put (hand, "k", "1", -1);
  figures = get (hand->store);
  g_assert_cmpuint (figures.held_changes, ==, 1);
  g_assert_cmpuint (figures.held_bytes, >, 0);
  g_assert_cmpuint (figures.bytes, ==, 0);
  g_assert_cmpuint (figures.log.changes, ==, 0);
  hand_settle_all (hand);
  figures = get (hand->store);
  g_assert_cmpuint (figures.held_changes, ==, 0);
  g_assert_cmpuint (figures.held_bytes, ==, 0);
  g_assert_cmpuint (figures.bytes, ==, measure (hand->store, "k"));
  g_assert_cmpuint (figures.log.changes, ==, 1);
  hand_put (hand, "k", "22", -1);
  hand_fail (hand);
  g_assert_cmpuint (get (hand->store).bytes, ==, measure (hand->store, "k"));
  hand_run_context ();
  hand_assert_answers (hand, "created; broken disk");
}

static void
test_refusal (Hand *hand, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (kv_store_check_writable (hand->store, &error));
  g_assert_no_error (error);
  hand_fail (hand);
  g_assert_false (kv_store_check_writable (hand->store, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  g_assert_false (get (hand->store).is_writable);
  kv_store_keeper_resume (hand->store);
  g_assert_true (kv_store_check_writable (hand->store, NULL));
  g_assert_true (get (hand->store).is_writable);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/figures/bytes-follow-the-table", test_bytes_follow_the_table);
  g_test_add_func ("/store/figures/log-tells-how-far-it-reaches", test_log);
  g_test_add_func ("/store/figures/slowest-reader", test_lag);
  g_test_add_func ("/store/figures/memory-is-writable", test_memory_is_writable);
  g_test_add ("/store/figures/pending-is-held", Hand, NULL, hand_set_up_strict, test_pending,
              hand_tear_down);
  g_test_add ("/store/figures/refusal", Hand, NULL, hand_set_up_strict, test_refusal,
              hand_tear_down);
  return g_test_run ();
}
