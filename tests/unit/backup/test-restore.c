/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What a restore makes of a store. */

#include "backup/kv-dump-writer.h"
#include "backup/kv-restore.h"
#include "core/kv-error.h"

#include <string.h>

#define MAX_VALUE (2 * 1024 * 1024)

typedef struct {
  gboolean called;
  KvRestoreCounts counts;
  guint64 entries;
  GError *error; /* (owned) (nullable) */
} Outcome;

static void
on_over (KvRestore *restore, gpointer user_data)
{
  Outcome *outcome = user_data;

  g_assert_false (outcome->called);
  outcome->called = TRUE;
  g_assert_true (kv_restore_get_outcome (restore, &outcome->counts, &outcome->error)
                 == (outcome->error == NULL));
}

static void
put (KvStore *store, const char *key, const char *value, gint64 ttl)
{
  g_assert_cmpuint (kv_store_put (store, key, value, ttl, NULL), >, 0);
}

static void
assert_value (KvStore *store, const char *key, const char *expected)
{
  g_autofree char *value = kv_store_get (store, key, NULL);

  g_assert_cmpstr (value, ==, expected);
}

/* Returns: (transfer full): a dump of these lines */
static char *
make_dump (const char *lines, guint entries)
{
  return g_strdup_printf ("{\"kvstore\":\"dump\",\"version\":1}\n%s{\"end\":true,\"entries\":%u}\n",
                          lines, entries);
}

static void
restore_text (KvStore *store,
              const char *text,
              KvRestoreMode mode,
              gboolean dry_run,
              Outcome *outcome)
{
  const KvRestoreOptions options = { mode, dry_run, MAX_VALUE };
  g_autoptr (KvRestore) restore = kv_restore_new (store, &options, on_over, outcome);
  gsize length = strlen (text);

  for (gsize i = 0; i < length && outcome->error == NULL; i += 1000)
    kv_restore_feed (restore, text + i, MIN (1000, length - i), &outcome->error);
  if (outcome->error != NULL)
    return;
  kv_restore_finish (restore);
  while (!outcome->called)
    g_main_context_iteration (NULL, TRUE);
  outcome->entries = kv_restore_get_entries (restore);
}

