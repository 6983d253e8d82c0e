/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The store under several threads at once. Run plainly, and under ThreadSanitizer. */

#include "store/kv-watch.h"

#include <stdlib.h>
#include <string.h>

#define THREADS 4

static guint
rounds (guint normal)
{
  return g_test_slow () ? normal * 10 : normal;
}

static void
run_threads (GThreadFunc func, gpointer data)
{
  GThread *threads[THREADS];

  for (guint i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("test", func, data);
  for (guint i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
}

/* Each round all threads swap the same value: exactly one may win. */
typedef struct {
  KvStore *store;
  guint rounds;
  guint *winners; /* (array length=rounds) atomic */
} Race;

static gpointer
race (gpointer data)
{
  Race *race = data;

  for (guint i = 0; i < race->rounds; i++)
    {
      char expected[16], value[16];

      g_snprintf (expected, sizeof expected, "%u", i);
      g_snprintf (value, sizeof value, "%u", i + 1);
      /* Waits for its round: the value grows only when somebody has won the one before. */
      for (;;)
        {
          g_autoptr (KvEntry) entry = kv_store_lookup (race->store, "k", -1);

          if (atoi (kv_entry_get_value (entry, NULL)) >= (int) i)
            break;
          g_thread_yield ();
        }
      if (kv_store_compare_and_swap (race->store, "k", expected, value, NULL) > 0)
        g_atomic_int_inc (&race->winners[i]);
    }
  return NULL;
}

static void
test_one_winner (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  guint n = rounds (2000);
  g_autofree guint *winners = g_new0 (guint, n);
  Race data = { store, n, winners };

  kv_store_put (store, "k", "0", -1, NULL);
  run_threads (race, &data);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (winners[i], ==, 1);
}

static gpointer
increment (gpointer data)
{
  for (guint i = 0; i < rounds (5000); i++)
    kv_store_increment (data, "n", 1, NULL, NULL);
  return NULL;
}

static void
test_counter (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *value = NULL;

  run_threads (increment, store);
  value = kv_store_get (store, "n", NULL);
  g_assert_cmpint (atoi (value), ==, THREADS * rounds (5000));
}

/* Writers store under each key a value that repeats the key and one letter; readers must never see anything else. */
typedef struct {
  KvStore *store;
  gint stop;  /* atomic */
  gint torn;  /* atomic */
  gint reads; /* atomic */
} Storm;

static gpointer
read_storm (gpointer data)
{
  Storm *storm = data;
  guint i = 0;

  while (!g_atomic_int_get (&storm->stop) || g_atomic_int_get (&storm->reads) == 0)
    {
      g_autoptr (KvEntry) entry = NULL;
      const char *value;
      char key[16];
      gsize length;

      g_snprintf (key, sizeof key, "k%u", i++ % 100);
      entry = kv_store_lookup (storm->store, key, -1);
      if (entry == NULL)
        continue;
      value = kv_entry_get_value (entry, &length);
      g_atomic_int_inc (&storm->reads);
      if (!g_str_has_prefix (value, key) || length != strlen (key) + 50
          || strspn (value + strlen (key), (char[]){ value[length - 1], 0 }) != 50)
        g_atomic_int_inc (&storm->torn);
    }
  return NULL;
}

static void
test_readers_in_a_storm (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  Storm storm = { .store = store };
  GThread *readers[2];

  for (guint i = 0; i < 2; i++)
    readers[i] = g_thread_new ("reader", read_storm, &storm);
  for (guint i = 0; i < rounds (20000); i++)
    {
      char key[16], value[80];

      g_snprintf (key, sizeof key, "k%u", i % 100);
      g_snprintf (value, sizeof value, "%s", key);
      memset (value + strlen (key), 'a' + i % 26, 50);
      value[strlen (key) + 50] = '\0';
      if (i % 7 == 0)
        kv_store_delete (store, key, NULL);
      else
        kv_store_put (store, key, value, i % 11 == 0 ? 0 : -1, NULL);
    }
  g_atomic_int_set (&storm.stop, TRUE);
  for (guint i = 0; i < 2; i++)
    g_thread_join (readers[i]);
  g_assert_cmpint (storm.torn, ==, 0);
  g_assert_cmpint (storm.reads, >, 0);
}

/* Follows the whole store from another thread's main context while others write: every revision once, in order. */
typedef struct {
  KvStore *store;
  guint64 first;
  guint64 expected; /* the next revision */
  guint64 last;     /* the last that will be made; 0 while unknown; atomic */
  guint resets;
  KvWatch *watch;
} Follower;

static void
follow (KvWatch *watch, gpointer user_data)
{
  Follower *follower = user_data;
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    {
      if (event.type == KV_WATCH_CHANGE)
        g_assert_cmpuint (event.change.revision, ==, follower->expected++);
      else if (event.type == KV_WATCH_RESET)
        follower->resets++;
      kv_watch_event_clear (&event);
    }
}

static gboolean
poll_end (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static gpointer
follow_thread (gpointer data)
{
  Follower *follower = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) tick = g_timeout_source_new (5);
  const char *prefixes[] = { "", NULL };
  guint64 last;

  g_main_context_push_thread_default (context);
  g_source_set_callback (tick, poll_end, NULL, NULL);
  g_source_attach (tick, context);
  follower->watch =
    kv_watch_new (follower->store, NULL, prefixes, follower->first, follow, follower, NULL);
  do
    {
      g_main_context_iteration (context, TRUE);
      last = __atomic_load_n (&follower->last, __ATOMIC_ACQUIRE);
    }
  while (last == 0 || follower->expected <= last);
  kv_watch_free (follower->watch);
  g_source_destroy (tick);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static gpointer
write_some (gpointer data)
{
  for (guint i = 0; i < 5000; i++)
    {
      char key[16];

      g_snprintf (key, sizeof key, "k%u", g_random_int_range (0, 50));
      if (i % 5 == 0)
        kv_store_delete (data, key, NULL);
      else
        kv_store_put (data, key, key, -1, NULL);
    }
  return NULL;
}

static void
test_watch_sees_all (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  Follower follower = { .store = store, .first = kv_store_get_revision (store) };
  GThread *thread;

  follower.expected = follower.first + 1;
  thread = g_thread_new ("follower", follow_thread, &follower);
  run_threads (write_some, store);
  __atomic_store_n (&follower.last, kv_store_get_revision (store), __ATOMIC_RELEASE);
  g_thread_join (thread);
  g_assert_cmpuint (follower.resets, ==, 0);
  g_assert_cmpuint (follower.expected, ==, kv_store_get_revision (store) + 1);
}

/* Atomic transactions keep two keys equal; whoever reads both at one revision must find them so. */
static gpointer
write_pairs (gpointer data)
{
  for (guint i = 0; i < 2000; i++)
    {
      g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
      g_autofree char *value = g_strdup_printf ("%p-%u", (gpointer) g_thread_self (), i);

      kv_transaction_put (transaction, "left", value, -1, NULL);
      kv_transaction_put (transaction, "right", value, -1, NULL);
      kv_outcome_unref (kv_store_commit (data, transaction, NULL));
    }
  return NULL;
}

static gpointer
read_pairs (gpointer data)
{
  for (guint i = 0; i < 2000; i++)
    {
      g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
      g_autoptr (KvOutcome) outcome = NULL;
      const KvResult *left, *right;

      kv_transaction_get (transaction, "left", NULL);
      kv_transaction_get (transaction, "right", NULL);
      outcome = kv_store_commit (data, transaction, NULL);
      left = kv_outcome_get_result (outcome, 0);
      right = kv_outcome_get_result (outcome, 1);
      g_assert_cmpuint (left->revision, ==, right->revision);
      g_assert_cmpstr (kv_entry_get_value (left->entry, NULL), ==,
                       kv_entry_get_value (right->entry, NULL));
    }
  return NULL;
}

static void
test_pairs (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  GThread *threads[3];

  kv_store_put (store, "left", "0", -1, NULL);
  {
    g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);

    kv_transaction_put (transaction, "left", "0", -1, NULL);
    kv_transaction_put (transaction, "right", "0", -1, NULL);
    kv_outcome_unref (kv_store_commit (store, transaction, NULL));
  }
  threads[0] = g_thread_new ("writer", write_pairs, store);
  threads[1] = g_thread_new ("writer", write_pairs, store);
  threads[2] = g_thread_new ("reader", read_pairs, store);
  for (guint i = 0; i < 3; i++)
    g_thread_join (threads[i]);
}

/* Accounts between which several threads move money, each transfer on condition that neither has changed since it was looked at.
 * The total is the same for every reader at every moment. */
#define ACCOUNTS 4
#define MONEY 100

typedef struct {
  KvStore *store;
  gint writing; /* atomic: threads that still write */
  gint moved;   /* atomic: transfers that were made */
} Bank;

static const char *const accounts[] = { "a/0", "a/1", "a/2", "a/3" };

/* Reads all accounts at one revision. */
static void
read_accounts (Bank *bank, gint64 *money, guint64 *revisions)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  gint64 sum = 0;

  for (guint i = 0; i < ACCOUNTS; i++)
    kv_transaction_get (transaction, accounts[i], NULL);
  outcome = kv_store_commit (bank->store, transaction, NULL);
  for (guint i = 0; i < ACCOUNTS; i++)
    {
      const KvResult *result = kv_outcome_get_result (outcome, i);

      money[i] = g_ascii_strtoll (kv_entry_get_value (result->entry, NULL), NULL, 10);
      revisions[i] = result->revision;
      g_assert_cmpuint (result->revision, <=, kv_outcome_get_revision (outcome));
      sum += money[i];
    }
  g_assert_cmpint (sum, ==, ACCOUNTS * MONEY);
}

static gpointer
move_money (gpointer data)
{
  Bank *bank = data;
  guint32 state = (guint32) (guintptr) g_thread_self ();

  for (guint i = 0; i < rounds (1000); i++)
    {
      g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
      g_autoptr (KvOutcome) outcome = NULL;
      gint64 money[ACCOUNTS], amount;
      guint64 revisions[ACCOUNTS];
      guint from, to;

      state = state * 1664525 + 1013904223;
      from = (state >> 16) % ACCOUNTS;
      to = (from + 1 + (state >> 24) % (ACCOUNTS - 1)) % ACCOUNTS;
      read_accounts (bank, money, revisions);
      amount = money[from] / 2 + 1;
      kv_transaction_if_revision (transaction, accounts[from], revisions[from], NULL);
      kv_transaction_if_revision (transaction, accounts[to], revisions[to], NULL);
      kv_transaction_increment (transaction, accounts[from], -amount, NULL);
      kv_transaction_increment (transaction, accounts[to], amount, NULL);
      kv_transaction_else (transaction);
      kv_transaction_get (transaction, accounts[from], NULL);
      kv_transaction_get (transaction, accounts[to], NULL);
      outcome = kv_store_commit (bank->store, transaction, NULL);
      g_assert_true (kv_outcome_is_committed (outcome));
      if (kv_outcome_get_branch (outcome) == KV_BRANCH_THEN)
        g_atomic_int_inc (&bank->moved);
      else
        /* One of the two is not what it was. */
        g_assert_true (kv_outcome_get_result (outcome, 0)->revision > revisions[from]
                       || kv_outcome_get_result (outcome, 1)->revision > revisions[to]);
    }
  g_atomic_int_add (&bank->writing, -1);
  return NULL;
}

static gpointer
count_money (gpointer data)
{
  Bank *bank = data;
  gint64 money[ACCOUNTS];
  guint64 revisions[ACCOUNTS];

  do
    read_accounts (bank, money, revisions);
  while (g_atomic_int_get (&bank->writing) > 0);
  return NULL;
}

static void
test_transfers (void)
{
  Bank bank = { kv_store_new (), 2, 0 };
  GThread *threads[3];
  guint64 before;

  for (guint i = 0; i < ACCOUNTS; i++)
    kv_store_increment (bank.store, accounts[i], MONEY, NULL, NULL);
  before = kv_store_get_revision (bank.store);
  threads[0] = g_thread_new ("mover", move_money, &bank);
  threads[1] = g_thread_new ("mover", move_money, &bank);
  threads[2] = g_thread_new ("counter", count_money, &bank);
  for (guint i = 0; i < 3; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (bank.moved, >, 0);
  g_assert_cmpuint (kv_store_get_revision (bank.store), ==, before + (guint) bank.moved);
  g_object_unref (bank.store);
}

static void
on_changed (KvStore *store, KvChange *change, gpointer user_data)
{
  g_atomic_int_inc ((guint *) user_data);
}

/* Runs a context for some milliseconds. */
static gpointer
run_for_a_while (gpointer context)
{
  gint64 end = g_get_monotonic_time () + 3 * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < end)
    g_main_context_iteration (context, FALSE);
  return NULL;
}

/* The last reference goes in one thread while another runs the store's context, which has keys to expire and changes
 * to tell. */
static void
test_let_go_elsewhere (void)
{
  guint changes = 0;

  for (guint i = 0; i < rounds (100); i++)
    {
      g_autoptr (GMainContext) context = g_main_context_new ();
      KvStore *store;
      GThread *thread;

      g_main_context_push_thread_default (context);
      store = kv_store_new ();
      g_main_context_pop_thread_default (context);
      g_signal_connect (store, "changed", G_CALLBACK (on_changed), &changes);
      thread = g_thread_new ("context", run_for_a_while, context);
      for (guint j = 0; j < 100; j++)
        {
          g_autofree char *key = g_strdup_printf ("%u", j);

          kv_store_put (store, key, "v", j * 20, NULL);
        }
      g_usleep (i * 25 % 2500);
      g_object_unref (store);
      g_thread_join (thread);
    }
  g_assert_cmpuint (g_atomic_int_get (&changes), >, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/threads/one-winner-a-round", test_one_winner);
  g_test_add_func ("/store/threads/increments-add-up", test_counter);
  g_test_add_func ("/store/threads/readers-see-whole-entries", test_readers_in_a_storm);
  g_test_add_func ("/store/threads/watch-sees-each-revision-once", test_watch_sees_all);
  g_test_add_func ("/store/threads/transactions-are-seen-whole", test_pairs);
  g_test_add_func ("/store/threads/guarded-transfers-keep-the-total", test_transfers);
  g_test_add_func ("/store/threads/may-be-let-go-in-any-thread", test_let_go_elsewhere);
  return g_test_run ();
}
