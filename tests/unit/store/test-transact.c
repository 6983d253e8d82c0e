/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Transactions with conditions. What a simple model makes of them is in test-transact-model.c. */

#include "hand.h"

#include <string.h>

static void
assert_outcome (KvStore *store, KvTransaction *transaction, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KvOutcome) outcome = kv_store_commit (store, transaction, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = hand_describe_outcome (outcome);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_takes_a_branch (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  guint64 revision = kv_store_put (store, "a", "1", -1, NULL);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);

      kv_transaction_if_revision (transaction, "a", revision, NULL);
      kv_transaction_if_absent (transaction, "b", NULL);
      kv_transaction_put (transaction, "a", "2", -1, NULL);
      kv_transaction_put (transaction, "b", "2", -1, NULL);
      kv_transaction_else (transaction);
      kv_transaction_get (transaction, "a", NULL);
      kv_transaction_get (transaction, "b", NULL);
      kv_transaction_get (transaction, "c", NULL);
      assert_outcome (store, transaction,
                      i == 0 ? "then: replaced,created" : "else: found=2,found=2,not-found");
    }
  g_assert_cmpuint (kv_store_get_revision (store), ==, revision + 1);
}

static void
test_asks_for_all_conditions (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *const values[] = { "1", "2" };

  kv_store_put (store, "a", "1", -1, NULL);
  kv_store_put (store, "b", "1", -1, NULL);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (KvTransaction) transaction = kv_transaction_new (FALSE);

      kv_transaction_if_value (transaction, "a", values[i % 2], NULL);
      kv_transaction_if_present (transaction, "b", NULL);
      kv_transaction_if_value (transaction, "b", values[i / 2], NULL);
      g_assert_true (kv_transaction_is_atomic (transaction));
      assert_outcome (store, transaction, i == 0 ? "then: " : "else: ");
    }
}

/* What an operation cannot do is not done by the others of its branch either; the other branch is not tried. */
static void
test_branch_fails_whole (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autofree char *value = NULL;
  guint64 before;

  kv_store_put (store, "text", "x", -1, NULL);
  kv_store_put (store, "n", "1", -1, NULL);
  before = kv_store_get_revision (store);
  kv_transaction_if_present (transaction, "text", NULL);
  kv_transaction_increment (transaction, "n", 1, NULL);
  kv_transaction_increment (transaction, "text", 1, NULL);
  kv_transaction_touch (transaction, "absent", -1, NULL);
  kv_transaction_get (transaction, "n", NULL);
  kv_transaction_else (transaction);
  kv_transaction_put (transaction, "n", "else", -1, NULL);
  assert_outcome (store, transaction, "then failed: aborted,nan=x,not-found,aborted");
  value = kv_store_get (store, "n", NULL);
  g_assert_cmpstr (value, ==, "1");
  g_assert_cmpuint (kv_store_get_revision (store), ==, before);
}

static void
test_expired_is_absent (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) taking = kv_transaction_new (TRUE);
  g_autoptr (KvTransaction) looking = kv_transaction_new (TRUE);
  guint64 revision = kv_store_put (store, "lock", "old", 0, NULL);

  kv_transaction_if_revision (looking, "lock", revision, NULL);
  kv_transaction_else (looking);
  kv_transaction_get (looking, "lock", NULL);
  assert_outcome (store, looking, "else: not-found");
  kv_transaction_if_absent (taking, "lock", NULL);
  kv_transaction_put (taking, "lock", "mine", G_TIME_SPAN_HOUR, NULL);
  assert_outcome (store, taking, "then: created");
}

/* Everything in the results is of the revision that the outcome tells, whatever comes later. */
static void
test_tells_its_revision (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) writing = kv_transaction_new (TRUE);
  g_autoptr (KvTransaction) reading = kv_transaction_new (TRUE);
  g_autoptr (KvTransaction) idle = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) written = NULL;
  g_autoptr (KvOutcome) read = NULL;
  g_autoptr (KvOutcome) nothing = NULL;
  guint64 before = kv_store_put (store, "old", "1", -1, NULL);

  kv_transaction_if_absent (writing, "new", NULL);
  kv_transaction_increment (writing, "new", 1, NULL);
  kv_transaction_get (writing, "new", NULL);
  kv_transaction_increment (writing, "new", 1, NULL);
  kv_transaction_get (writing, "old", NULL);
  /* Removed at once, under a revision of its own. */
  kv_transaction_put (writing, "fleeting", "x", 0, NULL);
  written = kv_store_commit (store, writing, NULL);
  g_assert_cmpuint (kv_outcome_get_revision (written), ==, before + 1);
  g_assert_cmpuint (kv_store_get_revision (store), ==, before + 2);
  for (guint i = 0; i < 3; i++)
    {
      const KvResult *result = kv_outcome_get_result (written, i);

      g_assert_cmpuint (result->revision, ==, before + 1);
      g_assert_cmpuint (kv_entry_get_revision (result->entry), ==, before + 1);
    }
  g_assert_cmpuint (kv_outcome_get_result (written, 3)->revision, ==, before);

  kv_transaction_get (reading, "new", NULL);
  read = kv_store_commit (store, reading, NULL);
  g_assert_cmpuint (kv_outcome_get_revision (read), ==, kv_store_get_revision (store));

  kv_transaction_put (idle, "never", "x", -1, NULL);
  kv_transaction_delete (idle, "never", NULL);
  nothing = kv_store_commit (store, idle, NULL);
  g_assert_cmpuint (kv_outcome_get_revision (nothing), ==, kv_store_get_revision (store));
  g_assert_cmpuint (kv_outcome_get_result (nothing, 1)->revision, ==,
                    kv_store_get_revision (store));
}

