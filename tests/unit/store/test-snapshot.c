/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Snapshots beside writers: what is in them, and what is not. */

#include "store/kv-snapshot.h"
#include "store/kv-store-peek.h"

#include <string.h>

static void
put (KvStore *store, const char *key, const char *value, gint64 ttl)
{
  g_assert_cmpuint (kv_store_put (store, key, value, ttl, NULL), >, 0);
}

/* Returns: (element-type utf8 utf8): what is left of @snapshot */
static GHashTable *
read_all (KvSnapshot *snapshot)
{
  GHashTable *all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  KvEntry *entry;

  while ((entry = kv_snapshot_next (snapshot)) != NULL)
    {
      g_assert_cmpuint (kv_entry_get_revision (entry), <=, kv_snapshot_get_revision (snapshot));
      /* Each key once. */
      g_assert_true (g_hash_table_insert (all, g_strdup (kv_entry_get_key (entry, NULL)),
                                          g_strdup (kv_entry_get_value (entry, NULL))));
      kv_entry_unref (entry);
    }
  return all;
}

static void
assert_same (GHashTable *found, GHashTable *expected)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, expected);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_assert_cmpstr (g_hash_table_lookup (found, key), ==, value);
  g_assert_cmpuint (g_hash_table_size (found), ==, g_hash_table_size (expected));
}

static void
test_empty (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvSnapshot) snapshot = kv_snapshot_new (store);

  g_assert_cmpuint (kv_snapshot_get_revision (snapshot), ==, kv_store_get_revision (store));
  put (store, "k", "v", -1);
  g_assert_null (kv_snapshot_next (snapshot));
  g_assert_null (kv_snapshot_next (snapshot));
}

static void
test_keeps_what_was_there (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvSnapshot) snapshot = NULL;
  g_autoptr (GHashTable) all = NULL;

  put (store, "stays", "1", -1);
  put (store, "replaced", "2", -1);
  put (store, "deleted", "3", -1);
  put (store, "touched", "4", -1);
  put (store, "gone", "5", 0);
  snapshot = kv_snapshot_new (store);
  put (store, "replaced", "later", -1);
  put (store, "replaced", "and later", -1);
  put (store, "new", "later", -1);
  g_assert_cmpuint (kv_store_delete (store, "deleted", NULL), >, 0);
  put (store, "deleted", "again", -1);
  g_assert_cmpuint (kv_store_touch (store, "touched", 0, NULL), >, 0);
  g_assert_cmpuint (kv_store_count (store), ==, 4);

  all = read_all (snapshot);
  g_assert_cmpuint (g_hash_table_size (all), ==, 4);
  g_assert_cmpstr (g_hash_table_lookup (all, "stays"), ==, "1");
  g_assert_cmpstr (g_hash_table_lookup (all, "replaced"), ==, "2");
  g_assert_cmpstr (g_hash_table_lookup (all, "deleted"), ==, "3");
  g_assert_cmpstr (g_hash_table_lookup (all, "touched"), ==, "4");
}

static void
test_keeps_what_expires (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvSnapshot) snapshot = NULL;
  KvEntry *entry;
  gint64 deadline;

  put (store, "k", "v", 20 * G_TIME_SPAN_MILLISECOND);
  snapshot = kv_snapshot_new (store);
  while (kv_store_count (store) > 0)
    g_thread_yield ();

  entry = kv_snapshot_next (snapshot);
  g_assert_nonnull (entry);
  deadline = kv_entry_get_deadline (entry);
  g_assert_cmpint (deadline, <=, kv_clock_now ());
  kv_entry_unref (entry);
  g_assert_null (kv_snapshot_next (snapshot));
}

/* What is left of a snapshot that nobody reads to its end goes with it. */
static void
test_several_at_once (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  KvSnapshot *snapshots[10];

  for (guint i = 0; i < G_N_ELEMENTS (snapshots); i++)
    {
      g_autofree char *value = g_strdup_printf ("%u", i);

      for (guint j = 0; j < 1000; j++)
        {
          g_autofree char *key = g_strdup_printf ("k%u", j);

          put (store, key, value, -1);
        }
      snapshots[i] = kv_snapshot_new (store);
    }
  for (guint i = 0; i < G_N_ELEMENTS (snapshots); i += 2)
    {
      g_autofree char *value = g_strdup_printf ("%u", i);
      g_autoptr (GHashTable) all = read_all (snapshots[i]);
      GHashTableIter iter;
      gpointer found;

      g_assert_cmpuint (g_hash_table_size (all), ==, 1000);
      g_hash_table_iter_init (&iter, all);
      while (g_hash_table_iter_next (&iter, NULL, &found))
        g_assert_cmpstr (found, ==, value);
    }
  for (guint i = 1; i < G_N_ELEMENTS (snapshots); i += 2)
    kv_entry_unref (kv_snapshot_next (snapshots[i]));
  for (guint i = 0; i < G_N_ELEMENTS (snapshots); i++)
    kv_snapshot_free (snapshots[i]);
}

/* One thread writes at random, and knows at each of its steps what the store holds; at some of them it hands a snapshot to
 * another thread, which compares it with that while the first goes on. */
#define KEYS 400

typedef struct {
  KvSnapshot *snapshot; /* (owned) */
  GHashTable *model;    /* (owned) */
} Case;

