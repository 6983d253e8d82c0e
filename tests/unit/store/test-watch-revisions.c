/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Where a revision ends for a watch, how far it has come, and after what it can resume. */

#include "store/kv-watch.h"

#include <string.h>

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
on_ready (KvWatch *watch, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static KvWatch *
watch_prefix (KvStore *store, const char *prefix, guint64 since)
{
  static guint calls;
  const char *prefixes[] = { prefix, NULL };

  return kv_watch_new (store, NULL, prefixes, since, on_ready, &calls, NULL);
}

/* Takes all that there is, as "key" or "key." for the last of its revision; snapshots as "=", their end as "END". */
static void
assert_told (KvWatch *watch, const char *expected)
{
  g_autoptr (GString) told = g_string_new (NULL);
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    {
      g_string_append (told, told->len > 0 ? " " : "");
      if (event.type == KV_WATCH_CHANGE)
        g_string_append_printf (told, "%s%s", kv_change_get_key (&event.change, NULL),
                                event.change.last ? "." : "");
      else
        g_string_append (told, event.type == KV_WATCH_SNAPSHOT       ? "="
                               : event.type == KV_WATCH_SNAPSHOT_END ? "END"
                                                                     : "RESET");
      kv_watch_event_clear (&event);
    }
  g_assert_cmpstr (told->str, ==, expected);
}

static void
put_all (KvStore *store, const char *const *keys)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);

  for (guint i = 0; keys[i] != NULL; i++)
    kv_transaction_put (transaction, keys[i], "v", -1, NULL);
  kv_outcome_unref (kv_store_commit (store, transaction, NULL));
}

static void
test_ends_by_filter (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *const keys[] = { "x", "a/1", "x/2", "a/2", "b/1", "a/3", "y", NULL };
  g_autoptr (KvWatch) all = watch_prefix (store, "", KV_WATCH_FROM_NOW);
  g_autoptr (KvWatch) a = watch_prefix (store, "a/", KV_WATCH_FROM_NOW);
  g_autoptr (KvWatch) b = watch_prefix (store, "b/", KV_WATCH_FROM_NOW);
  g_autoptr (KvWatch) none = watch_prefix (store, "none", KV_WATCH_FROM_NOW);

  settle ();
  assert_told (all, "END");
  assert_told (a, "END");
  assert_told (b, "END");
  assert_told (none, "END");
  put_all (store, keys);
  put_all (store, keys + 5);
  settle ();
  assert_told (all, "x a/1 x/2 a/2 b/1 a/3 y. a/3 y.");
  assert_told (a, "a/1 a/2 a/3. a/3.");
  assert_told (b, "b/1.");
  assert_told (none, "");
}

/* What a snapshot has shown is not to come again, and so not what a revision ends with. */
static void
test_ends_without_what_was_shown (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *const keys[] = { "a", "b", NULL };
  guint calls = 0;
  g_autoptr (KvWatch) watch =
    kv_watch_new (store, keys, NULL, KV_WATCH_FROM_NOW, on_ready, &calls, NULL);
  KvWatchEvent event;

  g_assert_true (kv_watch_next (watch, &event));
  g_assert_cmpstr (event.key, ==, "a");
  g_assert_null (event.entry);
  put_all (store, keys);
  g_assert_true (kv_watch_next (watch, &event));
  g_assert_cmpstr (event.key, ==, "b");
  g_assert_nonnull (event.entry);
  kv_watch_event_clear (&event);
  settle ();
  assert_told (watch, "END a.");
}

static void
test_says_whether_it_resumes (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  guint64 oldest, current, last;
  KvWatchEvent event;

  kv_store_get_history (store, &oldest, &current);
  g_assert_cmpuint (oldest, ==, current);
  for (guint i = 0; i < 70000; i++)
    last = kv_store_put (store, "k", "v", -1, NULL);
  kv_store_get_history (store, &oldest, &current);
  g_assert_cmpuint (current, ==, last);
  g_assert_cmpuint (oldest, ==, last - 65536);

  for (guint64 since = oldest - 1; since <= oldest + 1; since++)
    {
      g_autoptr (KvWatch) watch = watch_prefix (store, "", since);

      g_assert_cmpint (kv_watch_resumes (watch), ==, since >= oldest);
      if (since >= oldest)
        continue;
      g_assert_true (kv_watch_next (watch, &event));
      g_assert_cmpint (event.type, ==, KV_WATCH_RESET);
      g_assert_cmpuint (event.oldest, ==, oldest);
      g_assert_cmpuint (event.revision, ==, current);
    }
  for (guint64 since = current; since <= current + 1; since++)
    {
      g_autoptr (KvWatch) watch = watch_prefix (store, "", since);

      g_assert_cmpint (kv_watch_resumes (watch), ==, since == current);
    }
  settle ();
}

