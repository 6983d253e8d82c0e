/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Those who are told: watches, waiting callers, contexts; and time, which goes on whatever the disk does. */

#include "hand.h"
#include "store/kv-watch.h"

#include <string.h>

static void
note_event (KvWatch *watch, gpointer user_data)
{
  static const char *const kinds[] = { "PUT", "DELETE", "SWAP", "EXPIRED" };
  GString *told = user_data;
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    {
      if (event.type == KV_WATCH_CHANGE)
        g_string_append_printf (told, "%s %s;", kinds[event.change.kind],
                                kv_change_get_key (&event.change, NULL));
      else if (event.type == KV_WATCH_SNAPSHOT)
        g_string_append_printf (told, "NOW %s=%s;", event.key,
                                event.entry ? kv_entry_get_value (event.entry, NULL) : "-");
      else if (event.type == KV_WATCH_RESET)
        g_string_append (told, "RESET;");
      kv_watch_event_clear (&event);
    }
}

static void
assert_told (GString *told, const char *expected)
{
  hand_run_context ();
  g_assert_cmpstr (told->str, ==, expected);
  g_string_truncate (told, 0);
}

static void
test_watches (Hand *fixture, gconstpointer data)
{
  const char *keys[] = { "k", NULL };
  g_autoptr (GString) told = g_string_new (NULL), late = g_string_new (NULL);
  guint64 since = kv_store_get_revision (fixture->store);
  KvWatch *watch, *later;

  watch = kv_watch_new (fixture->store, keys, NULL, KV_WATCH_FROM_NOW, note_event, told, NULL);
  assert_told (told, "NOW k=-;");
  hand_put (fixture, "k", "1", -1);
  assert_told (told, "");

  /* A snapshot is of what can be seen, and the change comes after it. */
  later = kv_watch_new (fixture->store, keys, NULL, KV_WATCH_FROM_NOW, note_event, late, NULL);
  assert_told (late, "NOW k=-;");
  hand_settle_all (fixture);
  assert_told (told, "PUT k;");
  assert_told (late, "PUT k;");
  kv_watch_free (later);

  hand_swap (fixture, "k", "1", "2");
  hand_fail (fixture);
  kv_store_keeper_resume (fixture->store);
  assert_told (told, "");
  hand_delete_key (fixture, "k");
  hand_settle_all (fixture);
  assert_told (told, "DELETE k;");

  later = kv_watch_new (fixture->store, keys, NULL, since, note_event, late, NULL);
  hand_put (fixture, "k", "3", -1);
  assert_told (late, "PUT k;DELETE k;");
  hand_settle_all (fixture);
  assert_told (late, "PUT k;");
  assert_told (told, "PUT k;");
  kv_watch_free (later);
  kv_watch_free (watch);
  hand_run_context ();
  hand_assert_answers (fixture, "created; broken disk; deleted; created");
}

static void
wait_until (gint64 time)
{
  while (kv_clock_now () <= time)
    g_usleep (200);
}

static void
test_expiry (Hand *fixture, gconstpointer data)
{
  const char *prefixes[] = { "", NULL };
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (KvWatch) watch = NULL;
  gint64 soon = kv_clock_now () + 20000;

  watch = kv_watch_new (fixture->store, NULL, prefixes, kv_store_get_revision (fixture->store),
                        note_event, told, NULL);
  hand_put (fixture, "a", "1", 20000);
  hand_put (fixture, "b", "1", 20000);
  hand_settle_all (fixture);
  assert_told (told, "PUT a;PUT b;");
  hand_assert_answers (fixture, "created; created");
  wait_until (soon + 25000);

  /* Hidden and uncounted at once, told when it is kept. */
  hand_assert_value (fixture, "a", NULL);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);
  g_assert_cmpuint (hand_get_status (fixture).expirations, ==, 0);
  assert_told (told, "");
  hand_put (fixture, "a", "2", -1);
  hand_settle_all (fixture);
  assert_told (told, "EXPIRED a;EXPIRED b;PUT a;");
  hand_assert_answers (fixture, "created");
  g_assert_cmpuint (hand_get_status (fixture).expirations, ==, 2);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 1);
}

/* The time of a key comes while a newer value of it is pending, which has no deadline. */
static void
test_expiry_behind_pending (Hand *fixture, gconstpointer data)
{
  gint64 soon = kv_clock_now () + 20000;

  hand_put (fixture, "a", "1", 20000);
  hand_put (fixture, "b", "1", 20000);
  hand_settle_all (fixture);
  hand_put (fixture, "a", "2", -1);
  wait_until (soon + 25000);
  hand_run_context ();
  hand_assert_answers (fixture, "created; created");
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);

  /* Undone, both are back in the heap, from which nothing takes them as long as nothing can be kept. */
  hand_fail (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "broken disk");
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);
  hand_assert_value (fixture, "a", NULL);

  kv_store_keeper_resume (fixture->store);
  hand_put (fixture, "a", "3", -1);
  hand_run_context ();
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created");
  hand_assert_value (fixture, "a", "3");
  g_assert_cmpuint (hand_get_status (fixture).expirations, ==, 2);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 1);
}

