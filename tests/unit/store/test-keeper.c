/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What is decided, and when it is seen and answered. */

#include "hand.h"

#include <string.h>

static void
test_hidden_until_settled (Hand *fixture, gconstpointer data)
{
  guint64 revision = kv_store_get_revision (fixture->store);

  hand_put (fixture, "k", "1", -1);
  hand_run_context ();
  hand_assert_answers (fixture, "");
  hand_assert_value (fixture, "k", NULL);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);
  g_assert_cmpuint (hand_get_status (fixture).puts, ==, 0);
  g_assert_cmpuint (kv_store_get_revision (fixture->store), ==, revision);
  g_assert_cmpuint (fixture->wakes, ==, 1);

  hand_settle_all (fixture);
  hand_assert_value (fixture, "k", "1");
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 1);
  g_assert_cmpuint (hand_get_status (fixture).puts, ==, 1);
  g_assert_cmpuint (kv_store_get_revision (fixture->store), ==, revision + 1);
  /* In the submitter's context, not in the keeper's hands. */
  hand_assert_answers (fixture, "");
  hand_run_context ();
  hand_assert_answers (fixture, "created");
}

static void
test_decisions_see_what_is_pending (Hand *fixture, gconstpointer data)
{
  hand_put (fixture, "k", "1", -1);
  hand_swap (fixture, "k", "1", "2");
  hand_swap (fixture, "k", "1", "3");
  hand_submit (fixture, FALSE, "i:n");
  hand_submit (fixture, FALSE, "i:n");
  hand_delete_key (fixture, "k");
  hand_delete_key (fixture, "k");
  hand_run_context ();
  hand_assert_answers (fixture, "");
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture,
                       "created; replaced; mismatch=2; created=1; replaced=2; deleted; not-found");
  hand_assert_value (fixture, "k", NULL);
  hand_assert_value (fixture, "n", "2");
  g_assert_cmpuint (hand_get_status (fixture).swaps_succeeded, ==, 1);
  g_assert_cmpuint (hand_get_status (fixture).swaps_failed, ==, 1);
}

static void
test_settled_failure_is_answered_at_once (Hand *fixture, gconstpointer data)
{
  hand_put (fixture, "k", "1", -1);
  hand_settle_all (fixture);
  hand_put (fixture, "other", "1", -1);
  hand_swap (fixture, "k", "x", "y");
  hand_delete_key (fixture, "absent");
  hand_assert_answers (fixture, "mismatch=1; not-found");
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created; created");
}

static void
test_settles_a_prefix (Hand *fixture, gconstpointer data)
{
  guint64 from, to;

  hand_put (fixture, "a", "1", -1);
  hand_put (fixture, "b", "1", -1);
  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  g_assert_cmpuint (to - from, ==, 2);
  hand_put (fixture, "a", "2", -1);
  g_assert_cmpuint (fixture->wakes, ==, 2);
  kv_store_keeper_settle (fixture->store, to);
  hand_run_context ();
  hand_assert_answers (fixture, "created; created");
  hand_assert_value (fixture, "a", "1");
  hand_swap (fixture, "a", "2", "3");
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "replaced; replaced");
  hand_assert_value (fixture, "a", "3");
}

static void
test_batch (Hand *fixture, gconstpointer data)
{
  hand_put (fixture, "old", "x", -1);
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created");

  /* Reads alone wait for nothing, and see nothing that is pending. */
  hand_put (fixture, "new", "y", -1);
  hand_submit (fixture, FALSE, "g:old g:new");
  hand_submit (fixture, TRUE, "g:old g:new");
  hand_assert_answers (fixture, "found=x,not-found; found=x,not-found");

  hand_submit (fixture, FALSE, "g:old p:k=1 g:k d:k g:k g:new");
  g_assert_cmpuint (hand_get_status (fixture).batches, ==, 1);
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created; found=x,created,found=1,deleted,not-found,found=y");
  g_assert_cmpuint (hand_get_status (fixture).batches, ==, 0);
}

