/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "metrics/kv-histogram.h"

/* As slowly as it can be said. */
static guint
find_bucket (gint64 duration)
{
  guint i = 0;

  while (duration > kv_histogram_bounds[i])
    i++;
  return i;
}

static void
assert_counted (gint64 duration)
{
  KvHistogram histogram = { 0 };
  guint64 n = 0;

  kv_histogram_observe (&histogram, duration);
  for (guint i = 0; i < KV_HISTOGRAM_BUCKETS; i++)
    n += histogram.counts[i];
  g_assert_cmpuint (histogram.counts[find_bucket (MAX (duration, 0))], ==, 1);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (histogram.sum, ==, (guint64) MAX (duration, 0));
}

static void
test_buckets (void)
{
  for (guint i = 0; i + 1 < KV_HISTOGRAM_BUCKETS; i++)
    for (gint64 duration = kv_histogram_bounds[i] - 2; duration <= kv_histogram_bounds[i] + 2;
         duration++)
      assert_counted (duration);
  for (guint bits = 0; bits < 63; bits++)
    {
      assert_counted (G_GINT64_CONSTANT (1) << bits);
      assert_counted ((G_GINT64_CONSTANT (1) << bits) - 1);
    }
  assert_counted (G_MAXINT64);
}

static void
test_negative (void)
{
  assert_counted (-1);
  assert_counted (G_MININT64);
}

static void
test_add (void)
{
  KvHistogram total = { 0 }, one = { 0 };

  kv_histogram_observe (&one, 10);
  kv_histogram_observe (&one, 20000000);
  kv_histogram_add (&total, &one);
  kv_histogram_add (&total, &one);
  g_assert_cmpuint (total.counts[0], ==, 2);
  g_assert_cmpuint (total.counts[KV_HISTOGRAM_BUCKETS - 1], ==, 2);
  g_assert_cmpuint (total.sum, ==, 40000020);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/histogram/each-duration-in-the-first-bucket-that-holds-it",
                   test_buckets);
  g_test_add_func ("/metrics/histogram/takes-what-is-negative-for-nothing", test_negative);
  g_test_add_func ("/metrics/histogram/adds-up", test_add);
  return g_test_run ();
}
