/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The store by itself, against the plain things that it is built of. Each measurement is a process of its own (a mode), prints
 * one line of JSON, and is read by store.py. */

#include "store/kv-store.h"
#include "store/kv-watch.h"

#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static gint64
nanoseconds (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

static gsize
resident_bytes (void)
{
  g_autofree char *text = NULL;
  unsigned long size, resident;

  g_file_get_contents ("/proc/self/statm", &text, NULL, NULL);
  if (sscanf (text, "%lu %lu", &size, &resident) != 2)
    g_error ("Cannot read /proc/self/statm");
  return resident * sysconf (_SC_PAGESIZE);
}

static guint
random_below (guint32 *state, guint limit)
{
  *state = *state * 1664525 + 1013904223;
  return (guint) (((guint64) *state * limit) >> 32);
}

/* get: a present key of 100,000, one thread, against g_hash_table_lookup() of the same keys; the two in alternating rounds. */
static void
bench_get (guint keys, guint rounds)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *names = g_malloc (keys * 16);
  g_autofree double *ratios = g_new (double, rounds);
  guint lookups = 1000000;
  gint64 best_table = G_MAXINT64, best_store = G_MAXINT64;

  for (guint i = 0; i < keys; i++)
    {
      char *name = names + i * 16;

      g_snprintf (name, 16, "key-%09u", i);
      kv_store_put (store, name, "value", -1, NULL);
      g_hash_table_insert (table, g_strdup (name), name);
    }

  for (guint round = 0; round < rounds; round++)
    {
      guint32 state = round + 1;
      gint64 start = nanoseconds (CLOCK_THREAD_CPUTIME_ID), middle, end;
      gsize found = 0;

      for (guint i = 0; i < lookups; i++)
        found += g_hash_table_lookup (table, names + random_below (&state, keys) * 16) != NULL;
      middle = nanoseconds (CLOCK_THREAD_CPUTIME_ID);
      state = round + 1;
      for (guint i = 0; i < lookups; i++)
        {
          KvEntry *entry = kv_store_lookup (store, names + random_below (&state, keys) * 16, 13);

          found += entry != NULL;
          kv_entry_unref (entry);
        }
      end = nanoseconds (CLOCK_THREAD_CPUTIME_ID);
      g_assert_cmpuint (found, ==, 2 * lookups);
      ratios[round] = (double) (end - middle) / (middle - start);
      best_table = MIN (best_table, middle - start);
      best_store = MIN (best_store, end - middle);
    }

  printf ("{\"keys\": %u, \"table_ns\": %.1f, \"store_ns\": %.1f, \"ratios\": [", keys,
          (double) best_table / lookups, (double) best_store / lookups);
  for (guint round = 0; round < rounds; round++)
    printf ("%s%.3f", round > 0 ? ", " : "", ratios[round]);
  printf ("]}\n");
}

/* storm: the latency of a read while two threads write at full speed; one table under one GRWLock does the same beside it. */
typedef struct {
  KvStore *store;
  GRWLock lock;
  GHashTable *table;
  gint stop;   /* atomic */
  gint writes; /* atomic */
} Storm;

#define STORM_KEYS 100000

static gpointer
write_store (gpointer data)
{
  Storm *storm = data;
  guint32 state = (guint32) (guintptr) g_thread_self ();

  while (!g_atomic_int_get (&storm->stop))
    {
      char key[16];

      g_snprintf (key, sizeof key, "key-%09u", random_below (&state, STORM_KEYS));
      kv_store_put (storm->store, key, "value", -1, NULL);
      g_atomic_int_inc (&storm->writes);
    }
  return NULL;
}

static gpointer
write_table (gpointer data)
{
  Storm *storm = data;
  guint32 state = (guint32) (guintptr) g_thread_self ();

  while (!g_atomic_int_get (&storm->stop))
    {
      char key[16];

      g_snprintf (key, sizeof key, "key-%09u", random_below (&state, STORM_KEYS));
      g_rw_lock_writer_lock (&storm->lock);
      g_hash_table_insert (storm->table, g_strdup (key), g_strdup ("value"));
      g_rw_lock_writer_unlock (&storm->lock);
      g_atomic_int_inc (&storm->writes);
    }
  return NULL;
}

