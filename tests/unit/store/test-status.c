/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-status.h"

static void
test_sums_up (void)
{
  const KvStoreStatus status = {
    .keys = 1,
    .revision = 1000,
    .gets = 2,
    .puts = 4,
    .deletes = 8,
    .swaps_succeeded = 16,
    .swaps_failed = 32,
    .expirations = 1000,
    .watches = 64,
    .batches = 128,
  };
  const KvStatusFigure expected[] = {
    { "total_keys", 1 },
    { "total_operations", 62 },
    { "get_operations", 2 },
    { "put_operations", 4 },
    { "delete_operations", 8 },
    { "cas_operations", 48 },
    { "successful_cas_operations", 16 },
    { "failed_cas_operations", 32 },
    { "watch_requests_count", 64 },
    { "batch_requests_count", 128 },
  };
  KvStatusFigure figures[KV_STATUS_N_FIGURES];

  kv_status_get_figures (&status, figures);
  g_assert_cmpuint (G_N_ELEMENTS (expected), ==, KV_STATUS_N_FIGURES);
  for (guint i = 0; i < KV_STATUS_N_FIGURES; i++)
    {
      g_assert_cmpstr (figures[i].name, ==, expected[i].name);
      g_assert_cmpuint (figures[i].value, ==, expected[i].value);
    }
}

static void
test_writes_the_uptime (void)
{
  const struct {
    gint64 microseconds;
    const char *text;
  } cases[] = {
    { 0, "0s" },
    { 999, "0s" },
    { 1000, "1ms" },
    { 999999, "999ms" },
    { 1000000, "1s" },
    { 62003000, "1m 2s 3ms" },
    { G_GINT64_CONSTANT (86400000000), "1d" },
    { G_GINT64_CONSTANT (86399999999), "23h 59m 59s 999ms" },
    { G_GINT64_CONSTANT (93784005000), "1d 2h 3m 4s 5ms" },
    { G_GINT64_CONSTANT (86400000000) * 1000 + 5000, "1000d 5ms" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const KvStoreStatus status = { .uptime = cases[i].microseconds };
      g_autofree char *text = kv_status_format_uptime (&status);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_writes_the_time (void)
{
  gint64 before = g_get_real_time ();
  g_autofree char *text = kv_status_format_now ();
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);

  g_assert_true (g_regex_match_simple (
    "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}[+-]\\d\\d:\\d\\d$", text, 0, 0));
  g_assert_nonnull (time);
  g_assert_cmpint (ABS (g_date_time_to_unix (time) - before / G_USEC_PER_SEC), <=, 60);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/status/sums-up", test_sums_up);
  g_test_add_func ("/store/status/writes-the-uptime", test_writes_the_uptime);
  g_test_add_func ("/store/status/writes-the-time", test_writes_the_time);
  return g_test_run ();
}
