/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* A store with a keeper that does what the test says: settles, fails, heals. */

#include "store/kv-store-keeper.h"
#include "store/kv-watch.h"

#include <string.h>

typedef struct {
  KvStore *store;
  guint wakes;
  guint urges;
  GPtrArray *answers; /* (element-type utf8): what came of submissions, in order */
} Fixture;

static void
on_wake (gboolean urgent, gpointer user_data)
{
  Fixture *fixture = user_data;

  if (urgent)
    fixture->urges++;
  else
    fixture->wakes++;
}

static const KvKeeperLimits roomy = { 100, 100000, 200, 200000 };

static void
attach (Fixture *fixture, KvDurability durability, const KvKeeperLimits *limits)
{
  fixture->store = kv_store_new ();
  fixture->answers = g_ptr_array_new_with_free_func (g_free);
  kv_store_keeper_attach (fixture->store, durability, limits, on_wake, fixture);
}

static void
set_up_strict (Fixture *fixture, gconstpointer data)
{
  attach (fixture, KV_DURABILITY_STRICT, &roomy);
  kv_store_keeper_start (fixture->store, 0);
}

static void
set_up_relaxed (Fixture *fixture, gconstpointer data)
{
  attach (fixture, KV_DURABILITY_RELAXED, &roomy);
  kv_store_keeper_start (fixture->store, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (fixture->answers->len, ==, 0);
  g_ptr_array_unref (fixture->answers);
  g_assert_finalize_object (fixture->store);
}

static void
run_context (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
settle_all (Fixture *fixture)
{
  guint64 from, to;

  if (kv_store_keeper_take (fixture->store, &from, &to))
    kv_store_keeper_settle (fixture->store, to);
}

static void
fail (Fixture *fixture)
{
  g_autoptr (GError) reason = g_error_new_literal (KV_ERROR, KV_ERROR_UNAVAILABLE, "broken disk");

  kv_store_keeper_fail (fixture->store, reason);
}

static char *
describe_result (const KvResult *result)
{
  static const char *const names[] = { "found",     "created",  "replaced", "deleted",
                                       "not-found", "mismatch", "nan",      "aborted" };

  if (result->entry == NULL)
    return g_strdup (names[result->status]);
  return g_strconcat (names[result->status], "=", kv_entry_get_value (result->entry, NULL), NULL);
}

static void
on_answer (KvStore *store,
           KvResult *results,
           guint length,
           gboolean committed,
           const GError *error,
           gpointer user_data)
{
  Fixture *fixture = user_data;
  GString *line = g_string_new (NULL);

  if (error != NULL)
    g_string_append_printf (line, "%s", error->message);
  for (guint i = 0; i < length; i++)
    {
      g_autofree char *text = describe_result (&results[i]);

      g_string_append_printf (line, "%s%s", i > 0 ? "," : "", text);
    }
  g_ptr_array_add (fixture->answers, g_string_free (line, FALSE));
}

/* Compares what has been answered since the last time. */
static void
assert_answers (Fixture *fixture, const char *expected)
{
  g_autofree char *joined = NULL;

  g_ptr_array_add (fixture->answers, NULL);
  joined = g_strjoinv ("; ", (char **) fixture->answers->pdata);
  g_ptr_array_set_size (fixture->answers, 0);
  g_assert_cmpstr (joined, ==, expected);
}

static void
put (Fixture *fixture, const char *key, const char *value, gint64 ttl)
{
  KvOperation operation;
  gint64 deadline = ttl < 0 ? KV_NO_DEADLINE : kv_clock_deadline_after (ttl);

  kv_operation_init_put (&operation, key, -1, value, -1, deadline, NULL);
  kv_store_submit (fixture->store, &operation, 1, FALSE, on_answer, fixture);
}

static void delete (Fixture *fixture, const char *key)
{
  KvOperation operation;

  kv_operation_init (&operation, KV_OPERATION_DELETE, key, -1, NULL);
  kv_store_submit (fixture->store, &operation, 1, FALSE, on_answer, fixture);
}

static void
swap (Fixture *fixture, const char *key, const char *expected, const char *value)
{
  KvOperation operation;

  kv_operation_init_swap (&operation, key, -1, expected, strlen (expected), value, -1, NULL);
  kv_store_submit (fixture->store, &operation, 1, FALSE, on_answer, fixture);
}

/* Operations as words: "p:k=v" put, "g:k" get, "d:k" delete, "i:k" increment. */
static void
submit (Fixture *fixture, gboolean atomic, const char *words)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  guint length = g_strv_length (list);
  g_autofree KvOperation *operations = g_new0 (KvOperation, length);

  for (guint i = 0; i < length; i++)
    {
      g_auto (GStrv) parts = g_strsplit (list[i] + 2, "=", 2);

      if (list[i][0] == 'p')
        kv_operation_init_put (&operations[i], parts[0], -1, parts[1], -1, KV_NO_DEADLINE, NULL);
      else
        kv_operation_init (&operations[i],
                           list[i][0] == 'g'   ? KV_OPERATION_GET
                           : list[i][0] == 'd' ? KV_OPERATION_DELETE
                                               : KV_OPERATION_INCREMENT,
                           parts[0], -1, NULL);
      operations[i].delta = 1;
    }
  kv_store_submit (fixture->store, operations, length, atomic, on_answer, fixture);
}

static void
assert_value (Fixture *fixture, const char *key, const char *expected)
{
  g_autofree char *value = kv_store_get (fixture->store, key, NULL);

  g_assert_cmpstr (value, ==, expected);
}

static KvStoreStatus
get_status (Fixture *fixture)
{
  KvStoreStatus status;

  kv_store_get_status (fixture->store, &status);
  return status;
}

static void
test_hidden_until_settled (Fixture *fixture, gconstpointer data)
{
  guint64 revision = kv_store_get_revision (fixture->store);

  put (fixture, "k", "1", -1);
  run_context ();
  assert_answers (fixture, "");
  assert_value (fixture, "k", NULL);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);
  g_assert_cmpuint (get_status (fixture).puts, ==, 0);
  g_assert_cmpuint (kv_store_get_revision (fixture->store), ==, revision);
  g_assert_cmpuint (fixture->wakes, ==, 1);

  settle_all (fixture);
  assert_value (fixture, "k", "1");
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 1);
  g_assert_cmpuint (get_status (fixture).puts, ==, 1);
  g_assert_cmpuint (kv_store_get_revision (fixture->store), ==, revision + 1);
  /* In the submitter's context, not in the keeper's hands. */
  assert_answers (fixture, "");
  run_context ();
  assert_answers (fixture, "created");
}

