/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "store/kv-change-log.h"

#define START 100

static void
append (KvChangeLog *log, guint64 revision, const char *key, gsize value_size)
{
  g_autofree char *value = g_strnfill (value_size, 'v');
  KvChange change = { .revision = revision,
                      .kind = KV_CHANGE_PUT,
                      .entry = kv_entry_new (key, -1, value, -1, KV_NO_DEADLINE, NULL) };

  kv_change_log_append (log, &change, 1);
}

static guint
read_some (KvChangeLog *log, guint64 sequence, guint64 *revisions, guint max, gboolean *lost)
{
  g_autofree KvChange *changes = g_new0 (KvChange, max);
  guint n = kv_change_log_read (log, sequence, changes, max, lost);

  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpuint (changes[i].sequence, ==, sequence + i);
      revisions[i] = changes[i].revision;
      kv_change_clear (&changes[i]);
    }
  return n;
}

static void
test_reads_in_order (void)
{
  KvChangeLog *log = kv_change_log_new (START, 1024, 1 << 20);
  guint64 revisions[1000];
  gboolean lost;

  for (guint i = 1; i <= 1000; i++)
    append (log, START + i, "k", 1);
  g_assert_cmpuint (read_some (log, 0, revisions, 1000, &lost), ==, 1000);
  g_assert_false (lost);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpuint (revisions[i], ==, START + 1 + i);
  g_assert_cmpuint (read_some (log, 1000, revisions, 10, &lost), ==, 0);
  g_assert_false (lost);
  kv_change_log_free (log);
}

static void
test_bounded_by_changes (void)
{
  KvChangeLog *log = kv_change_log_new (START, 4, 1 << 20);
  guint64 revisions[8], sequence;
  gboolean lost;

  for (guint i = 1; i <= 10; i++)
    append (log, START + i, "k", 1);
  g_assert_cmpuint (read_some (log, 5, revisions, 8, &lost), ==, 0);
  g_assert_true (lost);
  g_assert_cmpuint (read_some (log, 6, revisions, 8, &lost), ==, 4);
  g_assert_false (lost);
  g_assert_cmpuint (revisions[0], ==, START + 7);

  g_assert_false (kv_change_log_find (log, START + 5, &sequence));
  g_assert_true (kv_change_log_find (log, START + 6, &sequence));
  g_assert_cmpuint (sequence, ==, 6);
  kv_change_log_free (log);
}

static void
test_bounded_by_bytes (void)
{
  KvChangeLog *log = kv_change_log_new (START, 1024, 10000);
  guint64 revisions[8];
  gboolean lost;

  for (guint i = 1; i <= 10; i++)
    append (log, START + i, "k", 3000);
  g_assert_cmpuint (read_some (log, 7, revisions, 8, &lost), ==, 3);
  g_assert_cmpuint (read_some (log, 6, revisions, 8, &lost), ==, 0);
  g_assert_true (lost);

  /* One that alone is over the bound leaves nothing else, and goes with the next. */
  append (log, START + 11, "k", 20000);
  g_assert_cmpuint (read_some (log, 9, revisions, 8, &lost), ==, 0);
  g_assert_true (lost);
  g_assert_cmpuint (read_some (log, 10, revisions, 8, &lost), ==, 1);
  g_assert_false (lost);
  append (log, START + 12, "k", 1);
  g_assert_cmpuint (read_some (log, 10, revisions, 8, &lost), ==, 0);
  g_assert_true (lost);
  g_assert_cmpuint (read_some (log, 11, revisions, 8, &lost), ==, 1);
  kv_change_log_free (log);
}

static void
test_find (void)
{
  KvChangeLog *log = kv_change_log_new (START, 1024, 1 << 20);
  guint64 sequence;

  g_assert_true (kv_change_log_find (log, START, &sequence));
  g_assert_cmpuint (sequence, ==, 0);
  g_assert_false (kv_change_log_find (log, START - 1, &sequence));
  append (log, START + 1, "k", 1);
  append (log, START + 5, "k", 1);
  append (log, START + 5, "l", 1);
  append (log, START + 9, "k", 1);
  g_assert_true (kv_change_log_find (log, START + 1, &sequence));
  g_assert_cmpuint (sequence, ==, 1);
  g_assert_true (kv_change_log_find (log, START + 5, &sequence));
  g_assert_cmpuint (sequence, ==, 3);
  g_assert_true (kv_change_log_find (log, START + 9, &sequence));
  g_assert_cmpuint (sequence, ==, 4);
  kv_change_log_free (log);
}