static void
test_commits_once (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (GError) error = NULL;
  KvStoreStatus status;

  kv_transaction_if_absent (transaction, "k", NULL);
  assert_outcome (store, transaction, "then: ");
  g_assert_null (kv_store_commit (store, transaction, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
  kv_store_get_status (store, &status);
  g_assert_cmpuint (status.batches, ==, 0);
}

/* More keys than are compared one by one. */
static void
test_many_keys (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;

  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i % 100);

      if (i < 100)
        kv_transaction_if_absent (transaction, key, NULL);
      else
        kv_transaction_increment (transaction, key, i, NULL);
    }
  outcome = kv_store_commit (store, transaction, NULL);
  g_assert_true (kv_outcome_is_committed (outcome));
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);
      g_autofree char *sum = g_strdup_printf ("%u", 2 * i + 300);
      g_autofree char *value = kv_store_get (store, key, NULL);

      g_assert_cmpstr (value, ==, sum);
    }
}

/* If @key holds @value then the words of @then, else those of @otherwise. */
static void
submit_if (Hand *hand, const char *key, const char *value, const char *then, const char *otherwise)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);

  kv_transaction_if_value (transaction, key, value, NULL);
  hand_add (transaction, then);
  kv_transaction_else (transaction);
  hand_add (transaction, otherwise);
  hand_submit_transaction (hand, transaction);
}

static void
test_strict_decides_on_what_is_pending (Hand *fixture, gconstpointer data)
{
  hand_put (fixture, "k", "1", -1);
  hand_settle_all (fixture);
  hand_put (fixture, "k", "2", -1);
  submit_if (fixture, "k", "2", "p:k=3 g:other", "g:k");
  submit_if (fixture, "k", "2", "p:k=4", "g:k");
  submit_if (fixture, "k", "3", "d:k p:new=1", "g:k");
  hand_assert_answers (fixture, "");
  hand_assert_value (fixture, "k", "1");
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created; replaced; then: replaced,not-found; else: found=3; "
                                "then: deleted,created");
  hand_assert_value (fixture, "k", NULL);
  hand_assert_value (fixture, "new", "1");
}

/* What is told at once is true of what is on the disk, and of a revision that is. */
static void
test_strict_tells_at_once_what_is_settled (Hand *fixture, gconstpointer data)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  guint64 settled;

  hand_put (fixture, "k", "1", -1);
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created");
  settled = kv_store_get_revision (fixture->store);

  hand_put (fixture, "other", "pending", -1);
  submit_if (fixture, "k", "2", "p:k=3", "g:k");
  submit_if (fixture, "other", "pending", "g:k g:other", "g:other");
  hand_assert_answers (fixture, "else: found=1; else: not-found");

  kv_transaction_if_absent (transaction, "other", NULL);
  kv_transaction_get (transaction, "k", NULL);
  outcome = kv_store_commit (fixture->store, transaction, NULL);
  g_assert_cmpint (kv_outcome_get_branch (outcome), ==, KV_BRANCH_THEN);
  g_assert_cmpuint (kv_outcome_get_revision (outcome), ==, settled);

  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created");
}

/* One that changes nothing, but has looked at what may be undone, is undone with it. */
static void
test_strict_fails_with_what_it_looked_at (Hand *fixture, gconstpointer data)
{
  hand_put (fixture, "k", "1", -1);
  submit_if (fixture, "k", "1", "g:k", "p:k=2");
  submit_if (fixture, "k", "1", "i:absent i:k s:k=x", "g:k");
  hand_assert_answers (fixture, "");
  hand_fail (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "broken disk; broken disk; broken disk");
  hand_assert_value (fixture, "k", NULL);
  g_assert_cmpuint (hand_get_status (fixture).batches, ==, 0);

  /* Which branch it would be is not told by whether it is refused. */
  submit_if (fixture, "k", "1", "p:k=2", "g:k");
  submit_if (fixture, "k", "1", "g:k", "p:k=2");
  submit_if (fixture, "k", "1", "g:k", "g:k");
  hand_assert_answers (fixture, "broken disk; broken disk; else: not-found");
  kv_store_keeper_resume (fixture->store);
}

static void
test_relaxed_answers_at_once (Hand *fixture, gconstpointer data)
{
  submit_if (fixture, "k", "1", "g:k", "p:k=1");
  submit_if (fixture, "k", "1", "g:k i:k", "p:k=1");
  hand_assert_answers (fixture, "else: created; then: found=1,replaced=2");
  hand_assert_value (fixture, "k", "2");
  hand_settle_all (fixture);
}

#define TEST_HAND(name, mode, func)                                                                \
  g_test_add ("/store/transact/" name, Hand, NULL, hand_set_up_##mode, func, hand_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/transact/takes-a-branch", test_takes_a_branch);
  g_test_add_func ("/store/transact/asks-for-all-conditions", test_asks_for_all_conditions);
  g_test_add_func ("/store/transact/branch-fails-whole", test_branch_fails_whole);
  g_test_add_func ("/store/transact/expired-is-absent", test_expired_is_absent);
  g_test_add_func ("/store/transact/tells-its-revision", test_tells_its_revision);
  g_test_add_func ("/store/transact/commits-once", test_commits_once);
  g_test_add_func ("/store/transact/many-keys", test_many_keys);
  TEST_HAND ("strict-decides-on-what-is-pending", strict, test_strict_decides_on_what_is_pending);
  TEST_HAND ("strict-tells-at-once-what-is-settled", strict,
             test_strict_tells_at_once_what_is_settled);
  TEST_HAND ("strict-fails-with-what-it-looked-at", strict,
             test_strict_fails_with_what_it_looked_at);
  TEST_HAND ("relaxed-answers-at-once", relaxed, test_relaxed_answers_at_once);
  return g_test_run ();
}
