/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "metrics/kv-metrics.h"

#include <string.h>

static void
assert_text (GBytes *bytes, const char *expected)
{
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  g_assert_cmpstr (text, ==, expected);
  g_bytes_unref (bytes);
}

static void
write_types (KvMetricsWriter *writer)
{
  kv_metrics_writer_begin (writer, "kv_requests", KV_METRIC_COUNTER, NULL, "Requests.");
  kv_metrics_writer_add (writer, G_MAXUINT64, "route", "/store/{key}", "status", "200", NULL);
  kv_metrics_writer_add (writer, 0, "route", "/status", "status", "200", NULL);
  kv_metrics_writer_begin (writer, "kv_size_bytes", KV_METRIC_GAUGE, "bytes", "Size.");
  kv_metrics_writer_add (writer, 17, NULL);
  kv_metrics_writer_begin (writer, "kv_busy_seconds", KV_METRIC_COUNTER, "seconds", "Busy.");
  kv_metrics_writer_add_time (writer, 1000050, NULL);
  kv_metrics_writer_begin (writer, "kv_build", KV_METRIC_INFO, NULL, "Build.");
  kv_metrics_writer_add (writer, 1, "version", "1.2", NULL);
}

static void
test_openmetrics (void)
{
  KvMetricsWriter *writer = kv_metrics_writer_new (KV_METRICS_OPENMETRICS);

  write_types (writer);
  assert_text (kv_metrics_writer_end (writer),
               "# TYPE kv_requests counter\n"
               "# HELP kv_requests Requests.\n"
               "kv_requests_total{route=\"/store/{key}\",status=\"200\"} 18446744073709551615\n"
               "kv_requests_total{route=\"/status\",status=\"200\"} 0\n"
               "# TYPE kv_size_bytes gauge\n"
               "# UNIT kv_size_bytes bytes\n"
               "# HELP kv_size_bytes Size.\n"
               "kv_size_bytes 17\n"
               "# TYPE kv_busy_seconds counter\n"
               "# UNIT kv_busy_seconds seconds\n"
               "# HELP kv_busy_seconds Busy.\n"
               "kv_busy_seconds_total 1.000050\n"
               "# TYPE kv_build info\n"
               "# HELP kv_build Build.\n"
               "kv_build_info{version=\"1.2\"} 1\n"
               "# EOF\n");
}

static void
test_prometheus (void)
{
  KvMetricsWriter *writer = kv_metrics_writer_new (KV_METRICS_PROMETHEUS);

  write_types (writer);
  assert_text (kv_metrics_writer_end (writer),
               "# TYPE kv_requests_total counter\n"
               "# HELP kv_requests_total Requests.\n"
               "kv_requests_total{route=\"/store/{key}\",status=\"200\"} 18446744073709551615\n"
               "kv_requests_total{route=\"/status\",status=\"200\"} 0\n"
               "# TYPE kv_size_bytes gauge\n"
               "# HELP kv_size_bytes Size.\n"
               "kv_size_bytes 17\n"
               "# TYPE kv_busy_seconds_total counter\n"
               "# HELP kv_busy_seconds_total Busy.\n"
               "kv_busy_seconds_total 1.000050\n"
               "# TYPE kv_build_info gauge\n"
               "# HELP kv_build_info Build.\n"
               "kv_build_info{version=\"1.2\"} 1\n");
}

static void
test_escapes (void)
{
  static const char *const expected[] = {
    [KV_METRICS_OPENMETRICS] = "# TYPE kv_x gauge\n"
                               "# HELP kv_x A \\\\ and \\\" and \\n.\n"
                               "kv_x{a=\"\\\\ \\\" \\n\xc3\xa4\"} 1\n"
                               "# EOF\n",
    [KV_METRICS_PROMETHEUS] = "# TYPE kv_x gauge\n"
                              "# HELP kv_x A \\\\ and \" and \\n.\n"
                              "kv_x{a=\"\\\\ \\\" \\n\xc3\xa4\"} 1\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      KvMetricsWriter *writer = kv_metrics_writer_new ((KvMetricsFormat) i);

      kv_metrics_writer_begin (writer, "kv_x", KV_METRIC_GAUGE, NULL, "A \\ and \" and \n.");
      kv_metrics_writer_add (writer, 1, "a", "\\ \" \n\xc3\xa4", NULL);
      assert_text (kv_metrics_writer_end (writer), expected[i]);
    }
}

/* Each bucket holds what is in those before it, and what they are called is what they hold. */
static void
test_histogram (void)
{
  KvMetricsWriter *writer = kv_metrics_writer_new (KV_METRICS_OPENMETRICS);
  KvHistogram histogram = { 0 };
  g_auto (GStrv) lines = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; i + 1 < KV_HISTOGRAM_BUCKETS; i++)
    kv_histogram_observe (&histogram, kv_histogram_bounds[i]);
  kv_histogram_observe (&histogram, 11000000);
  kv_metrics_writer_begin (writer, "kv_t_seconds", KV_METRIC_HISTOGRAM, "seconds", "T.");
  kv_metrics_writer_add_histogram (writer, &histogram, "a", "b", NULL);
  bytes = kv_metrics_writer_end (writer);
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; i + 1 < KV_HISTOGRAM_BUCKETS; i++)
    {
      const char *bound = lines[3 + i] + strlen ("kv_t_seconds_bucket{a=\"b\",le=\"");
      const char *value = strrchr (lines[3 + i], ' ') + 1;

      g_assert_true (g_str_has_prefix (lines[3 + i], "kv_t_seconds_bucket{a=\"b\",le=\""));
      g_assert_cmpfloat_with_epsilon (g_ascii_strtod (bound, NULL),
                                      (double) kv_histogram_bounds[i] / 1e6, 1e-12);
      g_assert_cmpuint (g_ascii_strtoull (value, NULL, 10), ==, i + 1);
    }
  g_assert_cmpstr (lines[22], ==, "kv_t_seconds_bucket{a=\"b\",le=\"+Inf\"} 20");
  g_assert_cmpstr (lines[23], ==, "kv_t_seconds_count{a=\"b\"} 20");
  g_assert_cmpstr (lines[24], ==, "kv_t_seconds_sum{a=\"b\"} 30.444435");
  g_assert_cmpstr (lines[25], ==, "# EOF");
}

static void
collect (KvMetricsWriter *writer, gpointer user_data)
{
  kv_metrics_writer_begin (writer, user_data, KV_METRIC_GAUGE, NULL, "X.");
  kv_metrics_writer_add (writer, 1, NULL);
}

static void
test_register (void)
{
  g_autoptr (KvMetrics) metrics = kv_metrics_new ();

  assert_text (kv_metrics_render (metrics, KV_METRICS_OPENMETRICS), "# EOF\n");
  kv_metrics_add (metrics, collect, (gpointer) "kv_b");
  kv_metrics_add (metrics, collect, (gpointer) "kv_a");
  assert_text (kv_metrics_render (metrics, KV_METRICS_PROMETHEUS),
               "# TYPE kv_b gauge\n# HELP kv_b X.\nkv_b 1\n"
               "# TYPE kv_a gauge\n# HELP kv_a X.\nkv_a 1\n");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/writer/openmetrics", test_openmetrics);
  g_test_add_func ("/metrics/writer/prometheus", test_prometheus);
  g_test_add_func ("/metrics/writer/escapes-help-and-labels", test_escapes);
  g_test_add_func ("/metrics/writer/histogram-is-cumulative", test_histogram);
  g_test_add_func ("/metrics/register/asks-all-in-order", test_register);
  return g_test_run ();
}