static void
test_marks_last (void)
{
  KvChangeLog *log = kv_change_log_new (START, 1024, 1 << 20);
  KvChange changes[2] = { { .revision = START + 1 }, { .revision = START + 1 } };
  KvChange read[2];
  gboolean lost;

  for (guint i = 0; i < 2; i++)
    changes[i].entry = kv_entry_new ("k", -1, "v", -1, KV_NO_DEADLINE, NULL);
  kv_change_log_append (log, changes, 2);
  g_assert_cmpuint (kv_change_log_read (log, 0, read, 2, &lost), ==, 2);
  g_assert_false (read[0].last);
  g_assert_true (read[1].last);
  kv_change_clear (&read[0]);
  kv_change_clear (&read[1]);
  kv_change_log_free (log);
}

/* As many as are enough, and to the end of a revision. */
static void
test_reads_whole_revisions (void)
{
  KvChangeLog *log = kv_change_log_new (START, 1024, 1 << 20);
  g_autoptr (GArray) read = g_array_new (FALSE, FALSE, sizeof (KvChange));
  const guint lengths[] = { 1, 300, 1, 2 };
  guint64 revision;
  gboolean lost;

  g_array_set_clear_func (read, (GDestroyNotify) kv_change_clear);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autofree KvChange *changes = g_new0 (KvChange, lengths[i]);

      for (guint j = 0; j < lengths[i]; j++)
        changes[j] = (KvChange){ .revision = START + 1 + i,
                                 .entry = kv_entry_new ("k", -1, "v", -1, KV_NO_DEADLINE, NULL) };
      kv_change_log_append (log, changes, lengths[i]);
    }

  kv_change_log_read_revisions (log, 0, read, 1, &lost);
  g_assert_cmpuint (read->len, ==, 1);
  kv_change_log_read_revisions (log, 0, read, 2, &lost);
  g_assert_cmpuint (read->len, ==, 301);
  kv_change_log_read_revisions (log, 301, read, 2, &lost);
  g_assert_cmpuint (read->len, ==, 3);
  kv_change_log_read_revisions (log, 302, read, 64, &lost);
  g_assert_cmpuint (read->len, ==, 2);
  g_assert_cmpuint (kv_change_log_get_head (log, &revision), ==, 304);
  g_assert_cmpuint (revision, ==, START + 4);
  kv_change_log_read_revisions (log, 304, read, 64, &lost);
  g_assert_cmpuint (read->len, ==, 0);
  g_assert_false (lost);

  for (guint i = 0; i < 1024; i++)
    append (log, START + 5 + i, "k", 1);
  kv_change_log_read_revisions (log, 0, read, 64, &lost);
  g_assert_true (lost);
  g_assert_cmpuint (read->len, ==, 0);
  g_assert_cmpuint (kv_change_log_get_oldest (log), ==, START + 4);
  kv_change_log_free (log);
}

typedef struct {
  KvLogReader reader;
  guint woken;
  gboolean take;
} Reader;

static gboolean
wake (KvLogReader *reader, guint64 sequence)
{
  ((Reader *) (void *) reader)->woken++;
  return ((Reader *) (void *) reader)->take;
}

static void
test_wakes_once (void)
{
  KvChangeLog *log = kv_change_log_new (START, 1024, 1 << 20);
  Reader reader = { .reader.wake = wake, .take = TRUE };

  kv_change_log_add_reader (log, &reader.reader);
  append (log, START + 1, "k", 1);
  g_assert_cmpuint (reader.woken, ==, 0);
  g_assert_false (kv_change_log_arm (log, &reader.reader, 0));
  g_assert_true (kv_change_log_arm (log, &reader.reader, 1));
  append (log, START + 2, "k", 1);
  append (log, START + 3, "k", 1);
  g_assert_cmpuint (reader.woken, ==, 1);

  /* One who left no word is asked again. */
  reader.take = FALSE;
  g_assert_true (kv_change_log_arm (log, &reader.reader, 3));
  append (log, START + 4, "k", 1);
  append (log, START + 5, "k", 1);
  g_assert_cmpuint (reader.woken, ==, 3);

  kv_change_log_remove_reader (log, &reader.reader);
  append (log, START + 6, "k", 1);
  g_assert_cmpuint (reader.woken, ==, 3);
  kv_change_log_free (log);
}

static KvHeldChanges
get_held (KvChangeLog *log)
{
  KvHeldChanges held;

  kv_change_log_get_held (log, &held);
  return held;
}

