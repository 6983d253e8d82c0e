/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "principal/kv-rate-limiter.h"

#define N_THREADS 4
#define BURST 5000

typedef struct {
  KvRateLimiter *limiter; /* (borrowed) */
  guint admitted;
} Client;

static gpointer
spend (gpointer data)
{
  Client *client = data;
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (client->limiter, "uid:1000");

  for (guint i = 0; i < 2 * BURST; i++)
    client->admitted += kv_rate_bucket_admit (bucket, 1, NULL);
  kv_rate_bucket_release (bucket);
  return NULL;
}

static guint
run_threads (KvRateLimiter *limiter, GThreadFunc func)
{
  Client clients[N_THREADS] = { 0 };
  GThread *threads[N_THREADS];
  guint admitted = 0;

  for (guint i = 0; i < N_THREADS; i++)
    {
      clients[i].limiter = limiter;
      threads[i] = g_thread_new ("client", func, &clients[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      admitted += clients[i].admitted;
    }
  return admitted;
}

/* An update that is lost would let more pass. */
static void
test_threads_share_one_allowance (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  gint64 start = g_get_monotonic_time ();
  guint admitted = run_threads (limiter, spend);
  guint refilled = (guint) ((g_get_monotonic_time () - start) / G_USEC_PER_SEC) + 1;

  g_assert_cmpuint (admitted, >=, BURST);
  g_assert_cmpuint (admitted, <=, BURST + refilled);
}

static gpointer
come_and_go (gpointer data)
{
  Client *client = data;

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *name = g_strdup_printf ("uid:%u", i % 7);
      KvRateBucket *bucket = kv_rate_limiter_get_bucket (client->limiter, name);

      client->admitted += kv_rate_bucket_admit (bucket, 1, NULL);
      kv_rate_bucket_release (bucket);
    }
  return NULL;
}

static void
test_clients_come_and_go_at_once (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (G_MAXUINT, 1);

  g_assert_cmpuint (run_threads (limiter, come_and_go), >, 0);
  g_assert_cmpuint (kv_rate_limiter_count (limiter), <=, 7);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/principal/rate-limiter/" path, func)
  TEST ("threads-share-one-allowance", test_threads_share_one_allowance);
  TEST ("clients-come-and-go-at-once", test_clients_come_and_go_at_once);
  return g_test_run ();
}