static void
test_decisions_see_what_is_pending (Fixture *fixture, gconstpointer data)
{
  put (fixture, "k", "1", -1);
  swap (fixture, "k", "1", "2");
  swap (fixture, "k", "1", "3");
  submit (fixture, FALSE, "i:n");
  submit (fixture, FALSE, "i:n");
  delete (fixture, "k");
  delete (fixture, "k");
  run_context ();
  assert_answers (fixture, "");
  settle_all (fixture);
  run_context ();
  assert_answers (fixture,
                  "created; replaced; mismatch=2; created=1; replaced=2; deleted; not-found");
  assert_value (fixture, "k", NULL);
  assert_value (fixture, "n", "2");
  g_assert_cmpuint (get_status (fixture).swaps_succeeded, ==, 1);
  g_assert_cmpuint (get_status (fixture).swaps_failed, ==, 1);
}

static void
test_settled_failure_is_answered_at_once (Fixture *fixture, gconstpointer data)
{
  put (fixture, "k", "1", -1);
  settle_all (fixture);
  put (fixture, "other", "1", -1);
  swap (fixture, "k", "x", "y");
  delete (fixture, "absent");
  assert_answers (fixture, "mismatch=1; not-found");
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "created; created");
}

static void
test_settles_a_prefix (Fixture *fixture, gconstpointer data)
{
  guint64 from, to;

  put (fixture, "a", "1", -1);
  put (fixture, "b", "1", -1);
  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  g_assert_cmpuint (to - from, ==, 2);
  put (fixture, "a", "2", -1);
  g_assert_cmpuint (fixture->wakes, ==, 2);
  kv_store_keeper_settle (fixture->store, to);
  run_context ();
  assert_answers (fixture, "created; created");
  assert_value (fixture, "a", "1");
  swap (fixture, "a", "2", "3");
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "replaced; replaced");
  assert_value (fixture, "a", "3");
}