/* A pending value is past its deadline before it has been seen. */
static void
test_expires_while_pending (Hand *fixture, gconstpointer data)
{
  hand_put (fixture, "k", "1", 1000);
  wait_until (kv_clock_now () + 2000);
  hand_put (fixture, "k", "2", -1);
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "created; created");
  hand_assert_value (fixture, "k", "2");
  g_assert_cmpuint (hand_get_status (fixture).expirations, ==, 1);

  hand_put (fixture, "k", "3", 1000);
  wait_until (kv_clock_now () + 2000);
  hand_delete_key (fixture, "k");
  hand_fail (fixture);
  kv_store_keeper_resume (fixture->store);
  hand_run_context ();
  hand_assert_answers (fixture, "broken disk; broken disk");
  hand_assert_value (fixture, "k", "2");
  hand_put (fixture, "k", "4", 1000);
  hand_settle_all (fixture);
  wait_until (kv_clock_now () + 2000);
  hand_run_context ();
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "replaced");
  g_assert_cmpuint (hand_get_status (fixture).expirations, ==, 2);
}

static gpointer
put_blocking (gpointer data)
{
  Hand *fixture = data;
  g_autoptr (GError) error = NULL;
  guint64 revision = kv_store_put (fixture->store, "k", "1", -1, &error);

  return revision > 0 ? NULL : g_steal_pointer (&error);
}

/* Waits until a writer in another thread has been heard of. */
static void
await_change (Hand *fixture)
{
  guint64 from, to;

  while (!kv_store_keeper_take (fixture->store, &from, &to))
    g_usleep (200);
}

static void
test_blocking (Hand *fixture, gconstpointer data)
{
  GThread *thread = g_thread_new ("writer", put_blocking, fixture);
  g_autoptr (GError) error = NULL;

  await_change (fixture);
  hand_settle_all (fixture);
  g_assert_null (g_thread_join (thread));
  hand_assert_value (fixture, "k", "1");

  thread = g_thread_new ("writer", put_blocking, fixture);
  await_change (fixture);
  hand_fail (fixture);
  error = g_thread_join (thread);
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(KvOutcome **) user_data = kv_store_commit_finish (KV_STORE (source), result, NULL);
}

static void
test_async (Hand *fixture, gconstpointer data)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;

  kv_transaction_put (transaction, "a", "1", -1, NULL);
  kv_store_commit_async (fixture->store, transaction, NULL, on_committed, &outcome);
  hand_run_context ();
  g_assert_null (outcome);
  hand_settle_all (fixture);
  hand_run_context ();
  g_assert_nonnull (outcome);
  g_assert_cmpuint (kv_outcome_get_revision (outcome), ==, kv_store_get_revision (fixture->store));
}

/* Each context is given its own answers, in their order, whoever settles. */
static void
test_contexts (Hand *fixture, gconstpointer data)
{
  GMainContext *contexts[20];

  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++)
    {
      contexts[i] = g_main_context_new ();
      g_main_context_push_thread_default (contexts[i]);
      hand_put (fixture, i % 2 ? "odd" : "even", "x", -1);
      hand_put (fixture, "both", "x", -1);
      hand_delete_key (fixture, "both");
      g_main_context_pop_thread_default (contexts[i]);
    }
  hand_settle_all (fixture);
  hand_run_context ();
  hand_assert_answers (fixture, "");
  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++)
    {
      /* One turn, for all of them. */
      g_assert_true (g_main_context_iteration (contexts[i], FALSE));
      hand_assert_answers (fixture,
                           i < 2 ? "created; created; deleted" : "replaced; created; deleted");
      g_assert_false (g_main_context_iteration (contexts[i], FALSE));
    }
  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++)
    g_main_context_unref (contexts[i]);
}

#define STRICT(path, func) g_test_add (path, Hand, NULL, hand_set_up_strict, func, hand_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  STRICT ("/store/keeper/watches", test_watches);
  STRICT ("/store/keeper/expiry", test_expiry);
  STRICT ("/store/keeper/expiry-behind-pending", test_expiry_behind_pending);
  STRICT ("/store/keeper/expires-while-pending", test_expires_while_pending);
  STRICT ("/store/keeper/blocking", test_blocking);
  STRICT ("/store/keeper/async", test_async);
  STRICT ("/store/keeper/contexts", test_contexts);
  return g_test_run ();
}
