/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Listings while others write, and while the index is being made. Run plainly, and under ThreadSanitizer. */

#include "core/kv-hash.h"
#include "store/kv-listing.h"
#include "store/kv-store-list.h"

#include <stdlib.h>
#include <string.h>

/* More than a store that has its index made on the spot. */
#define STAYING 4000

/* In microseconds. */
#define LONGEST_TTL 2000

/* Keys that stay, and beside each of them one that comes and goes. */
static void
format_key (char key[32], guint number, gboolean stays)
{
  g_snprintf (key, 32, "%02u/%06u%s", number % 40, number, stays ? "" : "-goes");
}

static KvStore *
make_store (void)
{
  KvStore *store = kv_store_new ();

  for (guint i = 0; i < STAYING; i++)
    {
      char key[32];

      format_key (key, i * 7919 % STAYING, TRUE);
      g_assert_cmpuint (kv_store_put (store, key, "stays", -1, NULL), >, 0);
    }
  return store;
}

typedef struct {
  KvStore *store;
  gint stop; /* atomic */
} Storm;

/* Creates, replaces, deletes, and has keys expire; leaves those that stay where they are. */
static gpointer
write_storm (gpointer data)
{
  Storm *storm = data;
  g_autoptr (GRand) random = g_rand_new ();

  while (!g_atomic_int_get (&storm->stop))
    {
      char key[32];
      guint number = (guint) g_rand_int_range (random, 0, STAYING);

      format_key (key, number, FALSE);
      switch (g_rand_int_range (random, 0, 4))
        {
        case 0:
          kv_store_put (storm->store, key, "goes", g_rand_int_range (random, 0, LONGEST_TTL), NULL);
          break;
        case 1:
          kv_store_delete (storm->store, key, NULL);
          break;
        case 2:
          format_key (key, number, TRUE);
          kv_store_put (storm->store, key, "stays", -1, NULL);
          break;
        default:
          kv_store_put (storm->store, key, "goes", -1, NULL);
          break;
        }
    }
  return NULL;
}

/* Goes through all pages: in order, nothing twice, and all that stays. */
static void
assert_whole_listing (KvStore *store, guint limit, KvListContent content)
{
  g_autofree char *cursor = NULL;
  g_autofree char *last = g_strdup ("");
  guint staying = 0;

  do
    {
      g_autoptr (KvPage) page = kv_store_list (store, NULL, NULL, cursor, limit, content, NULL);

      for (guint i = 0; i < kv_page_get_length (page); i++)
        {
          const char *name = kv_page_get_name (page, i, NULL);
          KvEntry *entry = kv_page_get_entry (page, i);

          g_assert_cmpstr (last, <, name);
          g_free (last);
          last = g_strdup (name);
          staying += !g_str_has_suffix (name, "-goes");
          if (entry != NULL)
            {
              g_assert_cmpuint (kv_entry_get_revision (entry), <=, kv_page_get_revision (page));
              g_assert_cmpint (strcmp (kv_entry_get_value (entry, NULL), "stays") == 0, ==,
                               !g_str_has_suffix (name, "-goes"));
            }
        }
      g_free (cursor);
      cursor = g_strdup (kv_page_get_cursor (page));
    }
  while (cursor != NULL);
  g_assert_cmpuint (staying, ==, STAYING);
}

static void
assert_folders (KvStore *store)
{
  g_autoptr (KvPage) page = kv_store_list (store, NULL, "/", NULL, 100, KV_LIST_KEYS, NULL);

  g_assert_cmpuint (kv_page_get_length (page), ==, 40);
  for (guint i = 0; i < 40; i++)
    {
      char folder[8];

      g_snprintf (folder, sizeof folder, "%02u/", i);
      g_assert_cmpstr (kv_page_get_name (page, i, NULL), ==, folder);
      g_assert_true (kv_page_is_folder (page, i));
    }
}

