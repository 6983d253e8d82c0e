/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Listings without a door. Each measurement is a process of its own (a mode), prints one line of JSON, and is read by
 * figures/listing.py. */

#include "core/kv-cursor.h"
#include "store/kv-store-list.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE 100

/* Keys in folders of this many, where there are folders. */
#define A_FOLDER 100

static gint64
nanoseconds (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

static guint
random_below (guint32 *state, guint limit)
{
  *state = *state * 1664525 + 1013904223;
  return (guint) (((guint64) *state * limit) >> 32);
}

static int
compare_times (const void *a, const void *b)
{
  return (*(const gint64 *) a > *(const gint64 *) b) - (*(const gint64 *) a < *(const gint64 *) b);
}

static gint64
take_quantile (GArray *times, guint of_thousand)
{
  return g_array_index (times, gint64, (gsize) (times->len - 1) * of_thousand / 1000);
}

static void
format_key (char key[32], guint number, gboolean folders)
{
  if (folders)
    g_snprintf (key, 32, "folder-%06u/%06u", number / A_FOLDER, number % A_FOLDER);
  else
    g_snprintf (key, 32, "key-%09u", number);
}

/* In an order that is none: keys come as they like. */
static KvStore *
make_store (guint keys, gboolean folders)
{
  KvStore *store = kv_store_new ();

  for (guint i = 0; i < keys; i++)
    {
      char key[32];

      format_key (key, (guint) ((guint64) i * 2654435761u % keys), folders);
      kv_store_put (store, key, "01234567890123456789012345678901", -1, NULL);
    }
  if (kv_store_count (store) != keys)
    g_error ("The number of keys has a factor that it must not have");
  return store;
}

static KvPage *
list_from (KvStore *store, guint number, gboolean folders, KvListContent content)
{
  const KvCursorScope scope = { "", 0, folders ? "/" : "", folders ? 1 : 0 };
  KvCursor cursor = { .past_folder = folders };
  g_autofree char *text = NULL;
  KvPage *page;

  if (number > 0)
    {
      format_key (cursor.text, number - (folders ? A_FOLDER : 1), folders);
      cursor.length = folders ? strcspn (cursor.text, "/") + 1 : strlen (cursor.text);
      text = kv_cursor_encode (&cursor, &scope);
    }
  page = kv_store_list (store, NULL, folders ? "/" : NULL, text, PAGE, content, NULL);
  g_assert_cmpuint (kv_page_get_length (page), ==, PAGE);
  return page;
}

/* Prints the median and the 99th percentile of the CPU time of pages that begin in that part of the keys. */
static void
time_pages (KvStore *store,
            const char *name,
            guint first,
            guint n,
            gboolean folders,
            KvListContent content)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  guint32 state = 1;

  for (guint i = 0; i < 2000; i++)
    {
      guint number = first + random_below (&state, n);
      gint64 start = nanoseconds (CLOCK_THREAD_CPUTIME_ID), taken;

      kv_page_unref (
        list_from (store, folders ? number / A_FOLDER * A_FOLDER : number, folders, content));
      taken = nanoseconds (CLOCK_THREAD_CPUTIME_ID) - start;
      g_array_append_val (times, taken);
    }
  g_array_sort (times, compare_times);
  printf (", \"%s_us\": %.2f, \"%s_p99_us\": %.2f", name, take_quantile (times, 500) / 1e3, name,
          take_quantile (times, 990) / 1e3);
}