static void
test_batch (Fixture *fixture, gconstpointer data)
{
  put (fixture, "old", "x", -1);
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "created");

  /* Reads alone wait for nothing, and see nothing that is pending. */
  put (fixture, "new", "y", -1);
  submit (fixture, FALSE, "g:old g:new");
  submit (fixture, TRUE, "g:old g:new");
  assert_answers (fixture, "found=x,not-found; found=x,not-found");

  submit (fixture, FALSE, "g:old p:k=1 g:k d:k g:k g:new");
  g_assert_cmpuint (get_status (fixture).batches, ==, 1);
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "created; found=x,created,found=1,deleted,not-found,found=y");
  g_assert_cmpuint (get_status (fixture).batches, ==, 0);
}

static void
test_transaction (Fixture *fixture, gconstpointer data)
{
  guint64 revision = kv_store_get_revision (fixture->store), last;
  g_autoptr (GArray) changes = NULL;
  guint64 from, to;

  submit (fixture, TRUE, "p:a=1 p:b=1 i:n i:n");
  submit (fixture, TRUE, "p:b=2 d:a g:b");
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
  run_context ();
  assert_answers (fixture, "created,created,created=1,replaced=2; replaced,deleted,found=2");
  g_assert_cmpuint (kv_store_get_revision (fixture->store), ==, revision + 2);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 2);
}

/* More changes than are shown under one lock, in revisions of more and of less. */
static void
test_large_revisions (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) words = g_string_new ("p:k0=x");
  g_autoptr (GString) expected = g_string_new ("created");

  for (guint i = 1; i < 150; i++)
    {
      g_string_append_printf (words, " p:k%u=x", i);
      g_string_append (expected, ",created");
    }
  submit (fixture, FALSE, "p:first=1 p:second=2");
  submit (fixture, TRUE, words->str);
  submit (fixture, FALSE, "d:first d:k0");
  settle_all (fixture);
  run_context ();
  g_string_prepend (expected, "created,created; ");
  g_string_append (expected, "; deleted,deleted");
  assert_answers (fixture, expected->str);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 150);
}

static void
test_failure_undoes (Fixture *fixture, gconstpointer data)
{
  KvStoreStatus before, after;
  guint64 from, to;

  submit (fixture, FALSE, "p:a=1 p:b=2 i:n");
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "created,created,created=1");
  before = get_status (fixture);

  put (fixture, "a", "x", -1);
  delete (fixture, "b");
  submit (fixture, TRUE, "p:c=1 i:n");
  swap (fixture, "a", "1", "y");
  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  put (fixture, "d", "1", -1);
  fail (fixture);
  run_context ();
  assert_answers (fixture, "broken disk; broken disk; broken disk; broken disk; broken disk");

  after = get_status (fixture);
  after.uptime = before.uptime;
  g_assert_cmpmem (&before, sizeof before, &after, sizeof after);
  assert_value (fixture, "a", "1");
  assert_value (fixture, "b", "2");
  assert_value (fixture, "c", NULL);
  assert_value (fixture, "n", "1");
  g_assert_false (kv_store_keeper_take (fixture->store, &from, &to));

  /* Refused at once, and reads go on. */
  put (fixture, "a", "z", -1);
  submit (fixture, FALSE, "g:a g:b");
  assert_answers (fixture, "broken disk; found=1,found=2");
  kv_store_keeper_resume (fixture->store);
  swap (fixture, "a", "1", "healed");
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "replaced");
  assert_value (fixture, "a", "healed");
}

/* What has been settled before the failure is told as done, although it waits behind others. */
static void
test_failure_after_settling (Fixture *fixture, gconstpointer data)
{
  guint64 from, to;

  put (fixture, "a", "1", -1);
  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  put (fixture, "a", "2", -1);
  kv_store_keeper_settle (fixture->store, to);
  fail (fixture);
  run_context ();
  assert_answers (fixture, "created; broken disk");
  assert_value (fixture, "a", "1");
}

static void
test_in_doubt (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) reason = g_error_new_literal (KV_ERROR, KV_ERROR_UNAVAILABLE, "in doubt");

  put (fixture, "a", "1", -1);
  kv_store_keeper_refuse (fixture->store, reason);
  put (fixture, "b", "1", -1);
  run_context ();
  assert_answers (fixture, "in doubt");
  settle_all (fixture);
  kv_store_keeper_resume (fixture->store);
  run_context ();
  assert_answers (fixture, "created");
  assert_value (fixture, "a", "1");
}

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
  run_context ();
  g_assert_cmpstr (told->str, ==, expected);
  g_string_truncate (told, 0);
}

