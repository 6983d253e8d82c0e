/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "metrics/kv-metrics.h"

typedef struct {
  KvMetricsFunc func;
  gpointer user_data; /* (borrowed) */
} Collector;

struct _KvMetrics {
  GArray *collectors; /* (owned) (element-type Collector) */
};

KvMetrics *
kv_metrics_new (void)
{
  KvMetrics *metrics = g_new (KvMetrics, 1);

  metrics->collectors = g_array_new (FALSE, FALSE, sizeof (Collector));
  return metrics;
}

void
kv_metrics_free (KvMetrics *metrics)
{
  g_array_unref (metrics->collectors);
  g_free (metrics);
}

void
kv_metrics_add (KvMetrics *metrics, KvMetricsFunc func, gpointer user_data)
{
  const Collector collector = { func, user_data };

  g_array_append_val (metrics->collectors, collector);
}

GBytes *
kv_metrics_render (const KvMetrics *metrics, KvMetricsFormat format)
{
  KvMetricsWriter *writer = kv_metrics_writer_new (format);

  for (guint i = 0; i < metrics->collectors->len; i++)
    {
      const Collector *collector = &g_array_index (metrics->collectors, Collector, i);

      collector->func (writer, collector->user_data);
    }
  return kv_metrics_writer_end (writer);
}
