/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"
#include "principal/kv-rate-limiter.h"

/* At one request a second a test that takes less than this long sees no refill. */
#define BURST 100

static guint
spend (KvRateBucket *bucket, guint most)
{
  guint admitted = 0;

  while (admitted < most && kv_rate_bucket_admit (bucket, 1, NULL))
    admitted++;
  return admitted;
}

static void
test_admits_burst_then_refuses (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  gint64 start = g_get_monotonic_time ();
  guint admitted = spend (bucket, 10 * BURST);
  guint refilled = (guint) ((g_get_monotonic_time () - start) / G_USEC_PER_SEC) + 1;

  g_assert_cmpuint (admitted, >=, BURST);
  g_assert_cmpuint (admitted, <=, BURST + refilled);
  kv_rate_bucket_release (bucket);
}

static void
test_tells_when_to_retry (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  gint64 start = g_get_monotonic_time ();
  guint retry_after = 0, elapsed;

  g_assert_true (kv_rate_bucket_admit (bucket, BURST, NULL));
  g_assert_false (kv_rate_bucket_admit (bucket, 60, &retry_after));
  elapsed = (guint) ((g_get_monotonic_time () - start) / G_USEC_PER_SEC) + 1;
  g_assert_cmpuint (retry_after, <=, 60);
  g_assert_cmpuint (retry_after + elapsed, >=, 60);
  kv_rate_bucket_release (bucket);
}

static void
test_never_says_zero_seconds (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1000, 1000);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  guint retry_after = 0;

  while (kv_rate_bucket_admit (bucket, 1000, &retry_after))
    ;
  g_assert_cmpuint (retry_after, ==, 1);
  kv_rate_bucket_release (bucket);
}

static void
test_refusal_costs_nothing (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  guint first = 0, last = 0;

  g_assert_true (kv_rate_bucket_admit (bucket, BURST, NULL));
  g_assert_false (kv_rate_bucket_admit (bucket, BURST, &first));
  for (guint i = 0; i < 1000; i++)
    g_assert_false (kv_rate_bucket_admit (bucket, BURST, &last));
  g_assert_cmpuint (last, <=, first);
  kv_rate_bucket_release (bucket);
}

static void
test_refills_with_time (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1000, 1);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < 21; i++)
    while (!kv_rate_bucket_admit (bucket, 1, NULL))
      ;
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 20 * 1000 - 1);
  kv_rate_bucket_release (bucket);
}

static void
test_cost_above_burst_takes_all (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  guint retry_after = 0;

  g_assert_true (kv_rate_bucket_admit (bucket, G_MAXUINT, NULL));
  g_assert_false (kv_rate_bucket_admit (bucket, 1, &retry_after));
  g_assert_cmpuint (retry_after, ==, 1);
  kv_rate_bucket_release (bucket);
}

static void
test_extremes_do_not_overflow (void)
{
  g_autoptr (KvRateLimiter) slow = kv_rate_limiter_new (1, G_MAXUINT);
  g_autoptr (KvRateLimiter) fast = kv_rate_limiter_new (G_MAXUINT, G_MAXUINT);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (slow, "a");
  guint retry_after = 0;

  while (kv_rate_bucket_admit (bucket, 1u << 30, &retry_after))
    ;
  g_assert_cmpuint (retry_after, >, 0);
  g_assert_cmpuint (retry_after, <=, 1u << 30);
  kv_rate_bucket_release (bucket);

  bucket = kv_rate_limiter_get_bucket (fast, "a");
  g_assert_true (kv_rate_bucket_admit (bucket, G_MAXUINT, NULL));
  kv_rate_bucket_release (bucket);
}

static void
test_off_admits_everything (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (0, 1);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  guint64 charged = 0;

  for (guint i = 0; i < 100000; i++)
    g_assert_true (kv_rate_bucket_admit (bucket, 1000, NULL));
  kv_rate_bucket_charge_entries (bucket, G_MAXUINT64, &charged);
  g_assert_true (kv_rate_bucket_admit (bucket, 1000, NULL));
  kv_rate_bucket_release (bucket);
  g_assert_cmpuint (kv_rate_limiter_count (limiter), ==, 0);
}

static void
test_charges_for_entries_as_they_come (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  guint64 charged = 0;

  g_assert_true (kv_rate_bucket_admit (bucket, BURST / 2, NULL));
  for (guint entries = 0; entries < (BURST / 4) * KV_RATE_ENTRIES_A_REQUEST; entries++)
    kv_rate_bucket_charge_entries (bucket, entries, &charged);
  g_assert_cmpuint (charged, ==, BURST / 4 - 1);
  g_assert_cmpuint (spend (bucket, BURST), <=, BURST / 2);
  kv_rate_bucket_release (bucket);
}

/* It would be refused half way; and whoever has restored a million keys need not wait for minutes. */
static void
test_entries_take_all_there_is_and_no_more (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  guint retry_after = 0;
  guint64 charged = 0;

  kv_rate_bucket_charge_entries (bucket, G_MAXUINT64, &charged);
  g_assert_cmpuint (charged, ==, G_MAXUINT64 / KV_RATE_ENTRIES_A_REQUEST);
  g_assert_false (kv_rate_bucket_admit (bucket, 1, &retry_after));
  g_assert_cmpuint (retry_after, ==, 1);
  charged = 0;
  kv_rate_bucket_charge_entries (bucket, 1000000, &charged);
  g_assert_false (kv_rate_bucket_admit (bucket, 1, &retry_after));
  g_assert_cmpuint (retry_after, ==, 1);
  kv_rate_bucket_release (bucket);
}