static void
assert_restored (KvStore *store,
                 const char *text,
                 KvRestoreMode mode,
                 gboolean dry_run,
                 const KvRestoreCounts *expected)
{
  Outcome outcome = { 0 };

  restore_text (store, text, mode, dry_run, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (outcome.counts.created, ==, expected->created);
  g_assert_cmpuint (outcome.counts.replaced, ==, expected->replaced);
  g_assert_cmpuint (outcome.counts.unchanged, ==, expected->unchanged);
  g_assert_cmpuint (outcome.counts.deleted, ==, expected->deleted);
  g_assert_cmpuint (outcome.counts.expired, ==, expected->expired);
  /* What is deleted is none of the dump's. */
  g_assert_cmpuint (outcome.entries, ==,
                    expected->created + expected->replaced + expected->unchanged
                      + expected->expired);
}

#define LINES                                                                                      \
  "{\"key\":\"new\",\"value\":\"1\"}\n"                                                            \
  "{\"key\":\"same\",\"value\":\"2\"}\n"                                                           \
  "{\"key\":\"other\",\"value\":\"3\"}\n"                                                          \
  "{\"key\":\"late\",\"value\":\"4\",\"expires_at\":\"2020-01-02T03:04:05Z\"}\n"                   \
  "{\"key\":\"timed\",\"value\":\"5\",\"expires_at\":\"2100-01-02T03:04:05Z\"}\n"

static KvStore *
make_store (void)
{
  KvStore *store = kv_store_new ();

  put (store, "same", "2", -1);
  put (store, "other", "old", -1);
  put (store, "late", "old", -1);
  put (store, "alone", "old", -1);
  return store;
}

static void
test_merge (void)
{
  g_autoptr (KvStore) store = make_store ();
  g_autofree char *dump = make_dump (LINES, 5);
  const KvRestoreCounts first = { .created = 2, .replaced = 1, .unchanged = 1, .expired = 1 };
  const KvRestoreCounts second = { .unchanged = 4, .expired = 1 };
  g_autoptr (KvEntry) timed = NULL;
  guint64 revision;

  assert_restored (store, dump, KV_RESTORE_MERGE, FALSE, &first);
  assert_value (store, "new", "1");
  assert_value (store, "same", "2");
  assert_value (store, "other", "3");
  assert_value (store, "late", "old");
  assert_value (store, "alone", "old");
  timed = kv_store_lookup (store, "timed", -1);
  g_assert_cmpint (kv_entry_get_deadline (timed), !=, KV_NO_DEADLINE);

  revision = kv_store_get_revision (store);
  assert_restored (store, dump, KV_RESTORE_MERGE, FALSE, &second);
  g_assert_cmpuint (kv_store_get_revision (store), ==, revision);
}

static void
test_deadline_is_a_difference (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *dump = make_dump (LINES, 5);
  const KvRestoreCounts counts = { .created = 3, .replaced = 1, .expired = 1 };
  g_autoptr (KvEntry) entry = NULL;

  put (store, "same", "2", G_TIME_SPAN_HOUR);
  assert_restored (store, dump, KV_RESTORE_MERGE, FALSE, &counts);
  entry = kv_store_lookup (store, "same", -1);
  g_assert_cmpint (kv_entry_get_deadline (entry), ==, KV_NO_DEADLINE);
}

static void
test_replace (void)
{
  g_autoptr (KvStore) store = make_store ();
  g_autofree char *dump = make_dump (LINES, 5);
  const KvRestoreCounts counts = { .created = 2, .replaced = 2, .deleted = 2, .expired = 1 };

  assert_restored (store, dump, KV_RESTORE_REPLACE, FALSE, &counts);
  g_assert_cmpuint (kv_store_count (store), ==, 4);
  assert_value (store, "new", "1");
  assert_value (store, "same", "2");
  assert_value (store, "other", "3");
  assert_value (store, "late", NULL);
  assert_value (store, "alone", NULL);
}

static void
test_dry_run_changes_nothing (void)
{
  g_autoptr (KvStore) store = make_store ();
  g_autofree char *dump = make_dump (LINES, 5);
  const KvRestoreCounts merge = { .created = 2, .replaced = 1, .unchanged = 1, .expired = 1 };
  const KvRestoreCounts replace = { .created = 2, .replaced = 2, .deleted = 2, .expired = 1 };
  guint64 revision = kv_store_get_revision (store);

  assert_restored (store, dump, KV_RESTORE_MERGE, TRUE, &merge);
  assert_restored (store, dump, KV_RESTORE_REPLACE, TRUE, &replace);
  g_assert_cmpuint (kv_store_get_revision (store), ==, revision);
}

/* More than fits into the batches under way, and into a turn of the sweep. */
static void
test_large (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvStore) other = kv_store_new ();
  g_autoptr (KvDumpWriter) writer = NULL;
  GString *dump = g_string_new (NULL);
  const KvRestoreCounts first = { .created = 20000, .deleted = 10000 };
  const KvRestoreCounts second = { .unchanged = 20000 };

  for (guint i = 0; i < 20000; i++)
    {
      g_autofree char *key = g_strdup_printf ("key%u", i);
      g_autofree char *old = g_strdup_printf ("old%u", i);

      put (store, key, "value", i % 2 ? -1 : G_TIME_SPAN_HOUR);
      if (i % 2)
        put (other, old, "value", -1);
    }
  writer = kv_dump_writer_new (kv_snapshot_new (store));
  while (kv_dump_writer_write (writer, dump, 100000))
    ;
  assert_restored (other, dump->str, KV_RESTORE_REPLACE, FALSE, &first);
  g_assert_cmpuint (kv_store_count (other), ==, 20000);
  assert_restored (other, dump->str, KV_RESTORE_MERGE, FALSE, &second);
  g_string_free (dump, TRUE);
}

