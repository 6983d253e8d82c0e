/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "metrics/kv-metrics-writer.h"

#include "core/kv-decimal.h"

struct _KvMetricsWriter {
  KvMetricsFormat format;
  GString *text;    /* (owned) */
  const char *name; /* of the family that is being written */
  KvMetricType type;
};

/* The bounds of a histogram as OpenMetrics wants numbers in labels ("Considerations: Canonical Numbers"): as Go and Python
 * write them. */
static const char *const bounds[] = {
  "1e-05", "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01",
  "0.025", "0.05",    "0.1",   "0.25",   "0.5",     "1.0",    "2.5",   "5.0",    "10.0",  "+Inf",
};
G_STATIC_ASSERT (G_N_ELEMENTS (bounds) == KV_HISTOGRAM_BUCKETS);

/* What a type is called, and what the names of its samples end with. The older format knows no info, and has the suffix in the
 * name of the family already. */
static const struct {
  const char *name;
  const char *old_name;
  const char *suffix;
} types[] = {
  [KV_METRIC_COUNTER] = { "counter", "counter", "_total" },
  [KV_METRIC_GAUGE] = { "gauge", "gauge", "" },
  [KV_METRIC_HISTOGRAM] = { "histogram", "histogram", "" },
  [KV_METRIC_INFO] = { "info", "gauge", "_info" },
};

KvMetricsWriter *
kv_metrics_writer_new (KvMetricsFormat format)
{
  KvMetricsWriter *writer = g_new0 (KvMetricsWriter, 1);

  writer->format = format;
  writer->text = g_string_sized_new (16 * 1024);
  return writer;
}

GBytes *
kv_metrics_writer_end (KvMetricsWriter *writer)
{
  GBytes *bytes;

  if (writer->format == KV_METRICS_OPENMETRICS)
    g_string_append (writer->text, "# EOF\n");
  bytes = g_string_free_to_bytes (writer->text);
  g_free (writer);
  return bytes;
}

/* The older format has quotes as they are in help, and escapes them in labels only; OpenMetrics escapes them everywhere. */
static void
append_escaped (GString *text, const char *value, gboolean quotes)
{
  for (const char *at = value; *at != '\0'; at++)
    if (*at == '\n')
      g_string_append (text, "\\n");
    else
      {
        if (*at == '\\' || (quotes && *at == '"'))
          g_string_append_c (text, '\\');
        g_string_append_c (text, *at);
      }
}

static void
append_number (GString *text, guint64 number)
{
  char digits[KV_DECIMAL_MAX];

  g_string_append_len (text, digits, kv_decimal_format (digits, number) - digits);
}

/* As many digits as there are, so that what is read is what was counted. */
static void
append_seconds (GString *text, guint64 microseconds)
{
  g_string_append_printf (text, "%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT,
                          microseconds / G_USEC_PER_SEC, microseconds % G_USEC_PER_SEC);
}

static void
append_meta (KvMetricsWriter *writer, const char *keyword)
{
  g_string_append (writer->text, "# ");
  g_string_append (writer->text, keyword);
  g_string_append_c (writer->text, ' ');
  g_string_append (writer->text, writer->name);
  if (writer->format == KV_METRICS_PROMETHEUS)
    g_string_append (writer->text, types[writer->type].suffix);
  g_string_append_c (writer->text, ' ');
}

void
kv_metrics_writer_begin (KvMetricsWriter *writer,
                         const char *name,
                         KvMetricType type,
                         const char *unit,
                         const char *help)
{
  gboolean is_open = writer->format == KV_METRICS_OPENMETRICS;

  writer->name = name;
  writer->type = type;
  append_meta (writer, "TYPE");
  g_string_append (writer->text, is_open ? types[type].name : types[type].old_name);
  g_string_append_c (writer->text, '\n');
  if (unit != NULL && is_open)
    {
      append_meta (writer, "UNIT");
      g_string_append (writer->text, unit);
      g_string_append_c (writer->text, '\n');
    }
  append_meta (writer, "HELP");
  append_escaped (writer->text, help, is_open);
  g_string_append_c (writer->text, '\n');
}

static void
append_label (GString *text, gboolean *has_labels, const char *name, const char *value)
{
  g_string_append_c (text, *has_labels ? ',' : '{');
  *has_labels = TRUE;
  g_string_append (text, name);
  g_string_append (text, "=\"");
  append_escaped (text, value, TRUE);
  g_string_append_c (text, '"');
}

/* Writes all of a line that stands before its value. */
static void
append_sample (KvMetricsWriter *writer, const char *suffix, const char *bound, va_list labels)
{
  GString *text = writer->text;
  gboolean has_labels = FALSE;
  const char *name;

  g_string_append (text, writer->name);
  g_string_append (text, suffix);
  while ((name = va_arg (labels, const char *)) != NULL)
    append_label (text, &has_labels, name, va_arg (labels, const char *));
  if (bound != NULL)
    append_label (text, &has_labels, "le", bound);
  g_string_append (text, has_labels ? "} " : " ");
}

void
kv_metrics_writer_add (KvMetricsWriter *writer, guint64 value, ...)
{
  va_list labels;

  va_start (labels, value);
  append_sample (writer, types[writer->type].suffix, NULL, labels);
  va_end (labels);
  append_number (writer->text, value);
  g_string_append_c (writer->text, '\n');
}

void
kv_metrics_writer_add_time (KvMetricsWriter *writer, guint64 microseconds, ...)
{
  va_list labels;

  va_start (labels, microseconds);
  append_sample (writer, types[writer->type].suffix, NULL, labels);
  va_end (labels);
  append_seconds (writer->text, microseconds);
  g_string_append_c (writer->text, '\n');
}

static void
append_part (KvMetricsWriter *writer, const char *suffix, const char *bound, va_list labels)
{
  va_list again;

  va_copy (again, labels);
  append_sample (writer, suffix, bound, again);
  va_end (again);
}

void
kv_metrics_writer_add_histogram (KvMetricsWriter *writer, const KvHistogram *histogram, ...)
{
  guint64 count = 0;
  va_list labels;

  va_start (labels, histogram);
  for (guint i = 0; i < KV_HISTOGRAM_BUCKETS; i++)
    {
      count += histogram->counts[i];
      append_part (writer, "_bucket", bounds[i], labels);
      append_number (writer->text, count);
      g_string_append_c (writer->text, '\n');
    }
  append_part (writer, "_count", NULL, labels);
  append_number (writer->text, count);
  g_string_append_c (writer->text, '\n');
  append_part (writer, "_sum", NULL, labels);
  append_seconds (writer->text, histogram->sum);
  g_string_append_c (writer->text, '\n');
  va_end (labels);
}

const char *
kv_metrics_format_get_content_type (KvMetricsFormat format)
{
  return format == KV_METRICS_OPENMETRICS
           ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
           : "text/plain; version=0.0.4; charset=utf-8";
}