static int
compare_times (const void *a, const void *b)
{
  return (*(const gint64 *) a > *(const gint64 *) b) - (*(const gint64 *) a < *(const gint64 *) b);
}

/* Reads for some seconds, from when both writers are well under way. */
static void
time_reads (Storm *storm, gboolean of_store, guint seconds, double *p999, double *p50, double *rate)
{
  g_autoptr (GArray) times = g_array_sized_new (FALSE, FALSE, sizeof (gint64), seconds * 3000000);
  GThread *writers[2];
  guint32 state = 1;
  gint64 start, end;

  storm->stop = FALSE;
  storm->writes = 0;
  for (guint i = 0; i < 2; i++)
    writers[i] = g_thread_new ("writer", of_store ? write_store : write_table, storm);
  while (g_atomic_int_get (&storm->writes) < 10000)
    g_usleep (1000);

  start = nanoseconds (CLOCK_MONOTONIC);
  do
    {
      char key[16];
      gint64 before, taken;

      g_snprintf (key, sizeof key, "key-%09u", random_below (&state, STORM_KEYS));
      before = nanoseconds (CLOCK_MONOTONIC);
      if (of_store)
        {
          g_autoptr (KvEntry) entry = kv_store_lookup (storm->store, key, 13);

          g_assert_nonnull (entry);
        }
      else
        {
          g_autofree char *copy = NULL;

          g_rw_lock_reader_lock (&storm->lock);
          copy = g_strdup (g_hash_table_lookup (storm->table, key));
          g_rw_lock_reader_unlock (&storm->lock);
          g_assert_nonnull (copy);
        }
      end = nanoseconds (CLOCK_MONOTONIC);
      taken = end - before;
      g_array_append_val (times, taken);
    }
  while (end - start < seconds * G_GINT64_CONSTANT (1000000000));
  *rate = times->len / ((end - start) / 1e9);
  g_atomic_int_set (&storm->stop, TRUE);
  for (guint i = 0; i < 2; i++)
    g_thread_join (writers[i]);

  g_array_sort (times, compare_times);
  *p50 = g_array_index (times, gint64, times->len / 2) / 1000.0;
  *p999 = g_array_index (times, gint64, (gsize) times->len * 999 / 1000) / 1000.0;
}

static void
bench_storm (guint seconds)
{
  Storm storm = { .store = kv_store_new () };
  double table_p999, table_p50, table_rate, store_p999, store_p50, store_rate;

  g_rw_lock_init (&storm.lock);
  storm.table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < STORM_KEYS; i++)
    {
      char key[16];

      g_snprintf (key, sizeof key, "key-%09u", i);
      kv_store_put (storm.store, key, "value", -1, NULL);
      g_hash_table_insert (storm.table, g_strdup (key), g_strdup ("value"));
    }
  time_reads (&storm, FALSE, seconds, &table_p999, &table_p50, &table_rate);
  time_reads (&storm, TRUE, seconds, &store_p999, &store_p50, &store_rate);
  printf ("{\"seconds\": %u, \"one_lock_p50_us\": %.2f, \"one_lock_p999_us\": %.2f, "
          "\"store_p50_us\": %.2f, \"store_p999_us\": %.2f, \"p999_ratio\": %.1f, "
          "\"one_lock_reads_s\": %.0f, \"store_reads_s\": %.0f}\n",
          seconds, table_p50, table_p999, store_p50, store_p999, table_p999 / store_p999,
          table_rate, store_rate);
  g_hash_table_unref (storm.table);
  g_object_unref (storm.store);
}

/* memory: resident bytes a key, for keys of 13 bytes and values of 32, all in: table, entries, log. */
static void
bench_memory (guint keys)
{
  gsize before = resident_bytes ();
  g_autoptr (KvStore) store = kv_store_new ();

  for (guint i = 0; i < keys; i++)
    {
      char key[16];

      g_snprintf (key, sizeof key, "key-%09u", i);
      kv_store_put (store, key, "01234567890123456789012345678901", -1, NULL);
    }
  printf ("{\"keys\": %u, \"bytes_per_key\": %.1f}\n", keys,
          (double) (resident_bytes () - before) / keys);
}

