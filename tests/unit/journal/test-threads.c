/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The journal and its writers, readers and watchers in threads of their own. Run plainly, and under ThreadSanitizer. */

#include "core/kv-error.h"
#include "opened.h"
#include "store/kv-watch.h"

#include <stdlib.h>
#include <string.h>

#define WRITERS 4
#define ROUNDS 300

typedef struct {
  Opened opened;
  gint submitted; /* atomic */
  gint answered;  /* atomic */
  gint stop;      /* atomic */
} Fixture;

static gpointer
increment (gpointer data)
{
  Fixture *fixture = data;

  for (guint i = 0; i < ROUNDS; i++)
    g_assert_cmpuint (kv_store_increment (fixture->opened.store, "n", 1, NULL, NULL), >, 0);
  return NULL;
}

static void
on_answer (KvStore *store,
           KvResult *results,
           guint length,
           gboolean committed,
           const GError *error,
           gpointer user_data)
{
  g_assert_no_error (error);
  g_atomic_int_inc (&((Fixture *) user_data)->answered);
}

/* Submits in bursts, and runs its own context for the answers. */
static gpointer
submit (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < ROUNDS; i++)
    {
      KvOperation operation;
      char key[16];

      g_snprintf (key, sizeof key, "k%u", i % 17);
      kv_operation_init_put (&operation, key, -1, "value", -1,
                             i % 5 == 0 ? kv_clock_deadline_after (1000) : KV_NO_DEADLINE, NULL);
      g_atomic_int_inc (&fixture->submitted);
      kv_store_submit (fixture->opened.store, &operation, 1, FALSE, on_answer, fixture);
      if (i % 16 == 15)
        g_main_context_iteration (context, FALSE);
    }
  while (!g_atomic_int_get (&fixture->stop))
    {
      g_main_context_iteration (context, FALSE);
      g_usleep (100);
    }
  g_main_context_pop_thread_default (context);
  return NULL;
}

static gpointer
read_counter (gpointer data)
{
  Fixture *fixture = data;
  gint64 last = 0;

  while (!g_atomic_int_get (&fixture->stop))
    {
      g_autofree char *value = kv_store_get (fixture->opened.store, "n", NULL);
      gint64 now = value != NULL ? g_ascii_strtoll (value, NULL, 10) : 0;

      g_assert_cmpint (now, >=, last);
      last = now;
    }
  return NULL;
}

static void
count_change (KvWatch *watch, gpointer user_data)
{
  guint *seen = user_data;
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    {
      if (event.type == KV_WATCH_CHANGE)
        g_assert_cmpuint (strtoul (kv_entry_get_value (event.change.entry, NULL), NULL, 10), ==,
                          ++*seen);
      else if (event.type == KV_WATCH_SNAPSHOT && event.entry != NULL)
        *seen = (guint) strtoul (kv_entry_get_value (event.entry, NULL), NULL, 10);
      kv_watch_event_clear (&event);
    }
}

static void
run_all (KvDurability durability)
{
  const char *keys[] = { "n", NULL };
  Fixture fixture = { 0 };
  GThread *writers[WRITERS], *submitters[2], *reader;
  g_autofree char *value = NULL;
  guint seen = 0;
  KvWatch *watch;

  opened_set_up (&fixture.opened);
  opened_open (&fixture.opened, durability);
  watch =
    kv_watch_new (fixture.opened.store, keys, NULL, KV_WATCH_FROM_NOW, count_change, &seen, NULL);
  for (guint i = 0; i < WRITERS; i++)
    writers[i] = g_thread_new ("writer", increment, &fixture);
  for (guint i = 0; i < 2; i++)
    submitters[i] = g_thread_new ("submitter", submit, &fixture);
  reader = g_thread_new ("reader", read_counter, &fixture);

  while (seen < WRITERS * ROUNDS || g_atomic_int_get (&fixture.answered) < 2 * ROUNDS)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (100);
    }
  g_atomic_int_set (&fixture.stop, TRUE);
  for (guint i = 0; i < WRITERS; i++)
    g_thread_join (writers[i]);
  for (guint i = 0; i < 2; i++)
    g_thread_join (submitters[i]);
  g_thread_join (reader);
  g_assert_cmpint (fixture.answered, ==, fixture.submitted);
  kv_watch_free (watch);
  g_assert_true (opened_close (&fixture.opened));

  opened_open (&fixture.opened, durability);
  value = kv_store_get (fixture.opened.store, "n", NULL);
  g_assert_cmpint (atoi (value), ==, WRITERS * ROUNDS);
  opened_tear_down (&fixture.opened);
}

static void
test_strict (void)
{
  run_all (KV_DURABILITY_STRICT);
}

static void
test_relaxed (void)
{
  run_all (KV_DURABILITY_RELAXED);
}

static gpointer
increment_until_refused (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GError) error = NULL;

  while (kv_store_increment (fixture->opened.store, "n", 1, NULL, &error) > 0)
    g_atomic_int_inc (&fixture->answered);
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  return NULL;
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  kv_journal_close_finish (KV_JOURNAL (source), result, &error);
  g_assert_no_error (error);
  *(gboolean *) user_data = TRUE;
}

/* What is answered while the journal closes is kept, and what is refused is not. */
static void
close_amid_writes (KvDurability durability)
{
  Fixture fixture = { 0 };
  gboolean closed = FALSE;
  GThread *writers[WRITERS];
  g_autofree char *value = NULL;

  opened_set_up (&fixture.opened);
  opened_open (&fixture.opened, durability);
  for (guint i = 0; i < WRITERS; i++)
    writers[i] = g_thread_new ("writer", increment_until_refused, &fixture);
  while (g_atomic_int_get (&fixture.answered) < WRITERS)
    g_usleep (10);
  kv_journal_close_async (fixture.opened.journal, on_closed, &closed);
  while (!closed)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < WRITERS; i++)
    g_thread_join (writers[i]);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&fixture.opened.journal);
  g_assert_finalize_object (fixture.opened.store);

  opened_open (&fixture.opened, durability);
  value = kv_store_get (fixture.opened.store, "n", NULL);
  g_assert_cmpint (atoi (value), ==, g_atomic_int_get (&fixture.answered));
  opened_tear_down (&fixture.opened);
}

static void
test_close_strict (void)
{
  for (guint i = 0; i < 10; i++)
    close_amid_writes (KV_DURABILITY_STRICT);
}

static void
test_close_relaxed (void)
{
  for (guint i = 0; i < 10; i++)
    close_amid_writes (KV_DURABILITY_RELAXED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/journal/threads/strict", test_strict);
  g_test_add_func ("/journal/threads/relaxed", test_relaxed);
  g_test_add_func ("/journal/threads/close/strict", test_close_strict);
  g_test_add_func ("/journal/threads/close/relaxed", test_close_relaxed);
  return g_test_run ();
}