typedef struct {
  guint64 revision; /* of what was deleted last */
  guint deleted;
} Deletions;

static void
on_deleted (KvStore *store, KvChange *change, gpointer user_data)
{
  Deletions *deletions = user_data;
  guint64 revision;

  if (change->kind != KV_CHANGE_DELETE)
    return;
  revision = kv_entry_get_revision (change->previous);
  g_assert_cmpuint (revision, >, deletions->revision);
  deletions->revision = revision;
  deletions->deleted++;
}

/* A journal has less to do for what lies together. */
static void
test_replace_deletes_in_order (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *dump = make_dump (LINES, 5);
  const KvRestoreCounts counts = { .created = 4, .deleted = 6000, .expired = 1 };
  Deletions deletions = { 0 };

  for (guint i = 0; i < 9000; i++)
    {
      g_autofree char *key = g_strdup_printf ("key%u", i * 7919 % 6000);

      put (store, key, "value", -1);
    }
  g_signal_connect (store, "changed", G_CALLBACK (on_deleted), &deletions);
  assert_restored (store, dump, KV_RESTORE_REPLACE, FALSE, &counts);
  while (deletions.deleted < 6000)
    g_main_context_iteration (NULL, TRUE);
}

/* What others write after it began stays, whether the dump has it or not. */
static void
test_replace_leaves_what_others_write (void)
{
  g_autoptr (KvStore) store = make_store ();
  g_autofree char *dump = make_dump (LINES, 5);
  const KvRestoreOptions options = { KV_RESTORE_REPLACE, FALSE, MAX_VALUE };
  Outcome outcome = { 0 };
  g_autoptr (KvRestore) restore = kv_restore_new (store, &options, on_over, &outcome);

  put (store, "alone", "mine", -1);
  put (store, "fresh", "mine", -1);
  g_assert_cmpint (kv_restore_feed (restore, dump, strlen (dump), NULL), ==, KV_RESTORE_READY);
  kv_restore_finish (restore);
  while (!outcome.called)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (outcome.counts.deleted, ==, 1);
  assert_value (store, "alone", "mine");
  assert_value (store, "fresh", "mine");
  assert_value (store, "late", NULL);
}

static void
test_failure_deletes_nothing (void)
{
  g_autoptr (KvStore) store = make_store ();
  Outcome outcome = { 0 };

  restore_text (store, "{\"kvstore\":\"dump\",\"version\":1}\n" LINES, KV_RESTORE_REPLACE, FALSE,
                &outcome);
  g_assert_error (outcome.error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
  g_assert_true (g_str_has_prefix (outcome.error->message, "The dump is not whole"));
  g_clear_error (&outcome.error);
  assert_value (store, "alone", "old");
  assert_value (store, "late", "old");
}

static void
test_failure_tells_the_line (void)
{
  g_autoptr (KvStore) store = make_store ();
  Outcome outcome = { 0 };

  restore_text (store, "{\"kvstore\":\"dump\",\"version\":1}\n{}\n", KV_RESTORE_MERGE, FALSE,
                &outcome);
  g_assert_error (outcome.error, KV_ERROR, KV_ERROR_UNPROCESSABLE);
  g_assert_true (g_str_has_prefix (outcome.error->message, "Line 2: "));
  g_assert_false (outcome.called);
  g_clear_error (&outcome.error);
}

static void
test_may_be_freed_at_any_time (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *dump = make_dump (LINES, 5);
  const KvRestoreOptions options = { KV_RESTORE_REPLACE, FALSE, MAX_VALUE };

  for (gsize length = 0; length <= strlen (dump); length++)
    {
      Outcome outcome = { 0 };
      KvRestore *restore = kv_restore_new (store, &options, on_over, &outcome);

      kv_restore_feed (restore, dump, length, NULL);
      kv_restore_free (restore);
      g_assert_false (outcome.called);
    }
  /* In the middle of deleting. */
  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *key = g_strdup_printf ("key%u", i);

      put (store, key, "value", -1);
    }
  {
    Outcome outcome = { 0 };
    KvRestore *restore = kv_restore_new (store, &options, on_over, &outcome);

    kv_restore_feed (restore, dump, strlen (dump), NULL);
    kv_restore_finish (restore);
    g_assert_false (outcome.called);
    kv_restore_free (restore);
    while (g_main_context_iteration (NULL, FALSE))
      ;
    g_assert_false (outcome.called);
  }
}