/* When all is quiet, the index is what the table is. */
static void
assert_follows_the_table (KvStore *store)
{
  g_autofree char *cursor = NULL;
  guint64 listed = 0, count;

  do
    {
      g_autoptr (KvPage) page = kv_store_list (store, NULL, NULL, cursor, 1000, KV_LIST_KEYS, NULL);

      for (guint i = 0; i < kv_page_get_length (page); i++)
        {
          g_autoptr (KvEntry) entry = kv_store_lookup (store, kv_page_get_name (page, i, NULL), -1);

          g_assert_nonnull (entry);
        }
      listed += kv_page_get_length (page);
      g_free (cursor);
      cursor = g_strdup (kv_page_get_cursor (page));
    }
  while (cursor != NULL);
  g_assert_true (kv_store_count_prefix (store, NULL, &count, NULL));
  g_assert_cmpuint (count, ==, listed);
  g_assert_cmpuint (count, ==, kv_store_count (store));
}

static gpointer
list_storm (gpointer data)
{
  Storm *storm = data;

  for (guint i = 0; i < 4; i++)
    {
      assert_whole_listing (storm->store, i % 2 == 0 ? 100 : 1000,
                            i < 2 ? KV_LIST_VALUES : KV_LIST_KEYS);
      assert_folders (storm->store);
    }
  return NULL;
}

#define WRITERS 2
#define LISTERS 3

/* Listers begin while there is no index, so all of them wait for one that is made while others write. */
static void
test_in_a_storm (void)
{
  for (guint round = 0; round < 5; round++)
    {
      g_autoptr (KvStore) store = make_store ();
      Storm storm = { .store = store };
      GThread *writers[WRITERS], *listers[LISTERS];
      gint64 over;

      for (guint i = 0; i < WRITERS; i++)
        writers[i] = g_thread_new ("writer", write_storm, &storm);
      for (guint i = 0; i < LISTERS; i++)
        listers[i] = g_thread_new ("lister", list_storm, &storm);
      for (guint i = 0; i < LISTERS; i++)
        g_thread_join (listers[i]);
      g_atomic_int_set (&storm.stop, TRUE);
      for (guint i = 0; i < WRITERS; i++)
        g_thread_join (writers[i]);

      over = kv_clock_deadline_after (LONGEST_TTL);
      while (kv_clock_now () <= over)
        g_thread_yield ();
      assert_follows_the_table (store);
    }
}

/* The maker looks at entries that are replaced meanwhile, and of which the log lets go soon, for one that is larger than it is: they have to
 * be there still. AddressSanitizer tells when they are not. All are in one stripe, so that it takes its time. */
#define CROWD 30000
#define REPLACED 1000
#define LARGE (17 * 1024 * 1024)

typedef struct {
  Storm storm;
  GPtrArray *keys; /* (owned) (element-type utf8) */
} Crowd;

static void
gather (Crowd *crowd)
{
  crowd->storm.store = kv_store_new ();
  crowd->keys = g_ptr_array_new_with_free_func (g_free);
  for (guint number = 0; crowd->keys->len < CROWD; number++)
    {
      char key[32];
      gsize length = (gsize) g_snprintf (key, sizeof key, "%u", number);

      if (kv_key_hash (key, length) >> 26 != 40)
        continue;
      g_ptr_array_add (crowd->keys, g_strdup (key));
      kv_store_put (crowd->storm.store, key, "small", -1, NULL);
    }
}

static gpointer
replace_storm (gpointer data)
{
  Crowd *crowd = data;
  g_autoptr (GRand) random = g_rand_new ();
  g_autofree char *large = g_strnfill (LARGE, 'v');

  while (!g_atomic_int_get (&crowd->storm.stop))
    {
      for (guint i = 0; i < REPLACED; i++)
        {
          const char *key = crowd->keys->pdata[g_rand_int_range (random, 0, CROWD)];

          kv_store_delete (crowd->storm.store, key, NULL);
          kv_store_put (crowd->storm.store, key, "small", -1, NULL);
        }
      kv_store_put (crowd->storm.store, "large", large, -1, NULL);
    }
  return NULL;
}