static void
test_transaction (Hand *fixture, gconstpointer data)
{
  guint64 revision = kv_store_get_revision (fixture->store), last;
  g_autoptr (GArray) changes = NULL;
  guint64 from, to;

  hand_submit (fixture, TRUE, "p:a=1 p:b=1 i:n i:n");
  hand_submit (fixture, TRUE, "p:b=2 d:a g:b");
  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  changes = kv_store_keeper_collect (fixture->store, from, to, &last);
  g_assert_cmpuint (last, ==, revision + 2);
  /* Of the key b only the last: n, b, a. */
  g_assert_cmpuint (changes->len, ==, 3);
  g_assert_cmpstr (kv_change_get_key (&g_array_index (changes, KvChange, 0), NULL), ==, "n");
  g_assert_cmpstr (kv_change_get_key (&g_array_index (changes, KvChange, 1), NULL), ==, "b");
  g_assert_cmpstr (kv_change_get_key (&g_array_index (changes, KvChange, 2), NULL), ==, "a");
  g_assert_null (g_array_index (changes, KvChange, 2).entry);
  kv_store_keeper_settle (fixture->store, to);
  hand_run_context ();
  hand_assert_answers (fixture, "created,created,created=1,replaced=2; replaced,deleted,found=2");
  g_assert_cmpuint (kv_store_get_revision (fixture->store), ==, revision + 2);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 2);
}

/* More changes than are shown under one lock, in revisions of more and of less. */
static void
test_large_revisions (Hand *fixture, gconstpointer data)
{
  g_autoptr (GString) words = g_string_new ("p:k0=x");
  g_autoptr (GString) expected = g_string_new ("created");

  for (guint i = 1; i < 150; i++)
    {
      g_string_append_printf (words, " p:k%u=x", i);
      g_string_append (expected, ",created");
    }
  hand_submit (fixture, FALSE, "p:first=1 p:second=2");
  hand_submit (fixture, TRUE, words->str);
  hand_submit (fixture, FALSE, "d:first d:k0");
  hand_settle_all (fixture);
  hand_run_context ();
  g_string_prepend (expected, "created,created; ");
  g_string_append (expected, "; deleted,deleted");
  hand_assert_answers (fixture, expected->str);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 150);
}

static void
test_failure_undoes (Hand *fixture, gconstpointer data)
{
  KvStoreStatus before, after;
  guint64 from, to;

  hand_submit (fixture, FALSE, "p:a=1 p:b=2 i:n");
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created,created,created=1");
  before = hand_get_status (fixture);

  hand_put (fixture, "a", "x", -1);
  hand_delete_key (fixture, "b");
  hand_submit (fixture, TRUE, "p:c=1 i:n");
  hand_swap (fixture, "a", "1", "y");
  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  hand_put (fixture, "d", "1", -1);
  hand_fail (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "broken disk; broken disk; broken disk; broken disk; broken disk");

  after = hand_get_status (fixture);
  after.uptime = before.uptime;
  g_assert_cmpmem (&before, sizeof before, &after, sizeof after);
  hand_assert_value (fixture, "a", "1");
  hand_assert_value (fixture, "b", "2");
  hand_assert_value (fixture, "c", NULL);
  hand_assert_value (fixture, "n", "1");
  g_assert_false (kv_store_keeper_take (fixture->store, &from, &to));

  /* Refused at once, and reads go on. */
  hand_put (fixture, "a", "z", -1);
  hand_submit (fixture, FALSE, "g:a g:b");
  hand_assert_answers (fixture, "broken disk; found=1,found=2");
  kv_store_keeper_resume (fixture->store);
  hand_swap (fixture, "a", "1", "healed");
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "replaced");
  hand_assert_value (fixture, "a", "healed");
}