/* A store that answers late, as one does that waits for a disk. The linker has the restore's calls come here (--wrap), as a store in memory
 * answers at once. */
static struct {
  gboolean late;
  gboolean failing;
  GQueue queue; /* (element-type Submitted) */
  guint most;   /* that were in the queue at a time */
} slow;

typedef struct {
  KvStore *store;
  KvOperation *operations;
  guint length;
  KvSubmitFunc func;
  gpointer user_data;
} Submitted;

void __real_kv_store_submit (KvStore *store,
                             KvOperation *operations,
                             guint length,
                             gboolean atomic,
                             KvSubmitFunc func,
                             gpointer user_data);

void __wrap_kv_store_submit (KvStore *store,
                             KvOperation *operations,
                             guint length,
                             gboolean atomic,
                             KvSubmitFunc func,
                             gpointer user_data);

static gboolean
answer_one (gpointer unused)
{
  Submitted *submitted = g_queue_pop_head (&slow.queue);
  g_autoptr (GError) unavailable =
    g_error_new_literal (KV_ERROR, KV_ERROR_UNAVAILABLE, "The disk is full");

  if (slow.failing)
    {
      for (guint i = 0; i < submitted->length; i++)
        kv_operation_clear (&submitted->operations[i]);
      submitted->func (submitted->store, NULL, 0, FALSE, unavailable, submitted->user_data);
    }
  else
    __real_kv_store_submit (submitted->store, submitted->operations, submitted->length, FALSE,
                            submitted->func, submitted->user_data);
  g_free (submitted->operations);
  g_free (submitted);
  return G_SOURCE_REMOVE;
}

void
__wrap_kv_store_submit (KvStore *store,
                        KvOperation *operations,
                        guint length,
                        gboolean atomic,
                        KvSubmitFunc func,
                        gpointer user_data)
{
  Submitted *submitted;

  if (!slow.late)
    {
      __real_kv_store_submit (store, operations, length, atomic, func, user_data);
      return;
    }
  submitted = g_new (Submitted, 1);
  *submitted = (Submitted){ store, g_memdup2 (operations, length * sizeof *operations), length,
                            func, user_data };
  for (guint i = 0; i < length; i++)
    operations[i].draft = NULL;
  g_queue_push_tail (&slow.queue, submitted);
  slow.most = MAX (slow.most, slow.queue.length);
  g_idle_add (answer_one, NULL);
}

static GString *
make_large_dump (guint entries)
{
  GString *dump = g_string_new ("{\"kvstore\":\"dump\",\"version\":1}\n");

  for (guint i = 0; i < entries; i++)
    g_string_append_printf (dump, "{\"key\":\"key%u\",\"value\":\"value\"}\n", i);
  g_string_append_printf (dump, "{\"end\":true,\"entries\":%u}\n", entries);
  return dump;
}

typedef struct {
  gboolean ready;
  Outcome outcome;
} Progress;

static void
on_progress (KvRestore *restore, gpointer user_data)
{
  ((Progress *) user_data)->ready = TRUE;
}

/* Feeds the restore whenever it is ready. Returns how often it was full. */
static guint
feed_slowly (KvRestore *restore, Progress *progress, const GString *dump, GError **error)
{
  guint full = 0;

  for (gsize i = 0; i < dump->len; i += 1000)
    {
      switch (kv_restore_feed (restore, dump->str + i, MIN (1000, dump->len - i), error))
        {
        case KV_RESTORE_READY:
          break;
        case KV_RESTORE_FULL:
          full++;
          for (progress->ready = FALSE; !progress->ready;)
            g_main_context_iteration (NULL, TRUE);
          break;
        case KV_RESTORE_FAILED:
          return full;
        }
    }
  progress->ready = FALSE;
  kv_restore_finish (restore);
  while (!progress->ready)
    g_main_context_iteration (NULL, TRUE);
  kv_restore_get_outcome (restore, &progress->outcome.counts, error);
  return full;
}