static void
change_at_random (KvStore *store, GRand *random, GHashTable *model)
{
  g_autofree char *key = g_strdup_printf ("key-%d", g_rand_int_range (random, 0, KEYS));
  g_autofree char *other = g_strdup_printf ("key-%d", g_rand_int_range (random, 0, KEYS));
  g_autofree char *value = g_strdup_printf ("%u", g_rand_int (random));
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;

  switch (g_rand_int_range (random, 0, 5))
    {
    case 0:
      kv_store_delete (store, key, NULL);
      g_hash_table_remove (model, key);
      break;
    case 1:
      put (store, key, value, 0);
      g_hash_table_remove (model, key);
      break;
    case 2:
      kv_transaction_put (transaction, key, value, -1, NULL);
      kv_transaction_delete (transaction, other, NULL);
      outcome = kv_store_commit (store, transaction, NULL);
      g_hash_table_insert (model, g_strdup (key), g_strdup (value));
      g_hash_table_remove (model, other);
      break;
    case 3:
      put (store, key, value, 30 * G_TIME_SPAN_SECOND);
      g_hash_table_insert (model, g_strdup (key), g_strdup (value));
      break;
    default:
      put (store, key, value, -1);
      g_hash_table_insert (model, g_strdup (key), g_strdup (value));
      break;
    }
}

static gpointer
compare_case (gpointer data)
{
  Case *one = data;
  g_autoptr (GHashTable) found = read_all (one->snapshot);

  assert_same (found, one->model);
  g_hash_table_unref (one->model);
  kv_snapshot_free (one->snapshot);
  g_free (one);
  return NULL;
}

static GHashTable *
copy_model (GHashTable *model)
{
  GHashTable *copy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, model);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy, g_strdup (key), g_strdup (value));
  return copy;
}

#define READERS 3

static void
test_beside_a_writer (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  g_autoptr (GHashTable) model = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GThread *readers[READERS] = { 0 };

  for (guint i = 0; i < 200; i++)
    {
      Case *one = g_new0 (Case, 1);
      GThread **reader = &readers[i % READERS];

      for (guint j = 0; j < 100; j++)
        change_at_random (store, random, model);
      if (*reader != NULL)
        g_thread_join (*reader);
      one->snapshot = kv_snapshot_new (store);
      one->model = copy_model (model);
      *reader = g_thread_new ("reader", compare_case, one);
    }
  for (guint i = 0; i < READERS; i++)
    g_thread_join (readers[i]);
}

/* Several writers keep the sum of all counters at zero, by transactions of two keys; so is it in each snapshot. */
typedef struct {
  KvStore *store;
  gint stop; /* atomic */
} Bank;

static gpointer
move_about (gpointer data)
{
  Bank *bank = data;
  g_autoptr (GRand) random = g_rand_new ();

  while (!g_atomic_int_get (&bank->stop))
    {
      g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
      g_autofree char *from = g_strdup_printf ("%d", g_rand_int_range (random, 0, KEYS));
      g_autofree char *to = g_strdup_printf ("%d", g_rand_int_range (random, 0, KEYS));

      kv_transaction_increment (transaction, from, -1, NULL);
      kv_transaction_increment (transaction, to, 1, NULL);
      kv_outcome_unref (kv_store_commit (bank->store, transaction, NULL));
    }
  return NULL;
}

static void
test_tears_no_transaction (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  Bank bank = { .store = store };
  GThread *writers[2];

  for (guint i = 0; i < 2; i++)
    writers[i] = g_thread_new ("writer", move_about, &bank);
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (KvSnapshot) snapshot = kv_snapshot_new (store);
      gint64 sum = 0;
      KvEntry *entry;

      while ((entry = kv_snapshot_next (snapshot)) != NULL)
        {
          sum += g_ascii_strtoll (kv_entry_get_value (entry, NULL), NULL, 10);
          kv_entry_unref (entry);
        }
      g_assert_cmpint (sum, ==, 0);
    }
  g_atomic_int_set (&bank.stop, TRUE);
  for (guint i = 0; i < 2; i++)
    g_thread_join (writers[i]);
}

static void
test_peek_does_not_count (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_auto (KvOperation) present = { 0 }, expired = { 0 }, absent = { 0 };
  KvEntry *found;
  KvStoreStatus status;

  put (store, "present", "v", -1);
  put (store, "expired", "v", 0);
  kv_operation_init (&present, KV_OPERATION_GET, "present", -1, NULL);
  kv_operation_init (&expired, KV_OPERATION_GET, "expired", -1, NULL);
  kv_operation_init (&absent, KV_OPERATION_GET, "absent", -1, NULL);
  found = kv_store_peek (store, present.draft);
  g_assert_cmpstr (kv_entry_get_value (found, NULL), ==, "v");
  kv_entry_unref (found);
  g_assert_null (kv_store_peek (store, expired.draft));
  g_assert_null (kv_store_peek (store, absent.draft));
  kv_store_get_status (store, &status);
  g_assert_cmpuint (status.gets, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/store/snapshot/" path, func)
  TEST ("of-nothing-is-empty", test_empty);
  TEST ("keeps-what-was-there", test_keeps_what_was_there);
  TEST ("keeps-what-expires", test_keeps_what_expires);
  TEST ("several-at-once", test_several_at_once);
  TEST ("equals-the-model-beside-a-writer", test_beside_a_writer);
  TEST ("tears-no-transaction", test_tears_no_transaction);
  g_test_add_func ("/store/peek/does-not-count", test_peek_does_not_count);
  return g_test_run ();
}