static void
test_watches (Fixture *fixture, gconstpointer data)
{
  const char *keys[] = { "k", NULL };
  g_autoptr (GString) told = g_string_new (NULL), late = g_string_new (NULL);
  guint64 since = kv_store_get_revision (fixture->store);
  KvWatch *watch, *later;

  watch = kv_watch_new (fixture->store, keys, NULL, KV_WATCH_FROM_NOW, note_event, told, NULL);
  assert_told (told, "NOW k=-;");
  put (fixture, "k", "1", -1);
  assert_told (told, "");

  /* A snapshot is of what can be seen, and the change comes after it. */
  later = kv_watch_new (fixture->store, keys, NULL, KV_WATCH_FROM_NOW, note_event, late, NULL);
  assert_told (late, "NOW k=-;");
  settle_all (fixture);
  assert_told (told, "PUT k;");
  assert_told (late, "PUT k;");
  kv_watch_free (later);

  swap (fixture, "k", "1", "2");
  fail (fixture);
  kv_store_keeper_resume (fixture->store);
  assert_told (told, "");
  delete (fixture, "k");
  settle_all (fixture);
  assert_told (told, "DELETE k;");

  later = kv_watch_new (fixture->store, keys, NULL, since, note_event, late, NULL);
  put (fixture, "k", "3", -1);
  assert_told (late, "PUT k;DELETE k;");
  settle_all (fixture);
  assert_told (late, "PUT k;");
  assert_told (told, "PUT k;");
  kv_watch_free (later);
  kv_watch_free (watch);
  run_context ();
  assert_answers (fixture, "created; broken disk; deleted; created");
}

static void
wait_until (gint64 time)
{
  while (kv_clock_now () <= time)
    g_usleep (200);
}

static void
test_expiry (Fixture *fixture, gconstpointer data)
{
  const char *prefixes[] = { "", NULL };
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (KvWatch) watch = NULL;
  gint64 soon = kv_clock_now () + 20000;

  watch = kv_watch_new (fixture->store, NULL, prefixes, kv_store_get_revision (fixture->store),
                        note_event, told, NULL);
  put (fixture, "a", "1", 20000);
  put (fixture, "b", "1", 20000);
  settle_all (fixture);
  assert_told (told, "PUT a;PUT b;");
  assert_answers (fixture, "created; created");
  wait_until (soon + 25000);

  /* Hidden and uncounted at once, told when it is kept. */
  assert_value (fixture, "a", NULL);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);
  g_assert_cmpuint (get_status (fixture).expirations, ==, 0);
  assert_told (told, "");
  put (fixture, "a", "2", -1);
  settle_all (fixture);
  assert_told (told, "EXPIRED a;EXPIRED b;PUT a;");
  assert_answers (fixture, "created");
  g_assert_cmpuint (get_status (fixture).expirations, ==, 2);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 1);
}

/* The time of a key comes while a newer value of it is pending, which has no deadline. */
static void
test_expiry_behind_pending (Fixture *fixture, gconstpointer data)
{
  gint64 soon = kv_clock_now () + 20000;

  put (fixture, "a", "1", 20000);
  put (fixture, "b", "1", 20000);
  settle_all (fixture);
  put (fixture, "a", "2", -1);
  wait_until (soon + 25000);
  run_context ();
  assert_answers (fixture, "created; created");
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);

  /* Undone, both are back in the heap, from which nothing takes them as long as nothing can be kept. */
  fail (fixture);
  run_context ();
  assert_answers (fixture, "broken disk");
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);
  assert_value (fixture, "a", NULL);

  kv_store_keeper_resume (fixture->store);
  put (fixture, "a", "3", -1);
  run_context ();
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "created");
  assert_value (fixture, "a", "3");
  g_assert_cmpuint (get_status (fixture).expirations, ==, 2);
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 1);
}

/* A pending value is past its deadline before it has been seen. */
static void
test_expires_while_pending (Fixture *fixture, gconstpointer data)
{
  put (fixture, "k", "1", 1000);
  wait_until (kv_clock_now () + 2000);
  put (fixture, "k", "2", -1);
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "created; created");
  assert_value (fixture, "k", "2");
  g_assert_cmpuint (get_status (fixture).expirations, ==, 1);

  put (fixture, "k", "3", 1000);
  wait_until (kv_clock_now () + 2000);
  delete (fixture, "k");
  fail (fixture);
  kv_store_keeper_resume (fixture->store);
  run_context ();
  assert_answers (fixture, "broken disk; broken disk");
  assert_value (fixture, "k", "2");
  put (fixture, "k", "4", 1000);
  settle_all (fixture);
  wait_until (kv_clock_now () + 2000);
  run_context ();
  g_assert_cmpuint (kv_store_count (fixture->store), ==, 0);
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "replaced");
  g_assert_cmpuint (get_status (fixture).expirations, ==, 2);
}