static void
test_entries_are_replaced (void)
{
  Crowd crowd = { 0 };
  GThread *writer;
  guint64 count;

  gather (&crowd);
  writer = g_thread_new ("writer", replace_storm, &crowd);
  while (kv_store_count (crowd.storm.store) < CROWD + 1)
    g_thread_yield ();
  g_assert_true (kv_store_count_prefix (crowd.storm.store, NULL, &count, NULL));
  g_assert_cmpuint (count, >=, CROWD);
  g_assert_cmpuint (count, <=, CROWD + 1);
  g_atomic_int_set (&crowd.storm.stop, TRUE);
  g_thread_join (writer);
  g_ptr_array_unref (crowd.keys);
  g_object_unref (crowd.storm.store);
}

/* One who asks from a main context is answered there, and only when it runs. */
typedef struct {
  GThread *thread;
  guint answers;
  guint expected;
  GMainLoop *loop;
} Asking;

static void
on_page (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asking *asking = user_data;
  g_autoptr (KvPage) page = kv_store_list_finish (KV_STORE (source), result, NULL);

  g_assert_true (g_thread_self () == asking->thread);
  g_assert_cmpuint (kv_page_get_length (page), ==, 10);
  if (++asking->answers == asking->expected)
    g_main_loop_quit (asking->loop);
}

static void
on_count (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asking *asking = user_data;
  guint64 count;

  g_assert_true (g_thread_self () == asking->thread);
  g_assert_true (kv_store_count_prefix_finish (KV_STORE (source), result, &count, NULL));
  g_assert_cmpuint (count, ==, STAYING);
  if (++asking->answers == asking->expected)
    g_main_loop_quit (asking->loop);
}

static gpointer
ask_in_context (gpointer data)
{
  g_autoptr (KvStore) store = g_object_ref (data);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  Asking asking = { g_thread_self (), 0, 21, loop };

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < 20; i++)
    kv_store_list_async (store, NULL, NULL, NULL, 10, KV_LIST_ENTRIES, NULL, on_page, &asking);
  kv_store_count_prefix_async (store, NULL, NULL, on_count, &asking);
  g_assert_cmpuint (asking.answers, ==, 0);
  g_main_loop_run (loop);
  g_assert_cmpuint (asking.answers, ==, 21);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_answers_where_asked (void)
{
  g_autoptr (KvStore) store = make_store ();
  GThread *threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("asker", ask_in_context, store);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
on_cancelled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (kv_store_list_finish (KV_STORE (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *(gboolean *) user_data = TRUE;
}

static void
test_cancelled (void)
{
  g_autoptr (KvStore) store = make_store ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gboolean done = FALSE;

  kv_store_list_async (store, NULL, NULL, NULL, 10, KV_LIST_KEYS, cancellable, on_cancelled, &done);
  g_cancellable_cancel (cancellable);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

/* The store is let go of while its index is being made; who has asked is answered all the same, and then it is gone. */
static void
on_last_page (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (KvPage) page = kv_store_list_finish (KV_STORE (source), result, NULL);

  g_assert_nonnull (page);
  *(gboolean *) user_data = TRUE;
}

static void
test_let_go (void)
{
  for (guint i = 0; i < 20; i++)
    {
      KvStore *store = make_store ();
      gboolean done = FALSE;

      g_object_add_weak_pointer (G_OBJECT (store), (gpointer *) &store);
      kv_store_list_async (store, NULL, NULL, NULL, 10, KV_LIST_KEYS, NULL, on_last_page, &done);
      g_object_unref (store);
      while (!done || g_main_context_pending (NULL))
        g_main_context_iteration (NULL, TRUE);
      g_assert_null (store);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/store/listing/threads/" path, func)
  TEST ("whole-in-a-storm", test_in_a_storm);
  TEST ("whole-while-entries-are-replaced", test_entries_are_replaced);
  TEST ("answers-where-it-was-asked", test_answers_where_asked);
  TEST ("may-be-cancelled", test_cancelled);
  TEST ("store-may-go-meanwhile", test_let_go);
  return g_test_run ();
}
