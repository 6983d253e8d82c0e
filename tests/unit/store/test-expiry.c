/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "store/kv-store-private.h"
#include "store/kv-watch.h"

#include <stdlib.h>

/* In order, whatever the order in which they came and whichever were taken out between. */
static void
test_heap_order (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_entry_unref);
  KvExpiry *expiry = kv_expiry_new (NULL, (KvExpiryFunc) abort, NULL, NULL);
  gint64 last = 0;
  guint popped = 0, removed = 0;
  KvEntry *entry;

  for (guint i = 0; i < 5000; i++)
    {
      entry =
        kv_entry_new ("k", -1, "", 0,
                      kv_clock_now () + G_TIME_SPAN_HOUR + g_rand_int_range (rand, 0, 1000), NULL);
      g_ptr_array_add (entries, entry);
      kv_expiry_add (expiry, entry);
      if (i % 3 == 2)
        {
          guint which = g_rand_int_range (rand, 0, entries->len);

          kv_expiry_remove (expiry, entries->pdata[which]);
          g_ptr_array_remove_index_fast (entries, which);
          removed++;
        }
    }
  g_assert_cmpuint (kv_expiry_get_length (expiry), ==, 5000 - removed);

  g_assert_null (kv_expiry_pop_due (expiry, kv_clock_now ()));
  while ((entry = kv_expiry_pop_due (expiry, KV_NO_DEADLINE - 1)) != NULL)
    {
      g_assert_cmpint (kv_entry_get_deadline (entry), >=, last);
      last = kv_entry_get_deadline (entry);
      popped++;
    }
  g_assert_cmpuint (popped, ==, 5000 - removed);
  kv_expiry_free (expiry);
}

typedef struct {
  KvWatch *watch;
  GArray *changes; /* (element-type KvChange) */
} Follower;

static void
follow (KvWatch *watch, gpointer user_data)
{
  Follower *follower = user_data;
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    {
      if (event.type == KV_WATCH_CHANGE)
        {
          g_array_append_val (follower->changes, event.change);
          event.change = (KvChange){ 0 };
        }
      kv_watch_event_clear (&event);
    }
}