static gpointer
put_blocking (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GError) error = NULL;
  guint64 revision = kv_store_put (fixture->store, "k", "1", -1, &error);

  return revision > 0 ? NULL : g_steal_pointer (&error);
}

/* Waits until a writer in another thread has been heard of. */
static void
await_change (Fixture *fixture)
{
  guint64 from, to;

  while (!kv_store_keeper_take (fixture->store, &from, &to))
    g_usleep (200);
}

static void
test_blocking (Fixture *fixture, gconstpointer data)
{
  GThread *thread = g_thread_new ("writer", put_blocking, fixture);
  g_autoptr (GError) error = NULL;

  await_change (fixture);
  settle_all (fixture);
  g_assert_null (g_thread_join (thread));
  assert_value (fixture, "k", "1");

  thread = g_thread_new ("writer", put_blocking, fixture);
  await_change (fixture);
  fail (fixture);
  error = g_thread_join (thread);
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(KvOutcome **) user_data = kv_store_commit_finish (KV_STORE (source), result, NULL);
}

static void
test_async (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;

  kv_transaction_put (transaction, "a", "1", -1, NULL);
  kv_store_commit_async (fixture->store, transaction, NULL, on_committed, &outcome);
  run_context ();
  g_assert_null (outcome);
  settle_all (fixture);
  run_context ();
  g_assert_nonnull (outcome);
  g_assert_cmpuint (kv_outcome_get_revision (outcome), ==, kv_store_get_revision (fixture->store));
}

/* Each context is given its own answers, in their order, whoever settles. */
static void
test_contexts (Fixture *fixture, gconstpointer data)
{
  GMainContext *contexts[20];

  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++)
    {
      contexts[i] = g_main_context_new ();
      g_main_context_push_thread_default (contexts[i]);
      put (fixture, i % 2 ? "odd" : "even", "x", -1);
      put (fixture, "both", "x", -1);
      delete (fixture, "both");
      g_main_context_pop_thread_default (contexts[i]);
    }
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "");
  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++)
    {
      /* One turn, for all of them. */
      g_assert_true (g_main_context_iteration (contexts[i], FALSE));
      assert_answers (fixture, i < 2 ? "created; created; deleted" : "replaced; created; deleted");
      g_assert_false (g_main_context_iteration (contexts[i], FALSE));
    }
  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++)
    g_main_context_unref (contexts[i]);
}

static void
test_hard_limit (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 201; i++)
    put (fixture, "k", "x", -1);
  if (fixture->answers->len > 1)
    g_ptr_array_remove_range (fixture->answers, 0, fixture->answers->len - 1);
  assert_answers (fixture, "The disk does not keep up with what is written");
  settle_all (fixture);
  run_context ();
  g_assert_cmpuint (fixture->answers->len, >=, 99);
  g_ptr_array_set_size (fixture->answers, 0);

  {
    g_autofree char *large = g_strnfill (200000, 'x');

    put (fixture, "k", large, -1);
    put (fixture, "k", "y", -1);
    g_assert_cmpstr (fixture->answers->pdata[fixture->answers->len - 1], ==,
                     "The disk does not keep up with what is written");
  }
  settle_all (fixture);
  run_context ();
  g_assert_cmpuint (fixture->answers->len, ==, 2);
  g_ptr_array_set_size (fixture->answers, 0);
}

static void
test_relaxed (Fixture *fixture, gconstpointer data)
{
  put (fixture, "k", "1", -1);
  assert_answers (fixture, "created");
  assert_value (fixture, "k", "1");
  g_assert_cmpuint (fixture->wakes, ==, 1);
  put (fixture, "k", "2", -1);
  g_assert_cmpuint (fixture->wakes, ==, 1);
  assert_answers (fixture, "replaced");
  settle_all (fixture);
  assert_value (fixture, "k", "2");
}