/* expiry: keys whose deadlines are spread over 10 seconds. The process does nothing else while they expire, so that its CPU time
 * is theirs. A watch on one key in a thousand notes how late their removal is told. */
typedef struct {
  guint expired;
  gint64 worst_late; /* microseconds */
  gint64 sum_late;
} Expiries;

static void
note_expiries (KvWatch *watch, gpointer user_data)
{
  Expiries *expiries = user_data;
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    {
      if (event.type == KV_WATCH_CHANGE && event.change.kind == KV_CHANGE_EXPIRED)
        {
          gint64 late = kv_clock_now () - kv_entry_get_deadline (event.change.previous);

          expiries->expired++;
          expiries->worst_late = MAX (expiries->worst_late, late);
          expiries->sum_late += late;
        }
      kv_watch_event_clear (&event);
    }
}

static void
bench_expiry (guint keys)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *prefixes[] = { "watched-", NULL };
  Expiries expiries = { 0 };
  KvWatch *watch =
    kv_watch_new (store, NULL, prefixes, KV_WATCH_FROM_NOW, note_expiries, &expiries, NULL);
  KvStoreStatus status;
  gint64 start, cpu, base = kv_clock_deadline_after (10 * G_TIME_SPAN_SECOND);
  guint32 state = 1;
  guint served_late = 0;

  for (guint i = 0; i < keys; i++)
    {
      char key[24];
      gint64 ttl = base + random_below (&state, 10 * G_TIME_SPAN_SECOND) - kv_clock_now ();

      g_snprintf (key, sizeof key, i % 1000 == 0 ? "watched-%09u" : "key-%09u", i);
      kv_store_put (store, key, "value", ttl, NULL);
    }
  if (kv_clock_now () >= base)
    g_error ("Too slow a machine: the keys expire while they are being stored");
  while (kv_clock_now () < base - 10000)
    g_main_context_iteration (NULL, FALSE);

  kv_store_get_status (store, &status);
  start = status.expirations;
  cpu = nanoseconds (CLOCK_PROCESS_CPUTIME_ID);
  while (expiries.expired < (keys + 999) / 1000 && kv_clock_now () < base + 20 * G_TIME_SPAN_SECOND)
    g_main_context_iteration (NULL, TRUE);
  while (kv_clock_now () < base + 10 * G_TIME_SPAN_SECOND + 10000)
    {
      g_autoptr (KvEntry) entry = NULL;
      char key[24];

      g_main_context_iteration (NULL, FALSE);
      g_snprintf (key, sizeof key, "key-%09u", random_below (&state, keys));
      entry = kv_store_lookup (store, key, -1);
      served_late += entry != NULL && kv_entry_get_deadline (entry) <= kv_clock_now () - 1000;
    }
  cpu = nanoseconds (CLOCK_PROCESS_CPUTIME_ID) - cpu;
  kv_store_get_status (store, &status);
  printf ("{\"keys\": %u, \"cpu_us_per_expiry\": %.3f, \"left\": %" G_GUINT64_FORMAT
          ", \"served_late\": %u, \"told_late_mean_us\": %.0f, \"told_late_worst_us\": "
          "%" G_GINT64_FORMAT "}\n",
          keys, cpu / 1000.0 / (status.expirations - start), status.keys, served_late,
          (double) expiries.sum_late / expiries.expired, expiries.worst_late);
  kv_watch_free (watch);
}

/* overwrite: one key, many times, each time with a deadline an hour away: memory stays flat. */
static void
bench_overwrite (guint times)
{
  g_autoptr (KvStore) store = kv_store_new ();
  gsize before = 0;
  gint64 cpu = nanoseconds (CLOCK_PROCESS_CPUTIME_ID);

  for (guint i = 0; i < times; i++)
    {
      kv_store_put (store, "key", "value", G_TIME_SPAN_HOUR, NULL);
      if (i == times / 10)
        before = resident_bytes ();
    }
  printf ("{\"times\": %u, \"put_ns\": %.0f, \"grown_bytes\": %" G_GSSIZE_FORMAT "}\n", times,
          (double) (nanoseconds (CLOCK_PROCESS_CPUTIME_ID) - cpu) / times,
          (gssize) (resident_bytes () - before));
}

