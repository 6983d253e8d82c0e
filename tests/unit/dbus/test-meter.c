/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-error.h"
#include "dbus/kv-dbus-meter.h"

/* One request a second is won back, which is next to none while a test runs. */
#define BURST 100

/* More callers than it remembers. */
#define N_CALLERS 20

static guint
count_admitted (KvDbusMeter *meter, const char *sender)
{
  guint n_admitted = 0;

  for (guint i = 0; i < BURST; i++)
    {
      g_autoptr (GError) error = NULL;

      if (kv_dbus_meter_admit (meter, sender, 1, &error))
        n_admitted++;
      else
        g_assert_error (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED);
    }

  return n_admitted;
}

static void
test_charges_each_caller (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  g_autoptr (KvDbusMeter) meter = kv_dbus_meter_new (limiter);

  for (guint i = 0; i < N_CALLERS; i++)
    {
      g_autofree char *sender = g_strdup_printf (":1.%u", i);

      g_assert_cmpuint (count_admitted (meter, sender), ==, BURST);
      g_assert_cmpuint (count_admitted (meter, sender), <, BURST);
    }
}

static void
test_forgetting_wins_nothing (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  g_autoptr (KvDbusMeter) meter = kv_dbus_meter_new (limiter);

  g_assert_cmpuint (count_admitted (meter, ":1.0"), ==, BURST);
  for (guint i = 1; i < N_CALLERS; i++)
    {
      g_autofree char *sender = g_strdup_printf (":1.%u", i);

      kv_dbus_meter_admit (meter, sender, 1, NULL);
    }
  g_assert_cmpuint (count_admitted (meter, ":1.0"), <, BURST);
}

static void
test_two_meters_share_the_allowance (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (1, BURST);
  g_autoptr (KvDbusMeter) one = kv_dbus_meter_new (limiter);
  g_autoptr (KvDbusMeter) two = kv_dbus_meter_new (limiter);

  g_assert_cmpuint (count_admitted (one, ":1.0"), ==, BURST);
  g_assert_cmpuint (count_admitted (two, ":1.0"), <, BURST);
}

static void
test_lets_all_go_in_the_end (void)
{
  g_autoptr (KvRateLimiter) limiter = kv_rate_limiter_new (0, 1);
  KvDbusMeter *meter = kv_dbus_meter_new (limiter);

  for (guint i = 0; i < N_CALLERS; i++)
    {
      g_autofree char *sender = g_strdup_printf (":1.%u", i);

      g_assert_true (kv_dbus_meter_admit (meter, sender, 1, NULL));
    }
  g_assert_cmpuint (kv_rate_limiter_count (limiter), >, 0);
  g_assert_cmpuint (kv_rate_limiter_count (limiter), <, N_CALLERS);
  kv_dbus_meter_free (meter);
  g_assert_cmpuint (kv_rate_limiter_count (limiter), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/meter/charges-each-caller", test_charges_each_caller);
  g_test_add_func ("/dbus/meter/forgetting-wins-nothing", test_forgetting_wins_nothing);
  g_test_add_func ("/dbus/meter/two-meters-share-the-allowance",
                   test_two_meters_share_the_allowance);
  g_test_add_func ("/dbus/meter/lets-all-go-in-the-end", test_lets_all_go_in_the_end);

  return g_test_run ();
}