static void
test_progress (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvWatch) watch = NULL;
  g_autoptr (KvWatch) other = NULL;
  guint64 origin = kv_store_get_revision (store), first, progress;

  first = kv_store_put (store, "other", "v", -1, NULL);
  watch = watch_prefix (store, "a", KV_WATCH_FROM_NOW);
  g_assert_false (kv_watch_get_progress (watch, &progress));
  assert_told (watch, "END");
  g_assert_true (kv_watch_get_progress (watch, &progress));
  g_assert_cmpuint (progress, ==, first);

  for (guint i = 0; i < 1000; i++)
    kv_store_put (store, "other", "v", -1, NULL);
  settle ();
  assert_told (watch, "");
  g_assert_true (kv_watch_get_progress (watch, &progress));
  g_assert_cmpuint (progress, ==, first + 1000);

  kv_store_put (store, "a", "v", -1, NULL);
  settle ();
  g_assert_false (kv_watch_get_progress (watch, &progress));
  assert_told (watch, "a.");
  g_assert_true (kv_watch_get_progress (watch, &progress));
  g_assert_cmpuint (progress, ==, first + 1001);

  /* A snapshot may be newer than what has been looked at of the log so far. */
  kv_store_put (store, "other", "v", -1, NULL);
  other = watch_prefix (store, "other", KV_WATCH_FROM_NOW);
  assert_told (other, "= END");
  g_assert_true (kv_watch_get_progress (other, &progress));
  g_assert_cmpuint (progress, ==, first + 1002);
  g_clear_pointer (&watch, kv_watch_free);

  watch = watch_prefix (store, "a", origin);
  settle ();
  assert_told (watch, "a.");
  g_assert_true (kv_watch_get_progress (watch, &progress));
  g_assert_cmpuint (progress, ==, first + 1002);
}

/* Random transactions, some longer than what is read in one go, and watches of random filters that read now and then: what each
 * is told, and where its revisions end, is compared with a list of all changes. */

#define N_WATCHES 10

typedef struct {
  guint64 revision;
  char *key;
} Told;

typedef struct {
  KvWatch *watch;
  const char *keys[4];
  const char *prefixes[3];
  guint patience; /* it reads in one of so many rounds */
  guint calls;
  guint read;     /* of the changes that are for it */
  GArray *wanted; /* (element-type guint): the places of these in the list */
} Reader;

typedef struct {
  KvStore *store;
  GArray *changes; /* (element-type Told) */
  Reader readers[N_WATCHES];
} History;

static const char *const all_prefixes[] = { "", "a/", "a/1", "b/", "b/2", "c/" };
static const char *const all_keys[] = { "a/1", "a/17", "b/2", "b/3", "c/199", "d" };

static const Told *
told_at (const History *history, guint index)
{
  return &g_array_index (history->changes, Told, index);
}

static gboolean
is_wanted (const Reader *reader, const char *key)
{
  for (guint i = 0; reader->keys[i] != NULL; i++)
    if (strcmp (reader->keys[i], key) == 0)
      return TRUE;
  for (guint i = 0; reader->prefixes[i] != NULL; i++)
    if (g_str_has_prefix (key, reader->prefixes[i]))
      return TRUE;
  return FALSE;
}

static void
commit_some (History *history, GRand *rand)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  guint length = g_rand_int_range (rand, 0, 10) == 0 ? g_rand_int_range (rand, 60, 300)
                                                     : g_rand_int_range (rand, 1, 5);
  guint first = g_rand_int_range (rand, 0, 300), start = history->changes->len;

  for (guint i = 0; i < length; i++)
    {
      Told told = { .key = first + i == 299 ? g_strdup ("d")
                                            : g_strdup_printf ("%c/%u", 'a' + (first + i) % 3,
                                                               (first + i) % 300) };

      kv_transaction_put (transaction, told.key, "v", -1, NULL);
      g_array_append_val (history->changes, told);
    }
  outcome = kv_store_commit (history->store, transaction, NULL);
  for (guint i = start; i < history->changes->len; i++)
    {
      g_array_index (history->changes, Told, i).revision = kv_outcome_get_revision (outcome);
      for (guint j = 0; j < N_WATCHES; j++)
        if (is_wanted (&history->readers[j], told_at (history, i)->key))
          g_array_append_val (history->readers[j].wanted, i);
    }
}

/* The change of that number which is for the reader. */
static const Told *
wanted_at (const History *history, const Reader *reader, guint number)
{
  return told_at (history, g_array_index (reader->wanted, guint, number));
}