/* prefixes: what a write costs the process, the watches' context included, with watches of prefixes none of which it matches: of as
 * many prefixes of one length, and of as many of 100 different lengths, against none at all. */
#define PREFIX_LENGTHS 100

typedef enum {
  NO_PREFIXES,
  ALIKE,
  OF_MANY_LENGTHS,
  N_CROWDS,
} Crowd;

static void
drain (KvWatch *watch, gpointer user_data)
{
  KvWatchEvent event;

  while (kv_watch_next (watch, &event))
    kv_watch_event_clear (&event);
}

static void
run_context (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* Nanoseconds of a write. The context has a turn behind each, as where the store is not busy: that is the dearest way. */
static double
time_writes (KvStore *store, const char *tail, guint times)
{
  gint64 cpu = nanoseconds (CLOCK_PROCESS_CPUTIME_ID);

  for (guint i = 0; i < times; i++)
    {
      char key[PREFIX_LENGTHS + 32];

      g_snprintf (key, sizeof key, "user/%05u/%s", i % 10000, tail);
      kv_store_put (store, key, "value", -1, NULL);
      g_main_context_iteration (NULL, FALSE);
    }
  return (double) (nanoseconds (CLOCK_PROCESS_CPUTIME_ID) - cpu) / times;
}

static void
bench_prefixes (guint watches)
{
  g_autofree char *tail = g_strnfill (PREFIX_LENGTHS, 'k');
  KvStore *stores[N_CROWDS];
  double best[N_CROWDS];

  for (guint crowd = 0; crowd < N_CROWDS; crowd++)
    {
      stores[crowd] = kv_store_new ();
      best[crowd] = G_MAXDOUBLE;
      for (guint i = 0; crowd != NO_PREFIXES && i < watches; i++)
        {
          /* Where lengths differ, they are alike up to their last byte with keys that are written. */
          g_autofree char *prefix =
            crowd == ALIKE
              ? g_strdup_printf ("user/x%05u/", i)
              : g_strdup_printf ("user/%05u/%.*s!", i, (int) (i % PREFIX_LENGTHS), tail);
          const char *prefixes[] = { prefix, NULL };

          kv_watch_new (stores[crowd], NULL, prefixes, KV_WATCH_FROM_NOW, drain, NULL, NULL);
        }
      run_context ();
    }

  for (guint round = 0; round < 5; round++)
    for (guint crowd = 0; crowd < N_CROWDS; crowd++)
      best[crowd] = MIN (best[crowd], time_writes (stores[crowd], tail, 200000));
  printf (
    "{\"watches\": %u, \"without_ns\": %.0f, \"alike_ns\": %.0f, \"many_lengths_ns\": %.0f}\n",
    watches, best[NO_PREFIXES], best[ALIKE], best[OF_MANY_LENGTHS]);
}

int
main (int argc, char *argv[])
{
  const char *mode = argc > 1 ? argv[1] : "";
  guint n = argc > 2 ? (guint) atoi (argv[2]) : 0;

  if (g_str_equal (mode, "get"))
    bench_get (n > 0 ? n : 100000, 9);
  else if (g_str_equal (mode, "storm"))
    bench_storm (n > 0 ? n : 2);
  else if (g_str_equal (mode, "memory"))
    bench_memory (n > 0 ? n : 1000000);
  else if (g_str_equal (mode, "expiry"))
    bench_expiry (n > 0 ? n : 1000000);
  else if (g_str_equal (mode, "overwrite"))
    bench_overwrite (n > 0 ? n : 10000000);
  else if (g_str_equal (mode, "prefixes"))
    bench_prefixes (n > 0 ? n : 10000);
  else
    {
      fprintf (stderr, "usage: %s get|storm|memory|expiry|overwrite|prefixes [N]\n", argv[0]);
      return 2;
    }
  return 0;
}