static gsize
allocated_bytes (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* pages: the first listing, then pages of 100 from the beginning, the middle and the end, and from anywhere. */
static void
bench_pages (guint keys, gboolean folders)
{
  g_autoptr (KvStore) store = make_store (keys, folders);
  gsize before = allocated_bytes ();
  gint64 start = nanoseconds (CLOCK_MONOTONIC), cpu = nanoseconds (CLOCK_PROCESS_CPUTIME_ID);
  guint most = keys - (folders ? (PAGE + 1) * A_FOLDER : PAGE);
  guint64 count;

  kv_page_unref (list_from (store, 0, folders, KV_LIST_KEYS));
  printf ("{\"keys\": %u, \"first_ms\": %.1f, \"first_cpu_ms\": %.1f", keys,
          (nanoseconds (CLOCK_MONOTONIC) - start) / 1e6,
          (nanoseconds (CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6);
  printf (", \"bytes_per_key\": %.2f", (double) (allocated_bytes () - before) / keys);

  time_pages (store, "beginning", 0, 1, folders, KV_LIST_ENTRIES);
  time_pages (store, "middle", keys / 2, 1, folders, KV_LIST_ENTRIES);
  time_pages (store, "end", most - 1, 1, folders, KV_LIST_ENTRIES);
  time_pages (store, "entries", 0, most, folders, KV_LIST_ENTRIES);
  time_pages (store, "values", 0, most, folders, KV_LIST_VALUES);
  time_pages (store, "names", 0, most, folders, KV_LIST_KEYS);

  start = nanoseconds (CLOCK_THREAD_CPUTIME_ID);
  for (guint i = 0; i < 1000; i++)
    {
      char prefix[32];

      format_key (prefix, i * (keys / 1000), folders);
      prefix[folders ? 10 : 7] = '\0';
      kv_store_count_prefix (store, prefix, &count, NULL);
      g_assert_cmpuint (count, >, 0);
    }
  printf (", \"count_us\": %.2f}\n", (nanoseconds (CLOCK_THREAD_CPUTIME_ID) - start) / 1e3 / 1000);
}

/* writes: a PUT of a new key and of one that is there, with an index and without, in turns of a thousand. */
static gint64
time_puts (KvStore *store, guint first, guint n, guint32 *state, gboolean is_new)
{
  gint64 start = nanoseconds (CLOCK_THREAD_CPUTIME_ID);

  for (guint i = 0; i < n; i++)
    {
      char key[40];

      if (is_new) /* beside one that is there, somewhere */
        g_snprintf (key, sizeof key, "key-%09u-%u", random_below (state, first), i);
      else
        g_snprintf (key, sizeof key, "key-%09u", random_below (state, first));
      kv_store_put (store, key, "01234567890123456789012345678901", -1, NULL);
    }
  return nanoseconds (CLOCK_THREAD_CPUTIME_ID) - start;
}

static void
bench_writes (guint keys)
{
  g_autoptr (KvStore) plain = make_store (keys, FALSE), indexed = make_store (keys, FALSE);
  KvStore *stores[] = { plain, indexed };
  GArray *times[2][2];
  guint32 states[2] = { 1, 1 };

  kv_page_unref (list_from (indexed, 0, FALSE, KV_LIST_KEYS));
  for (guint i = 0; i < 4; i++)
    times[i / 2][i % 2] = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint round = 0; round < 200; round++)
    for (guint i = 0; i < 4; i++)
      {
        guint which = (i + round) % 2, is_new = i / 2;
        gint64 taken = time_puts (stores[which], keys, 1000, &states[which], is_new);

        g_array_append_val (times[which][is_new], taken);
      }
  for (guint i = 0; i < 4; i++)
    g_array_sort (times[i / 2][i % 2], compare_times);
  printf ("{\"keys\": %u, \"plain_replace_ns\": %.0f, \"indexed_replace_ns\": %.0f, "
          "\"plain_create_ns\": %.0f, \"indexed_create_ns\": %.0f}\n",
          keys, take_quantile (times[0][0], 500) / 1e3, take_quantile (times[1][0], 500) / 1e3,
          take_quantile (times[0][1], 500) / 1e3, take_quantile (times[1][1], 500) / 1e3);
  for (guint i = 0; i < 4; i++)
    g_array_unref (times[i / 2][i % 2]);
}

/* beside: how long a write takes, alone, while the index is being made, and while another thread lists without a pause. */
typedef struct {
  KvStore *store;
  guint keys;
  gint stop;   /* atomic */
  gint busy;   /* atomic: lists, or waits for the index */
  guint pages; /* read when it has ended */
} Lister;

static gpointer
run_lister (gpointer data)
{
  Lister *lister = data;
  guint32 state = 7;

  g_atomic_int_set (&lister->busy, TRUE);
  do
    {
      kv_page_unref (list_from (lister->store, random_below (&state, lister->keys - PAGE), FALSE,
                                KV_LIST_ENTRIES));
      lister->pages++;
    }
  while (!g_atomic_int_get (&lister->stop));
  g_atomic_int_set (&lister->busy, FALSE);
  return NULL;
}

/* Writes for that long, or while the lister is busy if that is 0. */
static void
time_writes (Lister *lister, const char *name, gint64 seconds)
{
  g_autoptr (GArray) times = g_array_sized_new (FALSE, FALSE, sizeof (gint64), 10000000);
  guint32 state = 3;
  gint64 start = nanoseconds (CLOCK_MONOTONIC), end;

  do
    {
      char key[32];
      gint64 before, taken;

      format_key (key, random_below (&state, lister->keys), FALSE);
      before = nanoseconds (CLOCK_MONOTONIC);
      kv_store_put (lister->store, key, "01234567890123456789012345678901", -1, NULL);
      end = nanoseconds (CLOCK_MONOTONIC);
      taken = end - before;
      g_array_append_val (times, taken);
    }
  while (seconds > 0 ? end - start < seconds * 1000000000 : g_atomic_int_get (&lister->busy));
  g_array_sort (times, compare_times);
  printf ("\"%s_writes\": %u, \"%s_p50_us\": %.2f, \"%s_p99_us\": %.2f, \"%s_p999_us\": %.2f, "
          "\"%s_worst_us\": %.1f, ",
          name, times->len, name, take_quantile (times, 500) / 1e3, name,
          take_quantile (times, 990) / 1e3, name, take_quantile (times, 999) / 1e3, name,
          take_quantile (times, 1000) / 1e3);
}

static void
bench_beside (guint keys)
{
  g_autoptr (KvStore) store = make_store (keys, FALSE);
  Lister lister = { .store = store, .keys = keys, .stop = TRUE, .busy = TRUE };
  GThread *thread;

  printf ("{\"keys\": %u, ", keys);
  time_writes (&lister, "alone", 2);
  thread = g_thread_new ("lister", run_lister, &lister);
  time_writes (&lister, "building", 0);
  g_thread_join (thread);

  lister.stop = FALSE;
  lister.pages = 0;
  thread = g_thread_new ("lister", run_lister, &lister);
  time_writes (&lister, "listing", 2);
  g_atomic_int_set (&lister.stop, TRUE);
  g_thread_join (thread);
  printf ("\"pages\": %u}\n", lister.pages);
}

int
main (int argc, char *argv[])
{
  const char *mode = argc > 1 ? argv[1] : "";
  guint n = argc > 2 ? (guint) atoi (argv[2]) : 1000000;

  if (g_str_equal (mode, "pages"))
    bench_pages (n, FALSE);
  else if (g_str_equal (mode, "folders"))
    bench_pages (n, TRUE);
  else if (g_str_equal (mode, "writes"))
    bench_writes (n);
  else if (g_str_equal (mode, "beside"))
    bench_beside (n);
  else
    {
      fprintf (stderr, "usage: %s pages|folders|writes|beside [KEYS]\n", argv[0]);
      return 2;
    }
  return 0;
}