static void
follower_init (Follower *follower, KvStore *store)
{
  const char *prefixes[] = { "", NULL };

  follower->changes = g_array_new (FALSE, FALSE, sizeof (KvChange));
  g_array_set_clear_func (follower->changes, (GDestroyNotify) kv_change_clear);
  follower->watch = kv_watch_new (store, NULL, prefixes, KV_WATCH_FROM_NOW, follow, follower, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
follower_clear (Follower *follower)
{
  kv_watch_free (follower->watch);
  g_array_unref (follower->changes);
}

static const KvChange *
change_at (Follower *follower, guint index)
{
  return &g_array_index (follower->changes, KvChange, index);
}

static void
test_expires_by_itself (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  Follower follower;
  gint64 deadline;

  follower_init (&follower, store);
  kv_store_put (store, "later", "v", G_TIME_SPAN_HOUR, NULL);
  kv_store_put (store, "k", "v", 20 * G_TIME_SPAN_MILLISECOND, NULL);
  deadline = kv_clock_deadline_after (20 * G_TIME_SPAN_MILLISECOND);
  while (follower.changes->len < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (kv_clock_now (), >=, deadline - G_TIME_SPAN_MILLISECOND);
  g_assert_cmpint (change_at (&follower, 2)->kind, ==, KV_CHANGE_EXPIRED);
  g_assert_cmpstr (kv_change_get_key (change_at (&follower, 2), NULL), ==, "k");
  g_assert_cmpuint (kv_store_count (store), ==, 1);
  follower_clear (&follower);
}

/* No main loop runs here, so nothing is removed: and yet nothing that has expired is shown, swapped or counted. */
static void
test_never_served_late (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  gint64 value;

  kv_store_put (store, "a", "1", 0, NULL);
  kv_store_put (store, "b", "1", 0, NULL);
  kv_store_put (store, "c", "1", 0, NULL);
  g_assert_null (kv_store_lookup (store, "a", -1));
  g_assert_cmpuint (kv_store_compare_and_swap (store, "a", "1", "2", NULL), ==, 0);
  g_assert_cmpuint (kv_store_delete (store, "b", NULL), ==, 0);
  g_assert_cmpuint (kv_store_touch (store, "b", -1, NULL), ==, 0);
  kv_store_increment (store, "c", 5, &value, NULL);
  g_assert_cmpint (value, ==, 5);
  g_assert_cmpuint (kv_store_count (store), ==, 1);
}

static void
test_put_over_expired (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (FALSE);
  g_autoptr (KvOutcome) outcome = NULL;
  Follower follower;

  follower_init (&follower, store);
  kv_transaction_put (transaction, "k", "old", 0, NULL);
  kv_transaction_put (transaction, "k", "new", -1, NULL);
  outcome = kv_store_commit (store, transaction, NULL);
  g_assert_cmpint (kv_outcome_get_result (outcome, 1)->status, ==, KV_RESULT_CREATED);
  while (follower.changes->len < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (change_at (&follower, 0)->kind, ==, KV_CHANGE_PUT);
  g_assert_cmpint (change_at (&follower, 1)->kind, ==, KV_CHANGE_EXPIRED);
  g_assert_cmpint (change_at (&follower, 2)->kind, ==, KV_CHANGE_PUT);
  g_assert_null (change_at (&follower, 2)->previous);
  follower_clear (&follower);
}

static void
test_overwriting_leaves_nothing (void)
{
  g_autoptr (KvStore) store = kv_store_new ();

  for (guint i = 0; i < 10000; i++)
    kv_store_put (store, "k", "v", G_TIME_SPAN_HOUR, NULL);
  g_assert_cmpuint (kv_expiry_get_length (store->expiry), ==, 1);
  kv_store_put (store, "k", "v", -1, NULL);
  g_assert_cmpuint (kv_expiry_get_length (store->expiry), ==, 0);
  kv_store_put (store, "k", "v", G_TIME_SPAN_HOUR, NULL);
  kv_store_delete (store, "k", NULL);
  g_assert_cmpuint (kv_expiry_get_length (store->expiry), ==, 0);
}

/* Microseconds of overwriting one key of @length that have deadlines. */
static gint64
time_overwriting (guint length)
{
  g_autoptr (KvStore) store = kv_store_new ();
  gint64 start;

  for (guint i = 0; i < length; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%u", i);

      kv_store_put (store, key, "", G_TIME_SPAN_HOUR, NULL);
    }
  start = g_get_monotonic_time ();
  for (guint i = 0; i < 1000; i++)
    kv_store_put (store, "k7", "", G_TIME_SPAN_HOUR, NULL);
  return g_get_monotonic_time () - start;
}

/* No length is one at which the heap is moved each time that it gets shorter by one and longer again. */
static void
test_overwriting_costs_the_same (void)
{
  gint64 usual = time_overwriting ((1 << 16) + 100);

  g_assert_cmpint (time_overwriting ((1 << 16) + 1), <, MAX (usual, 500) * 20);
  g_assert_cmpint (time_overwriting (1 << 16), <, MAX (usual, 500) * 20);
}

/* A program without a main loop: what has expired makes room for what comes. */
static void
test_needs_no_main_loop (void)
{
  g_autoptr (KvStore) store = kv_store_new ();

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%u", i);

      kv_store_put (store, key, "", 0, NULL);
      g_assert_cmpuint (kv_expiry_get_length (store->expiry), <=, 1);
    }
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);

      for (guint j = 0; j < 10; j++)
        {
          g_autofree char *key = g_strdup_printf ("k%u", 10 * i + j);

          kv_transaction_put (transaction, key, "", 0, NULL);
        }
      kv_outcome_unref (kv_store_commit (store, transaction, NULL));
      g_assert_cmpuint (kv_expiry_get_length (store->expiry), <=, 10);
    }
}

static void
test_many_at_once (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  Follower follower;
  guint64 last = 0;

  follower_init (&follower, store);
  for (guint i = 0; i < 20000; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%u", i);

      kv_store_put (store, key, "", G_TIME_SPAN_MILLISECOND, NULL);
    }
  while (follower.changes->len < 40000)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < 40000; i++)
    {
      g_assert_cmpuint (change_at (&follower, i)->revision, >, last);
      last = change_at (&follower, i)->revision;
    }
  g_assert_cmpuint (kv_expiry_get_length (store->expiry), ==, 0);
  follower_clear (&follower);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/expiry/heap-keeps-order", test_heap_order);
  g_test_add_func ("/store/expiry/removes-on-time-and-tells", test_expires_by_itself);
  g_test_add_func ("/store/expiry/never-serves-late", test_never_served_late);
  g_test_add_func ("/store/expiry/put-over-expired-creates", test_put_over_expired);
  g_test_add_func ("/store/expiry/overwriting-leaves-nothing", test_overwriting_leaves_nothing);
  g_test_add_func ("/store/expiry/overwriting-costs-the-same-at-each-length",
                   test_overwriting_costs_the_same);
  g_test_add_func ("/store/expiry/needs-no-main-loop", test_needs_no_main_loop);
  g_test_add_func ("/store/expiry/many-at-once", test_many_at_once);
  return g_test_run ();
}