static void
read_all (const History *history, Reader *reader, gboolean is_quiet)
{
  KvWatchEvent event;
  gboolean last = TRUE;
  guint64 progress;

  while (kv_watch_next (reader->watch, &event))
    {
      const Told *told = wanted_at (history, reader, reader->read++);

      g_assert_cmpint (event.type, ==, KV_WATCH_CHANGE);
      g_assert_cmpuint (event.change.revision, ==, told->revision);
      g_assert_cmpstr (kv_change_get_key (&event.change, NULL), ==, told->key);
      last = event.change.last;
      g_assert_cmpint (last, ==,
                       reader->read == reader->wanted->len
                         || wanted_at (history, reader, reader->read)->revision > told->revision);
      kv_watch_event_clear (&event);
    }
  g_assert_true (last);

  g_assert_true (kv_watch_get_progress (reader->watch, &progress));
  if (reader->read > 0)
    g_assert_cmpuint (progress, >=, wanted_at (history, reader, reader->read - 1)->revision);
  if (reader->read < reader->wanted->len)
    g_assert_cmpuint (progress, <, wanted_at (history, reader, reader->read)->revision);
  if (is_quiet)
    {
      g_assert_cmpuint (reader->read, ==, reader->wanted->len);
      g_assert_cmpuint (progress, ==, kv_store_get_revision (history->store));
    }
}

static void
open_reader (History *history, Reader *reader, guint64 since)
{
  reader->watch = kv_watch_new (history->store, reader->keys, reader->prefixes, since, on_ready,
                                &reader->calls, NULL);
  g_assert_true (kv_watch_resumes (reader->watch));
}

static void
set_up_reader (History *history, Reader *reader, GRand *rand)
{
  guint n_keys = g_rand_int_range (rand, 0, G_N_ELEMENTS (reader->keys));
  guint n_prefixes = g_rand_int_range (rand, n_keys == 0, G_N_ELEMENTS (reader->prefixes));

  for (guint i = 0; i < n_keys; i++)
    reader->keys[i] = all_keys[g_rand_int_range (rand, 0, G_N_ELEMENTS (all_keys))];
  for (guint i = 0; i < n_prefixes; i++)
    reader->prefixes[i] = all_prefixes[g_rand_int_range (rand, 0, G_N_ELEMENTS (all_prefixes))];
  reader->patience = g_rand_boolean (rand) ? 1 : 20;
  reader->wanted = g_array_new (FALSE, FALSE, sizeof (guint));
  open_reader (history, reader, kv_store_get_revision (history->store));
}

/* Leaves and comes back, to where it last saw a revision end. */
static void
resume (History *history, Reader *reader)
{
  guint64 progress;

  kv_watch_get_progress (reader->watch, &progress);
  kv_watch_free (reader->watch);
  open_reader (history, reader, progress);
}

static void
clear_told (gpointer told)
{
  g_free (((Told *) told)->key);
}

static void
run_history (guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  History history = { .store = kv_store_new () };

  g_test_message ("history %u", seed);
  history.changes = g_array_new (FALSE, FALSE, sizeof (Told));
  g_array_set_clear_func (history.changes, clear_told);
  for (guint i = 0; i < N_WATCHES; i++)
    set_up_reader (&history, &history.readers[i], rand);

  for (guint round = 0; round < 300; round++)
    {
      Reader *reader = &history.readers[g_rand_int_range (rand, 0, N_WATCHES)];

      for (guint i = g_rand_int_range (rand, 0, 6); i > 0; i--)
        commit_some (&history, rand);
      if (g_rand_boolean (rand))
        g_main_context_iteration (NULL, FALSE);
      if (g_rand_int_range (rand, 0, (gint) reader->patience) == 0)
        {
          read_all (&history, reader, FALSE);
          if (g_rand_int_range (rand, 0, 10) == 0)
            resume (&history, reader);
        }
    }
  settle ();
  for (guint i = 0; i < N_WATCHES; i++)
    {
      read_all (&history, &history.readers[i], TRUE);
      kv_watch_free (history.readers[i].watch);
      g_array_unref (history.readers[i].wanted);
    }
  g_array_unref (history.changes);
  g_object_unref (history.store);
}

static void
test_random_histories (void)
{
  for (guint i = 0; i < (g_test_slow () ? 1000 : 20); i++)
    run_history ((guint32) g_test_rand_int ());
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/watch-revisions/end-where-the-filter-has-them-end", test_ends_by_filter);
  g_test_add_func ("/store/watch-revisions/end-without-what-was-shown",
                   test_ends_without_what_was_shown);
  g_test_add_func ("/store/watch-revisions/watch-says-whether-it-resumes",
                   test_says_whether_it_resumes);
  g_test_add_func ("/store/watch-revisions/quiet-watch-knows-its-progress", test_progress);
  g_test_add_func ("/store/watch-revisions/random-histories", test_random_histories);
  return g_test_run ();
}