static void
test_clients_are_told_apart (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *one = kv_rate_limiter_get_bucket (limiter, "uid:1000");
  KvRateBucket *same = kv_rate_limiter_get_bucket (limiter, "uid:1000");
  KvRateBucket *other = kv_rate_limiter_get_bucket (limiter, "uid:1001");

  g_assert_true (one == same);
  g_assert_true (one != other);
  g_assert_true (kv_rate_bucket_admit (one, BURST, NULL));
  g_assert_false (kv_rate_bucket_admit (same, BURST, NULL));
  g_assert_true (kv_rate_bucket_admit (other, BURST, NULL));
  kv_rate_bucket_release (one);
  kv_rate_bucket_release (same);
  kv_rate_bucket_release (other);
}

static void
test_leaving_does_not_refill (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");

  g_assert_true (kv_rate_bucket_admit (bucket, BURST, NULL));
  kv_rate_bucket_release (bucket);
  g_assert_cmpuint (kv_rate_limiter_count (limiter), ==, 1);
  bucket = kv_rate_limiter_get_bucket (limiter, "ip:127.0.0.1");
  g_assert_false (kv_rate_bucket_admit (bucket, BURST, NULL));
  kv_rate_bucket_release (bucket);
}

static void
test_forgets_full_bucket_at_once (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  KvRateBucket *one = kv_rate_limiter_get_bucket (limiter, "a");
  KvRateBucket *other = kv_rate_limiter_get_bucket (limiter, "b");

  g_assert_cmpuint (kv_rate_limiter_count (limiter), ==, 2);
  kv_rate_bucket_release (one);
  g_assert_cmpuint (kv_rate_limiter_count (limiter), ==, 1);
  kv_rate_bucket_release (other);
  g_assert_cmpuint (kv_rate_limiter_count (limiter), ==, 0);
}

static void
test_forgets_idle_clients (void)
{
  const guint n_clients = 20000;
  const gint64 refill = 10 * 1000; /* microseconds from empty to full */
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (100, 1);
  gint64 start;

  for (guint i = 0; i < n_clients; i++)
    {
      g_autofree char *client = g_strdup_printf ("ip:127.0.%u.%u", i / 256, i % 256);
      KvRateBucket *bucket = kv_rate_limiter_get_bucket (limiter, client);

      g_assert_true (kv_rate_bucket_admit (bucket, 1, NULL));
      kv_rate_bucket_release (bucket);
    }
  start = g_get_monotonic_time ();
  while (g_get_monotonic_time () <= start + refill)
    ;

  /* Now each is full again. Whoever comes lets some of them go, so that all are gone before as many
   * others came. */
  for (guint i = 0; i < n_clients / 2; i++)
    kv_rate_bucket_release (kv_rate_limiter_get_bucket (limiter, "uid:1000"));
  g_assert_cmpuint (kv_rate_limiter_count (limiter), ==, 0);
}

static void
test_parses_what_people_write (void)
{
  guint rate = 7, burst = 7;

  g_assert_true (kv_rate_limiter_parse ("off", &rate, &burst, NULL));
  g_assert_cmpuint (rate, ==, 0);
  g_assert_true (kv_rate_limiter_parse ("200", &rate, &burst, NULL));
  g_assert_cmpuint (rate, ==, 200);
  g_assert_cmpuint (burst, ==, 400);
  g_assert_true (kv_rate_limiter_parse ("5:7", &rate, &burst, NULL));
  g_assert_cmpuint (rate, ==, 5);
  g_assert_cmpuint (burst, ==, 7);
  g_assert_true (kv_rate_limiter_parse ("4294967295", &rate, &burst, NULL));
  g_assert_cmpuint (rate, ==, G_MAXUINT);
  g_assert_cmpuint (burst, ==, G_MAXUINT);
}

static void
test_refuses_other_texts (void)
{
  static const char *const texts[] = { "",     "0",   "-1",         "+1",          "1.5", " 1",
                                       "1 ",   "one", "5:",         "5:0",         ":5",  "5:-1",
                                       "5:1:", "Off", "4294967296", "5:4294967296" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      guint rate, burst;

      g_assert_false (kv_rate_limiter_parse (texts[i], &rate, &burst, &error));
      g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/principal/rate-limiter/" path, func)
  TEST ("admits-the-burst-then-refuses", test_admits_burst_then_refuses);
  TEST ("tells-when-to-retry", test_tells_when_to_retry);
  TEST ("never-says-zero-seconds", test_never_says_zero_seconds);
  TEST ("a-refusal-costs-nothing", test_refusal_costs_nothing);
  TEST ("refills-with-time", test_refills_with_time);
  TEST ("a-cost-above-the-burst-takes-all", test_cost_above_burst_takes_all);
  TEST ("extremes-do-not-overflow", test_extremes_do_not_overflow);
  TEST ("off-admits-everything", test_off_admits_everything);
  TEST ("charges-for-entries-as-they-come", test_charges_for_entries_as_they_come);
  TEST ("entries-take-all-there-is-and-no-more", test_entries_take_all_there_is_and_no_more);
  TEST ("tells-clients-apart", test_clients_are_told_apart);
  TEST ("leaving-does-not-refill", test_leaving_does_not_refill);
  TEST ("forgets-a-full-bucket-at-once", test_forgets_full_bucket_at_once);
  TEST ("forgets-idle-clients", test_forgets_idle_clients);
  TEST ("parses-what-people-write", test_parses_what_people_write);
  TEST ("refuses-other-texts", test_refuses_other_texts);
  return g_test_run ();
}