static void
test_slow_store_holds_it_up (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  GString *dump = make_large_dump (20000);
  const KvRestoreOptions options = { KV_RESTORE_REPLACE, FALSE, MAX_VALUE };
  Progress progress = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (KvRestore) restore = NULL;

  for (guint i = 10000; i < 30000; i++)
    {
      g_autofree char *key = g_strdup_printf ("key%u", i);

      put (store, key, "old", -1);
    }
  restore = kv_restore_new (store, &options, on_progress, &progress);
  slow.late = TRUE;
  slow.most = 0;
  g_assert_cmpuint (feed_slowly (restore, &progress, dump, &error), >, 5);
  slow.late = FALSE;
  g_assert_no_error (error);
  g_assert_cmpuint (slow.most, <, 20);
  g_assert_cmpuint (progress.outcome.counts.created, ==, 10000);
  g_assert_cmpuint (progress.outcome.counts.replaced, ==, 10000);
  g_assert_cmpuint (progress.outcome.counts.deleted, ==, 10000);
  g_assert_cmpuint (kv_store_count (store), ==, 20000);
  g_string_free (dump, TRUE);
}

static void
test_failing_store_ends_it (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  GString *dump = make_large_dump (20000);
  GString *small = make_large_dump (1);
  const KvRestoreOptions options = { KV_RESTORE_REPLACE, FALSE, MAX_VALUE };

  put (store, "old", "old", -1);
  slow.late = slow.failing = TRUE;
  for (guint i = 0; i < 2; i++)
    {
      Progress progress = { 0 };
      g_autoptr (GError) error = NULL;
      g_autoptr (KvRestore) restore = kv_restore_new (store, &options, on_progress, &progress);

      /* In the middle, and when all has come. */
      feed_slowly (restore, &progress, i == 0 ? dump : small, &error);
      g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  slow.late = slow.failing = FALSE;
  g_assert_cmpuint (kv_store_count (store), ==, 1);
  g_string_free (dump, TRUE);
  g_string_free (small, TRUE);
}

static void
test_outlives_its_owner (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  GString *dump = make_large_dump (1000);
  const KvRestoreOptions options = { KV_RESTORE_REPLACE, FALSE, MAX_VALUE };
  Outcome outcome = { 0 };
  KvRestore *restore = kv_restore_new (store, &options, on_over, &outcome);

  slow.late = TRUE;
  kv_restore_feed (restore, dump->str, dump->len, NULL);
  kv_restore_finish (restore);
  kv_restore_free (restore);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  slow.late = FALSE;
  g_assert_false (outcome.called);
  g_assert_cmpuint (kv_store_count (store), ==, 1000);
  g_string_free (dump, TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/backup/restore/" path, func)
  TEST ("merge-leaves-other-keys", test_merge);
  TEST ("deadline-is-a-difference", test_deadline_is_a_difference);
  TEST ("replace-deletes-other-keys", test_replace);
  TEST ("replace-deletes-in-order", test_replace_deletes_in_order);
  TEST ("dry-run-changes-nothing", test_dry_run_changes_nothing);
  TEST ("large", test_large);
  TEST ("replace-leaves-what-others-write", test_replace_leaves_what_others_write);
  TEST ("failure-deletes-nothing", test_failure_deletes_nothing);
  TEST ("failure-tells-the-line", test_failure_tells_the_line);
  TEST ("slow-store-holds-it-up", test_slow_store_holds_it_up);
  TEST ("failing-store-ends-it", test_failing_store_ends_it);
  TEST ("batches-outlive-their-owner", test_outlives_its_owner);
  TEST ("may-be-freed-at-any-time", test_may_be_freed_at_any_time);
  return g_test_run ();
}