/* What has been settled before the failure is told as done, although it waits behind others. */
static void
test_failure_after_settling (Hand *fixture, gconstpointer data)
{
  guint64 from, to;

  hand_put (fixture, "a", "1", -1);
  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  hand_put (fixture, "a", "2", -1);
  kv_store_keeper_settle (fixture->store, to);
  hand_fail (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created; broken disk");
  hand_assert_value (fixture, "a", "1");
}

static void
test_in_doubt (Hand *fixture, gconstpointer data)
{
  g_autoptr (GError) reason = g_error_new_literal (KV_ERROR, KV_ERROR_UNAVAILABLE, "in doubt");

  hand_put (fixture, "a", "1", -1);
  kv_store_keeper_refuse (fixture->store, reason);
  hand_put (fixture, "b", "1", -1);
  hand_run_context ();
  hand_assert_answers (fixture, "in doubt");
  hand_settle_all (fixture);
  kv_store_keeper_resume (fixture->store);
  hand_run_context ();
  hand_assert_answers (fixture, "created");
  hand_assert_value (fixture, "a", "1");
}

static void
test_hard_limit (Hand *fixture, gconstpointer data)
{
  for (guint i = 0; i < 201; i++)
    hand_put (fixture, "k", "x", -1);
  if (fixture->answers->len > 1)
    g_ptr_array_remove_range (fixture->answers, 0, fixture->answers->len - 1);
  hand_assert_answers (fixture, "The disk does not keep up with what is written");
  hand_settle_all (fixture);
  hand_run_context ();
  g_assert_cmpuint (fixture->answers->len, >=, 99);
  g_ptr_array_set_size (fixture->answers, 0);

  {
    g_autofree char *large = g_strnfill (200000, 'x');

    hand_put (fixture, "k", large, -1);
    hand_put (fixture, "k", "y", -1);
    g_assert_cmpstr (fixture->answers->pdata[fixture->answers->len - 1], ==,
                     "The disk does not keep up with what is written");
  }
  hand_settle_all (fixture);
  hand_run_context ();
  g_assert_cmpuint (fixture->answers->len, ==, 2);
  g_ptr_array_set_size (fixture->answers, 0);
}

static void
test_relaxed (Hand *fixture, gconstpointer data)
{
  hand_put (fixture, "k", "1", -1);
  hand_assert_answers (fixture, "created");
  hand_assert_value (fixture, "k", "1");
  g_assert_cmpuint (fixture->wakes, ==, 1);
  hand_put (fixture, "k", "2", -1);
  g_assert_cmpuint (fixture->wakes, ==, 1);
  hand_assert_answers (fixture, "replaced");
  hand_settle_all (fixture);
  hand_assert_value (fixture, "k", "2");
}

static void
test_relaxed_pressure (Hand *fixture, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    hand_put (fixture, "k", "x", -1);
  g_assert_cmpuint (fixture->answers->len, ==, 100);
  g_assert_cmpuint (fixture->urges, ==, 0);
  g_ptr_array_set_size (fixture->answers, 0);

  hand_put (fixture, "k", "late", -1);
  hand_swap (fixture, "k", "no", "matter");
  hand_assert_answers (fixture, "mismatch=late");
  g_assert_cmpuint (fixture->urges, ==, 1);
  hand_assert_value (fixture, "k", "late");
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "replaced");
}

static void
test_relaxed_failure_keeps (Hand *fixture, gconstpointer data)
{
  g_autoptr (GArray) changes = NULL;
  guint64 from, to, revision;

  for (guint i = 0; i < 101; i++)
    hand_put (fixture, "k", "x", -1);
  g_assert_cmpuint (fixture->answers->len, ==, 100);
  g_ptr_array_set_size (fixture->answers, 0);
  hand_fail (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "replaced");
  hand_put (fixture, "k", "y", -1);
  hand_assert_answers (fixture, "broken disk");
  hand_assert_value (fixture, "k", "x");

  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  g_assert_cmpuint (to - from, ==, 101);
  changes = kv_store_keeper_collect (fixture->store, from, to, &revision);
  g_assert_cmpuint (changes->len, ==, 1);
  kv_store_keeper_settle (fixture->store, to);
  kv_store_keeper_resume (fixture->store);
  hand_put (fixture, "k", "y", -1);
  hand_assert_answers (fixture, "replaced");
}

#define STRICT(path, func) g_test_add (path, Hand, NULL, hand_set_up_strict, func, hand_tear_down)
#define RELAXED(path, func) g_test_add (path, Hand, NULL, hand_set_up_relaxed, func, hand_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  STRICT ("/store/keeper/hidden-until-settled", test_hidden_until_settled);
  STRICT ("/store/keeper/decisions-see-what-is-pending", test_decisions_see_what_is_pending);
  STRICT ("/store/keeper/settled-failure-is-answered-at-once",
          test_settled_failure_is_answered_at_once);
  STRICT ("/store/keeper/settles-a-prefix", test_settles_a_prefix);
  STRICT ("/store/keeper/batch", test_batch);
  STRICT ("/store/keeper/transaction", test_transaction);
  STRICT ("/store/keeper/large-revisions", test_large_revisions);
  STRICT ("/store/keeper/failure-undoes", test_failure_undoes);
  STRICT ("/store/keeper/failure-after-settling", test_failure_after_settling);
  STRICT ("/store/keeper/in-doubt", test_in_doubt);
  STRICT ("/store/keeper/hard-limit", test_hard_limit);
  RELAXED ("/store/keeper/relaxed", test_relaxed);
  RELAXED ("/store/keeper/relaxed-pressure", test_relaxed_pressure);
  RELAXED ("/store/keeper/relaxed-failure-keeps", test_relaxed_failure_keeps);
  return g_test_run ();
}