/* What the keeper needs stays, over the bounds, and goes when it is settled. */
static void
test_kept (void)
{
  KvChangeLog *log = kv_change_log_new (START, 4, 1 << 20);
  guint64 revisions[1000];
  KvChange changes[3];
  gboolean lost;

  kv_change_log_begin_to_keep (log, START, FALSE);
  for (guint i = 1; i <= 1000; i++)
    append (log, START + i, "k", 100);
  g_assert_cmpuint (get_held (log).first, ==, 0);
  g_assert_cmpuint (get_held (log).end, ==, 1000);
  g_assert_cmpuint (get_held (log).bytes, >, 100000);
  g_assert_cmpuint (kv_change_log_get_head (log, NULL), ==, 1000);
  g_assert_cmpuint (read_some (log, 0, revisions, 1000, &lost), ==, 1000);

  g_assert_cmpuint (kv_change_log_read_held (log, 998, changes, 3), ==, 2);
  g_assert_cmpuint (changes[1].revision, ==, START + 1000);
  kv_change_clear (&changes[0]);
  kv_change_clear (&changes[1]);
  kv_change_log_settle (log, 500);
  g_assert_cmpuint (read_some (log, 499, revisions, 10, &lost), ==, 0);
  g_assert_true (lost);
  g_assert_cmpuint (read_some (log, 500, revisions, 1000, &lost), ==, 500);
  kv_change_log_settle (log, 1000);
  g_assert_cmpuint (get_held (log).bytes, ==, 0);
  g_assert_cmpuint (read_some (log, 996, revisions, 10, &lost), ==, 4);
  g_assert_cmpuint (read_some (log, 995, revisions, 10, &lost), ==, 0);
  g_assert_true (lost);
  append (log, START + 1001, "k", 100);
  g_assert_cmpuint (read_some (log, 997, revisions, 10, &lost), ==, 4);
  kv_change_log_free (log);
}

static gboolean
count_wake (KvLogReader *reader, guint64 sequence)
{
  g_assert_cmpuint (sequence, ==, 0);
  return TRUE;
}

static void
test_hidden (void)
{
  KvChangeLog *log = kv_change_log_new (START, 4, 1 << 20);
  KvLogReader reader = { count_wake, FALSE };
  guint64 revisions[16], sequence;
  gboolean lost;

  kv_change_log_begin_to_keep (log, START, TRUE);
  kv_change_log_add_reader (log, &reader);
  for (guint i = 1; i <= 10; i++)
    append (log, START + i, "k", 100);
  g_assert_cmpuint (kv_change_log_get_head (log, NULL), ==, 0);
  g_assert_cmpuint (read_some (log, 0, revisions, 16, &lost), ==, 0);
  g_assert_false (lost);
  g_assert_true (kv_change_log_arm (log, &reader, 0));
  g_assert_true (kv_change_log_find (log, START + 7, &sequence));
  g_assert_cmpuint (sequence, ==, 0);

  /* All that comes into sight at once can be read by one who keeps up, over the bounds or not. */
  kv_change_log_settle (log, 7);
  g_assert_false (reader.armed);
  g_assert_cmpuint (read_some (log, 0, revisions, 16, &lost), ==, 7);

  kv_change_log_withdraw (log);
  g_assert_cmpuint (get_held (log).end, ==, 7);
  g_assert_cmpuint (get_held (log).bytes, ==, 0);
  append (log, START + 11, "k", 100);
  kv_change_log_settle (log, 8);
  g_assert_cmpuint (read_some (log, 7, revisions, 16, &lost), ==, 1);
  g_assert_cmpuint (revisions[0], ==, START + 11);
  kv_change_log_remove_reader (log, &reader);
  kv_change_log_free (log);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/change-log/reads-in-order", test_reads_in_order);
  g_test_add_func ("/store/change-log/is-bounded-by-changes", test_bounded_by_changes);
  g_test_add_func ("/store/change-log/is-bounded-by-bytes", test_bounded_by_bytes);
  g_test_add_func ("/store/change-log/finds-what-comes-after-a-revision", test_find);
  g_test_add_func ("/store/change-log/reads-whole-revisions", test_reads_whole_revisions);
  g_test_add_func ("/store/change-log/marks-the-last-of-a-revision", test_marks_last);
  g_test_add_func ("/store/change-log/wakes-once-for-many", test_wakes_once);
  g_test_add_func ("/store/change-log/kept", test_kept);
  g_test_add_func ("/store/change-log/hidden", test_hidden);
  return g_test_run ();
}