static void
test_relaxed_pressure (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    put (fixture, "k", "x", -1);
  g_assert_cmpuint (fixture->answers->len, ==, 100);
  g_assert_cmpuint (fixture->urges, ==, 0);
  g_ptr_array_set_size (fixture->answers, 0);

  put (fixture, "k", "late", -1);
  swap (fixture, "k", "no", "matter");
  assert_answers (fixture, "mismatch=late");
  g_assert_cmpuint (fixture->urges, ==, 1);
  assert_value (fixture, "k", "late");
  settle_all (fixture);
  run_context ();
  assert_answers (fixture, "replaced");
}

static void
test_relaxed_failure_keeps (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GArray) changes = NULL;
  guint64 from, to, revision;

  for (guint i = 0; i < 101; i++)
    put (fixture, "k", "x", -1);
  g_assert_cmpuint (fixture->answers->len, ==, 100);
  g_ptr_array_set_size (fixture->answers, 0);
  fail (fixture);
  run_context ();
  assert_answers (fixture, "replaced");
  put (fixture, "k", "y", -1);
  assert_answers (fixture, "broken disk");
  assert_value (fixture, "k", "x");

  g_assert_true (kv_store_keeper_take (fixture->store, &from, &to));
  g_assert_cmpuint (to - from, ==, 101);
  changes = kv_store_keeper_collect (fixture->store, from, to, &revision);
  g_assert_cmpuint (changes->len, ==, 1);
  kv_store_keeper_settle (fixture->store, to);
  kv_store_keeper_resume (fixture->store);
  put (fixture, "k", "y", -1);
  assert_answers (fixture, "replaced");
}

static void
test_load (void)
{
  Fixture fixture = { 0 };
  guint64 revision, later;
  KvEntry *again;

  attach (&fixture, KV_DURABILITY_STRICT, &roomy);
  revision = kv_store_get_revision (fixture.store);
  g_assert_true (
    kv_store_keeper_load (fixture.store, kv_entry_new ("k", -1, "v", -1, KV_NO_DEADLINE, NULL), 7));
  g_assert_true (kv_store_keeper_load (
    fixture.store, kv_entry_new ("over", -1, "v", -1, kv_clock_now () - 1, NULL), 8));
  again = kv_entry_new ("k", -1, "w", -1, KV_NO_DEADLINE, NULL);
  g_assert_false (kv_store_keeper_load (fixture.store, again, 9));
  put (&fixture, "k", "refused", -1);
  run_context ();
  assert_answers (&fixture, "The store is being loaded");
  g_assert_cmpuint (kv_store_count (fixture.store), ==, 1);

  kv_store_keeper_start (fixture.store, revision + 1000);
  g_assert_cmpuint (kv_store_get_revision (fixture.store), ==, revision + 1000);
  g_assert_cmpuint (kv_store_count (fixture.store), ==, 1);
  settle_all (&fixture);
  g_assert_cmpuint (get_status (&fixture).expirations, ==, 1);
  g_assert_cmpuint (get_status (&fixture).puts, ==, 0);
  put (&fixture, "k", "2", -1);
  settle_all (&fixture);
  run_context ();
  assert_answers (&fixture, "replaced");
  later = kv_store_get_revision (fixture.store);
  g_assert_cmpuint (later, ==, revision + 1002);
  tear_down (&fixture, NULL);
}

#define STRICT(path, func) g_test_add (path, Fixture, NULL, set_up_strict, func, tear_down)
#define RELAXED(path, func) g_test_add (path, Fixture, NULL, set_up_relaxed, func, tear_down)

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
  STRICT ("/store/keeper/watches", test_watches);
  STRICT ("/store/keeper/expiry", test_expiry);
  STRICT ("/store/keeper/expiry-behind-pending", test_expiry_behind_pending);
  STRICT ("/store/keeper/expires-while-pending", test_expires_while_pending);
  STRICT ("/store/keeper/blocking", test_blocking);
  STRICT ("/store/keeper/async", test_async);
  STRICT ("/store/keeper/contexts", test_contexts);
  STRICT ("/store/keeper/hard-limit", test_hard_limit);
  RELAXED ("/store/keeper/relaxed", test_relaxed);
  RELAXED ("/store/keeper/relaxed-pressure", test_relaxed_pressure);
  RELAXED ("/store/keeper/relaxed-failure-keeps", test_relaxed_failure_keeps);
  g_test_add_func ("/store/keeper/load", test_load);
  return g_test_run ();
}
